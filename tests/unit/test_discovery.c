/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <limits.h>
#include "tests/unit/fake_fetch.h"
#include "discovery/discovery.c"
#include "tests/unit/remove_folder.h"

struct rig {
	char folder[40];
	sd_event *event;
	struct vg_discovery *discovery;
	unsigned changes;
};

/* A policy of nothing but feeds, each with a space behind. */
struct feeds {
	struct vg_policy policy;
	struct vg_feed feeds[4];
};

static struct feeds *feeds_of(const char *text)
{
	struct feeds *feeds = calloc(1, sizeof(*feeds));
	_cleanup_free_ char *copy = strdup(text);
	char wrong[256], *rest = copy, *word;

	feeds->policy.feeds = feeds->feeds;
	assert_int_equal(vg_discovery_settings_default(&feeds->policy.discovery), 0);
	while ((word = strsep(&rest, " ")))
		if (*word)
			assert_int_equal(vg_feed_parse(word, &feeds->feeds[feeds->policy.n_feeds++],
						       wrong, sizeof(wrong)),
					 0);
	return feeds;
}

static void feeds_free(struct feeds **feeds)
{
	if (!*feeds)
		return;
	for (size_t i = 0; i < (*feeds)->policy.n_feeds; i++)
		vg_feed_done(&(*feeds)->feeds[i]);
	vg_discovery_settings_done(&(*feeds)->policy.discovery);
	free(*feeds);
}

#define FEEDS(name, text) _cleanup_(feeds_free) struct feeds *name = feeds_of(text)

static void on_changed(void *context)
{
	struct rig *rig = context;

	rig->changes++;
}

static void open_discovery(struct rig *rig)
{
	static const struct vg_cloud_nics unknown = {};

	assert_int_equal(vg_discovery_open(rig->event, rig->folder, NULL, &unknown, on_changed, rig,
					   &rig->discovery),
			 0);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	strcpy(rig->folder, "/tmp/vpcgate-discovery-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	assert_true(sd_event_new(&rig->event) >= 0);
	open_discovery(rig);
	fake_begun = fake_cancelled = fake_configured = 0;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vg_discovery_close(rig->discovery);
	sd_event_unref(rig->event);
	remove_folder(rig->folder);
	assert_int_equal(fake_n + fake_clouds + fake_clients, 0);
	free(rig);
	return 0;
}

static int try_want(struct rig *rig, const struct feeds *in_force, const struct feeds *next,
		    struct vg_diag *diag)
{
	const struct vg_cloud_nics nics = {};

	if (!next)
		return vg_discovery_want(rig->discovery, &in_force->policy, &nics, diag);
	return vg_discovery_want_next(rig->discovery, in_force ? &in_force->policy : NULL,
				      &next->policy, &nics, diag);
}

static void want_feeds(struct rig *rig, const struct feeds *in_force, const struct feeds *next)
{
	struct vg_diag diag = {0};

	if (try_want(rig, in_force, next, &diag) < 0)
		fail_msg("%s", diag.text);
}

/* What is asked for, in order. */
static void expect_asked(const char *feeds)
{
	char asked[512] = "";

	for (size_t i = 0; i < fake_n; i++)
		snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s%s", i ? " " : "",
			 fake_fetches[i]->feed);
	assert_string_equal(asked, feeds);
}

static bool is_waiting(const struct rig *rig, const struct feeds *feeds, const struct feeds *except)
{
	return vg_discovery_is_waiting(rig->discovery, &feeds->policy,
				       except ? &except->policy : NULL);
}

static const char *unanswered(const struct rig *rig, const struct feeds *feeds,
			      const struct feeds *except)
{
	const struct vg_feed *feed = vg_discovery_unanswered(rig->discovery, &feeds->policy,
							     except ? &except->policy : NULL);

	return feed ? feed->text : "";
}

static int read_from(const struct rig *rig, const char *feed, size_t *ret_n)
{
	const struct vg_reader *reader = vg_discovery_reader(rig->discovery);
	const struct vg_listing *listing;
	__s64 read_s = 0;
	int r;

	r = reader->answer(reader->context, feed, &listing, &read_s);
	if (r < 0)
		return r;
	assert_true(read_s > 1700000000);
	*ret_n = listing->n;
	return 0;
}

