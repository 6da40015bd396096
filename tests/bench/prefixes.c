// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/prefixes.h"

#include <stdbool.h>
#include <stdlib.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"

#define SEED 4

static const char *const standard[] = {
	"10.128.0.0/20", "10.132.0.0/20", "10.138.0.0/20",   "10.140.0.0/20",	    "10.142.0.0/20",
	"10.24.0.0/14",	 "172.16.5.0/24", "192.168.77.0/28", "100.68.128.0/18",	    "10.10.0.0/16",
	"fd20:1:2::/48", "fd20:1:3::/48", "fd20:1:4:5::/64", "fd20:2::/32",	    "fd20:8:1::/48",
	"fd20:9::/64",	 "fd20:a::/64",	  "fd20:b:1:2::/64", "2600:1900:4000::/44", "fd20:c::/40",
};

/* How often a length is announced, of a million (IPv4) or ten thousand, about as in today's tables. */
struct share {
	unsigned length, weight;
};

static const struct share lengths4[] = {
	{24, 632134}, {23, 100000}, {22, 110000}, {21, 50000}, {20, 43000}, {19, 25000},
	{18, 14000},  {17, 8000},   {16, 13500},  {15, 2100},  {14, 1200},  {13, 600},
	{12, 300},    {11, 100},    {10, 37},	  {9, 13},     {8, 16},
};

static const struct share lengths6[] = {
	{48, 4600}, {44, 1250}, {40, 1100}, {32, 1100}, {36, 500}, {46, 350}, {47, 300}, {29, 250},
	{45, 200},  {42, 150},	{34, 100},  {33, 100},	{64, 100}, {38, 80},  {30, 40},	 {28, 20},
};

/* The first 16 bits of what the registries hand out (https://www.iana.org/assignments/ipv6-unicast-address-assignments). */
static const struct share blocks6[] = {
	{0x2001, 900}, {0x2400, 400}, {0x2401, 300}, {0x2402, 300}, {0x2403, 300}, {0x2404, 400},
	{0x2405, 300}, {0x2406, 300}, {0x2407, 300}, {0x2409, 200}, {0x2600, 600}, {0x2602, 500},
	{0x2604, 300}, {0x2605, 300}, {0x2606, 300}, {0x2607, 500}, {0x2800, 300}, {0x2801, 200},
	{0x2803, 300}, {0x2804, 900}, {0x2806, 200}, {0x2a00, 400}, {0x2a01, 400}, {0x2a02, 400},
	{0x2a03, 300}, {0x2a04, 250}, {0x2a05, 250}, {0x2a06, 200}, {0x2a07, 150}, {0x2a09, 150},
	{0x2a0a, 200}, {0x2a0b, 150}, {0x2a0c, 150}, {0x2a0d, 150}, {0x2a0e, 150}, {0x2a0f, 100},
	{0x2c0f, 300},
};

static unsigned pick(struct vg_random *random, const struct share *shares, size_t n)
{
	unsigned sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += shares[i].weight;
	at = vg_random_below(random, sum);
	for (size_t i = 0; i < n; i++) {
		if (at < shares[i].weight)
			return shares[i].length;
		at -= shares[i].weight;
	}
	return shares[0].length;
}

#define PICK(random, shares) pick(random, shares, VG_ARRAY_SIZE(shares))

static void keep_bits(struct vg_address *address, unsigned length)
{
	address->hi &= length >= 64 ? ~0ULL : ~(~0ULL >> length);
	if (length <= 64)
		address->lo = 0;
	else if (length < 128)
		address->lo &= ~(~0ULL >> (length - 64));
}

static struct vg_address unicast4(struct vg_random *random)
{
	struct vg_address address = {.family = 4};
	unsigned first;

	do {
		address.hi = (__u64)(__u32)vg_random_next(random) << 32;
		first = address.hi >> 56;
	} while (first == 0 || first == 127 || first >= 224);
	return address;
}

struct vg_address prefixes_anywhere(int family, struct vg_random *random)
{
	struct vg_address address = {.family = 6};

