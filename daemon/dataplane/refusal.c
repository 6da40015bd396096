// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Why a driver refuses native mode, in the kernel's words. */
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/internal.h"

/* What libbpf prints of an answer over netlink (src/nlattr.c). */
#define KERNEL_SAYS "Kernel error message: "

/* libbpf's callback has no context. */
static _Thread_local char kernel_says[VG_REFUSAL_SIZE];

__attribute__((format(printf, 2, 0))) static int hear(enum libbpf_print_level level,
						      const char *format, va_list args)
{
	char line[VG_REFUSAL_SIZE + sizeof(KERNEL_SAYS) + 16], *text;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	text = strstr(line, KERNEL_SAYS);
	if (text) {
		text += strlen(KERNEL_SAYS);
		text[strcspn(text, "\n")] = '\0';
		snprintf(kernel_says, sizeof(kernel_says), "%s", text);
	}
	return 0;
}

/*
 * bpf_link_create() gives the number alone; netlink is told the reason, too. Should it take the
 * program now, that is taken off again.
 */
void vg_refusal_describe(const struct vg_dataplane *dp, unsigned ifindex, int error,
			 char out[VG_REFUSAL_SIZE])
{
	const __u32 flags = XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST;
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = dp->fds[VG_PIN_ENTRY]);
	libbpf_print_fn_t before = libbpf_set_print(hear);

	kernel_says[0] = '\0';
	if (bpf_xdp_attach(ifindex, dp->fds[VG_PIN_ENTRY], flags, NULL) >= 0)
		bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, &opts);
	libbpf_set_print(before);
	if (*kernel_says)
		snprintf(out, VG_REFUSAL_SIZE, "%s (%s)", strerror(-error), kernel_says);
	else
		snprintf(out, VG_REFUSAL_SIZE, "%s", strerror(-error));
}
