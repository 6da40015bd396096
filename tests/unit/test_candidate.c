/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/candidate.c"
#include "tests/unit/policy_text.h"

#define CONFIG(vpc, to)                                                    \
	"sources: {vpc: " vpc "}\ninterfaces: [ens4]\ningress: internal\n" \
	"services: [{name: lb, to: " to ", ingress: all}]\n"

static void other_ranges_make_other_policies(void **state)
{
	static const struct {
		const char *name, *config;
		bool equal;
	} cases[] = {
		{"the same", CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1]"), true},
		{"another prefix", CONFIG("[11.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1]"), false},
		{"another length", CONFIG("[10.0.0.0/9, \"fd20::100/120\"]", "[192.0.2.1]"), false},
		{"another IPv6 prefix", CONFIG("[10.0.0.0/8, \"fd21::100/120\"]", "[192.0.2.1]"),
		 false},
		{"its lower half", CONFIG("[10.0.0.0/8, \"fd20::200/120\"]", "[192.0.2.1]"), false},
		{"another IPv6 length", CONFIG("[10.0.0.0/8, \"fd20::100/121\"]", "[192.0.2.1]"),
		 false},
		{"one more", CONFIG("[10.0.0.0/8, 11.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1]"),
		 false},
		{"one less", CONFIG("[10.0.0.0/8]", "[192.0.2.1]"), false},
		{"another destination", CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.2]"),
		 false},
		{"one more destination",
		 CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1, 192.0.2.2]"), false},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(cases[0].config);

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *other = policy_from(cases[i].config);

		if (vg_candidate_equal(policy, other) != cases[i].equal)
			fail_msg("%s", cases[i].name);
	}
}

static const char *config_text;

static int read_config_text(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	(void)context;
	if (strcmp(path, "/gone.yaml") == 0)
		return -ENOENT;
	*ret_text = strdup(config_text);
	*ret_length = strlen(config_text);
	return 0;
}

static void configs_become_tables(void **state)
{
	static const struct vg_reader reader = {.read = read_config_text};
	_cleanup_(vg_candidate_done) struct vg_candidate candidate = {};
	struct vg_diag diag = {0};
	const struct vg_policy *first;

	(void)state;
	config_text = "interfaces: [ens4]\nwrong: 1\n";
	assert_int_equal(vg_candidate_read("/gone.yaml", &reader, &candidate, &diag), -ENOENT);
	assert_string_equal(diag.file, "/gone.yaml");
	assert_int_equal(vg_candidate_read("/etc/v.yaml", &reader, &candidate, &diag), -EINVAL);
	assert_int_equal(diag.at.line, 2);
	assert_null(candidate.policy);
	config_text = CONFIG("[10.0.0.0/8]", "[192.0.2.1]");
	assert_int_equal(vg_candidate_read("/etc/v.yaml", &reader, &candidate, &diag), 0);
	assert_non_null(candidate.config);
	assert_null(candidate.tables);
	assert_int_equal(vg_candidate_compile(&candidate, &diag), 0);
	assert_true(candidate.cost.table_bytes > 0);
	/* Built anew, it is to be compiled anew. */
	first = candidate.policy;
	assert_int_equal(vg_candidate_build(&candidate, candidate.config, &reader, &diag), 0);
	assert_ptr_not_equal(candidate.policy, first);
	assert_null(candidate.tables);
	assert_int_equal(candidate.cost.table_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_ranges_make_other_policies),
		cmocka_unit_test(configs_become_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
