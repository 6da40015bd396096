/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash of a flow's tuple, computed by the datapath for every frame that may be a reply and by
 * the daemon when it builds the filter anew. Compiled by both. The multiplier is that of the
 * Fibonacci hash, 2^64 over the golden ratio (Knuth, TAOCP vol. 3, §6.4).
 */
#ifndef VPCGATE_FLOW_H
#define VPCGATE_FLOW_H

#include <linux/types.h>
#include "vpcgate/abi.h"

#define VG_HASH_MULTIPLIER 0x9e3779b97f4a7c15ULL

static inline __attribute__((always_inline)) __u64 vg_flow_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * VG_HASH_MULTIPLIER;
	return hash ^ hash >> 32;
}

/* Addresses and ports as they are in memory: the same on both sides of one machine. */
static inline __attribute__((always_inline)) __u64 vg_flow_hash4(const struct vg_flow_key4 *key)
{
	const __u64 addresses = (__u64)key->remote << 32 | key->local;
	const __u64 ports = (__u64)key->remote_port << 24 | (__u64)key->local_port << 8;

	return vg_flow_mix(vg_flow_mix(0, addresses), ports | key->protocol);
}

static inline __attribute__((always_inline)) __u64 vg_flow_hash6(const struct vg_flow_key6 *key)
{
	const __u64 ports = (__u64)key->remote_port << 24 | (__u64)key->local_port << 8;
	__u64 hash = 0;

	for (int i = 0; i < 4; i++)
		hash = vg_flow_mix(hash, (__u64)key->remote[i] << 32 | key->local[i]);
	return vg_flow_mix(hash, ports | key->protocol);
}

/* Word and bit of `hash` in a filter half of `words` words, a power of two. */
static inline __attribute__((always_inline)) __u32 vg_filter_word(__u64 hash, __u32 words,
								  __u32 half)
{
	return 1 + half * words + ((__u32)(hash >> 6) & (words - 1));
}

static inline __attribute__((always_inline)) __u64 vg_filter_bit(__u64 hash)
{
	return 1ULL << (hash & 63);
}

#endif
