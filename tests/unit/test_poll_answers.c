/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a feed's answers: believed or held back, and saved. */
#include "tests/unit/poll_rig.h"

/* As if `s` seconds had passed since something was first held back. */
static void let_pass(struct poll_rig *rig, unsigned s)
{
	rig->poll->guard.since_us -= s * SECOND_US;
}

static void losses_are_held_back(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	assert_int_equal(poll->answer.listing.n, 10);
	assert_int_equal(poll->state.n_ranges, 10);
	assert_int_equal(rig->changes, 1);
	assert_non_null(strstr(poll->state.held,
			       "subnet: 6 of 10 ranges are gone (60%, max-shrink is 50%): "
			       "10.4.0.0/16, 10.5.0.0/16, 10.6.0.0/16, 10.7.0.0/16, ...; held back "
			       "until "));
	rig_expect_planned("held", poll, 270000, 330000);
	/* It is to be said again, not that nothing has changed. */
	rig_next_question(rig);
	assert_null(fake_fetches[0]->version);
	let_pass(rig, 1700);
	fake_list(0, 3, "v2");
	assert_int_equal(rig->changes, 1);
	rig_expect_planned("held, near the end", poll, 99900, 100100);
	rig_next_question(rig);
	let_pass(rig, 100);
	fake_list(0, 3, "v3");
	assert_int_equal(rig->changes, 2);
	assert_int_equal(poll->answer.listing.n, 4);
	assert_string_equal(poll->state.held, "");
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v3");
}

static void some_feeds_may_be_empty(void **state)
{
	static const struct {
		const char *feed;
		bool believed;
	} cases[] = {
		{"gcp:subnets", false},	      {"gcp:metadata", true},
		{"gcp:forwarded-ips", true},  {"gcp:connectors", true},
		{"gcp:peering-routes", true}, {"google:goog", false},
		{"google:cloud", false},      {"https://example.com/list", false},
	};
	struct poll_rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_poll *poll = rig_start(rig, cases[i].feed);

		fake_list(1, 0, "v1");
		if (poll->state.answered != cases[i].believed)
			fail_msg("%s", cases[i].feed);
	}
}

static void losses_that_pass_are_forgotten(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	rig_next_question(rig);
	fake_fail(-EAGAIN, "it hurts", 0);
	assert_true(poll->guard.holds && *poll->state.held);
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	rig_next_question(rig);
	fake_fail(-EAGAIN, "it hurts", 0);
	rig_expect_planned("the first failure since", poll, 800, 1200);
	rig_next_question(rig);
	fake_list(0, 9, "v1");
	assert_int_equal(rig->changes, 1);
	assert_false(poll->guard.holds || *poll->state.held);
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v1");
}

static void metadata_is_not_hammered_while_held(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:forwarded-ips");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(1, 0, "v2");
	assert_true(poll->guard.holds);
	rig_expect_planned("held", poll, 270000, 330000);
	rig_next_question(rig);
	let_pass(rig, 1801);
	fake_list(1, 0, "v2");
	assert_int_equal(poll->answer.listing.n, 0);
	rig_expect_planned("believed", poll, 900, 1000);
}

/* Whoever sets the wall clock neither ends a hold nor makes it last, nor changes when to ask. */
static void wall_clock_does_not_matter(void **state)
{
	static const time_t steps_s[] = {10 * 86400, -20 * 86400, 86400};
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	for (size_t i = 0; i < VG_ARRAY_SIZE(steps_s); i++) {
		rig_clock_error_s += steps_s[i];
		rig_next_question(rig);
		fake_list(0, 3, "v2");
		assert_int_equal(poll->answer.listing.n, 10);
		rig_expect_planned("held", poll, 270000, 330000);
	}
	rig_next_question(rig);
	let_pass(rig, 1801);
	fake_list(0, 3, "v2");
	assert_int_equal(poll->answer.listing.n, 4);
	rig_next_question(rig);
	fake_fail(-EAGAIN, "it hurts", 0);
	rig_expect_planned("a failure", poll, 800, 1200);
}

static void losses_may_be_accepted(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	assert_false(vg_poll_accept(poll));
	fake_list(1, 0, "v1");
	assert_non_null(strstr(poll->state.held, "the answer has no ranges at all"));
	assert_true(vg_poll_accept(poll));
	assert_true(poll->state.answered);
	assert_int_equal(rig->changes, 1);
	assert_string_equal(poll->state.held, "");
	assert_false(vg_poll_accept(poll));
	rig_next_question(rig);
	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(0, 1, "v2");
	/* While the next question is under way, too. */
	rig_next_question(rig);
	assert_true(vg_poll_accept(poll));
	assert_int_equal(poll->answer.listing.n, 2);
	assert_int_equal(rig->changes, 3);
	fake_list(0, 1, "v2");
	assert_int_equal(rig->changes, 3);
}

