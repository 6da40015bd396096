/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lists of prefixes that are bad for a compiled trie, as large as a config may have them. */
#ifndef VPCGATE_TESTS_WORST_CASES_H
#define VPCGATE_TESTS_WORST_CASES_H

#include "tests/oracle/random.h"
#include "vpcgate/abi.h"

#define SETS 14			  /* as many as a scenario has besides the implicit ones */
#define OTHERS (1U << (SETS - 1)) /* ways to be in all sets but one */

/* Two words with the first address bit on top, and the set that has it: what a scan looks at. */
struct entry {
	__u64 hi, lo;
	__u8 family, length, set;
};

struct entries {
	struct entry *items;
	size_t n;
};

static __u64 word_mask(unsigned bits)
{
	return bits ? ~0ULL << (64 - bits) : 0;
}

static void add(struct entries *entries, __u8 family, __u64 hi, __u64 lo, unsigned length,
		unsigned set)
{
	entries->items[entries->n++] = (struct entry){
		.hi = hi & word_mask(length < 64 ? length : 64),
		.lo = lo & word_mask(length > 64 ? length - 64 : 0),
		.family = family,
		.length = (__u8)length,
		.set = (__u8)set,
	};
}

/* In IPv4, from 1.0.0.0 to 223.255.255.255; never IPv4-mapped in IPv6. */
static __u64 random_hi(struct vg_random *random, unsigned family)
{
	if (family == 6)
		return vg_random_next(random) | 1ULL << 61;
	return (__u64)vg_random_between(random, 1U << 24, (224U << 24) - 1) << 32;
}

static void fill_alike(struct entries *entries, struct vg_random *random, unsigned family,
		       unsigned length, size_t n)
{
	while (n--)
		add(entries, family, random_hi(random, family),
		    family == 6 ? vg_random_next(random) : 0, length, vg_random_below(random, 3));
}

static void fill_single4(struct entries *entries, struct vg_random *random)
{
	fill_alike(entries, random, 4, 32, VG_MAX_PREFIXES4);
}

static void fill_single6(struct entries *entries, struct vg_random *random)
{
	fill_alike(entries, random, 6, 128, VG_MAX_PREFIXES6);
}

static void fill_single46(struct entries *entries, struct vg_random *random)
{
	fill_single4(entries, random);
	fill_single6(entries, random);
}

static void fill_lengths6(struct entries *entries, struct vg_random *random)
{
	while (entries->n < VG_MAX_PREFIXES6)
		fill_alike(entries, random, 6, vg_random_between(random, 1, 128), 1);
}

/* As a long list of somebody's has them: enough for a packed trie, which fits into one page. */
static void fill_list(struct entries *entries, struct vg_random *random, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fill_alike(entries, random, 4, vg_random_between(random, 17, 32), 1);
		fill_alike(entries, random, 6, vg_random_between(random, 17, 128), 1);
	}
}

static void fill_short_list(struct entries *entries, struct vg_random *random)
{
	fill_list(entries, random, 1500);
}

static void fill_long_list(struct entries *entries, struct vg_random *random)
{
	fill_list(entries, random, 20000);
}

/* All the prefixes around one address, each in another set than those next to it. */
static void fill_chains(struct entries *entries, struct vg_random *random, unsigned family,
			unsigned first, unsigned last, size_t n)
{
	while (entries->n + last - first < n) {
		const __u64 hi = random_hi(random, family), lo = vg_random_next(random);

		for (unsigned length = first; length <= last; length++)
			add(entries, family, hi, lo, length, length % 3);
	}
}

static void fill_chains4(struct entries *entries, struct vg_random *random)
{
	fill_chains(entries, random, 4, 17, 32, VG_MAX_PREFIXES4);
}

static void fill_chains6(struct entries *entries, struct vg_random *random)
{
	fill_chains(entries, random, 6, 1, 128, VG_MAX_PREFIXES6);
}

/* Two neighbours deep inside a block of their own: path compression has nothing to share. */
static void fill_pairs6(struct entries *entries, struct vg_random *random)
{
	while (entries->n + 1 < VG_MAX_PREFIXES6) {
		const __u64 hi = random_hi(random, 6), lo = vg_random_next(random) & ~1ULL;

		add(entries, 6, hi, lo, 128, 0);
		add(entries, 6, hi, lo | 1, 128, 1);
	}
}

/* Addresses that leave a common path one byte after the other: a node at every level. */
static void fill_combs6(struct entries *entries, struct vg_random *random)
{
	while (entries->n + 15 < VG_MAX_PREFIXES6) {
		const __u64 hi = random_hi(random, 6), lo = vg_random_next(random);

		for (unsigned byte = 2; byte < 16; byte++) {
			const __u64 bit = 1ULL << (63 - byte % 8 * 8);

			add(entries, 6, byte < 8 ? hi ^ bit : hi, byte < 8 ? lo : lo ^ bit, 128,
			    byte % 3);
		}
		add(entries, 6, hi, lo, 128, 2);
	}
}

/* Each /24 is a class of its own: the set that is counted, and those of the others that hold it. */
static void fill_classes(struct entries *entries, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned counted = i / OTHERS, others = i % OTHERS;
		const __u64 hi = (__u64)(11U << 24 | i << 8) << 32;

		for (unsigned j = 0; j < SETS - 1; j++)
			if (others >> j & 1)
				add(entries, 4, hi, 0, 24, j < counted ? j : j + 1);
		add(entries, 4, hi, 0, 25, counted);
		add(entries, 4, hi | 1ULL << 39, 0, 25, counted);
	}
}

static void fill_many_classes(struct entries *entries, struct vg_random *random)
{
	(void)random;
	fill_classes(entries, 7 * OTHERS);
}

/* Addresses in no set, martians and others have classes, too. */
static void fill_too_many_classes(struct entries *entries, struct vg_random *random)
{
	(void)random;
	fill_classes(entries, VG_MAX_CLASSES);
}

#endif
