// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The compiled trie against a linear scan of the routes it was built from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/trie.h"
#include "share/cleanup.h"
#include "tests/oracle/random.h"

#define ROUNDS 300
#define MAX_ROUTES 200

/* The walk of the layout in vpcgate/abi.h, bit by bit rather than in words. */
static unsigned take_byte(const struct vg_address *address, unsigned *depth)
{
	const unsigned shift = 56 - *depth % 64;
	const __u64 word = *depth < 64 ? address->hi : address->lo;

	*depth += 8;
	return word >> shift & 255;
}

static const struct vg_trie_class *
walk(const struct vg_trie *trie, const struct vg_classes *classes, const struct vg_address *address)
{
	unsigned depth = 0;
	const unsigned first = take_byte(address, &depth);
	__u32 entry = trie->root->entry[first << 8 | take_byte(address, &depth)];

	while (entry & VG_ENTRY_KIND) {
		const __u32 index = entry & VG_ENTRY_INDEX;

		if ((entry & VG_ENTRY_KIND) == VG_ENTRY_NODE) {
			assert_true(index < trie->n_nodes);
			entry = trie->nodes[index].entry[take_byte(address, &depth)];
			continue;
		}
		assert_true(index < trie->n_skips);
		entry = trie->skips[index].hit;
		for (unsigned bits = 0; bits < trie->skips[index].bits; bits += 8)
			if (take_byte(address, &depth) !=
			    (trie->skips[index].value >> (56 - bits) & 255))
				entry = trie->skips[index].miss;
	}
	assert_true(entry < classes->n);
	return &classes->items[entry];
}

static struct vg_trie_class scan(const struct vg_route *routes, size_t n,
				 const struct vg_address *address)
{
	struct vg_trie_class class = {.source = VG_TRIE_NO_SOURCE};
	int longest = -1;
	bool unless_listed = false;

	for (size_t i = 0; i < n; i++) {
		const struct vg_route *route = &routes[i];

		if (!vg_prefix_contains(&route->prefix, address))
			continue;
		class.sets |= route->sets;
		class.flags |= route->flags & ~VG_ROUTE_MARTIAN_UNLISTED;
		unless_listed |= route->flags & VG_ROUTE_MARTIAN_UNLISTED;
		if (!route->sets || route->prefix.length < longest ||
		    (route->prefix.length == longest && route->source > class.source))
			continue;
		longest = route->prefix.length;
		class.source = route->source;
	}
	if (unless_listed && !class.sets)
		class.flags |= VG_CLASS_MARTIAN;
	return class;
}

static void mask_address(struct vg_prefix *p)
{
	const unsigned length = p->length;

	p->address.hi &= length >= 64 ? ~0ULL : length ? ~0ULL << (64 - length) : 0;
	p->address.lo &= length <= 64 ? 0 : ~0ULL << (128 - length);
}

static struct vg_prefix random_prefix(struct vg_random *random, int family,
				      const struct vg_route *routes, size_t n)
{
	const unsigned bits = family == 4 ? 32 : 128;
	struct vg_prefix p = {.address = {.family = family}, .length = 0};

	/* Half of the prefixes lie inside, around or beside an earlier one. */
	if (n && vg_random_below(random, 2)) {
		p.address = routes[vg_random_below(random, n)].prefix.address;
		p.address.hi ^= 1ULL << (63 - vg_random_below(random, family == 4 ? 32 : 64));
	} else {
		p.address.hi = vg_random_next(random);
		p.address.lo = family == 6 ? vg_random_next(random) : 0;
	}
	p.length = vg_random_below(random, bits + 1);
	if (family == 4)
		p.address.hi &= 0xffffffff00000000ULL;
	mask_address(&p);
	return p;
}

/* `delta` is -1 or 1; an address at the end of its family wraps round. */
static struct vg_address neighbour(struct vg_address a, int delta)
{
	const __u64 hi = a.hi, lo = a.lo;

	if (a.family == 4) {
		a.hi += delta < 0 ? -(1ULL << 32) : 1ULL << 32;
		return a;
	}
	a.lo = lo + delta;
	if (delta < 0 ? lo == 0 : a.lo == 0)
		a.hi = hi + delta;
	return a;
}

static struct vg_address last_address(const struct vg_prefix *p)
{
	struct vg_address a = p->address;
	const unsigned length = p->length;

	if (a.family == 4) {
		a.hi |= length == 32 ? 0 : (~0ULL >> length) & 0xffffffff00000000ULL;
		return a;
	}
	a.hi |= length >= 64 ? 0 : ~0ULL >> length;
	a.lo |= length <= 64 ? ~0ULL : length == 128 ? 0 : ~0ULL >> (length - 64);
	return a;
}

