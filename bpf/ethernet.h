/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 1: Ethernet header, up to two VLAN tags, ARP and everything else that isn't IP. */
#ifndef VPCGATE_BPF_ETHERNET_H
#define VPCGATE_BPF_ETHERNET_H

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include "bpf/packet.h"

/* Not the kernel's ethhdr: that one is packed, and clang reads packed fields byte by byte. */
struct vg_ethernet {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
	__be16 ethertype;
};

struct vg_vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

static __always_inline bool vg_is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool vg_is_ip(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_IP) || ethertype == bpf_htons(ETH_P_IPV6);
}

/* On VG_CONTINUE `ret_ethertype` is IPv4's or IPv6's. */
static __always_inline __u32 vg_parse_ethernet(struct vg_packet *p, __be16 *ret_ethertype)
{
	const struct vg_ethernet *ethernet = vg_take(p, sizeof(*ethernet));
	const struct vg_vlan_tag *tag;
	__be16 ethertype;

	if (!ethernet)
		return VG_DROP_MALFORMED;
	ethertype = ethernet->ethertype;
	/* At the bound the type is still a VLAN's: a third tag is not IP. */
#pragma unroll
	for (int i = 0; i < VG_MAX_VLAN_TAGS && vg_is_vlan(ethertype); i++) {
		tag = vg_take(p, sizeof(*tag));
		if (!tag)
			return VG_DROP_MALFORMED;
		ethertype = tag->ethertype;
	}
	*ret_ethertype = ethertype;
	if (vg_is_ip(ethertype))
		return VG_CONTINUE;
	vg_measure(p);
	if (ethertype == bpf_htons(ETH_P_ARP))
		return VG_PASS_ESSENTIAL;
	return settings.non_ip_pass ? VG_PASS_NON_IP : VG_DROP_NON_IP;
}

#endif
