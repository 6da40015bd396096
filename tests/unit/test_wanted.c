/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/wanted.c"
#include "tests/unit/policy_text.h"

#define SOURCES "sources: {vpc: [10.0.0.0/8]}\ningress: internal\n"

struct plan_case {
	const char *name;
	const char *config;
	struct vg_nic_link links[4];
	const char *wanted; /* "NAME:IFINDEX:RULE" of each, in order */
};

static const struct plan_case cases[] = {
	{"an exact name",
	 SOURCES "interfaces: [ens4]\n",
	 {{4, "ens4", false, ""}, {5, "ens5", false, ""}},
	 "ens4:4:0"},
	{"an exact name that is absent",
	 SOURCES "interfaces: [ens4]\n",
	 {{5, "ens5", false, ""}},
	 "ens4:0:0"},
	{"a glob takes all",
	 SOURCES "interfaces: [\"ens*\"]\n",
	 {{9, "ens4", false, ""}, {5, "ens5", false, ""}, {2, "eth0", false, ""}},
	 "ens5:5:0 ens4:9:0"},
	{"a glob that nothing matches",
	 SOURCES "interfaces: [\"ens*\"]\n",
	 {{2, "eth0", false, ""}},
	 "ens*:0:0"},
	{"the first rule wins",
	 SOURCES "interfaces: [ens4, \"ens*\"]\n",
	 {{4, "ens4", false, ""}, {5, "ens5", false, ""}},
	 "ens4:4:0 ens5:5:1"},
	{"a rule whose NIC follows an earlier one waits for none",
	 SOURCES "interfaces: [\"ens*\", ens4]\n",
	 {{4, "ens4", false, ""}},
	 "ens4:4:0"},
	{"a glob leaves lo alone",
	 SOURCES "interfaces: [\"*\"]\n",
	 {{1, "lo", true, ""}, {4, "ens4", false, ""}},
	 "ens4:4:0"},
	{"lo by its name", SOURCES "interfaces: [lo]\n", {{1, "lo", true, ""}}, "lo:1:0"},
	{"no links at all", SOURCES "interfaces: [ens4, ens5]\n", {{0}}, "ens4:0:0 ens5:0:1"},
};

static void format_plan(const struct vg_wanted *wanted, size_t n, char *out, size_t size)
{
	size_t length = 0;

	*out = '\0';
	for (size_t i = 0; i < n; i++)
		length += snprintf(out + length, size - length, "%s%s:%u:%zu", i ? " " : "",
				   wanted[i].name, wanted[i].ifindex, wanted[i].rule);
}

static void plan_follows_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(cases[i].config);
		_cleanup_free_ struct vg_wanted *wanted = NULL;
		size_t links = 0, n = 0;
		char text[256];

		while (links < VG_ARRAY_SIZE(cases[i].links) && cases[i].links[links].ifindex)
			links++;
		assert_int_equal(vg_wanted_plan(policy, cases[i].links, links, &wanted, &n), 0);
		format_plan(wanted, n, text, sizeof(text));
		if (strcmp(text, cases[i].wanted) != 0)
			fail_msg("%s: expected '%s', got '%s'", cases[i].name, cases[i].wanted,
				 text);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(wanted[k].state, VG_NIC_ABSENT);
	}
}

static void links_have_addresses(void **state)
{
	const struct vg_nic_link links[] = {{4, "ens4", false, "42:01:0a:80:00:46"},
					    {5, "tun0", false, ""}};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		policy_from(SOURCES "interfaces: [ens4, tun0, ens6]\n");
	_cleanup_free_ struct vg_wanted *wanted = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(vg_wanted_plan(policy, links, 2, &wanted, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(wanted[0].mac, "42:01:0a:80:00:46");
	assert_string_equal(wanted[1].mac, "");
	assert_string_equal(wanted[2].mac, "");
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(vg_nic_state_text(VG_NIC_ATTACHED), "attached");
	assert_string_equal(vg_nic_state_text(VG_NIC_ABSENT), "absent");
	assert_string_equal(vg_nic_state_text(VG_NIC_FAILED), "failed");
	assert_string_equal(vg_nic_state_text(VG_NIC_DETACHED), "detached");
}

static void find_is_by_name(void **state)
{
	struct vg_wanted wanted[] = {{.name = "ens4"}, {.name = "ens5"}};

	(void)state;
	assert_ptr_equal(vg_wanted_find(wanted, 2, "ens5"), &wanted[1]);
	assert_null(vg_wanted_find(wanted, 2, "ens6"));
	assert_null(vg_wanted_find(NULL, 0, "ens4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_follows_the_rules),
		cmocka_unit_test(links_have_addresses),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(find_is_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
