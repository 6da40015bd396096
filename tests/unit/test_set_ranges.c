/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "share/set_ranges.h"
#include "tests/unit/json_text.h"
#include "tests/unit/listing_text.h"
#include "tests/unit/policy_files.h"
#include "tests/unit/policy_text.h"

static const char config[] = "interfaces: [ens4]\n"
			     "ingress: internal\n"
			     "sources:\n"
			     "  vpc: [10.0.0.0/8, \"fd20:1:2::/48\"]\n"
			     "  team: [10.1.0.0/16]\n";

static void ranges_have_origins(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(config);
	json_auto_t *all = NULL, *one = NULL;
	const json_t *range;

	(void)state;
	assert_int_equal(vg_ranges_json(policy, NULL, &all, NULL), 0);
	assert_int_equal(json_array_size(json_object_get(all, "sets")), policy->n_sets);
	assert_int_equal(vg_ranges_json(policy, "team", &one, NULL), 0);
	expect_members("team",
		       "{'sets': [{'name': 'team', 'ranges': [{'prefix': '10.1.0.0/16',"
		       " 'origin': 'test.yaml'}], 'origins': [{'origin': 'test.yaml', 'count': 1,"
		       " 'read_s': null, 'unread': false}]}]}",
		       one);
	json_decref(one);
	one = NULL;
	assert_int_equal(vg_ranges_json(policy, "load-balancer", &one, NULL), 0);
	range = json_array_get(json_object_get(json_array_get(json_object_get(one, "sets"), 0),
					       "ranges"),
			       0);
	assert_memory_equal(json_string_value(json_object_get(range, "origin")),
			    "google:load-balancer", strlen("google:load-balancer"));
	assert_string_equal(json_string_value(json_object_get(range, "page")),
			    "https://cloud.google.com/load-balancing/docs/firewall-rules");
}

/* How many ranges each entry gave, and how old they are; the order is that of the file. */
static void sets_have_origins(void **state)
{
	_cleanup_(vg_listing_done) struct vg_listing subnets =
		listing_of("10.0.0.0/16=subnet 10.4.0.0/16=subnet fd20::/64=subnet 10.1.0.0/23="
			   "regional-proxy");
	const struct answer answer = {"gcp:subnets", &subnets, 1795000000, 0};
	struct files files = {
		.items =
			{{"test.yaml",
			  "interfaces: [ens4]\ningress: internal\nsources:\n"
			  "  vpc: [gcp:subnets, 10.2.0.0/16, gcp:metadata, 'file:a', 10.3.0.0/16]\n",
			  0},
			 {"a", "\n", 0}},
		.answers = &answer,
		.n_answers = 1,
	};
	static const struct {
		const char *set, *expected;
	} sets[] = {
		{"vpc",
		 "{'origins': ["
		 "{'origin': 'gcp:subnets', 'count': 3, 'read_s': 1795000000, 'unread': false},"
		 "{'origin': 'test.yaml', 'count': 2, 'read_s': null, 'unread': false},"
		 "{'origin': 'gcp:metadata', 'count': 0, 'read_s': null, 'unread': true},"
		 "{'origin': 'file:a', 'count': 0, 'read_s': null, 'unread': false}]}"},
		{"regional-proxy",
		 "{'ranges': [{'prefix': '10.1.0.0/23', 'origin': 'gcp:subnets'}], 'origins': ["
		 "{'origin': 'gcp:subnets', 'count': 1, 'read_s': 1795000000, 'unread': false}]}"},
		{"psc", "{'ranges': [], 'origins': []}"},
		{"load-balancer",
		 "{'origins': [{'origin': 'google:load-balancer (2026-11-22)', 'count': 3,"
		 " 'read_s': null, 'unread': false}]}"},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_files(&files);

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(sets); i++) {
		json_auto_t *json = NULL;

		assert_int_equal(vg_ranges_json(policy, sets[i].set, &json, NULL), 0);
		expect_members(sets[i].set, sets[i].expected,
			       json_array_get(json_object_get(json, "sets"), 0));
	}
}

static void unknown_sets_are_refused(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(config);
	struct vg_diag diag = {0};
	json_t *json = NULL;

	(void)state;
	assert_int_equal(vg_ranges_json(policy, "vcp", &json, &diag), -ENOENT);
	assert_null(json);
	assert_string_equal(diag.text, "no source set is named 'vcp'; there are vpc, team, "
				       "load-balancer, health-check");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_have_origins),
		cmocka_unit_test(sets_have_origins),
		cmocka_unit_test(unknown_sets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
