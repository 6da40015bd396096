/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "discovery/discovery.h"
#include "service/feed_report.c"

#define NOW 1795312395

/* In place of discovery/discovery.c: feeds that are called as their time. */
static struct vg_feed_state states[2];

const struct vg_feed_state *vg_discovery_state(const struct vg_discovery *discovery,
					       const char *feed)
{
	(void)discovery;
	for (size_t i = 0; i < VG_ARRAY_SIZE(states); i++)
		if (strtoll(feed, NULL, 10) == states[i].read_s)
			return &states[i];
	return NULL;
}

static void states_have_names(void **state)
{
	static const struct {
		const char *name, *health;
		struct vg_feed_state state;
	} cases[] = {
		{"confirmed", "fresh", {.answered = true}},
		{"asked for the first time", "unread", {.waiting = true}},
		{"refused", "unread", {.error = "403"}},
		{"of an earlier run", "saved", {.answered = true, .saved = true}},
		{"of an earlier run, and refused",
		 "failing",
		 {.answered = true, .saved = true, .error = "403"}},
		{"refused by now", "failing", {.answered = true, .error = "403"}},
		{"too few", "held", {.answered = true, .held = "too few"}},
		{"too few, then refused",
		 "held",
		 {.answered = true, .error = "403", .held = "too few"}},
		{"none at first", "held", {.held = "none"}},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_feed_report report = {"gcp:subnets", &cases[i].state};
		const char *health = vg_feed_health_text(vg_feed_report_health(&report));

		if (strcmp(health, cases[i].health) != 0)
			fail_msg("%s: %s", cases[i].name, health);
	}
}

static void reports_are_objects(void **state)
{
	static const struct vg_feed_state answered = {.answered = true,
						      .read_s = NOW - 10,
						      .n_ranges = 12,
						      .answers = 3,
						      .failures = 4,
						      .error = "403",
						      .note = "less",
						      .store_error = "full"};
	static const struct vg_feed_state unread = {.failures = 1};
	static const struct vg_feed_report reports[] = {
		{"gcp:subnets", &answered}, {"google:goog", &unread}, {"file:f", NULL}};
	static const char expected[] =
		"[{\"age_s\":10,\"answers\":3,\"error\":\"403\",\"failures\":4,\"feed\":"
		"\"gcp:subnets\",\"held\":null,\"note\":\"less\",\"ranges\":12,\"read_s\":"
		"1795312385,\"state\":\"failing\",\"store_error\":\"full\"},"
		"{\"age_s\":null,\"answers\":0,\"error\":null,\"failures\":1,\"feed\":"
		"\"google:goog\",\"held\":null,\"note\":null,\"ranges\":null,\"read_s\":null,"
		"\"state\":\"unread\",\"store_error\":null},"
		"{\"age_s\":null,\"answers\":null,\"error\":null,\"failures\":null,\"feed\":"
		"\"file:f\",\"held\":null,\"note\":null,\"ranges\":null,\"read_s\":null,"
		"\"state\":\"fresh\",\"store_error\":null}]";
	json_auto_t *json = vg_feed_report_json(reports, 3, NOW);
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text, expected);
}

static void origins_are_dated(void **state)
{
	static const struct {
		struct vg_origin origin;
		int64_t read_s;
	} cases[] = {
		{{.text = "2000", .feed = true, .read_s = 7}, 2000},
		{{.text = "2000", .feed = true}, 0},
		{{.text = "2000", .read_s = 7}, 7},
		{{.text = "1000 minus 2000", .feed = true, .read_s = 7}, 1000},
		{{.text = "2000 minus 1000", .feed = true, .read_s = 7}, 1000},
	};

	(void)state;
	states[0] = (struct vg_feed_state){.read_s = 1000};
	states[1] = (struct vg_feed_state){.read_s = 2000};
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_origin origin = cases[i].origin;
		struct vg_policy policy = {.origins = &origin, .n_origins = 1};

		vg_feed_report_date_origins(NULL, &policy);
		if (origin.read_s != cases[i].read_s)
			fail_msg("%s: %lld", origin.text, (long long)origin.read_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(reports_are_objects),
		cmocka_unit_test(origins_are_dated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
