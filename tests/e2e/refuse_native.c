/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For LD_PRELOAD: a kernel that refuses native XDP. bpf_link_create() in driver mode fails with the
 * errno numbered $VG_REFUSE_ERRNO, in every mode where $VG_REFUSE_ALL is set, and kills the process
 * the $VG_KILL_AT-th time; the rest is libbpf's. Where $VG_REFUSE_QUEUES is set, no queues can be changed.
 * Every NIC has the driver $VG_DRIVER, which is NAME/VERSION, and the kernel is of release $VG_KERNEL.
 */
#include <bpf/bpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 10) : 0;
}

int bpf_link_create(int program, int target, enum bpf_attach_type type,
		    const struct bpf_link_create_opts *opts)
{
	static long attempts;
	const int refusal = (int)number("VG_REFUSE_ERRNO");
	int (*real)(int, int, enum bpf_attach_type, const struct bpf_link_create_opts *) =
		dlsym(RTLD_NEXT, "bpf_link_create");
	const bool native = type == BPF_XDP && (opts->flags & XDP_FLAGS_DRV_MODE);

	if (native && ++attempts == number("VG_KILL_AT"))
		raise(SIGKILL);
	if (refusal && type == BPF_XDP && (native || getenv("VG_REFUSE_ALL"))) {
		errno = refusal;
		return -errno;
	}
	return real(program, target, type, opts);
}

int nl_send_auto(struct nl_sock *socket, struct nl_msg *message)
{
	int (*real)(struct nl_sock *, struct nl_msg *) = dlsym(RTLD_NEXT, "nl_send_auto");
	const struct nlmsghdr *header = nlmsg_hdr(message);
	const struct genlmsghdr *generic = nlmsg_data(header);

	if (getenv("VG_REFUSE_QUEUES") && header->nlmsg_type > NLMSG_MIN_TYPE &&
	    (header->nlmsg_flags & NLM_F_ACK) && generic->cmd == ETHTOOL_MSG_CHANNELS_SET)
		return -NLE_PERM;
	return real(socket, message);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	const char *driver = getenv("VG_DRIVER");
	struct ethtool_drvinfo *info;
	void *argument;
	va_list args;
	int r;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	r = real(fd, request, argument);
	if (r < 0 || !driver || request != SIOCETHTOOL)
		return r;
	info = (void *)((struct ifreq *)argument)->ifr_data;
	if (info->cmd == ETHTOOL_GDRVINFO)
		sscanf(driver, "%31[^/]/%31s", info->driver, info->version);
	return r;
}

int uname(struct utsname *system)
{
	int (*real)(struct utsname *) = dlsym(RTLD_NEXT, "uname");
	const char *release = getenv("VG_KERNEL");
	const int r = real(system);

	if (r == 0 && release)
		snprintf(system->release, sizeof(system->release), "%s", release);
	return r;
}
