/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a feed is asked for, and what becomes of failures. */
#include "tests/unit/poll_rig.h"

static void answers_come_into_force(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	assert_true(poll->state.waiting);
	fake_list(0, 9, "v1");
	assert_true(poll->state.answered);
	assert_false(poll->state.waiting || poll->state.saved);
	assert_int_equal(poll->state.n_ranges, 10);
	assert_int_equal(poll->state.answers, 1);
	assert_true(poll->state.read_s > 1700000000);
	assert_int_equal(rig->changes, 1);
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v1");
	/* The same again, and nothing new since. */
	fake_list(0, 9, "v2");
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v2");
	poll->state.read_s = 7;
	fake_fail(-EALREADY, "", 0);
	assert_int_equal(rig->changes, 1);
	assert_int_equal(poll->state.answers, 3);
	assert_true(poll->state.read_s > 1700000000);
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v2");
	fake_list(0, 10, NULL);
	assert_int_equal(rig->changes, 2);
	assert_int_equal(poll->answers.in_force.listing.n, 11);
	rig_next_question(rig);
	assert_null(fake_fetches[0]->version);
}

/* `failures` failures, then what is planned. */
static void questions_are_spread_over_time(void **state)
{
	static const struct {
		const char *name, *feed;
		unsigned failures;
		int error; /* 0: then there is an answer */
		unsigned retry_after_s;
		unsigned from_ms, to_ms;
	} cases[] = {
		{"an answer", "gcp:subnets", 0, 0, 0, 270000, 330000},
		{"an answer after failures", "gcp:subnets", 5, 0, 0, 270000, 330000},
		{"the metadata server's answer", "gcp:metadata", 0, 0, 0, 900, 1000},
		{"another of its answers", "gcp:forwarded-ips", 0, 0, 0, 900, 1000},
		{"a failure", "gcp:subnets", 1, -EAGAIN, 0, 800, 1200},
		{"two", "gcp:subnets", 2, -EAGAIN, 0, 1600, 2400},
		{"three", "gcp:metadata", 3, -EAGAIN, 0, 3200, 4800},
		{"nine", "gcp:subnets", 9, -EAGAIN, 0, 204800, 307200},
		{"ten", "gcp:subnets", 10, -EAGAIN, 0, 240000, 360000},
		{"a hundred", "gcp:subnets", 100, -EAGAIN, 0, 240000, 360000},
		{"come back later", "gcp:subnets", 1, -EAGAIN, 77, 77000, 77000},
		{"come back much later", "gcp:subnets", 1, -EAGAIN, 86400, 86400000, 86400000},
		{"come back before the turn", "gcp:subnets", 5, -EAGAIN, 1, 12800, 19200},
		{"forbidden", "gcp:subnets", 1, -EACCES, 0, 270000, 330000},
		{"not found, again", "gcp:metadata", 2, -ENOENT, 0, 270000, 330000},
		{"unreadable", "google:goog", 1, -EPROTO, 0, 270000, 330000},
		{"no memory", "google:goog", 1, -ENOMEM, 0, 270000, 330000},
	};
	struct poll_rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		struct vg_poll *poll;

		rig_forget_saved(rig);
		poll = rig_start(rig, cases[i].feed);
		for (unsigned k = 0; k < cases[i].failures; k++) {
			if (k)
				rig_next_question(rig);
			fake_fail(cases[i].error ?: -EAGAIN, "it hurts", cases[i].retry_after_s);
		}
		if (!cases[i].error && cases[i].failures)
			rig_next_question(rig);
		if (!cases[i].error)
			fake_list(0, 9, "v1");
		rig_expect_planned(name, poll, cases[i].from_ms, cases[i].to_ms);
		if (poll->state.failures != cases[i].failures)
			fail_msg("%s: %u failures", name, (unsigned)poll->state.failures);
	}
}

