/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 2: the fixed IP header, checked against the frame (RFC 791 §3.1, RFC 8200 §3). */
#ifndef VPCGATE_BPF_IP_H
#define VPCGATE_BPF_IP_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include "bpf/packet.h"

#define VG_IP4_OFFSET_MASK 0x1fff

/* An IPv4 header whose own lengths make sense. */
static __always_inline bool vg_is_sound4(const struct iphdr *ip)
{
	const __u32 header = ip->ihl * 4;

	return ip->version == 4 && header >= sizeof(*ip) && bpf_ntohs(ip->tot_len) >= header;
}

/* Both return NULL for a header that is bad, or that promises more than the frame holds. */
static __always_inline const struct iphdr *vg_parse_ip4(struct vg_packet *p)
{
	struct iphdr *ip = vg_take(p, sizeof(*ip));

	if (!ip || !vg_is_sound4(ip) || !vg_holds(p, ip, bpf_ntohs(ip->tot_len)))
		return NULL;
	return ip;
}

static __always_inline const struct ipv6hdr *vg_parse_ip6(struct vg_packet *p)
{
	struct ipv6hdr *ip = vg_take(p, sizeof(*ip));

	if (!ip || ip->version != 6 || !vg_holds(p, ip, sizeof(*ip) + bpf_ntohs(ip->payload_len)))
		return NULL;
	return ip;
}

#endif
