/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stage 6, for sources that aren't admitted: does the frame belong to a flow that this host has
 * opened (row 9), or is it an ICMP error about one (row 10)?
 */
#ifndef VPCGATE_BPF_REPLIES_H
#define VPCGATE_BPF_REPLIES_H

#include "bpf/admission.h"
#include "bpf/flows.h"
#include "bpf/source.h"

/* RFC 792 and RFC 4443 §3: the errors that carry the packet which caused them. */
#define VG_ICMP4_UNREACHABLE 3
#define VG_ICMP4_TIME_EXCEEDED 11
#define VG_ICMP4_PARAMETER_PROBLEM 12
#define VG_ICMP6_UNREACHABLE 1
#define VG_ICMP6_PARAMETER_PROBLEM 4
#define VG_ICMP_HEADER_SIZE 8

static __always_inline bool vg_is_error4(const struct vg_l4 *l4)
{
	return l4->protocol == IPPROTO_ICMP &&
	       (l4->icmp_type == VG_ICMP4_UNREACHABLE || l4->icmp_type == VG_ICMP4_TIME_EXCEEDED ||
		l4->icmp_type == VG_ICMP4_PARAMETER_PROBLEM);
}

/* Unreachable, packet too big, time exceeded and parameter problem are 1 to 4. */
static __always_inline bool vg_is_error6(const struct vg_l4 *l4)
{
	return l4->protocol == IPPROTO_ICMPV6 && l4->icmp_type >= VG_ICMP6_UNREACHABLE &&
	       l4->icmp_type <= VG_ICMP6_PARAMETER_PROBLEM;
}

/* ---- the answer to a packet that leaves, or that has left and is quoted ---- */

/* Rows 5 to 8, 11 and 12 for the answer, whose source has this class and which comes to `port`. */
static __always_inline __u32 vg_judge_answer(const struct vg_class *class, __u32 destination,
					     __u32 protocol, __u32 port, const struct vg_judged *j)
{
	if (class->flags & (VG_CLASS_MARTIAN | VG_CLASS_UNSPECIFIED6))
		return VG_DROP_MARTIAN;
	if (class->flags & VG_CLASS_METADATA)
		return VG_PASS_ESSENTIAL;
	return vg_admit_l4(class, j->nic, destination, protocol, port).outcome;
}

static __noinline __u32 vg_judge_answer4(const struct iphdr *ip, __u32 protocol, __u32 port,
					 const struct vg_judged *j)
{
	__u32 destination = 0;

	if (settings.to)
		destination = vg_classify4(&to4_root, &ip->saddr, vg_to4_below);
	return vg_judge_answer(vg_class_of4(&ip->daddr), destination, protocol, port, j);
}

static __noinline __u32 vg_judge_answer6(const struct ipv6hdr *ip, __u32 protocol, __u32 port,
					 const struct vg_judged *j)
{
	__u32 destination = 0;

	if (settings.to)
		destination = vg_classify6(&to6_root, &ip->saddr, vg_to6_below);
	return vg_judge_answer(vg_class_of6(&ip->daddr), destination, protocol, port, j);
}

/* ---- row 10 ---- */

/*
 * Is the packet that the ICMP error at offset `at` quotes one that the error's own destination, in
 * the IP header at offset `outer`, has sent on a flow that passes? Its length field tells how long it
 * was, not how much of it is here. Global functions: see l4.h. `nic` is an index into settings.nic.
 */
