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
#include "core/prefix.h"
#include "share/cleanup.h"

#define RANDOM_CASES 200000

static struct vg_prefix prefix_of(const char *text)
{
	char wrong[256] = "";
	struct vg_prefix prefix;

	if (vg_prefix_parse(text, &prefix, wrong, sizeof(wrong)) < 0)
		fail_msg("%s: %s", text, wrong);
	return prefix;
}

static struct vg_address address_of(const char *text)
{
	struct vg_address address;

	if (vg_address_parse(text, &address) < 0)
		fail_msg("%s: not an address", text);
	return address;
}

static void test_parse_and_format(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"10.128.0.0/20", "10.128.0.0/20"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"255.255.255.255/32", "255.255.255.255/32"},
		{"192.0.2.1", "192.0.2.1/32"},
		{"128.0.0.0/1", "128.0.0.0/1"},
		{"::/0", "::/0"},
		{"::1", "::1/128"},
		{"FD20:1:2::/48", "fd20:1:2::/48"},
		{"2600:2d00:0001:0000:0001:0000:0000:0000/80", "2600:2d00:1:0:1::/80"},
		{"fe80::/10", "fe80::/10"},
		{"2001:db8::/63", "2001:db8::/63"},
		{"2001:db8::/64", "2001:db8::/64"},
		{"2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"},
		{"::ffff:192.0.2.0/120", "::ffff:192.0.2.0/120"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_prefix prefix = prefix_of(cases[i].text);
		char text[VG_PREFIX_TEXT_SIZE], again[VG_PREFIX_TEXT_SIZE];
		struct vg_prefix reparsed;

		assert_string_equal(vg_prefix_format(&prefix, text), cases[i].canonical);
		reparsed = prefix_of(text);
		assert_string_equal(vg_prefix_format(&reparsed, again), text);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *wrong;
	} cases[] = {
		{"10.128.0.5/20", -EADDRNOTAVAIL,
		 "10.128.0.5/20 has host bits set: write 10.128.0.0/20, or 10.128.0.5/32 for the "
		 "one address"},
		{"fd20::1/48", -EADDRNOTAVAIL,
		 "fd20::1/48 has host bits set: write fd20::/48, or fd20::1/128 for the one "
		 "address"},
		{"1.2.3.4/0", -EADDRNOTAVAIL,
		 "1.2.3.4/0 has host bits set: write 0.0.0.0/0, or 1.2.3.4/32 for the one address"},
		{"10.0.0.0/33", -ERANGE,
		 "10.0.0.0/33 is too long a prefix: IPv4 lengths go from /0 to /32"},
		{"::/129", -ERANGE, "::/129 is too long a prefix: IPv6 lengths go from /0 to /128"},
		{"::/999", -ERANGE, "::/999 is too long a prefix: IPv6 lengths go from /0 to /128"},
		{"vpc", -EINVAL,
		 "'vpc' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48"},
		{"", -EINVAL, "'' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_prefix prefix;
		char wrong[256] = "";
		int r;

		r = vg_prefix_parse(cases[i].text, &prefix, wrong, sizeof(wrong));
		assert_string_equal(wrong, cases[i].wrong);
		if (r != cases[i].error)
			fail_msg("'%s': %d instead of %d", cases[i].text, r, cases[i].error);
		assert_int_equal(vg_prefix_parse(cases[i].text, &prefix, NULL, 0), r);
	}
}

static void test_not_prefixes(void **state)
{
	static const char *const cases[] = {
		"/8",
		"10/8",
		"10.0.0/24",
		"10.0.0.0/",
		"10.0.0.0/ 8",
		"10.0.0.0/08",
		"10.0.0.0/+8",
		"10.0.0.0/-1",
		"10.0.0.0/8/8",
		"10.0.0.0/8 ",
		" 10.0.0.0/8",
		"10.0.0.0/1000",
		"10.0.0.0/255.0.0.0",
		"010.0.0.0/8",
		"256.0.0.0/8",
		"0x0a.0.0.0/8",
		"10.0.0.0.0/8",
		"fe80::1%eth0",
		"fe80::%2/64",
		"[::1]",
		":::/64",
		"1:2:3:4:5:6:7:8:9/64",
		"g::/64",
		"1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8/64",
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_prefix prefix;

		if (vg_prefix_parse(cases[i], &prefix, NULL, 0) != -EINVAL)
			fail_msg("'%s' was not refused with -EINVAL", cases[i]);
	}
}

