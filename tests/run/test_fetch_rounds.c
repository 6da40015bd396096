/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a fetch does over time: pages, tokens, versions, waiting, and its end at any moment. */
#include "fetch_rig.h"

/* 1205 subnets are three pages, whose tokens have to be escaped. */
static void test_pages(void **state)
{
	struct outcome outcome;

	(void)state;
	cloud_set(NULL, world_many_subnets);
	fetch("gcp:subnets", NULL, &outcome);
	assert_string_equal(outcome.reason, "");
	assert_int_equal(outcome.n_ranges, 1205);
	assert_int_equal(cloud_asked(SUBNETS_URL), 3);
	assert_int_equal(cloud_asked("pageToken="), 2);
	assert_int_equal(cloud_asked("token"), 1);
}

static void test_endless_pages(void **state)
{
	struct outcome outcome;

	(void)state;
	cloud_set("{'/compute/':'endless-pages'}", NULL);
	fetch("gcp:subnets", NULL, &outcome);
	assert_int_equal(outcome.error, -EPROTO);
	assert_string_equal(outcome.reason, "the lists have more than 1000 pages");
	assert_int_equal(cloud_asked(SUBNETS_URL), VG_FETCH_MAX_PAGES);
}

/* One token for several fetches; none that is about to expire, or that was refused. */
static void test_token(void **state)
{
	struct outcome outcome;

	(void)state;
	cloud_set(NULL, NULL);
	for (int i = 0; i < 3; i++)
		fetch("gcp:subnets", NULL, &outcome);
	assert_string_equal(outcome.ranges, PROD);
	assert_int_equal(cloud_asked("default/token"), 1);
	configure(NULL);
	fetch("gcp:subnets", NULL, &outcome);
	assert_int_equal(cloud_asked("default/token"), 2);

	configure(NULL);
	cloud_set(NULL, world_short_tokens);
	fetch("gcp:subnets", NULL, &outcome);
	assert_string_equal(outcome.ranges, PROD);
	assert_int_equal(cloud_asked("default/token"), 2); /* one for each page */

	configure(NULL);
	cloud_set(NULL, world_single_use_tokens);
	fetch("gcp:subnets", NULL, &outcome);
	assert_int_equal(outcome.n_ranges, 3);
	assert_int_equal(cloud_asked("default/token"), 3);
	assert_int_equal(cloud_asked(SUBNETS_URL), 5); /* all pages but the first twice */
}

static void test_versions(void **state)
{
	static const char *const feeds[] = {"google:goog",
					    "https://127.0.0.1:8443/lists/office.txt"};
	struct outcome first, second;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(feeds); i++) {
		cloud_set(NULL, NULL);
		fetch(feeds[i], NULL, &first);
		assert_int_equal(first.error, 0);
		assert_string_not_equal(first.version, "");
		fetch(feeds[i], first.version, &second);
		assert_int_equal(second.error, -EALREADY);
		assert_string_equal(second.version, "");
	}
	cloud_set("{'.':{'text':'192.0.2.0/25\\n'}}", NULL); /* without an ETag */
	fetch(feeds[1], first.version, &second);
	assert_string_equal(second.ranges, "192.0.2.0/25");
	assert_string_equal(second.version, "");
}

/* Two pages as Google's servers write them, for each of the two networks that the NICs are in. */
static void test_documents(void **state)
{
	struct outcome outcome;

	(void)state;
	cloud_set("{'pageToken':{'json':'@subnets-aggregated-2.json'},"
		  "'subnetworks':{'json':'@subnets-aggregated.json'}}",
		  "{'nics':'@nics.json'}");
	fetch("gcp:subnets", NULL, &outcome);
	assert_string_equal(outcome.reason, "");
	assert_string_equal(outcome.unread, "regions/us-east1");
	assert_string_equal(
		outcome.note,
		"regions/us-east1 couldn't be read by the server; 1 range is left out (PRIVATE_NAT)");
	assert_true(outcome.shared);
	assert_int_equal(outcome.n_ranges, 13);
	assert_int_equal(cloud_asked("projects/628944397724/aggregated/subnetworks"), 4);
	fetch("gcp:forwarded-ips", NULL, &outcome);
	assert_string_equal(outcome.ranges, "10.10.15.200/32 203.0.113.80/32 203.0.113.81/32 "
					    "2001:db8:1:0:8000::/96");
}

