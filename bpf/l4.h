/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stage 3, where a verdict depends on it: protocol, ports and ICMPv6 type. Only bytes inside the IP
 * datagram count, never Ethernet padding. What can't be known stays unknown; nothing is dropped here.
 */
#ifndef VPCGATE_BPF_L4_H
#define VPCGATE_BPF_L4_H

#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include "bpf/packet.h"

#define VG_IP6_OFFSET_MASK 0xfff8

struct vg_extension {
	__u8 next_header;
	__u8 length;
	__be16 fragment; /* only in a fragment header */
};

struct vg_ports {
	__be16 source;
	__be16 destination;
};

/* RFC 8200 §4; AH is RFC 4302 §2. */
static __always_inline bool vg_is_extension(__u32 next_header)
{
	return next_header == IPPROTO_HOPOPTS || next_header == IPPROTO_ROUTING ||
	       next_header == IPPROTO_FRAGMENT || next_header == IPPROTO_AH ||
	       next_header == IPPROTO_DSTOPTS;
}

static __always_inline __u32 vg_extension_size(__u32 next_header, __u32 length)
{
	if (next_header == IPPROTO_FRAGMENT)
		return 8;
	if (next_header == IPPROTO_AH)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

/* Moves to the upper layer and returns its protocol, or VG_PROTOCOL_UNKNOWN. */
static __always_inline __u32 vg_walk_extensions(struct vg_cursor *c, struct vg_packet *p)
{
	__u32 next = p->next_header;

	/* At the bound, one more extension header means that the L4 is unknown. */
	for (int i = 0; i < VG_MAX_EXTENSION_HEADERS; i++) {
		const struct vg_extension *extension = c->pos;
		__u32 size;

		if (!vg_is_extension(next))
			return next;
		if ((void *)(extension + 1) > c->end)
			return VG_PROTOCOL_UNKNOWN;
		if (next == IPPROTO_FRAGMENT && extension->fragment & bpf_htons(VG_IP6_OFFSET_MASK))
			return VG_PROTOCOL_UNKNOWN;
		size = vg_extension_size(next, extension->length);
		if (size > p->payload || !vg_take(c, size))
			return VG_PROTOCOL_UNKNOWN;
		p->payload -= size;
		next = extension->next_header;
	}
	return vg_is_extension(next) ? VG_PROTOCOL_UNKNOWN : next;
}

static __always_inline bool vg_has_ports(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline void vg_parse_l4(struct vg_cursor *c, struct vg_packet *p)
{
	const struct vg_ports *ports;
	const __u8 *type;

	if (p->family == 4)
		p->protocol = p->fragment ? VG_PROTOCOL_UNKNOWN : p->next_header;
	else
		p->protocol = vg_walk_extensions(c, p);
	if (vg_has_ports(p->protocol) && p->payload >= sizeof(*ports)) {
		ports = vg_take(c, sizeof(*ports));
		if (ports) {
			p->source_port = bpf_ntohs(ports->source);
			p->port = bpf_ntohs(ports->destination);
		}
	} else if (p->family == 6 && p->protocol == IPPROTO_ICMPV6 && p->payload >= 1) {
		type = vg_take(c, 1);
		if (type)
			p->icmp_type = *type;
	}
}

#endif
