/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/rate.c"
#include "share/cleanup.h"

#define SECOND UINT64_C(1000000)

static void update(struct vg_rates *rates, __u64 pass, __u64 drop, uint64_t now_us)
{
	struct vg_counter items[] = {
		{"ens4", "vpc", VG_PASS_ADMITTED, VG_VERDICT_PASS, {pass, pass * 100}},
		{"ens4", "", VG_PASS_ESSENTIAL, VG_VERDICT_PASS, {10, 1000}},
		{"ens4", "", VG_DROP_UNLISTED, VG_VERDICT_DROP, {drop, drop * 100}},
		{"ens5", "", VG_DROP_UNLISTED, VG_VERDICT_DROP, {5, 500}},
	};
	const struct vg_counters counters = {.items = items, .n = VG_ARRAY_SIZE(items)};

	vg_rate_update(rates, &counters, now_us);
}

static void expect_rate(const struct vg_rates *rates, const char *interface,
			enum vg_verdict verdict, double expected)
{
	double actual = vg_rate_get(rates, interface, verdict);

	if (actual < expected - 1e-9 || actual > expected + 1e-9)
		fail_msg("%s, verdict %d: %f, expected %f", interface, verdict, actual, expected);
}

static void two_readings_make_a_rate(void **state)
{
	struct vg_rates rates = {0};

	(void)state;
	expect_rate(&rates, "ens4", VG_VERDICT_PASS, 0);
	update(&rates, 1000, 40, 7 * SECOND);
	expect_rate(&rates, "ens4", VG_VERDICT_PASS, 0);
	update(&rates, 1500, 45, 17 * SECOND);
	expect_rate(&rates, "ens4", VG_VERDICT_PASS, 50);
	expect_rate(&rates, "ens4", VG_VERDICT_DROP, 0.5);
	expect_rate(&rates, "ens4", VG_VERDICT_WOULD_DROP, 0);
	expect_rate(&rates, "ens5", VG_VERDICT_DROP, 0);
	expect_rate(&rates, "ens6", VG_VERDICT_DROP, 0);
	update(&rates, 1500, 50, 27 * SECOND);
	expect_rate(&rates, "ens4", VG_VERDICT_PASS, 0);
}

static void counters_that_start_over_have_no_rate(void **state)
{
	struct vg_rates rates = {0};

	(void)state;
	update(&rates, 1000, 40, 10 * SECOND);
	update(&rates, 20, 50, 20 * SECOND);
	expect_rate(&rates, "ens4", VG_VERDICT_PASS, 0);
	expect_rate(&rates, "ens4", VG_VERDICT_DROP, 1);
}

static void sums_are_by_interface_and_verdict(void **state)
{
	struct vg_counter items[] = {
		{"ens4", "a", VG_PASS_ADMITTED, VG_VERDICT_PASS, {1, 10}},
		{"ens4", "b", VG_PASS_OPEN, VG_VERDICT_PASS, {2, 20}},
		{"ens4", "", VG_DROP_MARTIAN, VG_VERDICT_WOULD_DROP, {4, 40}},
		{"ens5", "a", VG_PASS_ADMITTED, VG_VERDICT_PASS, {8, 80}},
	};
	const struct vg_counters counters = {.items = items, .n = VG_ARRAY_SIZE(items)};
	struct vg_count sums[VG_VERDICT_MAX];

	(void)state;
	vg_rate_sum(&counters, "ens4", sums);
	assert_int_equal(sums[VG_VERDICT_PASS].packets, 3);
	assert_int_equal(sums[VG_VERDICT_PASS].bytes, 30);
	assert_int_equal(sums[VG_VERDICT_DROP].packets, 0);
	assert_int_equal(sums[VG_VERDICT_WOULD_DROP].bytes, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_readings_make_a_rate),
		cmocka_unit_test(counters_that_start_over_have_no_rate),
		cmocka_unit_test(sums_are_by_interface_and_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
