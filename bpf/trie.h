/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walk of the compiled multibit trie (layout: vpcgate/abi.h, builder: daemon/core/trie.c). */
#ifndef VPCGATE_BPF_TRIE_H
#define VPCGATE_BPF_TRIE_H

#include <linux/in6.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include "bpf/maps.h"

/* Whatever the entry is, its kind: 0 ends a walk. */
static __always_inline __u32 vg_kind(__u32 entry)
{
	return entry >> VG_ENTRY_KIND_SHIFT;
}

/* Any step fails closed: an entry that leads out of the pool, which ours never does, is in no set. */
#define VG_NOWHERE VG_CLASS_NONE

/* Steps take bits from the top of `bits`, which holds the rest of one half of an address. */
static __always_inline __u32 vg_skip_entry(const struct vg_trie_skip *skip, __u64 *bits)
{
	const __u32 count = skip->bits & 63;

	if ((*bits ^ skip->value) >> (64 - count))
		return skip->miss;
	*bits <<= count;
	return skip->hit;
}

static __always_inline __u32 vg_node_entry(const struct vg_trie_node *node, __u64 *bits)
{
	const __u32 count = node->bits & 63;
	const __u64 rest = *bits << count;

	if ((*bits ^ node->value) >> 1 >> (63 - count))
		return node->miss;
	*bits = rest << VG_NODE_BITS;
	return node->entry[rest >> (64 - VG_NODE_BITS)];
}

/* How many bits are set (BPF has no instruction for it): sums of 2, 4 and 8 bits, then of all bytes. */
static __always_inline __u32 vg_ones(__u64 bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return bits * 0x0101010101010101 >> 56;
}

/*
 * Is what begins at that offset of a page in the pool? Reads the bound from rodata each time: kept in
 * a spilled register, older verifiers forget it.
 */
static __always_inline bool vg_in_pool(const volatile struct vg_pool *shape, __u32 at)
{
	return at <= shape->last;
}

static __always_inline __u32 vg_runs_stride(__u32 kind)
{
	return VG_RUNS_MIN_BITS + (kind - VG_ENTRY_RUNS) * VG_RUNS_STEP_BITS;
}

/* A slot's word, without a division. */
static __always_inline __u32 vg_runs_word(__u32 slot)
{
	return slot * 43691 >> 21;
}
_Static_assert(VG_RUNS_SLOTS == 48 && VG_RUNS_MAX_BITS == 16, "exact for all slots: 2^21 / 48");

/* `at` is where in the page the entries begin. */
static __always_inline __u32 vg_runs_entry(const void *page, const volatile struct vg_pool *shape,
					   __u32 at, __u32 stride, __u64 *bits)
{
	const __u32 slot = *bits >> (64 - stride), index = vg_runs_word(slot);
	const __u32 word_at = at - (index + 1) * sizeof(__u64);
	__u32 entry_at;
	__u64 word;

	if (!vg_in_pool(shape, word_at))
		return VG_NOWHERE;
	word = *(const __u64 *)(page + word_at);
	entry_at =
		at - sizeof(__u32) +
		((word >> VG_RUNS_SLOTS) + vg_ones(word << (63 + index * VG_RUNS_SLOTS - slot))) *
			sizeof(__u32);
	if (!vg_in_pool(shape, entry_at))
		return VG_NOWHERE;
	*bits <<= stride;
	return *(const __u32 *)(page + entry_at);
}

static __always_inline __u32 vg_pair_entry(const struct vg_trie_pair *pair, __u64 *bits)
{
	const __u32 slot = *bits >> (64 - VG_PAIR_BITS);

	*bits <<= VG_PAIR_BITS;
	return pair->entry[pair->which[slot >> 6] >> (slot & 63) & 1];
}

/* The top bit of each of the four numbers in `starts` that is not above its neighbour in `value`. */
static __always_inline __u64 vg_not_above(__u64 starts, __u64 value)
{
	const __u64 top = 0x8000800080008000, differ = value ^ starts;
	const __u64 rest = (value | top) - (starts & ~top); /* of the lower 15 bits */

	return ((differ & value) | (rest & ~differ)) & top;
}

/* The number of the last interval that doesn't start above `value`, which each word holds 4 times. */
static __always_inline __u32 vg_interval_of(const __u64 *starts, __u32 words, __u64 value)
{
	__u64 sums = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		sums += vg_not_above(starts[i], value) >> 15;
	return (sums * 0x0001000100010001 >> 48) - 1;
}