static void compare(const struct vg_trie *trie, const struct vg_classes *classes,
		    const struct vg_route *routes, size_t n, struct vg_address address)
{
	const struct vg_trie_class *got = walk(trie, classes, &address);
	const struct vg_trie_class expected = scan(routes, n, &address);
	char text[VG_PREFIX_TEXT_SIZE];

	if (got->sets == expected.sets && got->flags == expected.flags &&
	    got->source == expected.source)
		return;
	fail_msg("%s: sets %llx, flags %x, source %u; expected %llx, %x, %u",
		 vg_address_format(&address, text), got->sets, got->flags, got->source,
		 expected.sets, expected.flags, expected.source);
}

static void check_round(struct vg_random *random, int family)
{
	struct vg_route routes[MAX_ROUTES];
	const size_t n = vg_random_below(random, MAX_ROUTES + 1);
	struct vg_classes classes;
	struct vg_trie trie;

	for (size_t i = 0; i < n; i++) {
		const unsigned source = vg_random_below(random, 8);

		routes[i] = (struct vg_route){.prefix = random_prefix(random, family, routes, i),
					      .sets = 1ULL << source,
					      .source = source};
		if (source == 7) {
			routes[i].sets = 0;
			routes[i].flags = i % 2 ? VG_ROUTE_MARTIAN_UNLISTED : VG_CLASS_DHCP4;
		}
	}
	assert_int_equal(vg_classes_init(&classes), 0);
	assert_int_equal(vg_trie_build(routes, n, &classes, &trie), 0);
	for (size_t i = 0; i < n; i++) {
		const struct vg_prefix *p = &routes[i].prefix;

		compare(&trie, &classes, routes, n, p->address);
		compare(&trie, &classes, routes, n, neighbour(p->address, -1));
		compare(&trie, &classes, routes, n, last_address(p));
		compare(&trie, &classes, routes, n, neighbour(last_address(p), 1));
	}
	for (int i = 0; i < 100; i++) {
		struct vg_address a = {vg_random_next(random), vg_random_next(random), family};

		if (family == 4)
			a = (struct vg_address){a.hi & 0xffffffff00000000ULL, 0, 4};
		compare(&trie, &classes, routes, n, a);
	}
	vg_trie_done(&trie);
	vg_classes_done(&classes);
}

static void test_random(void **state)
{
	struct vg_random random;
	const __u64 seed = vg_random_seed(NULL);

	(void)state;
	print_message("seed %llu (VG_SEED gives another)\n", seed);
	vg_random_init(&random, seed, 0);
	for (int round = 0; round < ROUNDS; round++) {
		check_round(&random, 4);
		check_round(&random, 6);
	}
}

static struct vg_route route(const char *prefix, unsigned source)
{
	struct vg_route r = {.sets = 1ULL << source, .source = source};

	assert_int_equal(vg_prefix_parse(prefix, &r.prefix, NULL, 0), 0);
	return r;
}

/* A lone /64 is one compare behind the root, and a lone IPv4 /24 as well. */
static void test_path_compression(void **state)
{
	struct vg_route six = route("fd20:1:2:3::/64", 0), four = route("10.1.2.0/24", 0);
	struct vg_classes classes;
	struct vg_trie trie;

	(void)state;
	assert_int_equal(vg_classes_init(&classes), 0);
	assert_int_equal(vg_trie_build(&six, 1, &classes, &trie), 0);
	assert_int_equal(trie.n_nodes, 0);
	assert_int_equal(trie.n_skips, 1);
	assert_int_equal(trie.skips[0].bits, 48);
	vg_trie_done(&trie);
	assert_int_equal(vg_trie_build(&four, 1, &classes, &trie), 0);
	assert_int_equal(trie.n_nodes, 0);
	assert_int_equal(trie.n_skips, 1);
	vg_trie_done(&trie);
	vg_classes_done(&classes);
}

/* One combination of sets more than there are class numbers. */
static void test_too_many_classes(void **state)
{
	const size_t n = VG_MAX_CLASSES;
	_cleanup_free_ struct vg_route *routes = calloc(n, sizeof(*routes));
	struct vg_classes classes;
	struct vg_trie trie;

	(void)state;
	for (size_t i = 0; i < n; i++)
		routes[i] = (struct vg_route){
			.prefix = {{.hi = (__u64)i << 32, .family = 4}, 32},
			.sets = i + 1,
		};
	assert_int_equal(vg_classes_init(&classes), 0);
	assert_int_equal(vg_trie_build(routes, n, &classes, &trie), -E2BIG);
	assert_int_equal(vg_trie_build(routes, n - 1, &classes, &trie), 0);
	vg_trie_done(&trie);
	vg_classes_done(&classes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_path_compression),
		cmocka_unit_test(test_too_many_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
