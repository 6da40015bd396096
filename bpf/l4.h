/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stage 4, where a verdict depends on it: protocol, ports and ICMPv6 type. Only bytes inside the IP
 * datagram count, never Ethernet padding. What can't be known stays unknown; nothing is dropped here.
 */
#ifndef VPCGATE_BPF_L4_H
#define VPCGATE_BPF_L4_H

#include <linux/in.h>
#include <linux/in6.h>
#include "bpf/ip.h"

#define VG_PROTOCOL_UNKNOWN 256 /* beyond any IP protocol number */
#define VG_PORT_UNKNOWN 65536	/* beyond any port and any ICMP type */
#define VG_IP6_OFFSET_MASK 0xfff8

struct vg_l4 {
	__u32 protocol;
	__u32 source_port, port;
	__u32 icmp6_type;
};

struct vg_extension {
	__u8 next_header;
	__u8 length;
	__be16 fragment; /* only in a fragment header */
};

struct vg_ports {
	__be16 source;
	__be16 destination;
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
 * Moves to the upper layer and returns its protocol, or VG_PROTOCOL_UNKNOWN. `payload` is how many
 * bytes of the datagram follow, before and after.
 */
static __always_inline __u32 vg_walk_extensions(struct vg_packet *p, __u8 next, __u32 *payload)
{
	/* At the bound, one more extension header means that the L4 is unknown. */
	for (int i = 0; i < VG_MAX_EXTENSION_HEADERS; i++) {
		const struct vg_extension_size *rule = &vg_extension_sizes[next];
		const struct vg_extension *extension = p->pos;
		__u32 size;

		if (!rule->base)
			return next;
		if ((void *)(extension + 1) > p->end)
			return VG_PROTOCOL_UNKNOWN;
		if (next == IPPROTO_FRAGMENT && extension->fragment & bpf_htons(VG_IP6_OFFSET_MASK))
			return VG_PROTOCOL_UNKNOWN;
		size = (rule->base + rule->unit * extension->length) & VG_EXTENSION_SIZE_MASK;
		if (size > *payload || !vg_take(p, size))
			return VG_PROTOCOL_UNKNOWN;
		*payload -= size;
		next = extension->next_header;
	}
	return vg_is_extension(next) ? VG_PROTOCOL_UNKNOWN : next;
}

static __always_inline bool vg_has_ports(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline void vg_take_ports(struct vg_packet *p, __u32 payload, struct vg_l4 *l4)
{
	const struct vg_ports *ports;

	if (!vg_has_ports(l4->protocol) || payload < sizeof(*ports))
		return;
	ports = vg_take(p, sizeof(*ports));
	if (!ports)
		return;
	l4->source_port = bpf_ntohs(ports->source);
	l4->port = bpf_ntohs(ports->destination);
}

static __always_inline struct vg_l4 vg_parse_l4_ip4(struct vg_packet *p, const struct iphdr *ip)
{
	struct vg_l4 l4 = {VG_PROTOCOL_UNKNOWN, VG_PORT_UNKNOWN, VG_PORT_UNKNOWN, VG_PORT_UNKNOWN};
	const __u32 header = ip->ihl * 4;

	if (header < sizeof(*ip) || ip->frag_off & bpf_htons(VG_IP4_OFFSET_MASK))
		return l4;
	l4.protocol = ip->protocol;
	if (vg_take(p, header - sizeof(*ip)))
		vg_take_ports(p, bpf_ntohs(ip->tot_len) - header, &l4);
	return l4;
}

static __always_inline struct vg_l4 vg_parse_l4_ip6(struct vg_packet *p, const struct ipv6hdr *ip)
{
	struct vg_l4 l4 = {VG_PROTOCOL_UNKNOWN, VG_PORT_UNKNOWN, VG_PORT_UNKNOWN, VG_PORT_UNKNOWN};
	__u32 payload = bpf_ntohs(ip->payload_len);
	const __u8 *type;

	/* RFC 2675 §3: the length is in an option, and without one Linux reads on to the end. */
	if (!payload && ip->nexthdr == IPPROTO_HOPOPTS)
		payload = p->end - (void *)(ip + 1);

	l4.protocol = vg_walk_extensions(p, ip->nexthdr, &payload);
	vg_take_ports(p, payload, &l4);
	if (l4.protocol == IPPROTO_ICMPV6 && payload) {
		type = vg_take(p, 1);
		if (type)
			l4.icmp6_type = *type;
	}
	return l4;
}

#endif
