/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows that this host has opened: their tables, and what a packet of either direction does to
 * its flow. Only the recorder adds flows, and only for packets that leave: what comes in can neither
 * open a flow nor evict one, and refreshes none but its own.
 */
#ifndef VPCGATE_BPF_FLOWS_H
#define VPCGATE_BPF_FLOWS_H

#include "bpf/l4.h"
#include "bpf/state.h"
#include "vpcgate/flow.h"

/* IANA, ICMP and ICMPv6 type numbers. */
#define VG_ICMP4_ECHO_REPLY 0
#define VG_ICMP4_ECHO 8
#define VG_ICMP6_ECHO 128
#define VG_ICMP6_ECHO_REPLY 129

/*
 * CLOCK_MONOTONIC in seconds, up to 21 ms late. A division would cost more than all else here: units
 * of 2^24 ns are multiplied by their length in seconds, 2^24 / 10^9, as a fraction of 2^32.
 */
static __always_inline __u32 vg_now_s(void)
{
	return (bpf_ktime_get_coarse_ns() >> 24) * 72057594 >> 32;
}

/* Signed, since userspace's clock, which seeds flows, is not late. */
static __always_inline bool vg_is_over(__u32 seen_s, __u32 lifetime_s, __u32 now_s)
{
	return (__s32)(now_s - seen_s) >= (__s32)lifetime_s;
}

/* What a packet tells of its flow besides the addresses. */
struct vg_tuple {
	__be16 remote_port, local_port; /* as in the flow's key */
	__u32 protocol;
	__u32 tcp_flags; /* VG_UNKNOWN where they aren't there; 0 for other protocols */
};

/* Does the packet ask for a connection? What can't be told doesn't. */
static __always_inline bool vg_is_request(const struct vg_tuple *tuple)
{
	return (tuple->tcp_flags & (VG_TCP_SYN | VG_TCP_ACK)) == VG_TCP_SYN;
}

/*
 * The tuple of a packet with these ports, in host order; false where it can't belong to any flow.
 * `echo` is the one ICMP type that can, of `icmp`, the family's own ICMP.
 */
static __always_inline bool vg_read_tuple(const struct vg_l4 *l4, __u32 remote, __u32 local,
					  __u32 icmp, __u32 echo, struct vg_tuple *ret_tuple)
{
	struct vg_tuple tuple = {.protocol = l4->protocol};

	if (l4->protocol == VG_PROTOCOL_UNKNOWN)
		return false;
	if (l4->protocol == icmp) {
		if (l4->icmp_type != echo || l4->icmp_id == VG_UNKNOWN)
			return false;
		tuple.local_port = bpf_htons(l4->icmp_id);
	} else if (vg_has_ports(l4->protocol)) {
		if (remote == VG_UNKNOWN)
			return false;
		tuple.remote_port = bpf_htons(remote);
		tuple.local_port = bpf_htons(local);
	}
	if (l4->protocol == IPPROTO_TCP)
		tuple.tcp_flags = l4->tcp_flags;
	*ret_tuple = tuple;
	return true;
}

/* Of a packet from outside, and of one of this host's. */
static __always_inline bool vg_read_reply(const struct vg_l4 *l4, __u32 icmp, __u32 echo_reply,
					  struct vg_tuple *ret_tuple)
{
	return vg_read_tuple(l4, l4->source_port, l4->port, icmp, echo_reply, ret_tuple);
}

static __always_inline bool vg_read_sent(const struct vg_l4 *l4, __u32 icmp, __u32 echo,
					 struct vg_tuple *ret_tuple)
{
	return vg_read_tuple(l4, l4->port, l4->source_port, icmp, echo, ret_tuple);
}

/*
 * The short way for nearly all packets: TCP and UDP behind an IP header without options or extension
 * headers, in one piece. False: vg_parse_l4_ip4() or its like must look. p->pos is at the L4 header,
 * of which `payload` bytes are in the datagram; `*ret_tuple` is that of a packet from outside.
 */
static __always_inline bool vg_read_plain(const struct vg_packet *p, __u32 protocol, __u32 payload,
					  struct vg_tuple *ret_tuple)
{
	const struct vg_ports *ports = vg_peek(p, sizeof(*ports));
	__u32 tcp_flags = 0;

