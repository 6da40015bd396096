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
#include <endian.h>
#include "core/trie.h"
#include "share/cleanup.h"
#include "tests/oracle/random.h"

#define ROUNDS 300
#define MAX_ROUTES 200
#define LARGE_ROUNDS 3
#define LARGE_ROUTES 4000 /* enough for a table that is packed */

/* The walk of the layout in vpcgate/abi.h, bit by bit rather than in words. */
static unsigned take_bits(const struct vg_address *address, unsigned *depth, unsigned count)
{
	const unsigned end = *depth < 64 ? 64 : 128;
	unsigned value = 0;

	for (; count; count--, ++*depth) {
		const __u64 word = *depth < 64 ? address->hi : address->lo;

		value = value << 1 | (*depth < end && word >> (63 - *depth % 64) & 1);
	}
	return value;
}

static const void *place(const struct vg_trie *trie, __u32 entry, size_t size)
{
	const size_t at = (size_t)(entry & VG_ENTRY_PLACE) * VG_POOL_UNIT;

	assert_true(at + size <= trie->pool_bytes);
	assert_true(at % VG_POOL_PAGE + size <= VG_POOL_ROOM);
	return &trie->pool[at];
}

static const void *place_before(const struct vg_trie *trie, __u32 entry, size_t size)
{
	return place(trie, entry - size / VG_POOL_UNIT, size);
}

static __u32 run_of(const struct vg_trie *trie, __u32 entry, unsigned stride, unsigned slot)
{
	const unsigned n = VG_RUNS_WORDS(stride);
	const __u64 *words = place_before(trie, entry, n * sizeof(*words));
	unsigned run = 0;

	assert_true(words[n - 1] & 1);
	for (unsigned i = 1; i <= slot; i++) {
		const __u64 word = words[n - 1 - i / VG_RUNS_SLOTS];

		if (i % VG_RUNS_SLOTS == 0)
			assert_int_equal(word >> VG_RUNS_SLOTS, run + 1);
		run += word >> i % VG_RUNS_SLOTS & 1;
	}
	return ((const __u32 *)place(trie, entry, (run + 1) * sizeof(__u32)))[run];
}

static bool take_equal(const struct vg_address *address, unsigned *depth, unsigned count,
		       __u64 value)
{
	for (unsigned i = 0; i < count; i++)
		if (take_bits(address, depth, 1) != (value >> (63 - i) & 1))
			return false;
	return true;
}

static __u32 take_skip(const struct vg_trie *trie, __u32 entry, const struct vg_address *address,
		       unsigned *depth)
{
	const struct vg_trie_skip *skip = place(trie, entry, sizeof(*skip));

	assert_in_range(skip->bits, 1, VG_TRIE_SKIP_MAX_BITS);
	return take_equal(address, depth, skip->bits, skip->value) ? skip->hit : skip->miss;
}

static __u32 take_node(const struct vg_trie *trie, __u32 entry, const struct vg_address *address,
		       unsigned *depth)
{
	const struct vg_trie_node *node = place(trie, entry, sizeof(*node));

	assert_in_range(node->bits, 0, 63);
	if (!take_equal(address, depth, node->bits, node->value))
		return node->miss;
	return node->entry[take_bits(address, depth, VG_NODE_BITS)];
}

static __u32 range_of(const __u64 *starts, const __u16 *classes, unsigned n, unsigned value)
{
	__u32 class = classes[0];

	assert_int_equal(starts[0] & 0xffff, 0);
	for (unsigned i = 1; i < n; i++)
		if ((starts[i / 4] >> i % 4 * 16 & 0xffff) <= value)
			class = classes[i];
	return class;
}

static __u32 turn_of(const __u16 *class, const __u16 *starts, unsigned n, unsigned value)
{
	unsigned turns = 0;

	for (unsigned i = 0; i < n; i++)
		turns += (__u16)~starts[i] <= value;
	return class[turns % 2];
}

/* How often the walks below took each kind of step. */
static unsigned steps[16];

