// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The way of a frame: headers, source, admission, counter. One program a generation. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf/admission.h"
#include "bpf/counters.h"
#include "bpf/ethernet.h"
#include "bpf/ip.h"
#include "bpf/packet.h"
#include "bpf/source.h"

static __always_inline int vg_finish(const struct vg_packet *p, __u32 slot, __u32 source,
				     __u32 service, __u32 outcome)
{
	__u32 row = outcome, verdict = VG_VERDICT_PASS;

	if (outcome >= VG_DROP_FIRST) {
		verdict = settings.monitor ? VG_VERDICT_WOULD_DROP : VG_VERDICT_DROP;
		row = settings.monitor ? VG_ROW_WOULD_DROP(outcome) : outcome;
	}
	vg_count_frame(slot, row, source, p->length);
	if (settings.services && service != VG_NO_SERVICE)
		vg_count_service(slot, service, verdict, p->length);
	return verdict == VG_VERDICT_DROP ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int vpcgate_policy(struct xdp_md *ctx)
{
	struct vg_cursor c = {
		.pos = (void *)(unsigned long)ctx->data,
		.end = (void *)(unsigned long)ctx->data_end,
	};
	struct vg_packet p = {
		.ctx = ctx,
		.length = c.end - c.pos,
		.protocol = VG_PROTOCOL_UNKNOWN,
		.source_port = VG_PORT_UNKNOWN,
		.port = VG_PORT_UNKNOWN,
		.icmp_type = VG_PORT_UNKNOWN,
	};
	const struct vg_nic nic = vg_find_nic(ctx);
	__u32 source = VG_SOURCE_NONE, service = VG_NO_SERVICE, outcome;
	struct vg_admission a;
	struct vg_class class;

	outcome = vg_parse_ethernet(&c, &p);
	if (outcome == VG_CONTINUE)
		outcome = vg_parse_ip(&c, &p);
	if (outcome == VG_CONTINUE) {
		class = vg_lookup_source(&p);
		source = class.source;
		outcome = vg_check_source(&c, &p, &class);
	}
	if (outcome == VG_CONTINUE) {
		a = vg_find_admission(&p, nic.rule);
		service = a.service;
		outcome = vg_admit(&a, &class);
	}
	return vg_finish(&p, nic.slot, source, service, outcome);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
