/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "core/listing.h"
#include "share/cleanup.h"
#include "tests/oracle/random.h"
#include "tests/unit/listing_text.h"

static void test_uses(void **state)
{
	enum vg_range_use use = VG_RANGE_USE_MAX;

	(void)state;
	for (int i = 0; i < VG_RANGE_USE_MAX; i++) {
		assert_int_equal(vg_range_use_parse(vg_range_use_text(i), &use), 0);
		assert_int_equal(use, i);
	}
	assert_int_equal(vg_range_use_parse("Subnet", &use), -EINVAL);
	assert_int_equal(vg_range_use_parse("", &use), -EINVAL);
}

static void test_sort(void **state)
{
	static const struct {
		const char *listing, *sorted;
	} cases[] = {
		{"", ""},
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"fd20::/48 10.0.0.0/8 9.0.0.0/8", "9.0.0.0/8 10.0.0.0/8 fd20::/48"},
		{"10.0.0.0/9 10.0.0.0/8", "10.0.0.0/8 10.0.0.0/9"},
		{"10.0.0.0/8=psc 10.0.0.0/8=subnet 10.0.0.0/8",
		 "10.0.0.0/8 10.0.0.0/8=subnet 10.0.0.0/8=psc"},
		{"fd20::/64=subnet 10.0.0.0/8 fd20::/64=subnet 10.0.0.0/8",
		 "10.0.0.0/8 fd20::/64=subnet"},
		{"9.0.0.0/8@a 10.0.0.0/8@b 10.0.0.0/8@a 10.0.0.0/8", "9.0.0.0/8@a 10.0.0.0/8@a"},
		{"::/0 0.0.0.0/0", "0.0.0.0/0 ::/0"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing listing = listing_of(cases[i].listing);
		char text[LISTING_TEXT_SIZE];

		vg_listing_sort(&listing);
		if (strcmp(text_of(&listing, text), cases[i].sorted) != 0)
			fail_msg("'%s': '%s' instead of '%s'", cases[i].listing, text,
				 cases[i].sorted);
	}
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{"", "", true},
		{"10.0.0.0/8", "", false},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.0.0.0/8", "10.0.0.0/9", false},
		{"10.0.0.0/8", "10.0.0.0/8=subnet", false},
		{"10.0.0.0/8@a", "10.0.0.0/8@b", true},
		{"10.0.0.0/8 fd20::/48", "10.0.0.0/8 fd21::/48", false},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing a = listing_of(cases[i].a);
		_cleanup_(vg_listing_done) struct vg_listing b = listing_of(cases[i].b);

		if (vg_listing_equal(&a, &b) != cases[i].equal ||
		    vg_listing_equal(&b, &a) != cases[i].equal)
			fail_msg("'%s' and '%s'", cases[i].a, cases[i].b);
		a.shared = true;
		if (vg_listing_equal(&a, &b))
			fail_msg("'%s' of a shared network and '%s'", cases[i].a, cases[i].b);
	}
}

