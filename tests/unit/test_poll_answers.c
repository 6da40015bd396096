/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a feed's answers: believed or held back, and saved. */
#include "tests/unit/poll_rig.h"

/* As if `s` seconds had passed since something was first held back. */
static void let_pass(struct poll_rig *rig, unsigned s)
{
	struct vg_guard *guard = &rig->poll->hold.guard;

	guard->first_us -= s * SECOND_US;
	guard->last_us -= s * SECOND_US;
	for (size_t i = 0; i < guard->missed.n; i++)
		guard->missed.items[i].since_us -= s * SECOND_US;
}

static void losses_are_held_back(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	assert_int_equal(poll->answers.in_force.listing.n, 10);
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
	assert_int_equal(poll->answers.in_force.listing.n, 4);
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
	assert_true(poll->hold.guard.holds && *poll->state.held);
	rig_next_question(rig);
	fake_list(0, 3, "v2");
	rig_next_question(rig);
	fake_fail(-EAGAIN, "it hurts", 0);
	rig_expect_planned("the first failure since", poll, 800, 1200);
	rig_next_question(rig);
	fake_list(0, 9, "v1");
	assert_int_equal(rig->changes, 1);
	assert_false(poll->hold.guard.holds || *poll->state.held);
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
	assert_true(poll->hold.guard.holds);
	rig_expect_planned("held", poll, 270000, 330000);
	rig_next_question(rig);
	let_pass(rig, 1801);
	fake_list(1, 0, "v2");
	assert_int_equal(poll->answers.in_force.listing.n, 0);
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
		assert_int_equal(poll->answers.in_force.listing.n, 10);
		rig_expect_planned("held", poll, 270000, 330000);
	}
	rig_next_question(rig);
	let_pass(rig, 1801);
	fake_list(0, 3, "v2");
	assert_int_equal(poll->answers.in_force.listing.n, 4);
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
	assert_int_equal(poll->answers.in_force.listing.n, 2);
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
	assert_int_equal(poll->answers.in_force.listing.n, 9);
	assert_int_equal(rig->changes, 2);
	assert_string_equal(poll->state.note, "regions/b couldn't be read");
	rig_next_question(rig);
	assert_null(fake_fetches[0]->version);
	fake_list(0, 9, "v3");
	assert_string_equal(poll->state.note, "");
}

/* What is new comes into force with what is kept. */
static void additions_are_not_held_back(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	fake_list(0, 9, "v1");
	rig_next_question(rig);
	fake_list(8, 11, "v2");
	assert_true(*poll->state.held);
	assert_int_equal(poll->answers.in_force.listing.n, 12);
	assert_int_equal(poll->state.n_ranges, 12);
	assert_int_equal(rig->changes, 2);
	assert_true(vg_poll_accept(poll));
	assert_int_equal(poll->answers.in_force.listing.n, 4);
}

/* The next one of another project's network isn't judged by it, nor is one of other NICs. */
static void other_networks_are_not_compared(void **state)
{
	static const struct {
		const char *first, *second;
		size_t n; /* then */
	} cases[] = {
		{"42:01:0a:80:00:02 1/a", "42:01:0a:80:00:02 1/a", 10},
		{"42:01:0a:80:00:02 1/a", "42:01:0a:80:00:02 2/a", 1},
		{"42:01:0a:80:00:02 1/a, 42:01:0a:80:00:03 1/a", "42:01:0a:80:00:02 1/a", 1},
		{NULL, "42:01:0a:80:00:02 1/a", 10},
		{"42:01:0a:80:00:02 1/a", NULL, 10},
	};
	struct poll_rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_poll *poll;
		struct vg_fetch_result result = {.listing = fake_subnets(0, 9),
						 .identity = cases[i].first ? strdup(cases[i].first)
									    : NULL};

		rig_forget_saved(rig);
		poll = rig_start(rig, "gcp:subnets");
		fake_answer(&result);
		rig_next_question(rig);
		result = (struct vg_fetch_result){
			.listing = fake_subnets(0, 0),
			.identity = cases[i].second ? strdup(cases[i].second) : NULL};
		fake_answer(&result);
		if (poll->answers.in_force.listing.n != cases[i].n ||
		    !*poll->state.held != (cases[i].n == 1))
			fail_msg("case %zu: %zu ranges", i, poll->answers.in_force.listing.n);
	}
}

