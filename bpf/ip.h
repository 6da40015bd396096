/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 2: the fixed IP header, checked against the frame (RFC 791 §3.1, RFC 8200 §3). */
#ifndef VPCGATE_BPF_IP_H
#define VPCGATE_BPF_IP_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include "bpf/packet.h"

#define VG_IP_OFFSET_MASK 0x1fff

static __always_inline __u64 vg_word(const __be32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

static __always_inline __u32 vg_parse_ip4(struct vg_cursor *c, struct vg_packet *p)
{
	const struct iphdr *ip = vg_take(c, sizeof(*ip));
	__u32 header, total;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return VG_DROP_MALFORMED;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (total < header || !vg_holds(p, c, ip, total))
		return VG_DROP_MALFORMED;
	p->family = 4;
	p->source_hi = (__u64)bpf_ntohl(ip->saddr) << 32;
	p->destination_hi = (__u64)bpf_ntohl(ip->daddr) << 32;
	p->next_header = ip->protocol;
	p->fragment = ip->frag_off & bpf_htons(VG_IP_OFFSET_MASK);
	p->payload = total - header;
	c->pos = (void *)ip + header;
	return VG_CONTINUE;
}

static __always_inline __u32 vg_parse_ip6(struct vg_cursor *c, struct vg_packet *p)
{
	const struct ipv6hdr *ip = vg_take(c, sizeof(*ip));

	if (!ip || ip->version != 6)
		return VG_DROP_MALFORMED;
	p->payload = bpf_ntohs(ip->payload_len);
	if (!vg_holds(p, c, ip, sizeof(*ip) + p->payload))
		return VG_DROP_MALFORMED;
	p->family = 6;
	p->source_hi = vg_word(&ip->saddr.in6_u.u6_addr32[0]);
	p->source_lo = vg_word(&ip->saddr.in6_u.u6_addr32[2]);
	p->destination_hi = vg_word(&ip->daddr.in6_u.u6_addr32[0]);
	p->destination_lo = vg_word(&ip->daddr.in6_u.u6_addr32[2]);
	p->next_header = ip->nexthdr;
	p->hop_limit = ip->hop_limit;
	return VG_CONTINUE;
}

static __always_inline __u32 vg_parse_ip(struct vg_cursor *c, struct vg_packet *p)
{
	return p->ethertype == ETH_P_IP ? vg_parse_ip4(c, p) : vg_parse_ip6(c, p);
}

#endif
