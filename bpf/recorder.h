/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of a packet that leaves: it refreshes its flow, or opens one where its answer would not be
 * admitted otherwise. Nothing is ever dropped or changed here.
 */
#ifndef VPCGATE_BPF_RECORDER_H
#define VPCGATE_BPF_RECORDER_H

#include "bpf/ethernet.h"
#include "bpf/replies.h"

/*
 * Packets that neither begin nor end a connection are looked at once in 256 jiffies: a second, where
 * HZ is 250. Until then the same tuple has nothing to add, be it to a flow or to what is admitted.
 */
static __always_inline bool vg_is_recent(__u64 hash, const struct vg_tuple *tuple)
{
	const bool turns = tuple->tcp_flags & (VG_TCP_SYN | VG_TCP_FIN | VG_TCP_RST);
	const __u32 index = hash % VG_RECENT_MAX;
	const __u64 mark = hash ^ bpf_jiffies64() >> 8;
	__u64 *last = bpf_map_lookup_elem(&recent, &index);

	if (!last)
		return false;
	if (*last == mark && !turns)
		return true;
	*last = turns ? 0 : mark; /* the next one may have to undo it */
	return false;
}

/* The packet's part in a flow that there is; false where it should open one, if it can. */
static __always_inline bool vg_send_in_flow(void *flows, const void *key,
					    const struct vg_tuple *tuple, __u32 now_s)
{
	struct vg_flow *flow = bpf_map_lookup_elem(flows, key);

	if (!flow)
		return false;
	if (vg_is_over(flow->seen_s, flow->lifetime_s, now_s) && !vg_revives(flow, tuple, now_s))
		return false;
	/* The same ports again, for a new connection. */
	if (flow->state >= VG_FLOW_CLOSING && vg_is_request(tuple))
		return false;
	vg_flow_sent(flow, tuple, now_s);
	return true;
}

/* An answer to a connection from outside has no SYN alone; one to anything else: see flows.h. */
static __always_inline bool vg_may_open(const struct vg_tuple *tuple, __u64 hash, __u32 now_s)
{
	if (tuple->protocol == IPPROTO_TCP)
		return vg_is_request(tuple);
	return !vg_was_refused(hash, now_s);
}

/*
 * A packet that has come in through a NIC which is filtered, and is only passed on: the flow is this
 * side's if a set that is admitted there holds the sender, which an outsider's doesn't even where the
 * setting is `all`. `class` is that of the sender; it costs nothing but where a flow is to be opened.
 */
static __always_inline bool vg_is_ours(const struct vg_class *class, const struct vg_judged *j)
{
	__u64 admitted = ~0ULL;

#pragma unroll
	for (__u32 i = 0; i < VG_MAX_INTERFACES; i++) {
		if (i >= settings.nics)
			break;
		if (settings.nic[i].ifindex == j->from)
			admitted = settings.nic[i].admission.sets;
	}
	return !~admitted || class->sets & admitted;
}

static __always_inline bool vg_is_ours4(const struct iphdr *ip, const struct vg_judged *j)
{
	return !j->from || vg_is_ours(vg_class_of4(&ip->saddr), j);
}

static __always_inline bool vg_is_ours6(const struct ipv6hdr *ip, const struct vg_judged *j)
{
	return !j->from || vg_is_ours(vg_class_of6(&ip->saddr), j);
}

static __always_inline __u32 vg_local_port(const struct vg_tuple *tuple)
{
	return vg_has_ports(tuple->protocol) ? bpf_ntohs(tuple->local_port) : VG_UNKNOWN;
}

static __always_inline void vg_turn(struct vg_tuple *tuple)
{
	const __be16 remote_port = tuple->local_port;

	tuple->local_port = tuple->remote_port;
	tuple->remote_port = remote_port;
}

static __noinline void vg_record_flow4(const struct iphdr *ip, const struct vg_tuple *tuple,
				       const struct vg_flow_key4 *key, __u64 hash,
				       const struct vg_judged *j)
{
	const __u32 now_s = vg_now_s();

	if (vg_filter_has(hash) && vg_send_in_flow(&flows4, key, tuple, now_s))
		return;
	if (vg_may_open(tuple, hash, now_s) && vg_is_ours4(ip, j) &&
	    vg_judge_answer4(ip, tuple->protocol, vg_local_port(tuple), j) >= VG_DROP_NOT_ADMITTED)
		vg_open_flow(&flows4, key, hash, tuple->protocol, now_s);
}

