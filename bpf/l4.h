/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stage 4, where a verdict depends on it: protocol, ports, TCP flags, ICMP type, and which part of
 * its datagram the frame holds. Only bytes inside the IP datagram count, never Ethernet padding. What
 * can't be known stays unknown; nothing is dropped here.
 */
#ifndef VPCGATE_BPF_L4_H
#define VPCGATE_BPF_L4_H

#include <linux/in.h>
#include <linux/in6.h>
#include "bpf/ip.h"

#define VG_PROTOCOL_UNKNOWN 256 /* beyond any IP protocol number */
#define VG_UNKNOWN 65536	/* beyond any port, TCP flags, ICMP type and identifier */

#define VG_IP4_MORE_FRAGMENTS 0x2000
#define VG_IP6_OFFSET_MASK 0xfff8
#define VG_IP6_MORE_FRAGMENTS 0x0001

/* RFC 9293 §3.1 */
#define VG_TCP_FLAGS_AT 13
#define VG_TCP_FIN 0x01
#define VG_TCP_SYN 0x02
#define VG_TCP_RST 0x04
#define VG_TCP_ACK 0x10

enum vg_part {
	VG_PART_WHOLE, /* an atomic fragment too (RFC 6946) */
	VG_PART_FIRST,
	VG_PART_LATER,
};

struct vg_l4 {
	__u32 protocol; /* unknown in a later fragment */
	__u32 source_port, port;
	__u32 tcp_flags;
	__u32 icmp_type, icmp_id; /* of ICMP in IPv4, of ICMPv6 in IPv6 */
	__u32 part;		  /* enum vg_part */
	__u32 offset;		  /* in the datagram: of a later fragment, else of the L4 header */
	__be32 fragment_id;
	__u32 fragment_protocol; /* as the fragment itself says */
	__u32 hidden;		 /* 1: a first fragment that doesn't hold its whole L4 header */
	__u32 at;		 /* where the L4 header begins, behind the fixed IP header */
};

#define VG_L4_UNKNOWN_ALL                                                                       \
	(struct vg_l4)                                                                          \
	{                                                                                       \
		.protocol = VG_PROTOCOL_UNKNOWN, .source_port = VG_UNKNOWN, .port = VG_UNKNOWN, \
		.tcp_flags = VG_UNKNOWN, .icmp_type = VG_UNKNOWN, .icmp_id = VG_UNKNOWN         \
	}

struct vg_ports {
	__be16 source;
	__be16 destination;
};

struct vg_echo {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be16 id;
	__be16 sequence;
};

/*
 * The bytes of a protocol's header that a first fragment must hold and that no later one may touch:
 * its fixed part (RFC 1858 §2.2 says why).
 */
static const __u8 vg_header_sizes[256] = {
	[IPPROTO_ICMP] = 8,   [IPPROTO_TCP] = 20,  [IPPROTO_UDP] = 8,	  [IPPROTO_DCCP] = 12,
	[IPPROTO_ICMPV6] = 8, [IPPROTO_SCTP] = 12, [IPPROTO_UDPLITE] = 8,
};

static __always_inline __u32 vg_header_size(__u32 protocol)
{
	return vg_header_sizes[protocol & 255];
}

