/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 5: which service the frame is for, and whether its ingress setting admits the source. */
#ifndef VPCGATE_BPF_ADMISSION_H
#define VPCGATE_BPF_ADMISSION_H

#include "bpf/l4.h"
#include "bpf/packet.h"
#include "bpf/trie.h"

/* The NIC that a frame came in by; one that no policy names is judged as the first. */
static __always_inline struct vg_nic vg_find_nic(const struct xdp_md *ctx)
{
	struct vg_nic nic = settings.nic[0];
	__u32 ifindex;

	if (settings.nics < 2)
		return nic;
	ifindex = ctx->ingress_ifindex;
#pragma unroll
	for (__u32 i = 1; i < VG_MAX_INTERFACES; i++) {
		if (i < settings.nics && settings.nic[i].ifindex == ifindex)
			nic = settings.nic[i];
	}
	return nic;
}

/* A table that lacks the element, which ours don't, answers 0: unknown, or no service. */
static __always_inline __u32 vg_lookup16(void *table, __u32 index)
{
	const __u32 key = index >> 8;
	const struct vg_page16 *page = bpf_map_lookup_elem(table, &key);

	return page ? page->value[index & 255] : 0;
}

static __always_inline __u32 vg_classify_l4(const struct vg_packet *p)
{
	if (p->protocol == VG_PROTOCOL_UNKNOWN)
		return VG_L4_UNKNOWN;
	if (p->port != VG_PORT_UNKNOWN) {
		if (p->protocol == IPPROTO_TCP)
			return vg_lookup16(&l4_class, VG_L4_BLOCK_TCP + p->port);
		if (p->protocol == IPPROTO_UDP)
			return vg_lookup16(&l4_class, VG_L4_BLOCK_UDP + p->port);
		return vg_lookup16(&l4_class, VG_L4_BLOCK_SCTP + p->port);
	}
	return vg_lookup16(&l4_class, VG_L4_BLOCK_PROTOCOL + p->protocol);
}

static __always_inline __u32 vg_classify_destination(const struct vg_packet *p)
{
	if (p->family == 4)
		return vg_trie_walk(&to4_nodes, &to4_skips, p->destination_hi, 0, VG_TRIE_LEVELS4);
	return vg_trie_walk(&to6_nodes, &to6_skips, p->destination_hi, p->destination_lo,
			    VG_TRIE_LEVELS6);
}

/* 1 + the index of the service that the frame is for, or 0. */
static __always_inline __u32 vg_find_service(const struct vg_packet *p)
{
	__u32 destination = 0;

	if (settings.to)
		destination = vg_classify_destination(p);
	return vg_lookup16(&services, destination * settings.l4_classes + vg_classify_l4(p));
}

/* Admits nobody where the element is missing, which ours never is. */
static __always_inline struct vg_admission vg_find_admission(const struct vg_packet *p, __u32 rule)
{
	const struct vg_admission *found;
	__u32 index = rule;

	if (settings.services)
		index = rule * (settings.services + 1) + vg_find_service(p);
	found = bpf_map_lookup_elem(&admission, &index);
	if (!found)
		return (struct vg_admission){0};
	return *found;
}

/* Rows 7, 8, 11 and 12 of the verdict table. */
static __always_inline __u32 vg_admit(const struct vg_admission *a, const struct vg_class *class)
{
	if (a->open)
		return VG_PASS_OPEN;
	if (class->sets & a->sets)
		return VG_PASS_ADMITTED;
	return class->sets ? VG_DROP_NOT_ADMITTED : VG_DROP_UNLISTED;
}

#endif
