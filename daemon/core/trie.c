// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/pool.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"

#define ADDRESS_BITS 128
#define HALF_BITS 64 /* no step takes bits of both halves */
#define ROOT_BITS 16

/*
 * A table of up to so many intervals has plain nodes: it stays in the cache anyway, and a plain node
 * costs a load less (random IPv6 sources, 1,000 prefixes: 23 ns with nodes, 30 packed). Larger ones are
 * packed.
 */
#define PLAIN_INTERVALS 2048

struct builder {
	const struct vg_interval *intervals;
	size_t n;
	struct vg_trie trie;
};

/*
 * The addresses that share their first `depth` bits with `start`: `class` is the one at `start`, and
 * `n` intervals begin behind it, `first` being the first of them.
 */
struct block {
	vg_number start;
	unsigned depth;
	size_t first, n;
	__u32 class;
};

/* ---- skips: all addresses of a block but those that share some more bits have one class ---- */

struct inner {
	struct block block;
	__u32 miss; /* class outside of it */
};

/* All bits behind the first `depth`. */
static vg_number bits_behind(unsigned depth)
{
	return depth < ADDRESS_BITS ? ~(vg_number)0 >> depth : 0;
}

static unsigned common_bits(vg_number a, vg_number b)
{
	const __u64 upper = (a ^ b) >> 64, lower = a ^ b;

	if (upper)
		return __builtin_clzll(upper);
	return lower ? 64 + __builtin_clzll(lower) : ADDRESS_BITS;
}

/* As many bits as a step behind `depth` can tell apart: at most `count`, and within a half. */
static unsigned bits_of_step(unsigned depth, unsigned count)
{
	const unsigned left = (depth < HALF_BITS ? HALF_BITS : ADDRESS_BITS) - depth;

	return count < left ? count : left;
}

/* The smallest block around the addresses from `low` to `high`, which are inside `outer`. */
static struct inner inner_around(const struct builder *b, const struct block *outer, vg_number low,
				 vg_number high, __u32 miss)
{
	const unsigned common = common_bits(low, high);
	const unsigned most = outer->depth + bits_of_step(outer->depth, VG_TRIE_SKIP_MAX_BITS);
	struct inner inner = {.block = *outer, .miss = miss};
	struct block *block = &inner.block;
	vg_number end;

	block->depth = common < most ? common : most;
	block->start = low & ~bits_behind(block->depth);
	end = block->start | bits_behind(block->depth);
	for (; block->n && b->intervals[block->first].start <= block->start; block->n--)
		block->class = b->intervals[block->first++].class;
	while (block->n && b->intervals[block->first + block->n - 1].start > end)
		block->n--;
	return inner;
}

static struct inner find_inner(const struct builder *b, const struct block *outer)
{
	const vg_number end = outer->start | bits_behind(outer->depth);
	const vg_number first = b->intervals[outer->first].start;
	const vg_number last = b->intervals[outer->first + outer->n - 1].start - 1;
	const __u32 end_class = b->intervals[outer->first + outer->n - 1].class;
	const bool same = outer->class == end_class;
	const struct inner before_end =
		inner_around(b, outer, same ? first : outer->start, last, end_class);
	const struct inner behind_start =
		inner_around(b, outer, first, same ? last : end, outer->class);

	return before_end.block.depth >= behind_start.block.depth ? before_end : behind_start;
}

static int build(struct builder *b, const struct block *block, __u32 *ret_entry);

/* The bits by which the inner block is told from the rest of the outer one, left-aligned. */
static __u64 skipped_bits(const struct block *outer, const struct inner *inner)
{
	const unsigned bits = inner->block.depth - outer->depth;
	const __u64 following = (inner->block.start << outer->depth) >> 64;

	return bits ? following >> (64 - bits) << (64 - bits) : 0;
}

static int build_skip(struct builder *b, const struct block *outer, const struct inner *inner,
		      __u32 *ret_entry)
{
	struct vg_trie_skip skip = {
		.value = skipped_bits(outer, inner),
		.miss = inner->miss,
		.bits = inner->block.depth - outer->depth,
	};
	int r = build(b, &inner->block, &skip.hit);

	if (r < 0)
		return r;
	r = vg_pool_take(&b->trie, sizeof(skip), VG_ENTRY_SKIP, ret_entry);
	if (r >= 0)
		memcpy(vg_pool_at(&b->trie, *ret_entry), &skip, sizeof(skip));
	return r;
}

/* ---- ranges: the few intervals of a block, searched at once ---- */

/* The first bits of an address that an interval which begins there depends on. */
static unsigned significant_bits(vg_number start)
{
	const __u64 upper = start >> 64, lower = start;

	if (lower)
		return ADDRESS_BITS - __builtin_ctzll(lower);
	return upper ? 64 - __builtin_ctzll(upper) : 0;
}