static const struct vg_trie_class *
walk(const struct vg_trie *trie, const struct vg_classes *classes, const struct vg_address *address)
{
	const int levels = address->family == 4 ? VG_TRIE_LEVELS4 : VG_TRIE_LEVELS6;
	unsigned depth = 0, kind;
	__u32 entry = trie->root->entry[htobe16(take_bits(address, &depth, 16))];

	for (int level = 0; (kind = entry >> VG_ENTRY_KIND_SHIFT); level++) {
		const struct vg_trie_turns *turns;
		const struct vg_trie_turns30 *thirty;
		const struct vg_trie_ranges8 *eight;
		const struct vg_trie_ranges16 *sixteen;
		const struct vg_trie_pair *pair;
		const __u32 *lower;

		assert_true(level < levels);
		steps[kind]++;
		switch (kind) {
		case VG_ENTRY_SKIP:
			entry = take_skip(trie, entry, address, &depth);
			break;
		case VG_ENTRY_NODE:
			entry = take_node(trie, entry, address, &depth);
			break;
		case VG_ENTRY_PAIR:
			pair = place(trie, entry, sizeof(*pair));
			kind = take_bits(address, &depth, VG_PAIR_BITS); /* now the slot */
			entry = pair->entry[pair->which[kind / 64] >> kind % 64 & 1];
			break;
		case VG_ENTRY_TURNS:
			turns = place(trie, entry, sizeof(*turns));
			entry = turn_of(turns->class, turns->starts, VG_ARRAY_SIZE(turns->starts),
					take_bits(address, &depth, VG_RANGES_BITS));
			break;
		case VG_ENTRY_TURNS30:
			thirty = place(trie, entry, sizeof(*thirty));
			entry = turn_of(thirty->class, thirty->starts,
					VG_ARRAY_SIZE(thirty->starts),
					take_bits(address, &depth, VG_RANGES_BITS));
			break;
		case VG_ENTRY_RANGES8:
			eight = place(trie, entry, sizeof(*eight));
			entry = range_of(eight->starts, eight->class, 8,
					 take_bits(address, &depth, VG_RANGES_BITS));
			break;
		case VG_ENTRY_RANGES16:
			sixteen = place(trie, entry, sizeof(*sixteen));
			entry = range_of(sixteen->starts, sixteen->class, 16,
					 take_bits(address, &depth, VG_RANGES_BITS));
			break;
		case VG_ENTRY_LOWER:
			assert_true(depth >= 64);
			depth = 64;
			lower = place(trie, entry, sizeof(*lower));
			entry = *lower;
			break;
		default:
			kind = VG_RUNS_MIN_BITS + (kind - VG_ENTRY_RUNS) * VG_RUNS_STEP_BITS;
			/* It is the stride now. */
			entry = run_of(trie, entry, kind, take_bits(address, &depth, kind));
		}
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

static void check_round(struct vg_random *random, int family, size_t n)
{
	_cleanup_free_ struct vg_route *routes = calloc(n + 1, sizeof(*routes));
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

/* A third of the /24s of some /16s, of one set: two classes there, in more intervals than ranges hold. */
static void check_dense(struct vg_random *random)
{
	_cleanup_free_ struct vg_route *routes = calloc(LARGE_ROUTES, sizeof(*routes));
	struct vg_classes classes;
	struct vg_trie trie;
	size_t n = 0;

	for (__u32 i = 0; n < LARGE_ROUTES; i++)
		if (vg_random_below(random, 3) == 0)
			routes[n++] = (struct vg_route){
				.prefix = {{.hi = (__u64)(0x0a000000 + (i << 8)) << 32,
					    .family = 4},
					   24},
				.sets = 1,
			};
	assert_int_equal(vg_classes_init(&classes), 0);
	assert_int_equal(vg_trie_build(routes, n, &classes, &trie), 0);
	for (size_t i = 0; i < n; i++) {
		compare(&trie, &classes, routes, n, routes[i].prefix.address);
		compare(&trie, &classes, routes, n, neighbour(routes[i].prefix.address, -1));
		compare(&trie, &classes, routes, n, neighbour(last_address(&routes[i].prefix), 1));
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
		check_round(&random, 4, vg_random_below(&random, MAX_ROUTES + 1));
		check_round(&random, 6, vg_random_below(&random, MAX_ROUTES + 1));
	}
	for (int round = 0; round < LARGE_ROUNDS; round++) {
		check_round(&random, 4, LARGE_ROUTES);
		check_round(&random, 6, LARGE_ROUTES);
	}
	check_dense(&random);
}

/* Prefixes of 16 bits below 10.1, and the kind of what that comes to. */
static const struct ranges_case {
	const char *name;
	unsigned kind, n, first, step; /* n /32s, that far apart */
	bool third;		       /* the last is of another set */
} ranges_cases[] = {
	{"one at the start", VG_ENTRY_TURNS, 1, 0, 1, false},
	{"one at the end", VG_ENTRY_TURNS, 1, 0xffff, 1, false},
	{"14 starts", VG_ENTRY_TURNS, 7, 1, 2, false},
	{"14 starts, one above all", VG_ENTRY_TURNS, 7, 0x7ffd, 0x1555, false},
	{"15 starts", VG_ENTRY_TURNS30, 8, 0, 2, false},
	{"30 starts", VG_ENTRY_TURNS30, 15, 1, 2, false},
	{"29 starts, one above all", VG_ENTRY_TURNS30, 15, 0xffe3, 2, false},
	{"31 starts", VG_ENTRY_RUNS, 16, 0, 0x1000, false},
	{"three classes, 7 starts", VG_ENTRY_RANGES8, 4, 0, 2, true},
	{"three classes, 8 starts", VG_ENTRY_RANGES16, 4, 1, 2, true},
	{"three classes, one above all", VG_ENTRY_RANGES16, 8, 0xfff1, 2, true},
	{"three classes, 16 starts", VG_ENTRY_RUNS, 8, 1, 0x1000, true},
};

/* Enough elsewhere for a table that is packed. */
static size_t fill_elsewhere(struct vg_route *routes)
{
	size_t n = 0;

	for (; n < LARGE_ROUTES; n++)
		routes[n] = (struct vg_route){
			.prefix = {{.hi = (0xc0000000 + 2 * n) << 32, .family = 4}, 32},
			.sets = 1,
		};
	return n;
}

static void test_ranges(void **state)
{
	_cleanup_free_ struct vg_route *routes = calloc(LARGE_ROUTES + 16, sizeof(*routes));
	const size_t elsewhere = fill_elsewhere(routes);

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(ranges_cases); i++) {
		const struct ranges_case *c = &ranges_cases[i];
		struct vg_route *own = &routes[elsewhere];
		struct vg_classes classes;
		struct vg_trie trie;
		unsigned kind;

		for (unsigned j = 0; j < c->n; j++)
			own[j] = (struct vg_route){
				.prefix = {{.hi = (0x0a010000ULL + c->first + j * c->step) << 32,
					    .family = 4},
					   32},
				.sets = c->third && j + 1 == c->n ? 2 : 1,
			};
		assert_int_equal(vg_classes_init(&classes), 0);
		assert_int_equal(vg_trie_build(routes, elsewhere + c->n, &classes, &trie), 0);
		kind = trie.root->entry[htobe16(0x0a01)] >> VG_ENTRY_KIND_SHIFT;
		if (kind > VG_ENTRY_RUNS)
			kind = VG_ENTRY_RUNS;
		if (kind != c->kind)
			fail_msg("%s: kind %u, expected %u", c->name, kind, c->kind);
		for (__u64 value = 0; value <= 0xffff; value++)
			compare(&trie, &classes, own, c->n,
				(struct vg_address){(0x0a010000 + value) << 32, 0, 4});
		vg_trie_done(&trie);
		vg_classes_done(&classes);
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
	assert_int_equal(trie.pool_bytes, sizeof(struct vg_trie_skip));
	assert_int_equal(((struct vg_trie_skip *)trie.pool)->bits, 48);
	vg_trie_done(&trie);
	assert_int_equal(vg_trie_build(&four, 1, &classes, &trie), 0);
	assert_int_equal(trie.pool_bytes, sizeof(struct vg_trie_skip));
	assert_int_equal(((struct vg_trie_skip *)trie.pool)->bits, 8);
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

/* The last one: did those before come through everything that an entry may be? */
static void test_every_kind(void **state)
{
	(void)state;
	for (unsigned kind = VG_ENTRY_TURNS; kind <= VG_ENTRY_RUNS; kind++)
		if (!steps[kind])
			fail_msg("no walk has come by kind %u", kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),		 cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_path_compression), cmocka_unit_test(test_too_many_classes),
		cmocka_unit_test(test_every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