	if (!ports || payload < sizeof(*ports))
		return false;
	if (protocol == IPPROTO_TCP) {
		const __u8 *header = vg_peek(p, VG_TCP_FLAGS_AT + 1);

		if (!header || payload <= VG_TCP_FLAGS_AT)
			return false;
		tcp_flags = header[VG_TCP_FLAGS_AT];
	} else if (protocol != IPPROTO_UDP) {
		return false;
	}
	*ret_tuple = (struct vg_tuple){
		.remote_port = ports->source,
		.local_port = ports->destination,
		.protocol = protocol,
		.tcp_flags = tcp_flags,
	};
	return true;
}

static __always_inline bool vg_read_plain4(const struct vg_packet *p, const struct iphdr *ip,
					   struct vg_tuple *ret_tuple)
{
	return vg_is_plain4(ip) && vg_read_plain(p, ip->protocol, vg_payload4(ip), ret_tuple);
}

static __always_inline bool vg_read_plain6(const struct vg_packet *p, const struct ipv6hdr *ip,
					   struct vg_tuple *ret_tuple)
{
	return vg_read_plain(p, ip->nexthdr, bpf_ntohs(ip->payload_len), ret_tuple);
}

static __always_inline struct vg_flow_key4 vg_key4(__be32 remote, __be32 local,
						   const struct vg_tuple *tuple)
{
	return (struct vg_flow_key4){
		.remote = remote,
		.local = local,
		.remote_port = tuple->remote_port,
		.local_port = tuple->local_port,
		.protocol = tuple->protocol,
	};
}

static __always_inline struct vg_flow_key6
vg_key6(const struct in6_addr *remote, const struct in6_addr *local, const struct vg_tuple *tuple)
{
	struct vg_flow_key6 key = {
		.remote_port = tuple->remote_port,
		.local_port = tuple->local_port,
		.protocol = tuple->protocol,
	};

	__builtin_memcpy(key.remote, remote, sizeof(key.remote));
	__builtin_memcpy(key.local, local, sizeof(key.local));
	return key;
}

/* ---- the filter in front ---- */

static __always_inline __u64 *vg_filter_at(__u32 index)
{
	return bpf_map_lookup_elem(&flow_filter, &index);
}

static __always_inline bool vg_filter_has(__u64 hash)
{
	const __u64 *half = vg_filter_at(0), *word;

	if (!half)
		return false;
	word = vg_filter_at(vg_filter_word(hash, settings.filter_words, *half & 1));
	return word && *word & vg_filter_bit(hash);
}

static __always_inline void vg_filter_add(__u64 hash)
{
#pragma unroll
	for (__u32 half = 0; half < 2; half++) {
		__u64 *word = vg_filter_at(vg_filter_word(hash, settings.filter_words, half));

		if (word)
			__sync_fetch_and_or(word, vg_filter_bit(hash));
	}
}

/* ---- a flow and its packets ---- */

/* NULL where there is none, or it is over. Ask vg_filter_has() first, which is cheaper. */
static __always_inline struct vg_flow *vg_find_flow(void *flows, const void *key, __u32 now_s)
{
	struct vg_flow *flow = bpf_map_lookup_elem(flows, key);

	return flow && !vg_is_over(flow->seen_s, flow->lifetime_s, now_s) ? flow : NULL;
}

/* Of an OPEN flow, and of one of any other protocol than TCP. */
static __always_inline __u32 vg_lifetime_s(__u32 protocol)
{
	if (protocol == IPPROTO_TCP)
		return settings.tcp_s;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return settings.icmp_s;
	return settings.udp_s;
}

static __always_inline void vg_refresh(struct vg_flow *flow, __u32 protocol, __u32 now_s)
{
	if (flow->state == VG_FLOW_CLOSED)
		return;
	flow->seen_s = now_s;
	if (flow->state == VG_FLOW_OPEN)
		flow->lifetime_s = vg_lifetime_s(protocol);
}

/*
 * A reply of `bytes`. Not atomic: the packets of one flow arrive on one CPU, and if ever they don't,
 * a count may be lost. RST opens nothing, and nothing from outside closes a flow, since who sent it
 * is anybody's guess.
 */
static __always_inline void vg_flow_answered(struct vg_flow *flow, const struct vg_tuple *tuple,
					     __u32 bytes, __u32 now_s)
{
	flow->packets++;
	flow->bytes += bytes;
	if (flow->state == VG_FLOW_NEW && !(tuple->tcp_flags & VG_TCP_RST)) {
		flow->state = VG_FLOW_OPEN;
		vg_refresh(flow, tuple->protocol, now_s);
	} else if (flow->seen_s != now_s) {
		vg_refresh(flow, tuple->protocol, now_s);
	}
}

