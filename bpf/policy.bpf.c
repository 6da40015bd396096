// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The way of a frame: headers, source class, then admission and counter. One program a generation.
 * Plain frames, which are nearly all, take the short way of bpf/plain.h. What looks deeper is kept out
 * of line, so that it costs the rest no registers.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "bpf/admission.h"
#include "bpf/ethernet.h"
#include "bpf/finish.h"
#include "bpf/fragments.h"
#include "bpf/ip.h"
#include "bpf/packet.h"
#include "bpf/plain.h"
#include "bpf/recorder.h"
#include "bpf/replies.h"
#include "bpf/source.h"

static __noinline __u32 vg_look_deeper4(struct vg_packet *p, const struct iphdr *ip,
					const struct vg_class *class, struct vg_judged *j)
{
	struct vg_l4 l4 = VG_L4_UNKNOWN_ALL;
	struct vg_ruling ruling;
	__u32 destination = 0;

	/* A call costs some 3 ns, but spares the verifier much: for policies that bring few frames here. */
	if (settings.services)
		l4 = vg_parse_l4_ip4(p, ip, vg_payload4(ip));
	else
		vg_xdp_l4_ip4(p->ctx, vg_offset(p, ip), &l4);
	if (vg_is_essential4(&l4, class))
		return VG_PASS_ESSENTIAL;
	if (!settings.services) {
		const __u32 outcome = vg_admit_any(class, j->nic);

		if (outcome < VG_DROP_FIRST)
			return outcome;
		if (!settings.track)
			return vg_judge_reply4(p, ip, &l4, j, outcome);
	}
	if (l4.hidden)
		return VG_DROP_FRAGMENT;
	if (l4.part == VG_PART_LATER) {
		const __u32 followed = vg_follow4(ip, &l4, j);

		if (followed != VG_CONTINUE)
			return followed;
	}
	if (settings.to)
		destination = vg_classify4(&to4_root, &ip->daddr, vg_to4_below);
	ruling = vg_admit_l4(class, j->nic, destination, l4.protocol, l4.port);
	j->service = ruling.service;
	if (ruling.outcome >= VG_DROP_FIRST)
		ruling.outcome = vg_judge_reply4(p, ip, &l4, j, ruling.outcome);
	if (l4.part == VG_PART_FIRST) {
		const struct vg_ruling unknown =
			vg_admit_l4(class, j->nic, destination, VG_PROTOCOL_UNKNOWN, VG_UNKNOWN);

		vg_remember4(ip, &l4, j, &ruling, &unknown);
	}
	return ruling.outcome;
}

static __noinline __u32 vg_look_deeper6(struct vg_packet *p, const struct ipv6hdr *ip,
					const struct vg_class *class, struct vg_judged *j)
{
	struct vg_l4 l4 = VG_L4_UNKNOWN_ALL;
	struct vg_ruling ruling;
	__u32 destination = 0;

	vg_xdp_l4_ip6(p->ctx, vg_offset(p, ip + 1), ip->nexthdr, vg_payload6(p, ip), &l4);
	if (vg_is_essential6(&l4, class, ip->hop_limit))
		return VG_PASS_ESSENTIAL;
	if (class->flags & VG_CLASS_UNSPECIFIED6)
		return VG_DROP_MARTIAN;
	if (!settings.services) {
		const __u32 outcome = vg_admit_any(class, j->nic);

		if (outcome < VG_DROP_FIRST)
			return outcome;
		if (!settings.track)
			return vg_judge_reply6(p, ip, &l4, j, outcome);
	}
	if (l4.hidden)
		return VG_DROP_FRAGMENT;
	if (l4.part == VG_PART_LATER) {
		const __u32 followed = vg_follow6(ip, &l4, j);

		if (followed != VG_CONTINUE)
			return followed;
	}
	if (settings.to)
		destination = vg_classify6(&to6_root, &ip->daddr, vg_to6_below);
	ruling = vg_admit_l4(class, j->nic, destination, l4.protocol, l4.port);
	j->service = ruling.service;
	if (ruling.outcome >= VG_DROP_FIRST)
		ruling.outcome = vg_judge_reply6(p, ip, &l4, j, ruling.outcome);
	if (l4.part == VG_PART_FIRST) {
		const struct vg_ruling unknown =
			vg_admit_l4(class, j->nic, destination, VG_PROTOCOL_UNKNOWN, VG_UNKNOWN);

		vg_remember6(ip, &l4, j, &ruling, &unknown);
	}
	return ruling.outcome;
}