static bool ranges_tell(const struct builder *b, const struct block *block)
{
	const unsigned end = block->depth + bits_of_step(block->depth, VG_RANGES_BITS);

	for (size_t i = block->first; i < block->first + block->n; i++)
		if (significant_bits(b->intervals[i].start) > end)
			return false;
	return true;
}

/* The start of the block's interval i, of VG_RANGES_BITS bits. */
static __u16 range_start(const struct builder *b, const struct block *block, size_t i)
{
	const vg_number start = b->intervals[block->first + i].start;

	return start << block->depth >> (ADDRESS_BITS - VG_RANGES_BITS);
}

/* Neighbours differ: of two classes, every other interval has the same. */
static bool takes_turns(const struct builder *b, const struct block *block)
{
	const struct vg_interval *intervals = &b->intervals[block->first];

	for (size_t i = 1; i < block->n; i++)
		if (intervals[i].class != (i % 2 ? block->class : intervals[0].class))
			return false;
	return true;
}

static void fill_turns(const struct builder *b, const struct block *block, __u16 *class,
		       __u16 *starts, size_t room)
{
	const size_t unused = room - block->n;

	class[unused % 2] = block->class;
	class[(unused + 1) % 2] = b->intervals[block->first].class;
	for (size_t i = 0; i < room; i++)
		starts[i] = ~(i < block->n ? range_start(b, block, i) : 0);
}

static int build_turns(struct builder *b, const struct block *block, __u32 *ret_entry)
{
	struct vg_trie_turns30 *thirty;
	struct vg_trie_turns *turns;
	int r;

	if (block->n <= VG_ARRAY_SIZE(turns->starts)) {
		r = vg_pool_take(&b->trie, sizeof(*turns), VG_ENTRY_TURNS, ret_entry);
		if (r < 0)
			return r;
		turns = vg_pool_at(&b->trie, *ret_entry);
		fill_turns(b, block, turns->class, turns->starts, VG_ARRAY_SIZE(turns->starts));
		return 0;
	}
	r = vg_pool_take(&b->trie, sizeof(*thirty), VG_ENTRY_TURNS30, ret_entry);
	if (r < 0)
		return r;
	thirty = vg_pool_at(&b->trie, *ret_entry);
	fill_turns(b, block, thirty->class, thirty->starts, VG_ARRAY_SIZE(thirty->starts));
	return 0;
}

static void fill_ranges(const struct builder *b, const struct block *block, __u64 *starts,
			__u16 *class, unsigned room)
{
	__u64 start = 0;

	class[0] = block->class;
	for (size_t i = 1; i < room; i++) {
		const struct vg_interval *interval = &b->intervals[block->first + i - 1];
		const bool used = i <= block->n;

		if (used)
			start = range_start(b, block, i - 1);
		starts[i / 4] |= (used ? start : 0xffff) << i % 4 * 16;
		class[i] = used ? interval->class : class[i - 1];
	}
}

static int build_ranges(struct builder *b, const struct block *block, __u32 *ret_entry)
{
	struct vg_trie_ranges16 *sixteen;
	struct vg_trie_ranges8 *eight;
	int r;

	if (block->n < 8) {
		r = vg_pool_take(&b->trie, sizeof(*eight), VG_ENTRY_RANGES8, ret_entry);
		if (r < 0)
			return r;
		eight = vg_pool_at(&b->trie, *ret_entry);
		fill_ranges(b, block, eight->starts, eight->class, 8);
		return 0;
	}
	r = vg_pool_take(&b->trie, sizeof(*sixteen), VG_ENTRY_RANGES16, ret_entry);
	if (r < 0)
		return r;
	sixteen = vg_pool_at(&b->trie, *ret_entry);
	fill_ranges(b, block, sixteen->starts, sixteen->class, 16);
	return 0;
}

/* ---- nodes and runs ---- */

/* From that slot on, up to the next run's, all entries are that one. */
struct run {
	__u32 slot;
	__u32 entry;
};

struct runs {
	struct run *items;
	size_t n;
	unsigned stride; /* there are 2^stride slots */
};

static void runs_done(struct runs *runs)
{
	free(runs->items);
}

static void begin_run(struct runs *runs, __u32 slot, __u32 entry)
{
	if (runs->n && runs->items[runs->n - 1].slot == slot)
		runs->n--;
	if (!runs->n || runs->items[runs->n - 1].entry != entry)
		runs->items[runs->n++] = (struct run){slot, entry};
}

/* An interval begins at most one run, and ends inside one. */
static int find_runs(struct builder *b, const struct block *block, unsigned stride,
		     struct runs *ret_runs)
{
	const unsigned bits = bits_of_step(block->depth, stride), depth = block->depth + bits;
	const vg_number rest = bits_behind(depth);
	const struct vg_interval *at = &b->intervals[block->first], *stop = at + block->n;
	__u32 class = block->class, entry;
	int r;