/*
 * A packet of this host's, other than one that opens the flow anew. One without RST after one with
 * it means that the connection lives: Linux answers a stray packet in SYN-SENT with RST and stays.
 */
static __always_inline void vg_flow_sent(struct vg_flow *flow, const struct vg_tuple *tuple,
					 __u32 now_s)
{
	if (tuple->tcp_flags & VG_TCP_RST) {
		if (flow->state == VG_FLOW_CLOSED)
			return;
		flow->state = VG_FLOW_CLOSED;
		flow->lifetime_s = VG_FLOW_TCP_CLOSED_S;
		flow->seen_s = now_s;
		return;
	}
	if (tuple->tcp_flags & VG_TCP_FIN) {
		flow->state = VG_FLOW_CLOSING;
		flow->lifetime_s = VG_FLOW_TCP_CLOSING_S;
	} else if (flow->state == VG_FLOW_CLOSED) {
		flow->state = VG_FLOW_OPEN;
	} else if (flow->seen_s == now_s) {
		return;
	}
	vg_refresh(flow, tuple->protocol, now_s);
}

/* May this packet of this host's bring back a flow that is over? See VG_FLOW_REVIVAL_S. */
static __always_inline bool vg_revives(const struct vg_flow *flow, const struct vg_tuple *tuple,
				       __u32 now_s)
{
	return tuple->protocol == IPPROTO_TCP && flow->state == VG_FLOW_OPEN &&
	       !(tuple->tcp_flags & (VG_TCP_SYN | VG_TCP_RST)) &&
	       !vg_is_over(flow->seen_s, flow->lifetime_s + VG_FLOW_REVIVAL_S, now_s);
}

static __always_inline void vg_count_flow(__u32 counter)
{
	__u64 *count = bpf_map_lookup_elem(&flow_counters, &counter);

	if (count)
		++*count;
}

/* Adds a flow, in place of one that is over. Its bit in the filter comes after it. */
static __always_inline void vg_open_flow(void *flows, const void *key, __u64 hash, __u32 protocol,
					 __u32 now_s)
{
	const struct vg_flow flow = {
		.opened_s = now_s,
		.seen_s = now_s,
		.lifetime_s = protocol == IPPROTO_TCP ? VG_FLOW_TCP_NEW_S : vg_lifetime_s(protocol),
		.state = VG_FLOW_NEW,
	};

	if (bpf_map_lookup_elem(flows, key))
		vg_count_flow(VG_FLOW_EXPIRED);
	if (bpf_map_update_elem(flows, key, &flow, BPF_ANY) < 0) {
		vg_count_flow(VG_FLOW_FULL);
		return;
	}
	vg_filter_add(hash);
	vg_count_flow(VG_FLOW_OPENED);
}

/* ---- what `monitor` let pass ---- */

/*
 * Under `monitor` a refused packet reaches its receiver, whose answer would open a flow and make the
 * next one a reply: a conversation that `enforce` would never have let begin. So the datapath notes
 * what it refused, and the recorder opens no flow for the answer. A table of fixed size: a flood may
 * push a note out, which then costs only that. TCP needs none, since an answer has no SYN alone.
 */
static __always_inline struct vg_refused *vg_refused_at(__u64 hash)
{
	const __u32 index = hash % VG_REFUSED_MAX;

	return bpf_map_lookup_elem(&refused, &index);
}

static __always_inline void vg_note_refused(__u64 hash, __u32 now_s)
{
	struct vg_refused *note = vg_refused_at(hash);

	if (note)
		*note = (struct vg_refused){.tag = hash >> 32, .seen_s = now_s};
}

/*
 * Also renews the note, since the answers may go on for longer than the questions; but not once what
 * is refused is dropped: then the host may soon begin a conversation of its own with these ports.
 */
static __always_inline bool vg_was_refused(__u64 hash, __u32 now_s)
{
	struct vg_refused *note = vg_refused_at(hash);

	if (!note || !note->seen_s || note->tag != hash >> 32 ||
	    vg_is_over(note->seen_s, settings.udp_s, now_s))
		return false;
	if (settings.monitor)
		note->seen_s = now_s;
	return true;
}

#endif