static __always_inline __u32 vg_judge_l4_ip4(struct vg_packet *p, const struct iphdr *ip,
					     const struct vg_class *class, struct vg_judged *j)
{
	const __u32 outcome = vg_look_deeper4(p, ip, class, j);

	return vg_judge_error4(p, ip, j, outcome);
}

static __always_inline __u32 vg_judge_l4_ip6(struct vg_packet *p, const struct ipv6hdr *ip,
					     const struct vg_class *class, struct vg_judged *j)
{
	const __u32 outcome = vg_look_deeper6(p, ip, class, j);

	return vg_judge_error6(p, ip, j, outcome);
}

static __always_inline __u32 vg_judge_ip4(struct vg_packet *p, struct vg_judged *j)
{
	const struct iphdr *ip = vg_parse_ip4(p);
	const struct vg_class *class;

	if (!ip) {
		vg_measure(p);
		return VG_DROP_MALFORMED;
	}
	class = vg_class_of4(&ip->saddr);
	j->source = class->source;
	if (class->flags & (VG_CLASS_MARTIAN | VG_CLASS_METADATA))
		return class->flags & VG_CLASS_MARTIAN ? VG_DROP_MARTIAN : VG_PASS_ESSENTIAL;
	return vg_judge_l4_ip4(p, ip, class, j);
}

static __always_inline __u32 vg_judge_ip6(struct vg_packet *p, struct vg_judged *j)
{
	const struct ipv6hdr *ip = vg_parse_ip6(p);
	const struct vg_class *class;

	if (!ip) {
		vg_measure(p);
		return VG_DROP_MALFORMED;
	}
	class = vg_class_of6(&ip->saddr);
	j->source = class->source;
	if (class->flags & (VG_CLASS_MARTIAN | VG_CLASS_METADATA))
		return class->flags & VG_CLASS_MARTIAN ? VG_DROP_MARTIAN : VG_PASS_ESSENTIAL;
	return vg_judge_l4_ip6(p, ip, class, j);
}

/*
 * Any frame. A global function: the short way needs the registers, and the verifier comes here but
 * once.
 */
__noinline int vg_judge_frame(struct xdp_md *ctx)
{
	struct vg_packet p = {
		.ctx = ctx,
		.pos = (void *)(unsigned long)ctx->data,
		.end = (void *)(unsigned long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
	};
	struct vg_judged j = vg_judged_by(vg_find_nic(ctx->ingress_ifindex));
	__be16 ethertype;
	__u32 outcome;

	outcome = vg_parse_ethernet(&p, &ethertype);
	if (outcome == VG_CONTINUE) {
		if (ethertype == bpf_htons(ETH_P_IP))
			outcome = vg_judge_ip4(&p, &j);
		else
			outcome = vg_judge_ip6(&p, &j);
	}
	return vg_finish(j.nic, outcome, j.source, j.service, p.length);
}

/* The short way for any options. Out of line, as its stack would be in use for vg_judge_frame() too. */
static __noinline int vg_judge_any_plain(struct xdp_md *ctx)
{
	return vg_judge_plain(ctx, settings.options);
}

/* The most frequent policies have a copy of the short way that tests no option and takes no call. */
static __always_inline int vg_judge_by_options(struct xdp_md *ctx)
{
	const __u32 bare = VG_OPTION_PLAIN, track = VG_OPTION_PLAIN | VG_OPTION_TRACK;
	const __u32 options = settings.options;

	if (options == bare)
		return vg_judge_plain(ctx, bare);
	if (options == track)
		return vg_judge_plain(ctx, track);
	if (options == (bare | VG_OPTION_SERVICES))
		return vg_judge_plain(ctx, bare | VG_OPTION_SERVICES);
	if (options == (track | VG_OPTION_SERVICES))
		return vg_judge_plain(ctx, track | VG_OPTION_SERVICES);
	return vg_judge_any_plain(ctx);
}

SEC("xdp")
int vpcgate_policy(struct xdp_md *ctx)
{
	const int verdict = vg_judge_by_options(ctx);

	return verdict == VG_NOT_PLAIN ? vg_judge_frame(ctx) : verdict;
}

SEC("tc")
int vpcgate_recorder(struct __sk_buff *skb)
{
	/* What this host sends has its headers in one piece; what it forwards may not. */
	if (vg_record(skb) == VG_RECORD_TOO_SHORT && skb->data_end - skb->data < skb->len &&
	    !bpf_skb_pull_data(skb, skb->len < VG_RECORD_BYTES ? skb->len : VG_RECORD_BYTES))
		vg_record(skb);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