	ret_runs->stride = stride;
	ret_runs->items = calloc(2 * block->n + 1, sizeof(*ret_runs->items));
	if (!ret_runs->items)
		return -ENOMEM;
	begin_run(ret_runs, 0, class);
	while (at < stop) {
		/* Where a half ends within the stride, the slots' last bits are always 0. */
		const __u32 slot = (at->start << block->depth) >> (ADDRESS_BITS - bits);
		struct block inner = {at->start & ~rest, depth, 0, 0, class};

		if (at->start == inner.start)
			inner.class = at++->class;
		inner.first = at - b->intervals;
		while (at < stop && at->start <= (inner.start | rest))
			at++;
		inner.n = at - &b->intervals[inner.first];
		class = at[-1].class;
		r = build(b, &inner, &entry);
		if (r < 0)
			return r;
		begin_run(ret_runs, slot << (stride - bits), entry);
		if (inner.n && slot + 1 < 1u << bits)
			begin_run(ret_runs, (slot + 1) << (stride - bits), class);
	}
	return 0;
}

static void fill_entries(const struct runs *runs, __u32 *entries)
{
	for (size_t i = 0; i < runs->n; i++) {
		const __u32 end = i + 1 < runs->n ? runs->items[i + 1].slot : 1u << runs->stride;

		for (__u32 slot = runs->items[i].slot; slot < end; slot++)
			entries[slot] = runs->items[i].entry;
	}
}

static int build_node(struct builder *b, const struct block *outer, const struct inner *inner,
		      __u32 *ret_entry)
{
	_cleanup_(runs_done) struct runs runs = {0};
	struct vg_trie_node *node;
	int r = find_runs(b, &inner->block, VG_NODE_BITS, &runs);

	if (r < 0)
		return r;
	r = vg_pool_take(&b->trie, sizeof(*node), VG_ENTRY_NODE, ret_entry);
	if (r < 0)
		return r;
	node = vg_pool_at(&b->trie, *ret_entry);
	node->value = skipped_bits(outer, inner);
	node->miss = inner->miss;
	node->bits = inner->block.depth - outer->depth;
	fill_entries(&runs, node->entry);
	return 0;
}

/*
 * How many bits to take at once: the fewer intervals begin behind them, inside of a slot, the better,
 * but the words may not take much more memory than the entries.
 */
static unsigned choose_stride(const struct builder *b, const struct block *block)
{
	size_t lengths[ADDRESS_BITS + 1] = {0}, behind = 0, least;
	unsigned best = VG_RUNS_MIN_BITS;

	for (size_t i = block->first; i < block->first + block->n; i++)
		lengths[significant_bits(b->intervals[i].start)]++;
	for (unsigned length = block->depth + best + 1; length <= ADDRESS_BITS; length++)
		behind += lengths[length];
	least = behind;
	for (unsigned stride = best + VG_RUNS_STEP_BITS; stride <= VG_RUNS_MAX_BITS;
	     stride += VG_RUNS_STEP_BITS) {
		if (bits_of_step(block->depth, stride) < stride ||
		    VG_RUNS_WORDS(stride) * sizeof(__u64) > 16 * block->n)
			break;
		for (unsigned i = 0; i < VG_RUNS_STEP_BITS; i++)
			behind -= lengths[block->depth + stride - i];
		if (behind < least) {
			least = behind;
			best = stride;
		}
	}
	return best;
}

static void fill_runs(const struct runs *runs, void *place)
{
	__u64 *words = place;
	__u32 *entries = place;
	size_t run = 0;

	for (unsigned i = 0; i < VG_RUNS_WORDS(runs->stride); i++) {
		__u64 *word = --words;

		*word = (__u64)run << VG_RUNS_SLOTS;
		for (; run < runs->n && runs->items[run].slot / VG_RUNS_SLOTS == i; run++) {
			*word |= 1ULL << runs->items[run].slot % VG_RUNS_SLOTS;
			entries[run] = runs->items[run].entry;
		}
	}
}

static bool is_pair(const struct runs *runs)
{
	for (size_t i = 2; i < runs->n; i++)
		if (runs->items[i].entry != runs->items[i % 2].entry)
			return false;
	return runs->n > 1 && runs->stride == VG_PAIR_BITS;
}

static void fill_pair(const struct runs *runs, struct vg_trie_pair *pair)
{
	__u32 entries[1 << VG_PAIR_BITS];

	fill_entries(runs, entries);
	pair->entry[0] = runs->items[0].entry;
	pair->entry[1] = runs->items[1].entry;
	for (unsigned slot = 0; slot < 1 << VG_PAIR_BITS; slot++)
		if (entries[slot] == pair->entry[1])
			pair->which[slot / 64] |= 1ULL << slot % 64;
}

