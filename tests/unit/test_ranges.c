/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "core/prefix.h"
#include "core/ranges.h"
#include "share/cleanup.h"

/* Written down a second time, so that a slip of the hand in the list shows. */
static const struct {
	const char *name;
	const char *prefixes[8];
} expected[] = {
	{"load-balancer", {"35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:1::/64"}},
	{"health-check",
	 {"35.191.0.0/16", "130.211.0.0/22", "209.85.152.0/22", "209.85.204.0/22",
	  "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64", "2600:1901:8001::/48"}},
	{"iap", {"35.235.240.0/20", "2600:2d00:1:7::/64"}},
	{"dns-forwarding", {"35.199.192.0/19"}},
	{"private-access",
	 {"199.36.153.8/30", "199.36.153.4/30", "2600:2d00:2:2000::/64", "2600:2d00:2:1000::/64"}},
};

static void test_lists(void **state)
{
	size_t n;
	const struct vg_builtin_list *lists = vg_builtin_lists(&n);

	(void)state;
	assert_int_equal(n, VG_ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		size_t j;

		assert_string_equal(lists[i].name, expected[i].name);
		assert_ptr_equal(vg_builtin_find(lists[i].name), &lists[i]);
		for (j = 0; expected[i].prefixes[j]; j++) {
			assert_true(j < lists[i].n_ranges);
			assert_string_equal(lists[i].ranges[j].prefix, expected[i].prefixes[j]);
		}
		assert_int_equal(lists[i].n_ranges, j);
	}
}

static void test_every_range(void **state)
{
	size_t n;
	const struct vg_builtin_list *lists = vg_builtin_lists(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct tm date;
		const char *end = strptime(lists[i].date, "%Y-%m-%d", &date);

		if (!end || *end)
			fail_msg("%s: '%s' is not a date", lists[i].name, lists[i].date);
		for (size_t j = 0; j < lists[i].n_ranges; j++) {
			const struct vg_builtin_range *range = &lists[i].ranges[j];
			char canonical[VG_PREFIX_TEXT_SIZE], wrong[256] = "";
			struct vg_prefix prefix;

			if (vg_prefix_parse(range->prefix, &prefix, wrong, sizeof(wrong)) < 0)
				fail_msg("%s: %s", lists[i].name, wrong);
			assert_string_equal(vg_prefix_format(&prefix, canonical), range->prefix);
			if (strncmp(range->source, "https://cloud.google.com/", 25))
				fail_msg("%s: source of %s is '%s'", lists[i].name, range->prefix,
					 range->source);
		}
	}
}

static void test_unknown_lists(void **state)
{
	(void)state;
	assert_null(vg_builtin_find(""));
	assert_null(vg_builtin_find("load-balance"));
	assert_null(vg_builtin_find("google:iap"));
	assert_null(vg_builtin_find("IAP"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_every_range),
		cmocka_unit_test(test_unknown_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
