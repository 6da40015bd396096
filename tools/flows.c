/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flows: what this host has opened and may still be answered. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/config.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/render.h"
#include "tools/vpcgate.h"

static const char *state_text(const struct vg_flow *flow)
{
#define STATE_TEXT(state, text) [VG_FLOW_##state] = text,
	static const char *const texts[] = {VG_FLOW_STATES(STATE_TEXT)};
#undef STATE_TEXT

	return flow->state < VG_FLOW_STATE_MAX ? texts[flow->state] : "?";
}

/* A packet may have come between the time that was taken and the flow that was read. */
static __u32 seconds_since(__u32 then_s, __u32 now_s)
{
	const __s32 seconds = (__s32)(now_s - then_s);

	return seconds > 0 ? (__u32)seconds : 0;
}

/* Most recently seen first, then by how long they are open, then by address. */
static int compare(const void *a, const void *b)
{
	const struct vg_flow_info *x = a, *y = b;
	const __s32 seen = (__s32)(y->flow.seen_s - x->flow.seen_s);
	const __s32 opened = (__s32)(y->flow.opened_s - x->flow.opened_s);

	if (seen || opened)
		return seen ? (seen > 0 ? 1 : -1) : (opened > 0 ? 1 : -1);
	if (x->remote.hi != y->remote.hi)
		return x->remote.hi < y->remote.hi ? -1 : 1;
	return x->remote.lo < y->remote.lo ? -1 : x->remote.lo > y->remote.lo;
}

static bool is_icmp(unsigned protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* "10.0.0.1:443", "[2001:db8::1]:443", "10.0.0.1 id 77", or the address alone. */
static void format_end(const struct vg_address *address, unsigned port, unsigned protocol,
		       bool local, char *out, size_t size)
{
	char text[VG_PREFIX_TEXT_SIZE];

	vg_address_format(address, text);
	if (is_icmp(protocol) && local)
		snprintf(out, size, "%s id %u", text, port);
	else if (!vg_protocol_has_ports((int)protocol))
		snprintf(out, size, "%s", text);
	else if (address->family == 6)
		snprintf(out, size, "[%s]:%u", text, port);
	else
		snprintf(out, size, "%s:%u", text, port);
}

static void add_row(struct vg_cells *cells, const struct vg_flow_info *info, __u32 now_s)
{
	const struct vg_flow *flow = &info->flow;
	const __u32 idle_s = seconds_since(flow->seen_s, now_s);
	char text[VG_PREFIX_TEXT_SIZE + 16];

	vg_cells_add(cells, vg_protocol_text((int)info->protocol, text));
	format_end(&info->local, info->local_port, info->protocol, true, text, sizeof(text));
	vg_cells_add(cells, text);
	format_end(&info->remote, info->remote_port, info->protocol, false, text, sizeof(text));
	vg_cells_add(cells, text);
	vg_cells_add(cells, state_text(flow));
	vg_cells_add(cells, vg_render_duration(seconds_since(flow->opened_s, now_s), text));
	vg_cells_add(cells, vg_render_duration(idle_s, text));
	vg_cells_add(cells, vg_render_duration(flow->lifetime_s - idle_s, text));
	vg_cells_add(cells, vg_render_count(flow->packets, text));
	vg_cells_add(cells, vg_render_count(flow->bytes, text));
}

static enum vg_exit print_table(const struct vg_flow_info *flows, size_t n, __u32 now_s)
{
	static const struct vg_column columns[] = {
		{.title = "PROTOCOL"},
		{.title = "LOCAL"},
		{.title = "REMOTE"},
		{.title = "STATE"},
		{.title = "AGE", .right = true},
		{.title = "LAST-SEEN", .right = true},
		{.title = "EXPIRES-IN", .right = true},
		{.title = "REPLIES", .right = true},
		{.title = "BYTES", .right = true},
	};
	_cleanup_(vg_cells_done) struct vg_cells cells = {};

	if (!n) {
		puts("no flow is open");
		return VG_EXIT_DONE;
	}
	for (size_t i = 0; i < n; i++)
		add_row(&cells, &flows[i], now_s);
	return vg_cells_print(&cells, columns, VG_ARRAY_SIZE(columns));
}

static json_t *flow_json(const struct vg_flow_info *info, __u32 now_s)
{
	char protocol[16], local[VG_PREFIX_TEXT_SIZE], remote[VG_PREFIX_TEXT_SIZE];
	const __u32 idle_s = seconds_since(info->flow.seen_s, now_s);

	return json_pack("{ss sI ss sI ss sI ss sI sI sI sI sI}", "protocol",
			 vg_protocol_text((int)info->protocol, protocol), "protocol_number",
			 (json_int_t)info->protocol, "local",
			 vg_address_format(&info->local, local), "local_port",
			 (json_int_t)info->local_port, "remote",
			 vg_address_format(&info->remote, remote), "remote_port",
			 (json_int_t)info->remote_port, "state", state_text(&info->flow), "age_s",
			 (json_int_t)seconds_since(info->flow.opened_s, now_s), "idle_s",
			 (json_int_t)idle_s, "expires_s",
			 (json_int_t)(info->flow.lifetime_s - idle_s), "packets",
			 (json_int_t)info->flow.packets, "bytes", (json_int_t)info->flow.bytes);
}

/* A flow a line: there may be millions, and a tree of them would take gigabytes. */
static enum vg_exit print_json(const struct vg_flow_info *flows, size_t n, __u32 now_s)
{
	putchar('[');
	for (size_t i = 0; i < n; i++) {
		json_auto_t *json = flow_json(&flows[i], now_s);

		if (!json)
			return vg_cli_error("out of memory while printing flows");
		fputs(i ? ",\n " : "\n ", stdout);
		json_dumpf(json, stdout, 0);
	}
	puts(n ? "\n]" : "]");
	return VG_EXIT_DONE;
}

enum vg_exit vg_cli_flows(const struct vg_cli *cli)
{
	_cleanup_free_ struct vg_flow_info *flows = NULL;
	struct vg_diag diag = {};
	__u32 now_s = 0;
	size_t n = 0;
	const int r = vg_flows_read(cli->bpffs, &flows, &n, &now_s, &diag);

	if (r == -ENODATA)
		fputs("vpcgate: replies are not tracked: the policy in force has `replies: off`\n",
		      stderr);
	if (r == -ENODATA && !cli->json)
		return VG_EXIT_DONE;
	if (r < 0 && r != -ENODATA)
		return vg_cli_pin_error(cli, r, &diag);
	if (n)
		qsort(flows, n, sizeof(*flows), compare);
	return cli->json ? print_json(flows, n, now_s) : print_table(flows, n, now_s);
}
