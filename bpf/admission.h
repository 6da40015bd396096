/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 5: which service the frame is for, and whether its ingress setting admits the source. */
#ifndef VPCGATE_BPF_ADMISSION_H
#define VPCGATE_BPF_ADMISSION_H

#include "bpf/l4.h"
#include "bpf/trie.h"

/*
 * Index into settings.nic of the NIC that a frame came in by; one that no policy names is judged as
 * the first. Arithmetic and not branches: the verifier would follow each NIC through the program.
 */
static __always_inline __u32 vg_find_nic(const struct xdp_md *ctx)
{
	__u32 found = 0;

#pragma unroll
	for (__u32 i = 1; i < VG_MAX_INTERFACES; i++) {
		__u32 differ;

		if (i >= settings.nics)
			break;
		differ = settings.nic[i].ifindex ^ ctx->ingress_ifindex;
		differ |= -differ;   /* the top bit says whether it was 0 */
		barrier_var(differ); /* or clang makes a branch of it again */
		found += i * (1 - (differ >> 31));
	}
	return found & (VG_MAX_INTERFACES - 1);
}

/* A table that lacks the element, which ours don't, answers 0: unknown, or no service. */
static __always_inline __u32 vg_lookup16(void *table, __u32 index)
{
	const __u32 key = index >> 8;
	const struct vg_page16 *page = bpf_map_lookup_elem(table, &key);

	return page ? page->value[index & 255] : 0;
}

static __always_inline __u32 vg_classify_l4(const struct vg_l4 *l4)
{
	if (l4->protocol == VG_PROTOCOL_UNKNOWN)
		return VG_L4_UNKNOWN;
	if (l4->port == VG_PORT_UNKNOWN)
		return vg_lookup16(&l4_class, VG_L4_BLOCK_PROTOCOL + l4->protocol);
	if (l4->protocol == IPPROTO_TCP)
		return vg_lookup16(&l4_class, VG_L4_BLOCK_TCP + l4->port);
	if (l4->protocol == IPPROTO_UDP)
		return vg_lookup16(&l4_class, VG_L4_BLOCK_UDP + l4->port);
	return vg_lookup16(&l4_class, VG_L4_BLOCK_SCTP + l4->port);
}

/* 1 + the index of the service for that destination class and L4, or 0. */
static __always_inline __u32 vg_find_service(__u32 destination, const struct vg_l4 *l4)
{
	return vg_lookup16(&services, destination * settings.l4_classes + vg_classify_l4(l4));
}

/* Rows 7, 8, 11 and 12 of the verdict table. */
static __always_inline __u32 vg_admit(bool open, __u64 sets, const struct vg_class *class)
{
	if (open)
		return VG_PASS_OPEN;
	if (class->sets & sets)
		return VG_PASS_ADMITTED;
	return class->sets ? VG_DROP_NOT_ADMITTED : VG_DROP_UNLISTED;
}

#endif
