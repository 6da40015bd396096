// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/ends.h"

#include "core/pool.h"
#include "share/cleanup.h"

#define MAX_TURNS VG_ARRAY_SIZE(((struct vg_trie_turns30 *)0)->starts)
#define MAX_RANGES VG_ARRAY_SIZE(((struct vg_trie_ranges16 *)0)->class)

unsigned vg_bits_of_step(unsigned depth, unsigned count)
{
	const unsigned left = (depth < VG_HALF_BITS ? VG_HALF_BITS : VG_ADDRESS_BITS) - depth;

	return count < left ? count : left;
}

unsigned vg_significant_bits(vg_number start)
{
	const __u64 upper = start >> 64, lower = start;

	if (lower)
		return VG_ADDRESS_BITS - __builtin_ctzll(lower);
	return upper ? 64 - __builtin_ctzll(upper) : 0;
}

static bool ranges_tell(const struct vg_block *block, const struct vg_interval *intervals)
{
	const unsigned end = block->depth + vg_bits_of_step(block->depth, VG_RANGES_BITS);

	for (size_t i = 0; i < block->n; i++)
		if (vg_significant_bits(intervals[i].start) > end)
			return false;
	return true;
}

/* Where an interval starts in the block, of VG_RANGES_BITS bits. */
static __u16 range_start(const struct vg_block *block, const struct vg_interval *interval)
{
	return interval->start << block->depth >> (VG_ADDRESS_BITS - VG_RANGES_BITS);
}

/* Neighbours differ: of two classes, every other interval has the same. */
static bool takes_turns(const struct vg_block *block, const struct vg_interval *intervals)
{
	for (size_t i = 1; i < block->n; i++)
		if (intervals[i].class != (i % 2 ? block->class : intervals[0].class))
			return false;
	return true;
}

static void fill_turns(const struct vg_block *block, const struct vg_interval *intervals,
		       __u16 *class, __u16 *starts, size_t room)
{
	const size_t unused = room - block->n;

	class[unused % 2] = block->class;
	class[(unused + 1) % 2] = intervals[0].class;
	for (size_t i = 0; i < room; i++)
		starts[i] = ~(i < block->n ? range_start(block, &intervals[i]) : 0);
}

static int build_turns(struct vg_trie *trie, const struct vg_block *block,
		       const struct vg_interval *intervals, __u32 *ret_entry)
{
	struct vg_trie_turns30 *thirty;
	struct vg_trie_turns *turns;
	int r;

	if (block->n <= VG_ARRAY_SIZE(turns->starts)) {
		r = vg_pool_take(trie, sizeof(*turns), VG_ENTRY_TURNS, ret_entry);
		if (r < 0)
			return r;
		turns = vg_pool_at(trie, *ret_entry);
		fill_turns(block, intervals, turns->class, turns->starts,
			   VG_ARRAY_SIZE(turns->starts));
		return 0;
	}
	r = vg_pool_take(trie, sizeof(*thirty), VG_ENTRY_TURNS30, ret_entry);
	if (r < 0)
		return r;
	thirty = vg_pool_at(trie, *ret_entry);
	fill_turns(block, intervals, thirty->class, thirty->starts, VG_ARRAY_SIZE(thirty->starts));
	return 0;
}

static void fill_ranges(const struct vg_block *block, const struct vg_interval *intervals,
			__u64 *starts, __u16 *class, unsigned room)
{
	__u64 start = 0;

	class[0] = block->class;
	for (size_t i = 1; i < room; i++) {
		const struct vg_interval *interval = &intervals[i - 1];
		const bool used = i <= block->n;

		if (used)
			start = range_start(block, interval);
		starts[i / 4] |= (used ? start : 0xffff) << i % 4 * 16;
		class[i] = used ? interval->class : class[i - 1];
	}
}

static int build_ranges(struct vg_trie *trie, const struct vg_block *block,
			const struct vg_interval *intervals, __u32 *ret_entry)
{
	struct vg_trie_ranges16 *sixteen;
	struct vg_trie_ranges8 *eight;
	int r;

	if (block->n < 8) {
		r = vg_pool_take(trie, sizeof(*eight), VG_ENTRY_RANGES8, ret_entry);
		if (r < 0)
			return r;
		eight = vg_pool_at(trie, *ret_entry);
		fill_ranges(block, intervals, eight->starts, eight->class, 8);
		return 0;
	}
	r = vg_pool_take(trie, sizeof(*sixteen), VG_ENTRY_RANGES16, ret_entry);
	if (r < 0)
		return r;
	sixteen = vg_pool_at(trie, *ret_entry);
	fill_ranges(block, intervals, sixteen->starts, sixteen->class, 16);
	return 0;
}

int vg_ends_build(struct vg_trie *trie, const struct vg_block *block,
		  const struct vg_interval *intervals, __u32 *ret_entry)
{
	int r;

	if (block->n > MAX_TURNS || !ranges_tell(block, intervals))
		return 0;
	if (takes_turns(block, intervals))
		r = build_turns(trie, block, intervals, ret_entry);
	else if (block->n < MAX_RANGES)
		r = build_ranges(trie, block, intervals, ret_entry);
	else
		return 0;
	return r < 0 ? r : 1;
}