static void partial_answers_keep_what_is_missing(void **state)
{
	static char *unread[] = {"regions/b"};
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");
	struct vg_fetch_result result = {.listing = fake_subnets(0, 9), .version = strdup("v1")};
	__u16 scope;

	assert_int_equal(vg_listing_scope(&result.listing, "regions/a", &scope), 0);
	assert_int_equal(vg_listing_scope(&result.listing, "regions/b", &scope), 0);
	for (size_t i = 0; i < 10; i++)
		result.listing.items[i].scope = i >= 2;
	fake_answer(&result);
	rig_next_question(rig);
	result = (struct vg_fetch_result){.listing = fake_subnets(0, 0),
					  .version = strdup("v2"),
					  .unread = unread,
					  .n_unread = 1,
					  .note = "regions/b couldn't be read"};
	fake_answer(&result);
	/* One of two is gone in regions/a; the eight of regions/b stay. */
	assert_int_equal(poll->answer.listing.n, 9);
	assert_int_equal(rig->changes, 2);
	assert_string_equal(poll->state.note, "regions/b couldn't be read");
	rig_next_question(rig);
	assert_null(fake_fetches[0]->version);
	fake_list(0, 9, "v3");
	assert_string_equal(poll->state.note, "");
}

/* ---- what is saved ---- */

static void saved_answers_are_in_force_at_once(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll;

	rig_start(rig, "gcp:subnets");
	fake_list(0, 9, "v1");
	poll = rig_start(rig, "gcp:subnets");
	assert_true(poll->state.answered && poll->state.saved);
	assert_false(poll->state.waiting);
	assert_int_equal(poll->state.n_ranges, 10);
	assert_true(poll->state.read_s > 1700000000);
	assert_string_equal(fake_fetches[0]->version, "v1");
	/* It is what answers are judged by. */
	fake_list(0, 3, "v2");
	assert_true(poll->state.saved && *poll->state.held);
	rig_next_question(rig);
	fake_list(0, 9, "v1");
	assert_false(poll->state.saved);
	assert_int_equal(rig->changes, 0);
	/* What it says is asked at once, though nothing may change for long. */
	rig_start(rig, "gcp:metadata");
	fake_list(0, 9, "v1");
	rig_start(rig, "gcp:metadata");
	assert_null(fake_fetches[0]->version);
	fake_list(0, 9, "v1");
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v1");
}

static time_t saved_at(const struct poll_rig *rig, const char *feed)
{
	_cleanup_(vg_saved_done) struct vg_saved saved = {};

	return vg_store_read(rig->folder, feed, &saved, NULL) < 0 ? -1 : (time_t)saved.read_s;
}

/* The time of an answer is written now and then, what it holds at once. */
static void confirmations_are_saved_now_and_then(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	assert_int_equal(saved_at(rig, "gcp:subnets"), -1);
	fake_list(0, 9, "v1");
	assert_true(saved_at(rig, "gcp:subnets") > 1700000000);
	rig_forget_saved(rig);
	rig_next_question(rig);
	fake_list(0, 9, "v1");
	assert_int_equal(saved_at(rig, "gcp:subnets"), -1);
	rig_next_question(rig);
	poll->saved_us -= (REFRESH_S - 1) * SECOND_US;
	fake_fail(-EALREADY, "", 0);
	assert_int_equal(saved_at(rig, "gcp:subnets"), -1);
	rig_next_question(rig);
	poll->saved_us -= SECOND_US;
	fake_fail(-EALREADY, "", 0);
	assert_true(saved_at(rig, "gcp:subnets") > 1700000000);
	rig_forget_saved(rig);
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	assert_int_equal(saved_at(rig, "gcp:subnets"), -1);
	vg_poll_accept(poll);
	assert_true(saved_at(rig, "gcp:subnets") > 1700000000);
}

static void storing_may_fail(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll;

	rig->common.state_folder = "/proc/nowhere";
	poll = rig_start(rig, "gcp:subnets");
	assert_string_equal(poll->state.store_error, "");
	fake_list(0, 9, "v1");
	assert_non_null(strstr(poll->state.store_error, "/proc/nowhere/gcp-subnets-"));
	assert_int_equal(rig->changes, 1);
	rig->common.state_folder = rig->folder;
	rig_next_question(rig);
	fake_list(0, 10, "v1");
	assert_string_equal(poll->state.store_error, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(losses_are_held_back, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(some_feeds_may_be_empty, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(losses_that_pass_are_forgotten, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(metadata_is_not_hammered_while_held, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(wall_clock_does_not_matter, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(losses_may_be_accepted, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(partial_answers_keep_what_is_missing, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(saved_answers_are_in_force_at_once, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(confirmations_are_saved_now_and_then, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(storing_may_fail, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