static __noinline void vg_record_flow6(const struct ipv6hdr *ip, const struct vg_tuple *tuple,
				       const struct vg_flow_key6 *key, __u64 hash,
				       const struct vg_judged *j)
{
	const __u32 now_s = vg_now_s();

	if (vg_filter_has(hash) && vg_send_in_flow(&flows6, key, tuple, now_s))
		return;
	if (vg_may_open(tuple, hash, now_s) && vg_is_ours6(ip, j) &&
	    vg_judge_answer6(ip, tuple->protocol, vg_local_port(tuple), j) >= VG_DROP_NOT_ADMITTED)
		vg_open_flow(&flows6, key, hash, tuple->protocol, now_s);
}

enum vg_record {
	VG_RECORD_DONE,
	VG_RECORD_TOO_SHORT, /* the linear part ends before the L4 header does */
};

/* Enough for the headers of all but the strangest packet. */
#define VG_RECORD_BYTES 128

/* Of a packet whose L4 isn't plain: is there more to be known than the linear part tells? */
static __always_inline int vg_record_unread(const struct vg_l4 *l4)
{
	const bool unknown = l4->part != VG_PART_LATER &&
			     (l4->protocol == VG_PROTOCOL_UNKNOWN ||
			      (vg_has_ports(l4->protocol) && l4->port == VG_UNKNOWN));

	return unknown ? VG_RECORD_TOO_SHORT : VG_RECORD_DONE;
}

static __always_inline int vg_record4(struct vg_packet *p, const struct vg_judged *j)
{
	const struct iphdr *ip = vg_parse_ip4(p);
	struct vg_flow_key4 key;
	struct vg_tuple tuple;
	__u64 hash;

	if (!ip)
		return vg_peek(p, sizeof(*ip)) ? VG_RECORD_DONE : VG_RECORD_TOO_SHORT;
	if (vg_read_plain4(p, ip, &tuple)) {
		vg_turn(&tuple);
	} else {
		const struct vg_l4 l4 = vg_parse_l4_ip4(p, ip, vg_payload4(ip));

		if (!vg_read_sent(&l4, IPPROTO_ICMP, VG_ICMP4_ECHO, &tuple))
			return vg_record_unread(&l4);
	}
	key = vg_key4(ip->daddr, ip->saddr, &tuple);
	hash = vg_flow_hash4(&key);
	if (!vg_is_recent(hash, &tuple))
		vg_record_flow4(ip, &tuple, &key, hash, j);
	return VG_RECORD_DONE;
}

static __always_inline int vg_record6(struct __sk_buff *skb, struct vg_packet *p,
				      const struct vg_judged *j)
{
	const struct ipv6hdr *ip = vg_parse_ip6(p);
	struct vg_flow_key6 key;
	struct vg_tuple tuple;
	__u64 hash;

	if (!ip)
		return vg_peek(p, sizeof(*ip)) ? VG_RECORD_DONE : VG_RECORD_TOO_SHORT;
	if (vg_read_plain6(p, ip, &tuple)) {
		vg_turn(&tuple);
	} else {
		struct vg_l4 l4 = VG_L4_UNKNOWN_ALL;

		vg_skb_l4_ip6(skb, (void *)(ip + 1) - (void *)(unsigned long)skb->data, ip->nexthdr,
			      vg_payload6(p, ip), &l4);
		if (!vg_read_sent(&l4, IPPROTO_ICMPV6, VG_ICMP6_ECHO, &tuple))
			return vg_record_unread(&l4);
	}
	key = vg_key6(&ip->daddr, &ip->saddr, &tuple);
	hash = vg_flow_hash6(&key);
	if (!vg_is_recent(hash, &tuple))
		vg_record_flow6(ip, &tuple, &key, hash, j);
	return VG_RECORD_DONE;
}

/* A global function: see l4.h. Returns enum vg_record. */
__noinline int vg_record(struct __sk_buff *skb)
{
	struct vg_judged j = vg_judged_by(vg_find_nic(skb->ifindex));
	struct vg_packet p = vg_packet_at(skb->data, skb->data_end, 0);
	__be16 ethertype;

	j.from = skb->ingress_ifindex;
	p.length = skb->len;
	if (vg_parse_ethernet(&p, &ethertype) != VG_CONTINUE)
		return VG_RECORD_DONE;
	return ethertype == bpf_htons(ETH_P_IP) ? vg_record4(&p, &j) : vg_record6(skb, &p, &j);
}

#endif