/* The metadata server waits until something changes. */
static void test_wait(void **state)
{
	struct outcome outcome, waiting;

	(void)state;
	cloud_set(NULL, NULL);
	fetch("gcp:metadata", NULL, &outcome);
	assert_string_not_equal(outcome.version, "");
	begin("gcp:metadata", outcome.version, &waiting);
	loop_for(400);
	assert_false(waiting.done);
	assert_int_equal(cloud_asked("wait_for_change=true&last_etag="), 1);
	assert_int_equal(cloud_asked("&timeout_sec=60"), 1);
	cloud_write("world.json", world_nat);
	assert_true(loop_until(&waiting.done, 2000));
	assert_string_equal(waiting.ranges, "10.1.0.0/24=subnet");
	assert_string_not_equal(waiting.version, outcome.version);

	/* What the server answers when the time is over. */
	cloud_set(NULL, NULL);
	cloud_write("control.json", "{'interfaces':{'json':[],'headers':{'ETag':'abc'}}}");
	fetch("gcp:metadata", "abc", &waiting);
	assert_int_equal(waiting.error, -EALREADY);
}

/* Who can't be reached: told apart from who answers wrongly. */
static void test_unreachable(void **state)
{
	static const struct {
		const char *name, *compute;
		int error;
		const char *reason;
	} cases[] = {
		{"refused", "https://127.0.0.1:1", -EAGAIN, "127.0.0.1: no connection"},
		{"no such name", "https://nosuch.invalid", -EAGAIN,
		 "nosuch.invalid: its address can't be found"},
		{"another host's certificate", "https://127.0.0.2:8443", -EPROTO,
		 "127.0.0.2: its certificate isn't trusted"},
	};
	struct outcome outcome;

	(void)state;
	cloud_set(NULL, NULL);
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		char *saved = cloud->settings.compute;

		cloud->settings.compute = (char *)cases[i].compute;
		fetch("gcp:subnets", NULL, &outcome);
		cloud->settings.compute = saved;
		if (outcome.error != cases[i].error || !strstr(outcome.reason, cases[i].reason))
			fail_msg("%s: %d %s", cases[i].name, outcome.error, outcome.reason);
	}
	free(cloud->settings.ca);
	cloud->settings.ca = NULL;
	fetch("gcp:subnets", NULL, &outcome);
	assert_int_equal(outcome.error, -EPROTO);
	assert_non_null(strstr(outcome.reason, "its certificate isn't trusted"));
}

static void test_deadline(void **state)
{
	struct outcome outcome;
	struct vg_fetch *running;

	(void)state;
	cloud_set(NULL, NULL);
	running = begin("gcp:subnets", NULL, &outcome);
	running->deadline_us = vg_boottime_us();
	assert_true(loop_until(&outcome.done, 5000));
	assert_int_equal(outcome.error, -EAGAIN);
	assert_string_equal(outcome.reason, "not done within 300 s");
}

/* Ended after so many runs of the loop, that is in each of its phases. */
static void test_cancel_anywhere(void **state)
{
	static const char *const feeds[] = {"gcp:subnets", "gcp:metadata", "google:goog",
					    "gcp:connectors", "gcp:peering-routes"};

	(void)state;
	cloud_set(NULL, world_all_lists);
	for (size_t i = 0; i < VG_ARRAY_SIZE(feeds); i++) {
		struct outcome outcome = {};
		unsigned runs = 0;

		for (; !outcome.done && runs < 500; runs++) {
			struct vg_fetch *running;

			configure(NULL);
			running = begin(feeds[i], NULL, &outcome);
			for (unsigned j = 0; j < runs && !outcome.done; j++)
				sd_event_run(loop, 10000);
			if (!outcome.done)
				vg_fetch_cancel(running);
		}
		if (!outcome.done || outcome.error)
			fail_msg("%s: %s after %u runs", feeds[i], outcome.reason, runs);
	}
}

static void test_many_at_once(void **state)
{
	static const char *const feeds[] = {"gcp:subnets",    "gcp:metadata",	   "google:goog",
					    "gcp:connectors", "gcp:forwarded-ips", "google:cloud"};
	struct outcome outcomes[48];

	(void)state;
	cloud_set("{'goog':{'delay':0.5}}", NULL);
	for (size_t i = 0; i < VG_ARRAY_SIZE(outcomes); i++)
		begin(feeds[i % VG_ARRAY_SIZE(feeds)], NULL, &outcomes[i]);
	for (size_t i = 0; i < VG_ARRAY_SIZE(outcomes); i++) {
		assert_true(loop_until(&outcomes[i].done, 20000));
		assert_string_equal(outcomes[i].reason, "");
	}
}

static void test_not_remote(void **state)
{
	const struct vg_feed feed = {.kind = VG_FEED_FILE, .text = (char *)"file:/etc/hosts"};
	struct outcome outcome;
	struct vg_fetch *running;

	(void)state;
	assert_int_equal(vg_fetch_begin(cloud, &feed, NULL, on_done, &outcome, &running), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_endless_pages, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_token, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_versions, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_documents, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_wait, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_unreachable, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_deadline, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_cancel_anywhere, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_many_at_once, open_cloud, close_cloud),
		cmocka_unit_test_setup_teardown(test_not_remote, open_cloud, close_cloud),
	};

	if (getuid() != 0) {
		puts("needs root");
		return 77;
	}
	return CLOUD_RUN(tests);
}
