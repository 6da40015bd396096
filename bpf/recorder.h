/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of a packet that leaves: it refreshes its flow, or opens one where its answer would not be
 * admitted otherwise. Nothing is ever dropped or changed here.
 */
#ifndef VPCGATE_BPF_RECORDER_H
#define VPCGATE_BPF_RECORDER_H

#include "bpf/ethernet.h"
#include "bpf/replies.h"

/* The packet's part in a flow that there is; false where it should open one, if it can. */
static __always_inline bool vg_send_in_flow(void *flows, const void *key, const struct vg_l4 *l4,
					    __u32 now_s)
{
	struct vg_flow *flow = vg_find_flow(flows, key, now_s);

	if (!flow)
		return false;
	/* The same ports again, for a new connection. */
	if (flow->state >= VG_FLOW_CLOSING && vg_is_tcp_request(l4))
		return false;
	vg_flow_sent(flow, l4, now_s);
	return true;
}

/* An answer to a connection from outside has no SYN alone; one to anything else: see flows.h. */
static __always_inline bool vg_may_open(const struct vg_l4 *l4, __u64 hash, __u32 now_s)
{
	if (l4->protocol == IPPROTO_TCP)
		return vg_is_tcp_request(l4);
	return !vg_was_refused(hash, now_s);
}

/* Both return false for a packet that belongs to no flow, or of which there is too little to tell. */
static __always_inline bool vg_record4(struct vg_packet *p, const struct vg_judged *j)
{
	const struct iphdr *ip = vg_parse_ip4(p);
	struct vg_flow_ports ports;
	struct vg_flow_key4 key;
	struct vg_l4 l4;
	__u32 now_s;
	__u64 hash;

	if (!ip)
		return false;
	l4 = vg_parse_l4_ip4(p, ip, vg_payload4(ip));
	if (!vg_outgoing_ports(&l4, IPPROTO_ICMP, VG_ICMP4_ECHO, &ports))
		return false;
	key = vg_outgoing_key4(ip, &ports);
	hash = vg_flow_hash4(&key);
	now_s = vg_now_s();
	if (vg_filter_has(hash) && vg_send_in_flow(&flows4, &key, &l4, now_s))
		return true;
	if (vg_may_open(&l4, hash, now_s) && vg_judge_answer4(ip, &l4, j) >= VG_DROP_NOT_ADMITTED)
		vg_open_flow(&flows4, &key, hash, l4.protocol, now_s);
	return true;
}

static __always_inline bool vg_record6(struct __sk_buff *skb, struct vg_packet *p,
				       const struct vg_judged *j)
{
	const struct ipv6hdr *ip = vg_parse_ip6(p);
	struct vg_flow_ports ports;
	struct vg_flow_key6 key;
	struct vg_l4 l4;
	__u32 now_s;
	__u64 hash;

	if (!ip)
		return false;
	vg_skb_l4_ip6(skb, (void *)(ip + 1) - (void *)(unsigned long)skb->data, ip->nexthdr,
		      vg_payload6(p, ip), &l4);
	if (!vg_outgoing_ports(&l4, IPPROTO_ICMPV6, VG_ICMP6_ECHO, &ports))
		return false;
	key = vg_outgoing_key6(ip, &ports);
	hash = vg_flow_hash6(&key);
	now_s = vg_now_s();
	if (vg_filter_has(hash) && vg_send_in_flow(&flows6, &key, &l4, now_s))
		return true;
	if (vg_may_open(&l4, hash, now_s) && vg_judge_answer6(ip, &l4, j) >= VG_DROP_NOT_ADMITTED)
		vg_open_flow(&flows6, &key, hash, l4.protocol, now_s);
	return true;
}

/* A global function: see l4.h. */
__noinline int vg_record(struct __sk_buff *skb)
{
	const struct vg_judged j = vg_judged_by(vg_find_nic(skb->ifindex));
	struct vg_packet p = vg_packet_at(skb->data, skb->data_end, 0);
	__be16 ethertype;

	p.length = skb->len;
	if (vg_parse_ethernet(&p, &ethertype) != VG_CONTINUE)
		return false;
	return ethertype == bpf_htons(ETH_P_IP) ? vg_record4(&p, &j) : vg_record6(skb, &p, &j);
}

/* Enough for the headers of all but the strangest packet. */
static __always_inline __u32 vg_recorded_bytes(const struct __sk_buff *skb)
{
	return skb->len < 128 ? skb->len : 128;
}

#endif