static __always_inline __u32 vg_ranges_class(const void *at, bool large, __u64 bits)
{
	const __u64 value = (bits >> (64 - VG_RANGES_BITS)) * 0x0001000100010001;
	const struct vg_trie_ranges16 *sixteen = at;
	const struct vg_trie_ranges8 *eight = at;

	if (large)
		return sixteen->class[vg_interval_of(sixteen->starts, 4, value) & 15];
	return eight->class[vg_interval_of(eight->starts, 2, value) & 7];
}

/*
 * Which class an even number of the starts not above `value` leaves, and which an odd one. In each lane
 * of 16 bits a start's complement, the value, and 1 add up to a carry where the start isn't above it:
 * the carry is the majority of the two top bits and the carry from those below.
 */
static __always_inline __u32 vg_turns_class(const __u64 *words, __u32 n, __u64 bits)
{
	const __u64 top = 0x8000800080008000;
	const __u64 value = (bits >> (64 - VG_RANGES_BITS)) * 0x0001000100010001;
	const __u64 below = (value & ~top) + 0x0001000100010001;
	__u64 either = 0, both = 0;

#pragma unroll
	for (__u32 i = 0; i < n; i++) {
		/* The classes are two lanes that are alike, which cancel out. */
		const __u64 starts = i ? words[i] : words[i] >> 32 << 32;
		const __u64 sums = (starts & ~top) + below;

		either ^= starts ^ sums;
		both ^= starts & sums;
	}
	both ^= either & value;
	both ^= both >> 32;
	both ^= both >> 16;
	return words[0] >> (both >> 11 & 16) & 0xffff;
}

static __always_inline const void *vg_page(void *pool, __u32 index)
{
	return bpf_map_lookup_elem(pool, &index);
}

static __always_inline __u32 vg_place(__u32 entry)
{
	return (entry & (VG_POOL_PAGE_UNITS - 1)) * VG_POOL_UNIT;
}

/*
 * The end of a walk in a leaf or in turns, without a branch: random sources come to the one as often as
 * to the other, and a wrong guess is dearer than both. For a leaf, turns are read at the pool's begin.
 */
static __always_inline __u32 vg_end_class(const void *page, const volatile struct vg_pool *shape,
					  __u32 entry, __u64 bits)
{
	const __u32 turns = -vg_kind(entry); /* all bits, or none */
	const __u32 at = vg_place(entry) & turns;

	if (!vg_in_pool(shape, at))
		return VG_NOWHERE;
	return (entry & ~turns) | (vg_turns_class(page + at, 4, bits) & turns);
}
_Static_assert(VG_ENTRY_LEAF == 0 && VG_ENTRY_TURNS == 1, "vg_end_class makes masks of them");

/* A pool of nodes is a single page. */
static __always_inline __u32 vg_walk_nodes(void *pool, const volatile struct vg_pool *shape,
					   __u32 entry, __u64 bits, __u64 lower, int levels)
{
	const void *page = vg_page(pool, 0);

	if (!page)
		return VG_NOWHERE;
	for (int i = 0; i < levels && vg_kind(entry) != VG_ENTRY_LEAF; i++) {
		const __u32 at = vg_place(entry);

		if (!vg_in_pool(shape, at))
			return VG_NOWHERE;
		if (vg_kind(entry) == VG_ENTRY_SKIP) {
			entry = vg_skip_entry(page + at, &bits);
		} else if (vg_kind(entry) == VG_ENTRY_NODE) {
			entry = vg_node_entry(page + at, &bits);
		} else {
			entry = *(const __u32 *)(page + at);
			bits = lower;
		}
	}
	return vg_kind(entry) == VG_ENTRY_LEAF ? entry : VG_NOWHERE;
}

static __always_inline __u32 vg_walk_packed(void *pool, const volatile struct vg_pool *shape,
					    __u32 entry, __u64 bits, __u64 lower, int levels)
{
	const bool paged = shape->paged;
	const void *page = vg_page(pool, 0);

	for (int i = 0; i < levels && vg_kind(entry) > VG_ENTRY_TURNS; i++) {
		const __u32 kind = vg_kind(entry), at = vg_place(entry);

		if (paged)
			page = vg_page(pool, (entry & VG_ENTRY_PLACE) >> VG_ENTRY_PAGE_SHIFT);
		if (!page || !vg_in_pool(shape, at))
			return VG_NOWHERE;
		if (kind >= VG_ENTRY_RUNS) {
			entry = vg_runs_entry(page, shape, at, vg_runs_stride(kind), &bits);
		} else if (kind == VG_ENTRY_PAIR) {
			entry = vg_pair_entry(page + at, &bits);
		} else if (kind == VG_ENTRY_SKIP) {
			entry = vg_skip_entry(page + at, &bits);
		} else if (kind == VG_ENTRY_LOWER) {
			entry = *(const __u32 *)(page + at);
			bits = lower;
		} else if (kind == VG_ENTRY_TURNS30) {
			return vg_turns_class(page + at, 8, bits);
		} else {
			return vg_ranges_class(page + at, kind == VG_ENTRY_RANGES16, bits);
		}
	}
	if (vg_kind(entry) > VG_ENTRY_TURNS)
		return VG_NOWHERE;
	if (paged)
		page = vg_page(pool, (entry & VG_ENTRY_PLACE) >> VG_ENTRY_PAGE_SHIFT);
	return page ? vg_end_class(page, shape, entry, bits) : VG_NOWHERE;
}