static __always_inline bool vg_has_ports(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline void vg_read_ports(struct vg_packet *p, __u32 payload, struct vg_l4 *l4)
{
	const struct vg_ports *ports = vg_peek(p, sizeof(*ports));
	const __u8 *header;

	if (payload < sizeof(*ports))
		return;
	if (!ports) { /* beyond the linear part */
		l4->protocol = VG_PROTOCOL_UNKNOWN;
		return;
	}
	l4->source_port = bpf_ntohs(ports->source);
	l4->port = bpf_ntohs(ports->destination);
	header = vg_peek(p, VG_TCP_FLAGS_AT + 1);
	if (l4->protocol == IPPROTO_TCP && payload > VG_TCP_FLAGS_AT && header)
		l4->tcp_flags = header[VG_TCP_FLAGS_AT];
}

static __always_inline void vg_read_icmp(struct vg_packet *p, __u32 payload, struct vg_l4 *l4)
{
	const __u8 *type = vg_peek(p, sizeof(*type));
	const struct vg_echo *echo = vg_peek(p, sizeof(*echo));

	if (payload && type)
		l4->icmp_type = *type;
	if (payload >= sizeof(*echo) && echo)
		l4->icmp_id = bpf_ntohs(echo->id);
}

/* Reads at p->pos, where `payload` bytes of the datagram follow; `icmp` is the family's own. */
static __always_inline void vg_read_l4(struct vg_packet *p, __u32 payload, __u32 icmp,
				       struct vg_l4 *l4)
{
	const __u32 size = vg_header_size(l4->protocol);

	if (l4->protocol == icmp)
		vg_read_icmp(p, payload, l4);
	else if (vg_has_ports(l4->protocol))
		vg_read_ports(p, payload, l4);
	if (l4->part == VG_PART_FIRST)
		l4->hidden =
			l4->protocol == VG_PROTOCOL_UNKNOWN || payload < size || !vg_peek(p, size);
}

/* No options, and not a fragment. */
static __always_inline bool vg_is_plain4(const struct iphdr *ip)
{
	return ip->ihl == sizeof(*ip) / 4 &&
	       !(ip->frag_off & bpf_htons(VG_IP4_MORE_FRAGMENTS | VG_IP4_OFFSET_MASK));
}

/* Bytes of a datagram that follow its IP header; the header itself is checked: see ip.h. */
static __always_inline __u32 vg_payload4(const struct iphdr *ip)
{
	return bpf_ntohs(ip->tot_len) - ip->ihl * 4;
}

static __always_inline __u32 vg_payload6(const struct vg_packet *p, const struct ipv6hdr *ip)
{
	/* RFC 2675 §3: the length is in an option, and without one Linux reads on to the end. */
	if (!ip->payload_len && ip->nexthdr == IPPROTO_HOPOPTS)
		return p->end - (void *)(ip + 1);
	return bpf_ntohs(ip->payload_len);
}

/* p->pos is behind the fixed header. */
static __always_inline struct vg_l4 vg_parse_l4_ip4(struct vg_packet *p, const struct iphdr *ip,
						    __u32 payload)
{
	const __u32 header = ip->ihl * 4, fragment = bpf_ntohs(ip->frag_off);
	struct vg_l4 l4 = VG_L4_UNKNOWN_ALL;

	l4.fragment_id = ip->id;
	l4.fragment_protocol = ip->protocol;
	if (fragment & VG_IP4_OFFSET_MASK) {
		l4.part = VG_PART_LATER;
		l4.offset = (fragment & VG_IP4_OFFSET_MASK) * 8;
		return l4;
	}
	l4.part = fragment & VG_IP4_MORE_FRAGMENTS ? VG_PART_FIRST : VG_PART_WHOLE;
	if (header < sizeof(*ip))
		return l4;
	l4.at = header - sizeof(*ip);
	if (vg_take(p, header - sizeof(*ip)))
		l4.protocol = ip->protocol;
	vg_read_l4(p, payload, IPPROTO_ICMP, &l4);
	return l4;
}

/*
 * The same for a frame whose IP header is at offset `at`; `l4` is VG_L4_UNKNOWN_ALL before. A global
 * function: see vg_xdp_l4_ip6().
 */
__noinline int vg_xdp_l4_ip4(struct xdp_md *ctx, __u32 at, struct vg_l4 *l4)
{
	struct vg_packet p = vg_packet_at(ctx->data, ctx->data_end, at);
	const struct iphdr *ip = vg_take(&p, sizeof(*ip));

	if (l4 && ip)
		*l4 = vg_parse_l4_ip4(&p, ip, vg_payload4(ip));
	return 0;
}

/* ---- IPv6 ---- */

/* Each extension header has 8 bytes at least. */
struct vg_extension {
	__u8 next_header;
	__u8 length;
	__be16 fragment; /* this and the next only in a fragment header */
	__be32 id;
};

/*
 * How long an extension header is: base + unit * its length field (RFC 8200 §4; AH: RFC 4302 §2.2).
 * A table and not branches, so that the verifier sees one way through each round of the walk.
 */
struct vg_extension_size {
	__u8 base; /* 0: not an extension header */
	__u8 unit;
};

static const struct vg_extension_size vg_extension_sizes[256] = {
	[IPPROTO_HOPOPTS] = {8, 8}, [IPPROTO_ROUTING] = {8, 8}, [IPPROTO_FRAGMENT] = {8, 0},
	[IPPROTO_AH] = {8, 4},	    [IPPROTO_DSTOPTS] = {8, 8},
};
#define VG_EXTENSION_SIZE_MASK 4095 /* above 8 + 255 * 8 */

static __always_inline bool vg_is_extension(__u8 next_header)
{
	return vg_extension_sizes[next_header].base;
}

/*
 * Takes in a fragment header that `payload` bytes follow; false where what follows isn't the start
 * of the datagram. A fragment within a fragment counts as one that hides its L4.
 */
static __always_inline bool vg_read_fragment(const struct vg_extension *extension, __u32 payload,
					     struct vg_l4 *l4)
{
	const __u32 fragment = bpf_ntohs(extension->fragment);
	const __u32 offset = fragment & VG_IP6_OFFSET_MASK;

	if (!offset && !(fragment & VG_IP6_MORE_FRAGMENTS))
		return true;
	if (l4->part != VG_PART_WHOLE)
		return false;
	l4->fragment_id = extension->id;
	l4->fragment_protocol = extension->next_header;
	l4->part = offset ? VG_PART_LATER : VG_PART_FIRST;
	l4->offset = offset ?: payload;
	return !offset;
}

/*
 * Moves to the upper layer and returns its protocol, or VG_PROTOCOL_UNKNOWN. `payload` is how many
 * bytes of the datagram follow, before and after.
 */
static __always_inline __u32 vg_walk_extensions(struct vg_packet *p, __u8 next, __u32 *payload,
						struct vg_l4 *l4)
{
	/* At the bound, one more extension header means that the L4 is unknown. */
	for (int i = 0; i < VG_MAX_EXTENSION_HEADERS; i++) {
		const struct vg_extension_size *rule = &vg_extension_sizes[next];
		const struct vg_extension *extension = vg_peek(p, sizeof(*extension));
		__u32 size;

		if (!rule->base)
			return next;
		if (!extension)
			return VG_PROTOCOL_UNKNOWN;
		size = (rule->base + rule->unit * extension->length) & VG_EXTENSION_SIZE_MASK;
		if (size > *payload || !vg_take(p, size))
			return VG_PROTOCOL_UNKNOWN;
		*payload -= size;
		if (next == IPPROTO_FRAGMENT && !vg_read_fragment(extension, *payload, l4))
			return VG_PROTOCOL_UNKNOWN;
		next = extension->next_header;
	}
	return vg_is_extension(next) ? VG_PROTOCOL_UNKNOWN : next;
}

/* p->pos is behind the fixed header, which names `next` as the next one. */
static __always_inline void vg_parse_l4_ip6(struct vg_packet *p, __u8 next, __u32 payload,
					    struct vg_l4 *l4)
{
	const void *start = p->pos;

	l4->protocol = vg_walk_extensions(p, next, &payload, l4);
	/* From "how much follows the fragment header" to where in that the L4 begins. */
	if (l4->part == VG_PART_FIRST)
		l4->offset -= payload;
	l4->at = p->pos - start;
	vg_read_l4(p, payload, IPPROTO_ICMPV6, l4);
}

/*
 * The same for a header that ends at offset `at` of the frame; `l4` is VG_L4_UNKNOWN_ALL before, since
 * verifiers before Linux 6.3 want it written. The walk has many ways through it:
 * these are global functions, so that the verifier follows them once and not on each way that leads
 * here, and forgets them behind the call. One for each kind of program, since their contexts differ.
 */
__noinline int vg_xdp_l4_ip6(struct xdp_md *ctx, __u32 at, __u32 next, __u32 payload,
			     struct vg_l4 *l4)
{
	struct vg_packet p = vg_packet_at(ctx->data, ctx->data_end, at);

	if (l4 && at <= VG_MAX_OFFSET)
		vg_parse_l4_ip6(&p, next, payload, l4);
	return 0;
}

__noinline int vg_skb_l4_ip6(struct __sk_buff *ctx, __u32 at, __u32 next, __u32 payload,
			     struct vg_l4 *l4)
{
	struct vg_packet p = vg_packet_at(ctx->data, ctx->data_end, at);

	if (l4 && at <= VG_MAX_OFFSET)
		vg_parse_l4_ip6(&p, next, payload, l4);
	return 0;
}

#endif