static void wanted_feeds_are_asked_for(void **state)
{
	struct rig *rig = *state;
	FEEDS(both, "gcp:subnets google:goog file:/nonexistent");
	FEEDS(one, "google:goog gcp:metadata");
	size_t n = 0;

	want_feeds(rig, NULL, both);
	expect_asked("gcp:subnets google:goog");
	want_feeds(rig, NULL, both);
	expect_asked("gcp:subnets google:goog");
	assert_true(is_waiting(rig, both, NULL));
	assert_string_equal(unanswered(rig, both, NULL), "gcp:subnets");
	fake_list(0, 9, "v1");
	assert_true(is_waiting(rig, both, NULL));
	assert_string_equal(unanswered(rig, both, NULL), "google:goog");
	assert_int_equal(read_from(rig, "gcp:subnets", &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(read_from(rig, "google:goog", &n), -ENODATA);
	/* Both policies' are wanted, until one of them is in force. */
	want_feeds(rig, both, one);
	expect_asked("google:goog gcp:metadata");
	want_feeds(rig, one, NULL);
	expect_asked("google:goog gcp:metadata");
	assert_null(vg_discovery_state(rig->discovery, "gcp:subnets"));
	assert_non_null(vg_discovery_state(rig->discovery, "google:goog"));
	want_feeds(rig, both, NULL);
	expect_asked("google:goog gcp:subnets");
	assert_int_equal(fake_cancelled, 1);
}

/* What was unanswered before holds nobody up. */
static void old_feeds_are_not_waited_for(void **state)
{
	struct rig *rig = *state;
	FEEDS(in_force, "gcp:subnets");
	FEEDS(next, "gcp:subnets google:goog");

	want_feeds(rig, in_force, next);
	assert_true(is_waiting(rig, next, in_force));
	assert_string_equal(unanswered(rig, next, NULL), "gcp:subnets");
	assert_string_equal(unanswered(rig, next, in_force), "google:goog");
	fake_fail(-EAGAIN, "it hurts", 0);
	fake_list(0, 9, "v1");
	assert_false(is_waiting(rig, next, in_force));
	assert_true(is_waiting(rig, next, NULL));
	assert_string_equal(unanswered(rig, next, in_force), "");
}

static void hopeless_feeds_are_not_waited_for(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets");

	want_feeds(rig, NULL, feeds);
	fake_fail(-EACCES, "it hurts", 0);
	assert_false(is_waiting(rig, feeds, NULL));
	assert_string_equal(unanswered(rig, feeds, NULL), "gcp:subnets");
}

/* A reload is a sign that somebody has mended something. */
static void reload_asks_again_what_has_failed(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets google:goog");

	want_feeds(rig, feeds, NULL);
	fake_fail(-EACCES, "it hurts", 0);
	fake_list(0, 9, "v1");
	expect_asked("");
	want_feeds(rig, feeds, NULL);
	expect_asked("");
	want_feeds(rig, feeds, feeds);
	expect_asked("gcp:subnets");
	want_feeds(rig, feeds, feeds);
	assert_int_equal(fake_begun, 3);
}

static void other_servers_and_nics_are_asked_anew(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets");
	FEEDS(other, "gcp:subnets");
	char macs[2][18] = {"42:01:0a:80:00:46", "42:01:0a:80:00:47"};
	struct vg_discovery_settings *settings = &other->policy.discovery;
	char **texts[] = {&settings->metadata, &settings->compute, &settings->vpcaccess,
			  &settings->published, &settings->ca};
	size_t asked = 1;

	want_feeds(rig, feeds, NULL);
	fake_list(0, 9, "v1");
	assert_int_equal(fake_configured, 1);
	settings->refresh_s = 17;
	want_feeds(rig, other, NULL);
	assert_int_equal(fake_begun, asked);
	assert_int_equal(rig->discovery->in_force.common.settings.refresh_s, 17);
	for (size_t i = 0; i < VG_ARRAY_SIZE(texts); i++) {
		free(*texts[i]);
		*texts[i] = strdup("/other");
		want_feeds(rig, other, NULL);
		assert_int_equal(fake_begun, ++asked);
		assert_null(fake_fetches[0]->version);
		want_feeds(rig, other, NULL);
		assert_int_equal(fake_begun, asked);
	}
	for (size_t i = 0; i < 4; i++) {
		const struct vg_cloud_nics nics[] = {
			{macs, 1, false}, {macs + 1, 1, false}, {macs, 2, false}, {macs, 2, false}};

		assert_int_equal(vg_discovery_want(rig->discovery, &other->policy, &nics[i], NULL),
				 0);
		asked += i < 3;
		assert_int_equal(fake_begun, asked);
	}
	assert_int_equal(fake_configured, asked);
}

static void client_is_opened_where_it_is_needed(void **state)
{
	struct rig *rig = *state;
	FEEDS(files, "file:/nonexistent");
	FEEDS(feeds, "gcp:subnets");
	struct vg_diag diag = {0};

	want_feeds(rig, files, NULL);
	assert_int_equal(fake_clients, 0);
	fake_error = -EOPNOTSUPP;
	assert_int_equal(try_want(rig, feeds, NULL, &diag), -EOPNOTSUPP);
	fake_error = 0;
	assert_string_equal(diag.text, "no client");
	want_feeds(rig, feeds, NULL);
	assert_int_equal(fake_clients, 1);
	assert_int_equal(fake_configured, 1);
	expect_asked("gcp:subnets");
}

static void saved_answers_are_read_before_they_are_wanted(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets");
	size_t n = 0;

	want_feeds(rig, feeds, NULL);
	fake_list(0, 9, "v1");
	vg_discovery_published(rig->discovery, false);
	vg_discovery_close(rig->discovery);
	rig->discovery = NULL;
	open_discovery(rig);
	assert_int_equal(read_from(rig, "gcp:subnets", &n), 0);
	assert_int_equal(n, 10);
	expect_asked("");
	assert_true(vg_discovery_state(rig->discovery, "gcp:subnets")->saved);
	assert_int_equal(read_from(rig, "gcp:connectors", &n), -ENODATA);
	want_feeds(rig, NULL, feeds);
	assert_false(is_waiting(rig, feeds, NULL));
	assert_string_equal(unanswered(rig, feeds, NULL), "");
	expect_asked("gcp:subnets");
	assert_null(vg_discovery_state(rig->discovery, "gcp:connectors"));
}

/* How many ranges there would be, or an error. */
static int if_accepted(struct rig *rig, const char *feed)
{
	const struct vg_listing *listing = NULL;
	__s64 read_s;
	const int r = vg_discovery_if_accepted(rig->discovery, feed, &listing, &read_s);

	return r < 0 ? r : (int)listing->n;
}

static void what_is_held_back_can_be_looked_at(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets");
	size_t n = 0;

	want_feeds(rig, feeds, NULL);
	fake_list(0, 9, "v1");
	vg_discovery_published(rig->discovery, false);
	assert_int_equal(if_accepted(rig, "gcp:subnets"), 10);
	for (int i = 0; i < 2; i++) {
		vg_poll_ask(find_poll(rig->discovery, "gcp:subnets"));
		fake_list(0, 1, "v2");
		assert_int_equal(if_accepted(rig, "gcp:subnets"), 2);
		/* It changes nothing. */
		assert_int_equal(read_from(rig, "gcp:subnets", &n), 0);
		assert_int_equal(n, 10);
	}
	assert_int_equal(vg_discovery_accept(rig->discovery), 1);
	assert_int_equal(read_from(rig, "gcp:subnets", &n), 0);
	assert_int_equal(n, 2);
}

static void all_is_accepted_at_once(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets google:goog");
	size_t n = 1;

	want_feeds(rig, feeds, NULL);
	assert_int_equal(vg_discovery_accept(rig->discovery), 0);
	fake_list(1, 0, "v1");
	fake_list(1, 0, "v1");
	assert_string_equal(unanswered(rig, feeds, NULL), "gcp:subnets");
	assert_int_equal(if_accepted(rig, "gcp:subnets"), 0);
	assert_int_equal(if_accepted(rig, "gcp:connectors"), -ENODATA);
	assert_int_equal(vg_discovery_accept(rig->discovery), 2);
	assert_string_equal(unanswered(rig, feeds, NULL), "");
	assert_int_equal(read_from(rig, "google:goog", &n), 0);
	assert_int_equal(n, 0);
}

/* ---- what is to follow ---- */

static void set_compute(struct feeds *feeds, const char *url)
{
	free(feeds->policy.discovery.compute);
	feeds->policy.discovery.compute = strdup(url);
}

/* A policy that is refused in the end has changed nothing for the one in force. */
static void refused_policies_leave_no_trace(void **state)
{
	struct rig *rig = *state;
	FEEDS(in_force, "gcp:subnets");
	FEEDS(next, "gcp:subnets gcp:connectors");
	struct vg_cloud *cloud;
	const struct vg_poll *poll;

	set_compute(next, "https://elsewhere.example");
	next->policy.discovery.refresh_s = 17;
	want_feeds(rig, NULL, in_force);
	want_feeds(rig, in_force, NULL);
	expect_asked("gcp:subnets");
	fake_list(0, 9, "v1");
	poll = find_poll(rig->discovery, "gcp:subnets");
	sd_event_source_set_time(poll->timer, 0);
	assert_true(sd_event_run(rig->event, 1000000) > 0);
	cloud = fake_asked;
	want_feeds(rig, in_force, next);
	expect_asked("gcp:subnets gcp:connectors");
	assert_ptr_not_equal(fake_asked, cloud);
	assert_string_equal(fake_fetches[0]->version, "v1");
	assert_int_not_equal(rig->discovery->in_force.common.settings.refresh_s, 17);
	want_feeds(rig, in_force, NULL);
	expect_asked("gcp:subnets");
	assert_string_equal(fake_fetches[0]->version, "v1");
	assert_int_equal(fake_cancelled, 1);
}

/* What was asked for before it was in force goes on; the rest is asked of the new servers. */
static void policies_bring_their_servers_along(void **state)
{
	struct rig *rig = *state;
	FEEDS(in_force, "gcp:subnets");
	FEEDS(next, "gcp:subnets gcp:connectors");
	FEEDS(third, "gcp:subnets gcp:connectors google:goog");

	set_compute(next, "https://elsewhere.example");
	set_compute(third, "https://far.example");
	want_feeds(rig, NULL, in_force);
	want_feeds(rig, in_force, NULL);
	fake_list(0, 9, "v1");
	want_feeds(rig, in_force, next);
	expect_asked("gcp:connectors");
	want_feeds(rig, next, NULL);
	expect_asked("gcp:connectors gcp:subnets");
	assert_null(fake_fetches[1]->version);
	assert_int_equal(fake_cancelled, 0);
	/* The question that is still open would be answered by servers of the next but one. */
	want_feeds(rig, next, third);
	expect_asked("gcp:subnets gcp:connectors google:goog");
	assert_int_equal(fake_cancelled, 1);
	want_feeds(rig, next, NULL);
	expect_asked("gcp:subnets gcp:connectors");
}

static void answers_are_tried_one_by_one(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets google:goog gcp:connectors");
	const char *refused = "google:goog";
	size_t n = 0, shown = 0;

	want_feeds(rig, feeds, NULL);
	fake_list(0, 9, "v1");
	fake_list(0, 9, "v1");
	fake_list(0, 9, "v1");
	vg_discovery_set_aside(rig->discovery);
	assert_int_equal(read_from(rig, refused, &n), -ENODATA);
	while (vg_discovery_show_next(rig->discovery)) {
		shown++;
		if (read_from(rig, refused, &n) < 0)
			vg_discovery_published(rig->discovery, false);
		else
			vg_discovery_refuse(rig->discovery, "too many");
	}
	assert_int_equal(shown, 3);
	assert_int_equal(read_from(rig, "gcp:subnets", &n), 0);
	assert_int_equal(read_from(rig, "gcp:connectors", &n), 0);
	assert_int_equal(read_from(rig, refused, &n), -ENODATA);
	assert_string_equal(vg_discovery_state(rig->discovery, refused)->error,
			    "its answer can't be used: too many");
}

/* ---- telling ---- */

static void loop(struct rig *rig, uint64_t for_us)
{
	uint64_t now_us, end_us;

	sd_event_now(rig->event, CLOCK_MONOTONIC, &now_us);
	for (end_us = now_us + for_us; now_us < end_us;) {
		assert_true(sd_event_run(rig->event, end_us - now_us) >= 0);
		sd_event_now(rig->event, CLOCK_MONOTONIC, &now_us);
	}
}

static void changes_are_told_together(void **state)
{
	struct rig *rig = *state;
	FEEDS(feeds, "gcp:subnets google:goog gcp:connectors gcp:metadata");

	loop(rig, 1);
	want_feeds(rig, feeds, NULL);
	fake_list(0, 9, "v1");
	fake_list(0, 9, "v1");
	assert_int_equal(rig->changes, 0);
	loop(rig, 50000);
	assert_int_equal(rig->changes, 1);
	fake_list(0, 9, "v1");
	loop(rig, 500000);
	assert_int_equal(rig->changes, 1);
	fake_list(0, 9, "v1");
	loop(rig, 600000);
	assert_int_equal(rig->changes, 2);
	loop(rig, 1100000);
	assert_int_equal(rig->changes, 2);
}

static int ignore_lines(void *to, char *text, size_t length)
{
	(void)to;
	(void)text;
	(void)length;
	return 0;
}

static void files_are_watched(void **state)
{
	struct rig *rig = *state;
	const struct vg_reader *reader = vg_discovery_reader(rig->discovery);
	const char *path = "list";
	FEEDS(feeds, "file:list");
	FEEDS(none, "");
	uint64_t planned_us, still_us;
	int enabled;
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *text = NULL;
	char before[PATH_MAX];
	size_t length;

	/* Not by its whole path: what others do in /tmp would make us look. */
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(rig->folder), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("10.0.0.0/8\n", file);
	fflush(file);
	assert_int_equal(reader->read(reader->context, path, &text, &length), 0);
	assert_string_equal(text, "10.0.0.0/8\n");
	want_feeds(rig, feeds, NULL);
	loop(rig, 300000);
	assert_int_equal(rig->changes, 0);
	/* No event tells of this: the file stays open. */
	fputs("11.0.0.0/8\n", file);
	fflush(file);
	loop(rig, 300000);
	assert_int_equal(rig->changes, 0);
	sd_event_source_set_time(rig->discovery->looker, 0);
	loop(rig, 50000);
	assert_int_equal(rig->changes, 1);
	/* Another look follows, and other policies don't put it off. */
	sd_event_source_get_time(rig->discovery->looker, &planned_us);
	want_feeds(rig, feeds, NULL);
	sd_event_source_get_time(rig->discovery->looker, &still_us);
	assert_int_equal(planned_us, still_us);
	sd_event_source_get_enabled(rig->discovery->looker, &enabled);
	assert_int_equal(enabled, SD_EVENT_ON);
	assert_int_equal(reader->read_lines(reader->context, path, ignore_lines, NULL), 0);
	unlink(path);
	loop(rig, 1300000);
	assert_int_equal(rig->changes, 2);
	want_feeds(rig, none, NULL);
	sd_event_source_get_enabled(rig->discovery->looker, &enabled);
	assert_int_equal(enabled, SD_EVENT_OFF);
	assert_int_equal(chdir(before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wanted_feeds_are_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(old_feeds_are_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(hopeless_feeds_are_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(reload_asks_again_what_has_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(other_servers_and_nics_are_asked_anew, setup,
						teardown),
		cmocka_unit_test_setup_teardown(client_is_opened_where_it_is_needed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(saved_answers_are_read_before_they_are_wanted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_held_back_can_be_looked_at, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_is_accepted_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_policies_leave_no_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(policies_bring_their_servers_along, setup,
						teardown),
		cmocka_unit_test_setup_teardown(answers_are_tried_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_are_told_together, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_watched, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