static void test_addresses(void **state)
{
	static const __u8 bytes4[] = {192, 0, 2, 1};
	static const __u8 bytes6[] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2};
	struct vg_address address, parsed;
	char text[VG_PREFIX_TEXT_SIZE];

	(void)state;
	address = vg_address_from_bytes(4, bytes4);
	parsed = address_of("192.0.2.1");
	assert_int_equal(address.hi, 0xc000020100000000);
	assert_int_equal(address.lo, 0);
	assert_int_equal(address.family, 4);
	assert_true(parsed.hi == address.hi && parsed.lo == 0 && parsed.family == 4);
	assert_string_equal(vg_address_format(&address, text), "192.0.2.1");

	address = vg_address_from_bytes(6, bytes6);
	parsed = address_of("2001:db8:0:1::2");
	assert_int_equal(address.hi, 0x20010db800000001);
	assert_int_equal(address.lo, 2);
	assert_true(parsed.hi == address.hi && parsed.lo == address.lo && parsed.family == 6);
	assert_string_equal(vg_address_format(&address, text), "2001:db8:0:1::2");

	assert_int_equal(vg_address_parse("192.0.2.0/24", &parsed), -EINVAL);
	assert_int_equal(vg_address_parse("fe80::1%eth0", &parsed), -EINVAL);
	assert_int_equal(vg_address_parse("", &parsed), -EINVAL);
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix, *address;
		bool inside;
	} cases[] = {
		{"10.128.0.0/20", "10.128.0.0", true},
		{"10.128.0.0/20", "10.128.15.255", true},
		{"10.128.0.0/20", "10.127.255.255", false},
		{"10.128.0.0/20", "10.128.16.0", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"0.0.0.0/0", "::", false},
		{"::/0", "0.0.0.0", false},
		{"::/0", "ffff::", true},
		{"192.0.2.1/32", "192.0.2.1", true},
		{"192.0.2.1/32", "192.0.2.0", false},
		{"2001:db8::/63", "2001:db8:0:1:ffff:ffff:ffff:ffff", true},
		{"2001:db8::/63", "2001:db8:0:2::", false},
		{"2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::/64", "2001:db8:0:1::", false},
		{"2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", true},
		{"2001:db8::/65", "2001:db8:0:0:8000::", false},
		{"2001:db8::1/128", "2001:db8::1", true},
		{"2001:db8::1/128", "2001:db8::", false},
		/* the same first bits in the other family */
		{"10.178.0.0/20", "ab2:9::9", false},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_prefix prefix = prefix_of(cases[i].prefix);
		const struct vg_address address = address_of(cases[i].address);

		if (vg_prefix_contains(&prefix, &address) != cases[i].inside)
			fail_msg("%s in %s: expected %d", cases[i].address, cases[i].prefix,
				 cases[i].inside);
	}
}

static int compare(const void *a, const void *b)
{
	return vg_prefix_compare(a, b);
}

static void test_order(void **state)
{
	static const char *const ordered[] = {
		"0.0.0.0/0",	   "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/32",	 "10.1.0.0/16",
		"192.0.2.1/32",	   "::/0",	 "::1/128",	"2001:db8::/32", "2001:db8::/128",
		"2001:db8::1/128", "ff00::/8",
	};
	struct vg_prefix prefixes[VG_ARRAY_SIZE(ordered)];
	char text[VG_PREFIX_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(ordered); i++)
		prefixes[i] = prefix_of(ordered[VG_ARRAY_SIZE(ordered) - 1 - i]);
	qsort(prefixes, VG_ARRAY_SIZE(prefixes), sizeof(prefixes[0]), compare);
	for (size_t i = 0; i < VG_ARRAY_SIZE(ordered); i++)
		assert_string_equal(vg_prefix_format(&prefixes[i], text), ordered[i]);
	assert_int_equal(vg_prefix_compare(&prefixes[0], &prefixes[0]), 0);
}

static unsigned bit_of(const struct vg_address *address, unsigned i)
{
	return (unsigned)((i < 64 ? address->hi >> (63 - i) : address->lo >> (127 - i)) & 1);
}

/* One bit at a time. */
static bool oracle_contains(const struct vg_prefix *prefix, const struct vg_address *address)
{
	for (unsigned i = 0; i < prefix->length; i++) {
		if (bit_of(&prefix->address, i) != bit_of(address, i))
			return false;
	}
	return true;
}

/* A random prefix, and an address that leaves it at a random bit or not at all. */
static void random_case(struct vg_prefix *prefix, struct vg_address *address)
{
	const bool ipv4 = random() % 2;
	const unsigned bits = ipv4 ? 32 : 128;
	const unsigned flipped = (unsigned)random() % bits;
	char text[VG_PREFIX_TEXT_SIZE + 8], meant[VG_PREFIX_TEXT_SIZE], wrong[256];
	__u8 bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (__u8)random();
	*address = vg_address_from_bytes(ipv4 ? 4 : 6, bytes);
	snprintf(text, sizeof(text), "%s/%u", vg_address_format(address, meant),
		 (unsigned)random() % (bits + 1));
	/* The message names the prefix that was meant; it had better be one. */
	if (vg_prefix_parse(text, prefix, wrong, sizeof(wrong)) < 0) {
		assert_int_equal(sscanf(wrong, "%*s has host bits set: write %63[^,]", meant), 1);
		*prefix = prefix_of(meant);
	}
	if (random() % 4) {
		bytes[flipped / 8] ^= (__u8)(0x80 >> flipped % 8);
		*address = vg_address_from_bytes(ipv4 ? 4 : 6, bytes);
	}
}

static void test_random(void **state)
{
	const char *given = getenv("VG_SEED");
	const unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	(void)state;
	print_message("VG_SEED=%u\n", seed);
	srandom(seed);
	for (int i = 0; i < RANDOM_CASES; i++) {
		char prefix_text[VG_PREFIX_TEXT_SIZE], address_text[VG_PREFIX_TEXT_SIZE];
		struct vg_address address;
		struct vg_prefix prefix;

		random_case(&prefix, &address);
		if (vg_prefix_contains(&prefix, &address) != oracle_contains(&prefix, &address))
			fail_msg("%s and %s, VG_SEED=%u", vg_prefix_format(&prefix, prefix_text),
				 vg_address_format(&address, address_text), seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_format), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_not_prefixes),	 cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_contains),	 cmocka_unit_test(test_order),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