/*
 * From a root entry to a class; a walk that doesn't end within `levels` is nowhere too. The shape is
 * rodata: the verifier removes the walk that the pool isn't made for.
 */
static __always_inline __u32 vg_trie_walk(void *pool, const volatile struct vg_pool *shape,
					  __u32 entry, __u64 bits, __u64 lower, int levels)
{
	if (shape->packed)
		return vg_walk_packed(pool, shape, entry, bits, lower, levels);
	return vg_walk_nodes(pool, shape, entry, bits, lower, levels);
}

/*
 * The walks below the root: `bits` are those behind the root's, `lower` is the lower half. They are
 * global functions: the verifier checks such a function once, whatever its callers know, instead of
 * once on every way that leads to it, and its stack is in use only for as long as it runs.
 */
__noinline __u32 vg_source4_below(__u32 entry, __u64 bits, __u64 lower)
{
	return vg_trie_walk(&source4_pool, &settings.source4, entry, bits, lower, VG_TRIE_LEVELS4);
}

__noinline __u32 vg_source6_below(__u32 entry, __u64 bits, __u64 lower)
{
	return vg_trie_walk(&source6_pool, &settings.source6, entry, bits, lower, VG_TRIE_LEVELS6);
}

__noinline __u32 vg_to4_below(__u32 entry, __u64 bits, __u64 lower)
{
	return vg_trie_walk(&to4_pool, &settings.to4, entry, bits, lower, VG_TRIE_LEVELS4);
}

__noinline __u32 vg_to6_below(__u32 entry, __u64 bits, __u64 lower)
{
	return vg_trie_walk(&to6_pool, &settings.to6, entry, bits, lower, VG_TRIE_LEVELS6);
}

/* The same where the call would be dear. */
static __always_inline __u32 vg_source4_inline(__u32 entry, __u64 bits, __u64 lower)
{
	return vg_trie_walk(&source4_pool, &settings.source4, entry, bits, lower, VG_TRIE_LEVELS4);
}

static __always_inline __u32 vg_source6_inline(__u32 entry, __u64 bits, __u64 lower)
{
	return vg_trie_walk(&source6_pool, &settings.source6, entry, bits, lower, VG_TRIE_LEVELS6);
}

typedef __u32 vg_below(__u32 entry, __u64 bits, __u64 lower);

/* The entry that a walk begins with. */
static __always_inline __u32 vg_root_entry(const struct vg_trie_root *root, const void *address)
{
	return root->entry[*(const __be16 *)address];
}

/* `entry` is the root's. */
static __always_inline __u32 vg_classify4_from(__u32 entry, const __be32 *address, vg_below *below)
{
	if (vg_kind(entry) == VG_ENTRY_LEAF)
		return entry;
	return below(entry, (__u64)bpf_ntohl(*address) << 48, 0);
}

static __always_inline __u32 vg_classify6_from(__u32 entry, const struct in6_addr *address,
					       vg_below *below)
{
	/* Read at once, at any alignment: the verifier allows it where the processor does. */
	const __be64 *words = (const void *)address;

	if (vg_kind(entry) == VG_ENTRY_LEAF)
		return entry;
	return below(entry, bpf_be64_to_cpu(words[0]) << 16, bpf_be64_to_cpu(words[1]));
}

static __always_inline __u32 vg_classify4(const struct vg_trie_root *root, const __be32 *address,
					  vg_below *below)
{
	return vg_classify4_from(vg_root_entry(root, address), address, below);
}

static __always_inline __u32 vg_classify6(const struct vg_trie_root *root,
					  const struct in6_addr *address, vg_below *below)
{
	return vg_classify6_from(vg_root_entry(root, address), address, below);
}

#endif
