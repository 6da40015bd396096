/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 4: the source's class, from which martians, essentials and set membership all follow. */
#ifndef VPCGATE_BPF_SOURCE_H
#define VPCGATE_BPF_SOURCE_H

#include "bpf/l4.h"
#include "bpf/packet.h"
#include "bpf/trie.h"

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

static __always_inline struct vg_class vg_lookup_source(const struct vg_packet *p)
{
	const struct vg_class *class;
	__u32 index;

	if (p->family == 4)
		index = vg_trie_walk(&source4_nodes, &source4_skips, p->source_hi, 0,
				     VG_TRIE_LEVELS4);
	else
		index = vg_trie_walk(&source6_nodes, &source6_skips, p->source_hi, p->source_lo,
				     VG_TRIE_LEVELS6);
	class = bpf_map_lookup_elem(&classes, &index);
	if (!class)
		return (struct vg_class){0};
	return *class;
}

/* Could L4 make this an essential? Cheap, from the fixed IP header alone. */
static __always_inline bool vg_maybe_essential(const struct vg_packet *p,
					       const struct vg_class *class)
{
	if (p->family == 4)
		return class->flags & VG_CLASS_DHCP4 && p->next_header == IPPROTO_UDP;
	if (p->next_header != IPPROTO_ICMPV6 && p->next_header != IPPROTO_UDP &&
	    !vg_is_extension(p->next_header))
		return false;
	return class->sets || class->flags & (VG_CLASS_LINK_LOCAL6 | VG_CLASS_UNSPECIFIED6);
}

static __always_inline bool vg_is_essential(const struct vg_packet *p, const struct vg_class *class)
{
	const bool local = class->flags & VG_CLASS_LINK_LOCAL6;
	const bool unspecified = class->flags & VG_CLASS_UNSPECIFIED6;

	if (p->family == 4)
		return class->flags & VG_CLASS_DHCP4 && p->protocol == IPPROTO_UDP &&
		       p->source_port == VG_DHCP4_SERVER && p->port == VG_DHCP4_CLIENT;
	if (p->protocol == IPPROTO_UDP)
		return local && p->source_port == VG_DHCP6_SERVER && p->port == VG_DHCP6_CLIENT;
	if (p->protocol != IPPROTO_ICMPV6)
		return false;
	if (p->icmp_type >= VG_NDP_FIRST && p->icmp_type <= VG_NDP_LAST)
		return p->hop_limit == VG_NDP_HOP_LIMIT && (local || unspecified || class->sets);
	if ((p->icmp_type >= VG_MLD_FIRST && p->icmp_type <= VG_MLD_LAST) ||
	    p->icmp_type == VG_MLD2_REPORT)
		return local || unspecified;
	return false;
}

/* Rows 5 and 6 of the verdict table. */
static __always_inline __u32 vg_check_source(struct vg_cursor *c, struct vg_packet *p,
					     const struct vg_class *class)
{
	if (class->flags & VG_CLASS_MARTIAN)
		return VG_DROP_MARTIAN;
	if (class->flags & VG_CLASS_METADATA)
		return VG_PASS_ESSENTIAL;
	if (settings.services || vg_maybe_essential(p, class)) {
		vg_parse_l4(c, p);
		if (vg_is_essential(p, class))
			return VG_PASS_ESSENTIAL;
	}
	if (class->flags & VG_CLASS_UNSPECIFIED6)
		return VG_DROP_MARTIAN;
	return VG_CONTINUE;
}

#endif