/* Hosts that were started together don't stay together. */
static void questions_differ_by_chance(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");
	int64_t least[2] = {INT64_MAX, INT64_MAX}, most[2] = {};

	for (int i = 0; i < 400; i++) {
		int64_t ms;

		if (i % 2)
			fake_fail(-EAGAIN, "it hurts", 0);
		else
			fake_list(0, 9, "v1");
		ms = rig_planned_ms(poll);
		least[i % 2] = ms < least[i % 2] ? ms : least[i % 2];
		most[i % 2] = ms > most[i % 2] ? ms : most[i % 2];
		rig_next_question(rig);
	}
	assert_true(least[0] < 280000 && most[0] > 320000);
	assert_true(least[1] < 850 && most[1] > 1150);
}

/* Without a version there is nothing that the metadata server could wait for. */
static void metadata_without_a_version_is_refreshed(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:metadata");

	fake_list(0, 9, NULL);
	rig_expect_planned("no version", poll, 270000, 330000);
	/* Asked for before its time, it is not asked for twice. */
	vg_poll_ask(poll);
	assert_int_equal(rig_planned_ms(poll), -1);
	fake_list(0, 9, "v1");
	rig_expect_planned("a version", poll, 900, 1000);
}

static void failures_change_nothing(void **state)
{
	static const int errors[] = {-EAGAIN, -EACCES, -ENOENT, -EPROTO, -EINVAL, -ENOMEM};
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	for (size_t i = 0; i < VG_ARRAY_SIZE(errors); i++) {
		rig_next_question(rig);
		fake_fail(errors[i], strerror(-errors[i]), 0);
		assert_int_equal(poll->state.failures, i + 1);
		assert_string_equal(poll->state.error, strerror(-errors[i]));
		assert_int_equal(poll->answers.in_force.listing.n, 10);
		assert_true(poll->state.answered);
		assert_false(poll->state.waiting);
	}
	assert_int_equal(rig->changes, 1);
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v1");
	fake_fail(-EALREADY, "", 0);
	assert_string_equal(poll->state.error, "");
	assert_int_equal(poll->failures, 0);
}

/* Whoever waits for a first answer waits while there is hope. */
static void first_answers_are_waited_for(void **state)
{
	static const struct {
		const char *name;
		int error;
		bool waiting;
	} cases[] = {
		{"a failure that may pass", -EAGAIN, true},
		{"forbidden", -EACCES, false},
		{"not found", -ENOENT, false},
		{"unreadable", -EPROTO, false},
		{"no ranges", 0, false},
	};
	struct poll_rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_poll *poll = rig_start(rig, "gcp:subnets");

		assert_true(poll->state.waiting);
		if (cases[i].error)
			fake_fail(cases[i].error, "it hurts", 0);
		else
			fake_list(1, 0, NULL);
		if (poll->state.waiting != cases[i].waiting || poll->state.answered)
			fail_msg("%s: %d", cases[i].name, poll->state.waiting);
		assert_int_equal(rig->changes, 0);
	}
	fake_error = -ENOMEM;
	rig_start(rig, "gcp:subnets");
	fake_error = 0;
	assert_string_equal(rig->poll->state.error, strerror(ENOMEM));
	assert_true(rig_planned_ms(rig->poll) > 0);
}

static void asking_anew_forgets_the_version(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_fail(-EAGAIN, "it hurts", 0);
	rig_next_question(rig);
	vg_poll_ask_anew(poll);
	assert_int_equal(fake_n, 1);
	assert_int_equal(fake_cancelled, 1);
	assert_null(fake_fetches[0]->version);
	fake_fail(-EAGAIN, "it hurts", 0);
	rig_expect_planned("the first failure", poll, 800, 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_come_into_force, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(questions_are_spread_over_time, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(questions_differ_by_chance, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(metadata_without_a_version_is_refreshed, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(failures_change_nothing, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(first_answers_are_waited_for, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(asking_anew_forgets_the_version, rig_setup,
						rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