__noinline int vg_is_related4(struct xdp_md *ctx, __u32 outer, __u32 at, __u32 nic)
{
	struct vg_packet p = vg_packet_at(ctx->data, ctx->data_end, outer);
	const struct vg_judged j = vg_judged_by(nic);
	const struct iphdr *ip = vg_take(&p, sizeof(*ip));
	struct vg_tuple tuple;
	struct vg_flow_key4 key;
	__be32 sender;
	struct vg_l4 l4;
	__u32 answer;

	if (!ip)
		return false;
	sender = ip->daddr;
	p = vg_packet_at(ctx->data, ctx->data_end, at + VG_ICMP_HEADER_SIZE);
	ip = vg_take(&p, sizeof(*ip));
	if (!ip || !vg_is_sound4(ip) || ip->saddr != sender)
		return false;
	l4 = vg_parse_l4_ip4(&p, ip, vg_payload4(ip));
	answer = vg_judge_answer4(ip, l4.protocol, l4.source_port, &j);
	if (answer == VG_PASS_OPEN || answer == VG_PASS_ADMITTED)
		return true;
	if (!settings.track || !vg_read_sent(&l4, IPPROTO_ICMP, VG_ICMP4_ECHO, &tuple))
		return false;
	key = vg_key4(ip->daddr, ip->saddr, &tuple);
	return vg_filter_has(vg_flow_hash4(&key)) && vg_find_flow(&flows4, &key, vg_now_s());
}

static __always_inline bool vg_same_address6(const struct in6_addr *a, const struct in6_addr *b)
{
	__u32 differ = 0;

	for (int i = 0; i < 4; i++)
		differ |= a->in6_u.u6_addr32[i] ^ b->in6_u.u6_addr32[i];
	return !differ;
}

__noinline int vg_is_related6(struct xdp_md *ctx, __u32 outer, __u32 at, __u32 nic)
{
	struct vg_packet p = vg_packet_at(ctx->data, ctx->data_end, outer);
	const struct vg_judged j = vg_judged_by(nic);
	const struct ipv6hdr *error = vg_take(&p, sizeof(*error)), *ip;
	struct vg_l4 l4 = VG_L4_UNKNOWN_ALL;
	struct vg_tuple tuple;
	struct vg_flow_key6 key;
	__u32 answer;

	if (at > VG_MAX_OFFSET - VG_ICMP_HEADER_SIZE)
		return false;
	p = vg_packet_at(ctx->data, ctx->data_end, at + VG_ICMP_HEADER_SIZE);
	ip = vg_take(&p, sizeof(*ip));
	if (!error || !ip || ip->version != 6 || !vg_same_address6(&ip->saddr, &error->daddr))
		return false;
	vg_xdp_l4_ip6(ctx, at + VG_ICMP_HEADER_SIZE + sizeof(*ip), ip->nexthdr, vg_payload6(&p, ip),
		      &l4);
	answer = vg_judge_answer6(ip, l4.protocol, l4.source_port, &j);
	if (answer == VG_PASS_OPEN || answer == VG_PASS_ADMITTED)
		return true;
	if (!settings.track || !vg_read_sent(&l4, IPPROTO_ICMPV6, VG_ICMP6_ECHO, &tuple))
		return false;
	key = vg_key6(&ip->daddr, &ip->saddr, &tuple);
	return vg_filter_has(vg_flow_hash6(&key)) && vg_find_flow(&flows6, &key, vg_now_s());
}

/* ---- rows 9 and 10 ---- */

/* TCP that asks for a connection is never a reply, nor is what may be that for all that is here. */
static __always_inline bool vg_may_reply(const struct vg_tuple *tuple)
{
	return !vg_is_request(tuple) && tuple->tcp_flags != VG_UNKNOWN;
}

/* The frame's part in the flow that it belongs to, if there is one. Out of line: most is refused. */
static __always_inline bool vg_answer_flow(void *flows, const void *key,
					   const struct vg_tuple *tuple, __u32 bytes)
{
	const __u32 now_s = vg_now_s();
	struct vg_flow *flow = vg_find_flow(flows, key, now_s);

	if (flow)
		vg_flow_answered(flow, tuple, bytes, now_s);
	return flow;
}

static __noinline bool vg_answer_flow4(const struct vg_flow_key4 *key, const struct vg_tuple *tuple,
				       __u32 bytes)
{
	return vg_answer_flow(&flows4, key, tuple, bytes);
}

