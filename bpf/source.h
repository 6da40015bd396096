/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 3: what a source's class says of the frame beside set membership: the essentials. */
#ifndef VPCGATE_BPF_SOURCE_H
#define VPCGATE_BPF_SOURCE_H

#include "bpf/l4.h"
#include "bpf/lookup.h"

/* ICMPv6 types: RFC 4861 §4, RFC 2710 §3, RFC 3810 §5. */
#define VG_NDP_FIRST 133
#define VG_NDP_LAST 137
#define VG_NDP_HOP_LIMIT 255
#define VG_MLD_FIRST 130
#define VG_MLD_LAST 132
#define VG_MLD2_REPORT 143

#define VG_DHCP4_SERVER 67
#define VG_DHCP4_CLIENT 68
#define VG_DHCP6_SERVER 547
#define VG_DHCP6_CLIENT 546

/*
 * Could L4 make this an essential? Cheap: from the fixed IP header, and where UDP ports follow that
 * alone, from those. p->pos is behind the header.
 */
static __always_inline bool vg_maybe_essential4(const struct vg_packet *p, const struct iphdr *ip,
						const struct vg_class *class)
{
	const struct vg_ports *ports = vg_peek(p, sizeof(*ports));

	if (!(class->flags & VG_CLASS_DHCP4) || ip->protocol != IPPROTO_UDP)
		return false;
	if (!ports || !vg_is_plain4(ip) || vg_payload4(ip) < sizeof(*ports))
		return true;
	return ports->source == bpf_htons(VG_DHCP4_SERVER) &&
	       ports->destination == bpf_htons(VG_DHCP4_CLIENT);
}

static __always_inline bool vg_maybe_essential6(const struct ipv6hdr *ip,
						const struct vg_class *class)
{
	if (ip->nexthdr != IPPROTO_ICMPV6 && ip->nexthdr != IPPROTO_UDP &&
	    !vg_is_extension(ip->nexthdr))
		return false;
	return class->sets || class->flags & (VG_CLASS_LINK_LOCAL6 | VG_CLASS_UNSPECIFIED6);
}

static __always_inline bool vg_is_essential4(const struct vg_l4 *l4, const struct vg_class *class)
{
	return class->flags & VG_CLASS_DHCP4 && l4->protocol == IPPROTO_UDP &&
	       l4->source_port == VG_DHCP4_SERVER && l4->port == VG_DHCP4_CLIENT;
}

static __always_inline bool vg_is_essential6(const struct vg_l4 *l4, const struct vg_class *class,
					     __u32 hop_limit)
{
	const bool local = class->flags & VG_CLASS_LINK_LOCAL6;
	const bool unspecified = class->flags & VG_CLASS_UNSPECIFIED6;

	if (l4->protocol == IPPROTO_UDP)
		return local && l4->source_port == VG_DHCP6_SERVER && l4->port == VG_DHCP6_CLIENT;
	if (l4->protocol != IPPROTO_ICMPV6)
		return false;
	if (l4->icmp_type >= VG_NDP_FIRST && l4->icmp_type <= VG_NDP_LAST)
		return hop_limit == VG_NDP_HOP_LIMIT && (local || unspecified || class->sets);
	if ((l4->icmp_type >= VG_MLD_FIRST && l4->icmp_type <= VG_MLD_LAST) ||
	    l4->icmp_type == VG_MLD2_REPORT)
		return local || unspecified;
	return false;
}

#endif