static void usable_subnets_take_none_away(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");
	struct vg_fetch_result result = {
		.listing = fake_subnets(0, 9), .usable = true, .note = "usable alone"};

	/* Where no more was ever seen they are what there is. */
	fake_answer(&result);
	rig_next_question(rig);
	result = (struct vg_fetch_result){
		.listing = fake_subnets(0, 5), .usable = true, .note = "usable alone"};
	fake_answer(&result);
	assert_int_equal(poll->answers.in_force.listing.n, 6);
	assert_string_equal(poll->state.note, "usable alone");
	rig_next_question(rig);
	fake_list(0, 9, "v1");
	assert_string_equal(poll->state.note, "");
	for (int i = 0; i < 3; i++) {
		rig_next_question(rig);
		result = (struct vg_fetch_result){.listing = fake_subnets(4, 10),
						  .usable = true,
						  .note = "usable alone",
						  .version = strdup("v2")};
		fake_answer(&result);
		assert_int_equal(poll->answers.in_force.listing.n, 11);
		assert_string_equal(poll->state.note, "usable alone; those known before are kept");
		assert_false(*poll->state.held || poll->answers.in_force.usable ||
			     poll->answers.in_force.version);
	}
	rig_next_question(rig);
	fake_list(0, 5, "v3");
	assert_int_equal(poll->answers.in_force.listing.n, 6);
}

/* Of a feed that is taken away from another one, what is new is the danger. */
static void growth_of_what_is_taken_away_is_held_back(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *whole, *poll;

	assert_int_equal(vg_poll_new(&rig->common, "google:goog", false, &whole), 0);
	whole->answers.in_force.listing = fake_subnets(0, 9);
	whole->answers.any = true;
	poll = rig_start(rig, "google:cloud");
	assert_int_equal(vg_poll_take_from(poll, whole), 0);
	fake_list(0, 1, "v1");
	rig_next_question(rig);
	fake_list(0, 5, "v2");
	assert_int_equal(poll->answers.in_force.listing.n, 6);
	rig_next_question(rig);
	fake_list(0, 8, "v3");
	assert_int_equal(poll->answers.in_force.listing.n, 6);
	assert_non_null(
		strstr(poll->state.held,
		       "it would take away 88% of what is left of others (max-shrink is 50%); "
		       "held back until "));
	rig_expect_planned("held", poll, 270000, 330000);
	rig_next_question(rig);
	assert_null(fake_fetches[0]->version);
	assert_true(vg_poll_accept(poll));
	assert_int_equal(poll->answers.in_force.listing.n, 9);
	assert_string_equal(poll->state.held, "");
	assert_false(vg_poll_accept(poll));
	fake_list(0, 9, "v4");
	assert_true(*poll->state.held);
	poll->hold.taken.since_us -= 1800 * SECOND_US;
	rig_next_question(rig);
	fake_list(0, 9, "v4");
	assert_int_equal(poll->answers.in_force.listing.n, 10);
	vg_poll_free(poll);
	rig->poll = NULL;
	vg_poll_free(whole);
}

/* ---- what can't come into force ---- */

static void refused_answers_are_forgotten(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:metadata");

	fake_list(0, 9, "v1");
	rig->refuses = true;
	rig_next_question(rig);
	fake_list(0, 10, "v2");
	assert_int_equal(rig->changes, 2);
	assert_int_equal(vg_answers_shown(&poll->answers)->listing.n, 11);
	assert_int_equal(poll->state.n_ranges, 11);
	vg_poll_set_aside(poll);
	assert_int_equal(vg_answers_shown(&poll->answers)->listing.n, 10);
	vg_poll_published(poll);
	vg_poll_refuse(poll, "not this one");
	assert_string_equal(poll->state.error, "");
	assert_true(vg_poll_show(poll));
	assert_false(vg_poll_show(poll));
	/* What waits for a change since then must not confirm what was before. */
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v2");
	vg_poll_refuse(poll, "too many");
	assert_string_equal(poll->state.error, "its answer can't be used: too many");
	assert_int_equal(poll->state.n_ranges, 10);
	assert_int_equal(vg_answers_shown(&poll->answers)->listing.n, 10);
	vg_poll_set_aside(poll);
	assert_false(vg_poll_show(poll));
	assert_int_equal(fake_n, 0);
	rig_expect_planned("refused", poll, 270000, 330000);
	rig_next_question(rig);
	assert_string_equal(fake_fetches[0]->version, "v1");
	rig->refuses = false;
	fake_list(0, 11, "v3");
	assert_string_equal(poll->state.error, "");
	assert_int_equal(poll->answers.in_force.listing.n, 12);
}

