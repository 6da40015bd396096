/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 1: Ethernet header, up to two VLAN tags, ARP and everything else that isn't IP. */
#ifndef VPCGATE_BPF_ETHERNET_H
#define VPCGATE_BPF_ETHERNET_H

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include "bpf/packet.h"

struct vg_vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

static __always_inline bool vg_is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

static __always_inline __u32 vg_parse_ethernet(struct vg_cursor *c, struct vg_packet *p)
{
	const struct ethhdr *eth = vg_take(c, sizeof(*eth));
	const struct vg_vlan_tag *tag;
	__be16 ethertype;

	if (!eth)
		return VG_DROP_MALFORMED;
	ethertype = eth->h_proto;
	/* At the bound the type is still a VLAN's: a third tag is not IP. */
#pragma unroll
	for (int i = 0; i < VG_MAX_VLAN_TAGS; i++) {
		if (!vg_is_vlan(ethertype))
			break;
		tag = vg_take(c, sizeof(*tag));
		if (!tag)
			return VG_DROP_MALFORMED;
		ethertype = tag->ethertype;
	}
	p->ethertype = bpf_ntohs(ethertype);
	if (p->ethertype == ETH_P_IP || p->ethertype == ETH_P_IPV6)
		return VG_CONTINUE;
	if (settings.frags)
		p->length = bpf_xdp_get_buff_len(p->ctx);
	if (p->ethertype == ETH_P_ARP)
		return VG_PASS_ESSENTIAL;
	return settings.non_ip_pass ? VG_PASS_NON_IP : VG_DROP_NON_IP;
}

#endif
