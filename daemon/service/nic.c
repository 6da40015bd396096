/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include "service/nic.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/netlink.h"

/* Room for a burst of link messages; what overflows it costs a listing, not an event. */
#define RECEIVE_BUFFER_BYTES (256 << 10)

struct vg_nic_watch {
	struct nl_sock *socket;
	sd_event_source *readable;
	sd_event_source *timer;
	void (*changed)(void *context);
	void *context;
};

/* libnl's error numbers are its own. */
static int error_of(int nl_error)
{
	switch (-nl_error) {
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	default:
		return -EIO;
	}
}

static int open_socket(struct nl_sock **ret_socket)
{
	struct nl_sock *socket = nl_socket_alloc();
	int r;

	if (!socket)
		return -ENOMEM;
	r = nl_connect(socket, NETLINK_ROUTE);
	if (r < 0) {
		nl_socket_free(socket);
		return error_of(r);
	}
	*ret_socket = socket;
	return 0;
}

static void format_mac(const struct nl_addr *address, char mac[18])
{
	const unsigned char *b = address ? nl_addr_get_binary_addr(address) : NULL;

	if (b && nl_addr_get_len(address) == 6)
		snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
			 b[5]);
}

static int copy_links(struct nl_cache *cache, struct vg_nic_link **ret_links, size_t *ret_n)
{
	struct vg_nic_link *links;
	struct nl_object *object;
	size_t n = 0;

	links = calloc(nl_cache_nitems(cache) + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	for (object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
		struct rtnl_link *link = (struct rtnl_link *)object;
		const char *name = rtnl_link_get_name(link);

		if (!name || strlen(name) >= sizeof(links[n].name))
			continue;
		strcpy(links[n].name, name);
		links[n].ifindex = rtnl_link_get_ifindex(link);
		links[n].mtu = rtnl_link_get_mtu(link);
		links[n].loopback = rtnl_link_get_flags(link) & IFF_LOOPBACK;
		format_mac(rtnl_link_get_addr(link), links[n].mac);
		n++;
	}
	*ret_links = links;
	*ret_n = n;
	return 0;
}

int vg_nic_list(struct vg_nic_link **ret_links, size_t *ret_n)
{
	struct nl_sock *socket;
	struct nl_cache *cache;
	int r;

	r = open_socket(&socket);
	if (r < 0)
		return r;
	r = rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache);
	nl_socket_free(socket);
	if (r < 0)
		return error_of(r);
	r = copy_links(cache, ret_links, ret_n);
	nl_cache_free(cache);
	return r;
}

static int take_name(const struct nlmsghdr *header, void *context)
{
	struct nlattr *name =
		nlmsg_find_attr((struct nlmsghdr *)header, sizeof(struct ifinfomsg), IFLA_IFNAME);

	if (name)
		snprintf(context, IF_NAMESIZE, "%s", nla_get_string(name));
	return 0;
}

bool vg_nic_own_name(const char *name, char out[IF_NAMESIZE])
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, 0);

	*out = '\0';
	if (!message || nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(message, IFLA_ALT_IFNAME, name) < 0)
		return false;
	return vg_netlink_dump(NETLINK_ROUTE, message, take_name, out) >= 0 && *out;
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct vg_nic_watch *watch = context;

	(void)source;
	(void)time_us;
	watch->changed(watch->context);
	return 0;
}

int vg_nic_watch_again(struct vg_nic_watch *watch, uint64_t time_us)
{
	uint64_t planned_us;
	int enabled;

	/* A change waits for the first of a burst, not for the end of it: bursts may be endless. */
	if (sd_event_source_get_enabled(watch->timer, &enabled) >= 0 && enabled != SD_EVENT_OFF &&
	    sd_event_source_get_time(watch->timer, &planned_us) >= 0 && planned_us <= time_us)
		return 0;
	sd_event_source_set_time(watch->timer, time_us);
	return sd_event_source_set_enabled(watch->timer, SD_EVENT_ONESHOT);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct vg_nic_watch *watch = context;
	uint64_t now_us;
	int r;

	(void)fd;
	(void)events;
	r = nl_recvmsgs_default(watch->socket);
	if (r == -NLE_AGAIN)
		return 0;
	/* -NLE_NOMEM is ENOBUFS: messages were lost. Whatever it is, a listing tells the truth. */
	if (r < 0 && r != -NLE_NOMEM)
		vg_log_warn("watching links: %s; listing them instead", nl_geterror(r));
	sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now_us);
	vg_nic_watch_again(watch, now_us + VG_NIC_DEBOUNCE_US);
	return 0;
}

static int subscribe(struct vg_nic_watch *watch)
{
	int r;

	r = open_socket(&watch->socket);
	if (r < 0)
		return r;
	nl_socket_disable_seq_check(watch->socket);
	nl_socket_set_buffer_size(watch->socket, RECEIVE_BUFFER_BYTES, 0);
	r = nl_socket_set_nonblocking(watch->socket);
	if (r < 0)
		return error_of(r);
	r = nl_socket_add_memberships(watch->socket, RTNLGRP_LINK, RTNLGRP_NONE);
	return r < 0 ? error_of(r) : 0;
}

int vg_nic_watch_open(sd_event *event, void (*changed)(void *context), void *context,
		      struct vg_nic_watch **ret_watch)
{
	struct vg_nic_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->changed = changed;
	watch->context = context;
	r = subscribe(watch);
	if (r >= 0)
		r = sd_event_add_io(event, &watch->readable, nl_socket_get_fd(watch->socket),
				    EPOLLIN, on_readable, watch);
	if (r >= 0)
		r = sd_event_add_time(event, &watch->timer, CLOCK_MONOTONIC, 0, 10000, on_timer,
				      watch);
	if (r >= 0)
		r = sd_event_source_set_enabled(watch->timer, SD_EVENT_OFF);
	if (r < 0) {
		vg_nic_watch_close(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

void vg_nic_watch_close(struct vg_nic_watch *watch)
{
	if (!watch)
		return;
	sd_event_source_disable_unref(watch->timer);
	sd_event_source_disable_unref(watch->readable);
	nl_socket_free(watch->socket);
	free(watch);
}
