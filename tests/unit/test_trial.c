/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/config.h"
#include "core/trial.c"
#include "share/cleanup.h"

#define S 1000000ULL
#define HERE "11111111-2222-4333-8444-555555555555"
#define ELSEWHERE "11111111-2222-4333-8444-555555555556"

/* A trial of 60 s that began 100 s after the boot. */
static void what_is_left_is_told_by_the_boot(void **state)
{
	static const struct {
		const char *name, *boot_id;
		__u64 boot_us, left_us;
	} cases[] = {
		{"as it begins", HERE, 100 * S, 60 * S},
		{"a microsecond later", HERE, 100 * S + 1, 60 * S - 1},
		{"just before its end", HERE, 160 * S - 1, 1},
		{"at its end", HERE, 160 * S, 0},
		{"long after", HERE, ~0ULL, 0},
		{"before it began: another clock", HERE, 100 * S - 1, 0},
		{"at the boot: another clock", HERE, 0, 0},
		{"in another boot", ELSEWHERE, 130 * S, 0},
		{"in no boot", "", 130 * S, 0},
	};
	const struct vg_trial trial = {.given = true,
				       .duration_s = 60,
				       .deadline_us = 160 * S,
				       .boot_id = HERE,
				       .back = 7};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_moment now = {.boot_us = cases[i].boot_us};
		__u64 left_us;

		strcpy(now.boot_id, cases[i].boot_id);
		left_us = vg_trial_left_us(&trial, &now);
		if (left_us != cases[i].left_us)
			fail_msg("%s: %llu", cases[i].name, left_us);
	}
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned seconds;
	} cases[] = {
		{"60s", 0, 60},
		{"5m", 0, 300},
		{"1h", 0, 3600},
		{"7d", 0, 604800},
		{"0s", 0, 0},
		{"4294967295s", 0, UINT_MAX},
		{"99999999999999999999d", 0, UINT_MAX},
		{"60", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"1.5m", -EINVAL, 0},
		{"060s", -EINVAL, 0},
		{"60 s", -EINVAL, 0},
		{"60s ", -EINVAL, 0},
		{"60MiB", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		unsigned seconds = 0;
		const int r = vg_duration_parse(cases[i].text, &seconds);

		if (r != cases[i].result || seconds != cases[i].seconds)
			fail_msg("'%s': %d, %u", cases[i].text, r, seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_is_told_by_the_boot),
		cmocka_unit_test(durations_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