static time_t saved_at(const struct poll_rig *rig, const char *feed);

/* After a start it would be in the way of everything else. */
static void only_what_is_in_force_is_saved(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll = rig_start(rig, "gcp:subnets");

	rig->refuses = true;
	fake_list(0, 9, "v1");
	assert_int_equal(saved_at(rig, "gcp:subnets"), -1);
	/* Said again, it is still not in force. */
	poll->saved_us = 0;
	rig_next_question(rig);
	fake_fail(-EALREADY, "", 0);
	assert_int_equal(saved_at(rig, "gcp:subnets"), -1);
	vg_poll_published(poll);
	assert_true(saved_at(rig, "gcp:subnets") > 1700000000);
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
	assert_true(*poll->state.held);
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

/* Of an entry that comes back after some time: a fresh answer counts, whatever it lacks. */
static void aged_answers_are_a_last_resort(void **state)
{
	struct poll_rig *rig = *state;
	struct vg_poll *poll;

	rig_start(rig, "gcp:subnets");
	fake_list(0, 9, "v1");
	vg_poll_free(rig->poll);
	rig->poll = NULL;
	assert_int_equal(vg_poll_new(&rig->common, "gcp:subnets", true, &rig->poll), 0);
	poll = rig->poll;
	vg_poll_ask(poll);
	assert_true(poll->state.answered && poll->state.saved && poll->state.waiting);
	fake_fail(-EAGAIN, "it hurts", 0);
	assert_true(poll->state.waiting);
	rig_next_question(rig);
	fake_fail(-EACCES, "it hurts", 0);
	assert_false(poll->state.waiting);
	rig_next_question(rig);
	fake_list(0, 0, "v2");
	assert_false(poll->state.waiting || poll->state.saved || *poll->state.held);
	assert_int_equal(poll->answers.in_force.listing.n, 1);
}

static void other_machines_answers_are_left_out(void **state)
{
	static const struct {
		const char *name, *identity;
		size_t n;
		char macs[2][18];
		bool used;
	} cases[] = {
		{"the same NIC", "42:01:0a:80:00:02 1/a", 1, {"42:01:0a:80:00:02"}, true},
		{"another", "42:01:0a:80:00:02 1/a", 1, {"42:01:0a:80:00:03"}, false},
		{"one of two",
		 "42:01:0a:80:00:01 1/a, 42:01:0a:80:00:02 1/b",
		 2,
		 {"42:01:0a:80:00:09", "42:01:0a:80:00:02"},
		 true},
		{"none known so far", "42:01:0a:80:00:02 1/a", 0, {}, true},
		{"the same for all machines", NULL, 1, {"42:01:0a:80:00:03"}, true},
	};
	struct poll_rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		char macs[2][18];
		struct vg_fetch_result result = {
			.listing = fake_subnets(0, 9),
			.identity = cases[i].identity ? strdup(cases[i].identity) : NULL};

		rig_forget_saved(rig);
		rig_start(rig, "gcp:subnets");
		fake_answer(&result);
		memcpy(macs, cases[i].macs, sizeof(macs));
		rig->machine = (struct vg_cloud_nics){macs, cases[i].n, false};
		rig_start(rig, "gcp:subnets");
		if (rig->poll->state.answered != cases[i].used ||
		    !strstr(rig->poll->state.store_error, "another machine") != cases[i].used)
			fail_msg("%s", cases[i].name);
		rig->machine = (struct vg_cloud_nics){};
	}
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
		cmocka_unit_test_setup_teardown(additions_are_not_held_back, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(other_networks_are_not_compared, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(usable_subnets_take_none_away, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(growth_of_what_is_taken_away_is_held_back,
						rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(refused_answers_are_forgotten, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(only_what_is_in_force_is_saved, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(aged_answers_are_a_last_resort, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(other_machines_answers_are_left_out, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(saved_answers_are_in_force_at_once, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(confirmations_are_saved_now_and_then, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(storing_may_fail, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