static int build_runs(struct builder *b, const struct block *block, __u32 *ret_entry)
{
	const unsigned stride = choose_stride(b, block);
	const size_t words = VG_RUNS_WORDS(stride);
	_cleanup_(runs_done) struct runs runs = {0};
	int r = find_runs(b, block, stride, &runs);

	if (r < 0)
		return r;
	if (is_pair(&runs)) {
		r = vg_pool_take(&b->trie, sizeof(struct vg_trie_pair), VG_ENTRY_PAIR, ret_entry);
		if (r >= 0)
			fill_pair(&runs, vg_pool_at(&b->trie, *ret_entry));
		return r;
	}
	r = vg_pool_take(&b->trie, words * sizeof(__u64) + runs.n * sizeof(__u32),
			 VG_ENTRY_RUNS + (stride - VG_RUNS_MIN_BITS) / VG_RUNS_STEP_BITS,
			 ret_entry);
	if (r < 0)
		return r;
	*ret_entry += words * sizeof(__u64) / VG_POOL_UNIT;
	fill_runs(&runs, vg_pool_at(&b->trie, *ret_entry));
	return 0;
}

/* In a packed table, a skip that doesn't end the walk must be worth a step. */
static int build_step(struct builder *b, const struct block *block, __u32 *ret_entry)
{
	struct inner inner;

	if (b->trie.packed && block->n <= 30 && ranges_tell(b, block) && takes_turns(b, block))
		return build_turns(b, block, ret_entry);
	if (b->trie.packed && block->n < 16 && ranges_tell(b, block))
		return build_ranges(b, block, ret_entry);
	inner = find_inner(b, block);
	if (!inner.block.n || (inner.block.depth == HALF_BITS && block->depth < HALF_BITS))
		return build_skip(b, block, &inner, ret_entry);
	if (!b->trie.packed)
		return build_node(b, block, &inner, ret_entry);
	if (inner.block.depth >= block->depth + VG_RUNS_MIN_BITS)
		return build_skip(b, block, &inner, ret_entry);
	return build_runs(b, block, ret_entry);
}

static int build(struct builder *b, const struct block *block, __u32 *ret_entry)
{
	__u32 lower;
	int r;

	if (!block->n) {
		*ret_entry = block->class;
		return 0;
	}
	if (block->depth != HALF_BITS)
		return build_step(b, block, ret_entry);
	r = build_step(b, block, &lower);
	if (r >= 0)
		r = vg_pool_take(&b->trie, sizeof(lower), VG_ENTRY_LOWER, ret_entry);
	if (r >= 0)
		memcpy(vg_pool_at(&b->trie, *ret_entry), &lower, sizeof(lower));
	return r;
}

static int build_root(struct builder *b)
{
	const struct block all = {.first = 1, .n = b->n - 1, .class = b->intervals[0].class};
	_cleanup_free_ __u32 *entries = calloc(1 << ROOT_BITS, sizeof(*entries));
	_cleanup_(runs_done) struct runs runs = {0};
	int r = entries ? find_runs(b, &all, ROOT_BITS, &runs) : -ENOMEM;

	if (r < 0)
		return r;
	b->trie.root = malloc(sizeof(*b->trie.root));
	if (!b->trie.root)
		return -ENOMEM;
	fill_entries(&runs, entries);
	for (unsigned i = 0; i < 1u << ROOT_BITS; i++)
		b->trie.root->entry[htobe16(i)] = entries[i];
	return 0;
}

static int build_trie(const struct vg_intervals *intervals, bool packed, struct vg_trie *ret_trie)
{
	struct builder b = {intervals->items, intervals->n, {.packed = packed}};
	int r = build_root(&b);

	if (r < 0)
		vg_trie_done(&b.trie);
	*ret_trie = b.trie;
	return r;
}

int vg_trie_build(const struct vg_route *routes, size_t n, struct vg_classes *classes,
		  struct vg_trie *ret_trie)
{
	_cleanup_(vg_intervals_done) struct vg_intervals intervals = {0};
	int r = vg_intervals_build(routes, n, classes, &intervals);

	if (r < 0)
		return r;
	r = build_trie(&intervals, intervals.n > PLAIN_INTERVALS, ret_trie);
	if (r < 0 || ret_trie->packed || ret_trie->pool_bytes <= VG_POOL_ROOM)
		return r;
	/* Nodes that take more than a page, which is very sparse, are not worth it. */
	vg_trie_done(ret_trie);
	return build_trie(&intervals, true, ret_trie);
}

void vg_trie_done(struct vg_trie *trie)
{
	free(trie->root);
	free(trie->pool);
	*trie = (struct vg_trie){0};
}
