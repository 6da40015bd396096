// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The way of a frame: headers, source class, then admission and counter. One program a generation.
 * A frame whose verdict doesn't depend on L4 never leaves the first function; the others go through
 * one of the two that look deeper, kept out of line so that they cost the first one no registers.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf/admission.h"
#include "bpf/counters.h"
#include "bpf/ethernet.h"
#include "bpf/ip.h"
#include "bpf/packet.h"
#include "bpf/source.h"

/* What is known of a frame once it was judged, for the counters. */
struct vg_judged {
	const volatile struct vg_nic *nic;
	__u32 source;  /* counter slot */
	__u32 service; /* counter slot, or VG_NO_SERVICE */
};

static __always_inline __u32 vg_admit_any(const struct vg_class *class, struct vg_judged *j)
{
	const volatile struct vg_admission *a = &j->nic->admission;

	return vg_admit(a->open, a->sets, class);
}

/* `destination` is the class of the frame's destination, 0 where no `to` names it. */
static __always_inline __u32 vg_admit_service(const struct vg_class *class, const struct vg_l4 *l4,
					      __u32 destination, struct vg_judged *j)
{
	const __u32 row = j->nic->rule * (settings.services + 1);
	const __u32 key = row + vg_find_service(destination, l4);
	const struct vg_admission *a = bpf_map_lookup_elem(&admission, &key);

	if (!a)
		return VG_DROP_UNLISTED; /* ours is never missing */
	j->service = a->service;
	return vg_admit(a->open, a->sets, class);
}

static __noinline __u32 vg_look_deeper4(struct vg_packet *p, const struct iphdr *ip,
					const struct vg_class *class, struct vg_judged *j)
{
	const struct vg_l4 l4 = vg_parse_l4_ip4(p, ip);
	__u32 destination = 0;

	if (vg_is_essential4(&l4, class))
		return VG_PASS_ESSENTIAL;
	if (!settings.services)
		return vg_admit_any(class, j);
	if (settings.to)
		destination = vg_classify4(&to4_root, ip->daddr, vg_to4_below);
	return vg_admit_service(class, &l4, destination, j);
}

static __noinline __u32 vg_look_deeper6(struct vg_packet *p, const struct ipv6hdr *ip,
					const struct vg_class *class, struct vg_judged *j)
{
	const struct vg_l4 l4 = vg_parse_l4_ip6(p, ip);
	__u32 destination = 0;

	if (vg_is_essential6(&l4, class, ip->hop_limit))
		return VG_PASS_ESSENTIAL;
	if (class->flags & VG_CLASS_UNSPECIFIED6)
		return VG_DROP_MARTIAN;
	if (!settings.services)
		return vg_admit_any(class, j);
	if (settings.to)
		destination = vg_classify6(&to6_root, &ip->daddr, vg_to6_below);
	return vg_admit_service(class, &l4, destination, j);
}

static __always_inline __u32 vg_judge_ip4(struct vg_packet *p, struct vg_judged *j)
{
	const struct iphdr *ip = vg_parse_ip4(p);
	const struct vg_class *class;

	if (!ip) {
		vg_measure(p);
		return VG_DROP_MALFORMED;
	}
	class = vg_source_class4(ip);
	j->source = class->source;
	if (class->flags & (VG_CLASS_MARTIAN | VG_CLASS_METADATA))
		return class->flags & VG_CLASS_MARTIAN ? VG_DROP_MARTIAN : VG_PASS_ESSENTIAL;
	if (settings.services || vg_maybe_essential4(ip, class))
		return vg_look_deeper4(p, ip, class, j);
	return vg_admit_any(class, j);
}

static __always_inline __u32 vg_judge_ip6(struct vg_packet *p, struct vg_judged *j)
{
	const struct ipv6hdr *ip = vg_parse_ip6(p);
	const struct vg_class *class;

	if (!ip) {
		vg_measure(p);
		return VG_DROP_MALFORMED;
	}
	class = vg_source_class6(ip);
	j->source = class->source;
	if (class->flags & (VG_CLASS_MARTIAN | VG_CLASS_METADATA))
		return class->flags & VG_CLASS_MARTIAN ? VG_DROP_MARTIAN : VG_PASS_ESSENTIAL;
	if (settings.services || vg_maybe_essential6(ip, class))
		return vg_look_deeper6(p, ip, class, j);
	if (class->flags & VG_CLASS_UNSPECIFIED6)
		return VG_DROP_MARTIAN;
	return vg_admit_any(class, j);
}

/* Counts the frame and turns its outcome into what the driver does with it. */
static __always_inline int vg_finish(const struct vg_packet *p, const struct vg_judged *j,
				     __u32 outcome)
{
	const __u32 slot = j->nic->slot;
	__u32 row = outcome, verdict = VG_VERDICT_PASS;

	if (outcome >= VG_DROP_FIRST) {
		verdict = settings.monitor ? VG_VERDICT_WOULD_DROP : VG_VERDICT_DROP;
		row = settings.monitor ? VG_ROW_WOULD_DROP(outcome) : outcome;
	}
	vg_count_frame(slot, row, j->source, p->length);
	if (settings.services && j->service != VG_NO_SERVICE)
		vg_count_service(slot, j->service, verdict, p->length);
	return verdict == VG_VERDICT_DROP ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int vpcgate_policy(struct xdp_md *ctx)
{
	struct vg_packet p = {
		.ctx = ctx,
		.pos = (void *)(unsigned long)ctx->data,
		.end = (void *)(unsigned long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
	};
	struct vg_judged j = {
		.nic = &settings.nic[vg_find_nic(ctx)],
		.source = VG_SOURCE_NONE,
		.service = VG_NO_SERVICE,
	};
	__be16 ethertype;
	__u32 outcome;

	outcome = vg_parse_ethernet(&p, &ethertype);
	if (outcome == VG_CONTINUE) {
		if (ethertype == bpf_htons(ETH_P_IP))
			outcome = vg_judge_ip4(&p, &j);
		else
			outcome = vg_judge_ip6(&p, &j);
	}
	return vg_finish(&p, &j, outcome);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