static void test_changes(void **state)
{
	static const struct {
		const char *old, *new;
		size_t added, removed;
	} cases[] = {
		{"", "", 0, 0},
		{"", "10.0.0.0/8 fd20::/48", 2, 0},
		{"10.0.0.0/8 fd20::/48", "", 0, 2},
		{"9.0.0.0/8 10.0.0.0/8", "9.0.0.0/8@a 10.0.0.0/8", 0, 0},
		{"9.0.0.0/8 10.0.0.0/8", "10.0.0.0/8 10.0.0.0/9 fd20::/48", 2, 1},
		{"10.0.0.0/8=psc", "10.0.0.0/8=subnet", 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing old = listing_of(cases[i].old);
		_cleanup_(vg_listing_done) struct vg_listing new = listing_of(cases[i].new);
		size_t added, removed;

		vg_listing_sort(&old);
		vg_listing_sort(&new);
		vg_listing_count_changes(&old, &new, &added, &removed);
		if (added != cases[i].added || removed != cases[i].removed)
			fail_msg("'%s' to '%s': %zu added, %zu removed", cases[i].old, cases[i].new,
				 added, removed);
	}
}

static void test_gone(void **state)
{
	static const struct {
		const char *old, *new;
		size_t gone, all;
	} cases[] = {
		{"", "", 0, 0},
		{"", "10.0.0.0/8", 0, 0},
		{"10.0.0.0/8", "10.0.0.0/8", 0, 1},
		{"10.0.0.0/8 11.0.0.0/8", "10.0.0.0/8", 1, 2},
		{"10.0.0.0/8 11.0.0.0/8", "", 2, 2},
		/* merged, split, moved by a bit */
		{"10.0.0.0/9 10.128.0.0/9", "10.0.0.0/8", 0, 2},
		{"10.0.0.0/8", "10.128.0.0/9 10.0.0.0/9", 0, 1},
		{"10.0.0.0/8", "10.0.0.0/9 10.128.0.0/10 10.192.0.0/11", 1, 1},
		{"10.0.0.0/8", "10.0.0.0/9 10.64.0.0/10 10.128.0.0/9", 0, 1},
		{"10.0.0.0/8 10.1.0.0/16", "10.1.0.0/16", 1, 2},
		/* other uses are none of ours */
		{"10.0.0.0/8", "10.0.0.0/8=subnet", 1, 1},
		{"10.0.0.0/8=psc 11.0.0.0/8", "11.0.0.0/8", 0, 1},
		/* neither are other scopes */
		{"10.0.0.0/8@a", "10.0.0.0/8@b", 0, 1},
		/* families have numbers of their own */
		{"10.0.0.0/8", "a00::/8", 1, 1},
		{"a00::/8", "10.0.0.0/8", 1, 1},
		{"0.0.0.0/0", "0.0.0.0/1 128.0.0.0/1", 0, 1},
		{"::/0", "::/1 8000::/1", 0, 1},
		{"::/0", "0.0.0.0/0", 1, 1},
		{"255.255.255.255/32", "255.255.255.254/31", 0, 1},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff::/16", 0, 1},
		{"fd20::/64 fd20:0:0:1::/64", "fd20::/63", 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing old = listing_of(cases[i].old);
		_cleanup_(vg_listing_done) struct vg_listing new = listing_of(cases[i].new);
		size_t gone, all;

		gone = count_gone(&old, &new, VG_RANGE_ANY, &all);
		if (gone != cases[i].gone || all != cases[i].all)
			fail_msg("'%s' to '%s': %zu of %zu gone", cases[i].old, cases[i].new, gone,
				 all);
	}
}

static void test_keep(void **state)
{
	static const char *const old_text =
		"10.1.0.0/16=subnet@regions/a 10.2.0.0/16=psc@regions/b 10.3.0.0/16@regions/b "
		"10.4.0.0/16";
	static const struct {
		const char *listing, *scopes[3], *kept;
	} cases[] = {
		{"10.9.0.0/16@regions/c", {NULL}, "10.9.0.0/16@regions/c"},
		{"10.9.0.0/16@regions/c", {"regions/d"}, "10.9.0.0/16@regions/c"},
		{"10.9.0.0/16@regions/c",
		 {"regions/a"},
		 "10.1.0.0/16=subnet@regions/a 10.9.0.0/16@regions/c"},
		{"10.9.0.0/16@regions/b 10.3.0.0/16@regions/b",
		 {"regions/b", "regions/d"},
		 "10.2.0.0/16=psc@regions/b 10.3.0.0/16@regions/b 10.9.0.0/16@regions/b"},
		{"",
		 {"regions/b", "regions/a"},
		 "10.1.0.0/16=subnet@regions/a 10.2.0.0/16=psc@regions/b 10.3.0.0/16@regions/b"},
		{"",
		 {"regions/d", "*"},
		 "10.1.0.0/16=subnet@regions/a 10.2.0.0/16=psc@regions/b 10.3.0.0/16@regions/b "
		 "10.4.0.0/16"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing old = listing_of(old_text);
		_cleanup_(vg_listing_done) struct vg_listing listing = listing_of(cases[i].listing);
		char text[LISTING_TEXT_SIZE];
		size_t n = 0;

		while (cases[i].scopes[n])
			n++;
		assert_int_equal(vg_listing_keep(&listing, &old, cases[i].scopes, n), 0);
		if (strcmp(text_of(&listing, text), cases[i].kept) != 0)
			fail_msg("case %zu: '%s' instead of '%s'", i, text, cases[i].kept);
	}
}

static void test_subtract(void **state)
{
	static const struct {
		const char *from, *minus, *difference;
	} cases[] = {
		{"", "", ""},
		{"", "10.0.0.0/8", ""},
		{"10.0.0.0/8=subnet@a", "", "10.0.0.0/8"},
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"10.0.0.0/8", "0.0.0.0/0", ""},
		{"10.0.0.0/8", "10.0.0.0/9 10.128.0.0/9", ""},
		{"8.8.0.0/16", "8.8.8.0/24",
		 "8.8.0.0/21 8.8.9.0/24 8.8.10.0/23 8.8.12.0/22 8.8.16.0/20 8.8.32.0/19 "
		 "8.8.64.0/18 8.8.128.0/17"},
		{"10.0.0.0/9 10.128.0.0/9 10.1.0.0/16", "", "10.0.0.0/8"},
		{"10.0.0.1/32 10.0.0.2/32 10.0.0.3/32", "", "10.0.0.1/32 10.0.0.2/31"},
		{"10.0.0.0/30 10.0.0.8/30", "10.0.0.3/32 10.0.0.8/32",
		 "10.0.0.0/31 10.0.0.2/32 10.0.0.9/32 10.0.0.10/31"},
		{"fd20::/48 10.0.0.0/8", "10.0.0.0/9 fd20:0:0:8000::/49", "10.128.0.0/9 fd20::/49"},
		{"10.0.0.0/8", "a00::/8", "10.0.0.0/8"},
		{"a00::/8", "10.0.0.0/8", "a00::/8"},
		{"0.0.0.0/0 ::/0", "", "0.0.0.0/0 ::/0"},
		{"0.0.0.0/0 ::/0", "128.0.0.0/1 ::/1", "0.0.0.0/1 8000::/1"},
		{"0.0.0.0/0 ::/0", "::/0 0.0.0.0/0", ""},
		{"255.255.255.254/31", "255.255.255.254/32", "255.255.255.255/32"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/127 "
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing from = listing_of(cases[i].from);
		_cleanup_(vg_listing_done) struct vg_listing minus = listing_of(cases[i].minus);
		_cleanup_(vg_listing_done) struct vg_listing difference = {};
		char text[LISTING_TEXT_SIZE];

		assert_int_equal(vg_listing_subtract(&from, &minus, &difference), 0);
		if (strcmp(text_of(&difference, text), cases[i].difference) != 0)
			fail_msg("'%s' minus '%s': '%s' instead of '%s'", cases[i].from,
				 cases[i].minus, text, cases[i].difference);
	}
}

/* ---- against sets of 256 addresses, one by one ---- */

#define UNIVERSE_BITS 8
#define UNIVERSE (1u << UNIVERSE_BITS)

/* The last 8 bits of one address of each family. */
static struct vg_prefix tiny_prefix(int family, unsigned first, unsigned bits)
{
	struct vg_prefix prefix = {{0x0a00000000000000ULL, 0, 4}, 32 - bits};

	if (family == 4) {
		prefix.address.hi |= (__u64)first << 32;
		return prefix;
	}
	return (struct vg_prefix){{0xfd20000000000000ULL, first, 6}, 128 - bits};
}

static void fill_tiny(struct vg_random *random, int family, struct vg_listing *listing,
		      bool has[static UNIVERSE])
{
	for (unsigned n = vg_random_below(random, 12); n > 0; n--) {
		const unsigned bits = vg_random_below(random, UNIVERSE_BITS - 1);
		const unsigned first = vg_random_below(random, UNIVERSE) >> bits << bits;
		const struct vg_prefix prefix = tiny_prefix(family, first, bits);

		assert_int_equal(vg_listing_add(listing, &prefix, vg_random_below(random, 2), 0),
				 0);
		memset(has + first, true, 1u << bits);
	}
}

/* How many prefixes a set takes at least: one where it has all, else those of its halves. */
static unsigned fewest(const bool *has, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += has[i];
	if (count == 0 || count == n)
		return count > 0;
	return fewest(has, n / 2) + fewest(has + n / 2, n / 2);
}

static void check_tiny(const struct vg_listing *difference, int family, const bool *expected,
		       __u64 seed, unsigned round)
{
	bool has[UNIVERSE] = {};
	unsigned n = 0;

	for (size_t i = 0; i < difference->n; i++) {
		const struct vg_prefix *prefix = &difference->items[i].prefix;

		if (i && vg_prefix_compare(prefix, &difference->items[i - 1].prefix) <= 0)
			fail_msg("seed %llu, round %u: not in order", seed, round);
		if (prefix->address.family != family)
			continue;
		n++;
		for (unsigned a = 0; a < UNIVERSE; a++) {
			const struct vg_prefix one = tiny_prefix(family, a, 0);

			has[a] = has[a] || vg_prefix_contains(prefix, &one.address);
		}
	}
	if (memcmp(has, expected, sizeof(has)) != 0 || n != fewest(expected, UNIVERSE))
		fail_msg("seed %llu, round %u, IPv%d: %u prefixes instead of %u, or wrong ones",
			 seed, round, family, n, fewest(expected, UNIVERSE));
}

static void check_gone(const struct vg_listing *old, const struct vg_listing *new, __u64 seed,
		       unsigned round)
{
	for (int use = 0; use < 2; use++) {
		size_t gone, all, expected = 0;

		for (size_t i = 0; i < old->n; i++) {
			_cleanup_(vg_listing_done) struct vg_listing one = {}, rest = {};
			_cleanup_(vg_listing_done) struct vg_listing same = {};

			if (old->items[i].use != use)
				continue;
			vg_listing_add(&one, &old->items[i].prefix, use, 0);
			for (size_t k = 0; k < new->n; k++) {
				if (new->items[k].use == use)
					vg_listing_add(&same, &new->items[k].prefix, use, 0);
			}
			assert_int_equal(vg_listing_subtract(&one, &same, &rest), 0);
			expected += rest.n > 0;
		}
		gone = count_gone(old, new, use, &all);
		if (gone != expected)
			fail_msg("seed %llu, round %u: %zu gone instead of %zu", seed, round, gone,
				 expected);
	}
}

static void test_random(void **state)
{
	const __u64 seed = vg_random_seed(NULL);
	struct vg_random random;

	(void)state;
	vg_random_init(&random, seed, 0);
	for (unsigned round = 0; round < 2000; round++) {
		_cleanup_(vg_listing_done) struct vg_listing from = {}, minus = {}, difference = {};
		bool in_from[2][UNIVERSE] = {}, in_minus[2][UNIVERSE] = {};

		for (int f = 0; f < 2; f++) {
			fill_tiny(&random, f ? 6 : 4, &from, in_from[f]);
			fill_tiny(&random, f ? 6 : 4, &minus, in_minus[f]);
		}
		assert_int_equal(vg_listing_subtract(&from, &minus, &difference), 0);
		for (int f = 0; f < 2; f++) {
			for (unsigned a = 0; a < UNIVERSE; a++)
				in_from[f][a] = in_from[f][a] && !in_minus[f][a];
			check_tiny(&difference, f ? 6 : 4, in_from[f], seed, round);
		}
		check_gone(&from, &minus, seed, round);
	}
}

/* ---- bounds ---- */

static void test_bounds(void **state)
{
	_cleanup_(vg_listing_done) struct vg_listing full = {}, none = {}, difference = {};
	_cleanup_(vg_listing_done) struct vg_listing scopes = {};
	struct vg_prefix prefix = {{0, 0, 4}, 32};
	size_t gone, all;
	clock_t began;
	__u16 scope;

	(void)state;
	for (unsigned i = 0; i < VG_LISTING_MAX_RANGES; i++) {
		/* in an order that isn't the sorted one, and with gaps, so that nothing joins */
		prefix.address.hi = (__u64)(i * 2654435761u | 1) << 32;
		assert_int_equal(vg_listing_add(&full, &prefix, VG_RANGE_ANY, i % 100), 0);
	}
	assert_int_equal(vg_listing_add(&full, &prefix, VG_RANGE_ANY, 0), -E2BIG);
	assert_int_equal(full.n, VG_LISTING_MAX_RANGES);

	began = clock();
	assert_int_equal(vg_listing_subtract(&full, &none, &difference), 0);
	vg_listing_sort(&full);
	gone = count_gone(&full, &difference, VG_RANGE_ANY, &all);
	print_message("%u ranges: sort, subtract and gone in %.0f ms\n", VG_LISTING_MAX_RANGES,
		      (double)(clock() - began) * 1000 / CLOCKS_PER_SEC);
	assert_true(clock() - began < 3 * CLOCKS_PER_SEC);
	assert_int_equal(gone, 0);
	assert_int_equal(all, full.n);
	assert_true(vg_listing_equal(&full, &difference));

	/* 0.0.0.0/0 without them takes more prefixes than may be */
	prefix = prefix_of("0.0.0.0/0");
	assert_int_equal(vg_listing_add(&none, &prefix, VG_RANGE_ANY, 0), 0);
	vg_listing_done(&difference);
	assert_int_equal(vg_listing_subtract(&none, &full, &difference), -E2BIG);
	assert_int_equal(difference.n, 0);

	for (unsigned i = 0; i < VG_LISTING_MAX_SCOPES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "regions/%u", i);
		assert_int_equal(vg_listing_scope(&scopes, name, &scope), 0);
		assert_int_equal(scope, i);
	}
	assert_int_equal(vg_listing_scope(&scopes, "regions/one-more", &scope), -E2BIG);
	assert_int_equal(vg_listing_scope(&scopes, "regions/7", &scope), 0);
	assert_int_equal(scope, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),	 cmocka_unit_test(test_sort),
		cmocka_unit_test(test_equal),	 cmocka_unit_test(test_changes),
		cmocka_unit_test(test_gone),	 cmocka_unit_test(test_keep),
		cmocka_unit_test(test_subtract), cmocka_unit_test(test_random),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