	if (family == 4)
		return unicast4(random);
	address.hi = (__u64)PICK(random, blocks6) << 48 | vg_random_next(random) >> 16;
	address.lo = vg_random_next(random);
	return address;
}

/*
 * The longer IPv6 prefixes lie within the /32s of those who have any: `holders` of them, which the
 * prefix's number stands for.
 */
static struct vg_prefix make_one(int family, size_t holders, struct vg_random *random)
{
	struct vg_prefix prefix;
	struct vg_random holder;

	prefix.length = family == 4 ? PICK(random, lengths4) : PICK(random, lengths6);
	prefix.address = prefixes_anywhere(family, random);
	if (family == 6 && prefix.length > 32) {
		vg_random_init(&holder, SEED, vg_random_below(random, holders));
		prefix.address.hi &= 0xffffffff;
		prefix.address.hi |= prefixes_anywhere(6, &holder).hi & ~0xffffffffULL;
	}
	keep_bits(&prefix.address, prefix.length);
	return prefix;
}

/* Prefixes by number in a hash, to keep each once. */
struct seen {
	__u32 *slots; /* 1 + the number */
	size_t mask;
};

static bool see(struct seen *seen, const struct prefixes *prefixes)
{
	const struct vg_prefix *next = &prefixes->items[prefixes->n];
	struct vg_random hash = {next->address.hi ^ (__u64)next->length << 1};
	size_t at = vg_random_next(&hash) & seen->mask;

	for (; seen->slots[at]; at = (at + 1) & seen->mask)
		if (vg_prefix_compare(&prefixes->items[seen->slots[at] - 1], next) == 0)
			return false;
	seen->slots[at] = prefixes->n + 1;
	return true;
}

void prefixes_make(int family, size_t n, struct prefixes *ret_prefixes)
{
	struct prefixes prefixes = {.family = family, .items = calloc(n, sizeof(struct vg_prefix))};
	_cleanup_free_ __u32 *slots = NULL;
	struct seen seen = {.mask = 1};
	struct vg_random random;

	while (seen.mask < 2 * n)
		seen.mask = 2 * seen.mask + 1;
	slots = calloc(seen.mask + 1, sizeof(*slots));
	if (!prefixes.items || !slots)
		die("no memory");
	seen.slots = slots;
	vg_random_init(&random, SEED, family);
	while (prefixes.n < n) {
		prefixes.items[prefixes.n] = make_one(family, n / 4 + 1, &random);
		prefixes.n += see(&seen, &prefixes);
	}
	*ret_prefixes = prefixes;
}

void prefixes_standard(struct prefixes *ret_prefixes)
{
	struct prefixes prefixes = {
		.items = calloc(VG_ARRAY_SIZE(standard), sizeof(struct vg_prefix))};

	if (!prefixes.items)
		die("no memory");
	for (; prefixes.n < VG_ARRAY_SIZE(standard); prefixes.n++)
		if (vg_prefix_parse(standard[prefixes.n], &prefixes.items[prefixes.n], NULL, 0) < 0)
			die("no prefix: %s", standard[prefixes.n]);
	*ret_prefixes = prefixes;
}

void prefixes_done(struct prefixes *prefixes)
{
	free(prefixes->items);
}

void prefixes_write(const struct prefixes *prefixes, size_t first, size_t step, FILE *to)
{
	char text[VG_PREFIX_TEXT_SIZE];

	for (size_t i = first; i < prefixes->n; i += step)
		fprintf(to, "%s\n", vg_prefix_format(&prefixes->items[i], text));
}

struct vg_address prefixes_inside(const struct prefixes *prefixes, struct vg_random *random)
{
	const struct vg_prefix *prefix = &prefixes->items[vg_random_below(random, prefixes->n)];
	struct vg_address address = prefixes_anywhere(prefixes->family, random), kept = address;

	keep_bits(&kept, prefix->length);
	address.hi ^= kept.hi ^ prefix->address.hi;
	address.lo ^= kept.lo ^ prefix->address.lo;
	return address;
}