static __noinline bool vg_answer_flow6(const struct vg_flow_key6 *key, const struct vg_tuple *tuple,
				       __u32 bytes)
{
	return vg_answer_flow(&flows6, key, tuple, bytes);
}

/* A frame that no flow admits, for what it means under `monitor`. */
static __always_inline void vg_refuse(const struct vg_tuple *tuple, __u64 hash)
{
	if (settings.monitor && tuple->protocol != IPPROTO_TCP)
		vg_note_refused(hash, vg_now_s());
}

static __always_inline bool vg_is_reply4(const struct iphdr *ip, const struct vg_tuple *tuple,
					 __u32 bytes)
{
	struct vg_flow_key4 key;
	__u64 hash;

	if (!vg_may_reply(tuple))
		return false;
	key = vg_key4(ip->saddr, ip->daddr, tuple);
	hash = vg_flow_hash4(&key);
	if (vg_filter_has(hash) && vg_answer_flow4(&key, tuple, bytes))
		return true;
	vg_refuse(tuple, hash);
	return false;
}

static __always_inline bool vg_is_reply6(const struct ipv6hdr *ip, const struct vg_tuple *tuple,
					 __u32 bytes)
{
	struct vg_flow_key6 key;
	__u64 hash;

	if (!vg_may_reply(tuple))
		return false;
	key = vg_key6(&ip->saddr, &ip->daddr, tuple);
	hash = vg_flow_hash6(&key);
	if (vg_filter_has(hash) && vg_answer_flow6(&key, tuple, bytes))
		return true;
	vg_refuse(tuple, hash);
	return false;
}

/*
 * Row 9 for a frame that is `outcome` without; whether an error is related is for vg_judge_error4()
 * and vg_judge_error6() to say, since what that takes doesn't fit on the stack below the callers.
 */
static __always_inline __u32 vg_judge_reply4(const struct vg_packet *p, const struct iphdr *ip,
					     const struct vg_l4 *l4, struct vg_judged *j,
					     __u32 outcome)
{
	struct vg_tuple tuple;

	if (vg_is_error4(l4))
		j->error_at = vg_offset(p, ip + 1) + l4->at;
	else if (settings.track && vg_read_reply(l4, IPPROTO_ICMP, VG_ICMP4_ECHO_REPLY, &tuple) &&
		 vg_is_reply4(ip, &tuple, p->length))
		return VG_PASS_REPLY;
	return outcome;
}

static __always_inline __u32 vg_judge_reply6(const struct vg_packet *p, const struct ipv6hdr *ip,
					     const struct vg_l4 *l4, struct vg_judged *j,
					     __u32 outcome)
{
	struct vg_tuple tuple;

	if (vg_is_error6(l4))
		j->error_at = vg_offset(p, ip + 1) + l4->at;
	else if (settings.track && vg_read_reply(l4, IPPROTO_ICMPV6, VG_ICMP6_ECHO_REPLY, &tuple) &&
		 vg_is_reply6(ip, &tuple, p->length))
		return VG_PASS_REPLY;
	return outcome;
}

static __always_inline __u32 vg_judge_error4(const struct vg_packet *p, const struct iphdr *ip,
					     const struct vg_judged *j, __u32 outcome)
{
	if (j->error_at && vg_is_related4(p->ctx, vg_offset(p, ip), j->error_at, j->nic_index))
		return VG_PASS_RELATED;
	return outcome;
}

static __always_inline __u32 vg_judge_error6(const struct vg_packet *p, const struct ipv6hdr *ip,
					     const struct vg_judged *j, __u32 outcome)
{
	if (j->error_at && vg_is_related6(p->ctx, vg_offset(p, ip), j->error_at, j->nic_index))
		return VG_PASS_RELATED;
	return outcome;
}

#endif
