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
	const char
		*wanted; /* "NAME:IFINDEX:RULE" of each, in order; "NAME=KNOWN_AS" if they differ */
	struct vg_link_info filtered[2];
};

#define FILTERED 2
#define UNFILTERED                   \
	{                            \
		{                    \
			.ifindex = 0 \
		}                    \
	}
#define FILTERED_LINK(name, ifindex, mode)       \
	{                                        \
		"", name, name, ifindex, mode, 1 \
	}
#define HERE(name, ifindex) FILTERED_LINK(name, ifindex, VG_ATTACH_NATIVE)
#define ELSEWHERE(name, ifindex) FILTERED_LINK(name, ifindex, VG_ATTACH_INHERIT)

static const struct plan_case cases[] = {
	{"an exact name",
	 SOURCES "interfaces: [ens4]\n",
	 {{4, "ens4", false, "", 1460}, {5, "ens5", false, "", 1460}},
	 "ens4:4:0",
	 UNFILTERED},
	{"an exact name that is absent",
	 SOURCES "interfaces: [ens4]\n",
	 {{5, "ens5", false, "", 1460}},
	 "ens4:0:0",
	 UNFILTERED},
	{"a glob takes all",
	 SOURCES "interfaces: [\"ens*\"]\n",
	 {{9, "ens4", false, "", 1460}, {5, "ens5", false, "", 1460}, {2, "eth0", false, "", 1460}},
	 "ens5:5:0 ens4:9:0",
	 UNFILTERED},
	{"a glob that nothing matches",
	 SOURCES "interfaces: [\"ens*\"]\n",
	 {{2, "eth0", false, "", 1460}},
	 "ens*:0:0",
	 UNFILTERED},
	{"one glob of two is enough",
	 SOURCES "interfaces: [\"en*\", \"eth*\"]\n",
	 {{4, "ens4", false, "", 1460}},
	 "ens4:4:0",
	 UNFILTERED},
	{"none of two globs is not",
	 SOURCES "interfaces: [\"en*\", \"eth*\"]\n",
	 {{4, "wlan0", false, "", 1460}},
	 "en*:0:0 eth*:0:1",
	 UNFILTERED},
	{"a name is waited for whatever globs take",
	 SOURCES "interfaces: [eth0, \"en*\"]\n",
	 {{4, "ens4", false, "", 1460}},
	 "eth0:0:0 ens4:4:1",
	 UNFILTERED},
	{"the first rule wins",
	 SOURCES "interfaces: [ens4, \"ens*\"]\n",
	 {{4, "ens4", false, "", 1460}, {5, "ens5", false, "", 1460}},
	 "ens4:4:0 ens5:5:1",
	 UNFILTERED},
	{"a rule whose NIC follows an earlier one waits for none",
	 SOURCES "interfaces: [\"ens*\", ens4]\n",
	 {{4, "ens4", false, "", 1460}},
	 "ens4:4:0",
	 UNFILTERED},
	{"a glob leaves lo alone",
	 SOURCES "interfaces: [\"*\"]\n",
	 {{1, "lo", true, "", 1460}, {4, "ens4", false, "", 1460}},
	 "ens4:4:0",
	 UNFILTERED},
	{"lo by its name",
	 SOURCES "interfaces: [lo]\n",
	 {{1, "lo", true, "", 1460}},
	 "lo:1:0",
	 UNFILTERED},
	{"a filtered NIC that was renamed keeps its rule, which waits for another",
	 SOURCES "interfaces: [ens4, ens5]\n",
	 {{4, "lan0", false, "", 1460}, {5, "ens5", false, "", 1460}},
	 "ens4:0:0 lan0=ens4:4:0 ens5:5:1",
	 {HERE("ens4", 4), HERE("ens5", 5)}},
	{"another NIC has its name",
	 SOURCES "interfaces: [ens4]\n",
	 {{4, "lan0", false, "", 1460}, {5, "ens4", false, "", 1460}},
	 "lan0=ens4:4:0 ens4:5:0",
	 {HERE("ens4", 4)}},
	{"a rule that matches the new name comes first",
	 SOURCES "interfaces: [ens4, \"lan*\"]\n",
	 {{4, "lan0", false, "", 1460}},
	 "ens4:0:0 lan0:4:1",
	 {HERE("ens4", 4)}},
	{"the config has neither name",
	 SOURCES "interfaces: [ens5]\n",
	 {{4, "lan0", false, "", 1460}},
	 "ens5:0:0",
	 {HERE("ens4", 4)}},
	{"the link is on a NIC elsewhere, which has the same number",
	 SOURCES "interfaces: [ens4]\n",
	 {{4, "lan0", false, "", 1460}},
	 "ens4:0:0",
	 {ELSEWHERE("ens4", 4)}},
	{"no links at all",
	 SOURCES "interfaces: [ens4, ens5]\n",
	 {{0}},
	 "ens4:0:0 ens5:0:1",
	 UNFILTERED},
};

static void format_plan(const struct vg_wanted *wanted, size_t n, char *out, size_t size)
{
	size_t length = 0;

	*out = '\0';
	for (size_t i = 0; i < n; i++)
		length += snprintf(out + length, size - length, "%s%s%s%s:%u:%zu", i ? " " : "",
				   wanted[i].name, vg_wanted_is_renamed(&wanted[i]) ? "=" : "",
				   vg_wanted_is_renamed(&wanted[i]) ? wanted[i].known_as : "",
				   wanted[i].ifindex, wanted[i].rule);
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
		assert_int_equal(vg_wanted_plan(policy, cases[i].links, links, cases[i].filtered,
						FILTERED, &wanted, &n),
				 0);
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
	const struct vg_nic_link links[] = {{4, "ens4", false, "42:01:0a:80:00:46", 1460},
					    {5, "tun0", false, "", 1460}};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		policy_from(SOURCES "interfaces: [ens4, tun0, ens6]\n");
	_cleanup_free_ struct vg_wanted *wanted = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(vg_wanted_plan(policy, links, 2, NULL, 0, &wanted, &n), 0);
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

/* Whatever is filtered already stays; the first rule comes first. */
static void no_more_than_fit(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		policy_from(SOURCES "interfaces: [eth20, \"eth*\"]\n");
	const struct vg_link_info filtered = HERE("eth19", 19);
	_cleanup_free_ struct vg_wanted *wanted = NULL;
	struct vg_nic_link links[20] = {};
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < VG_ARRAY_SIZE(links); i++) {
		links[i].ifindex = i + 1;
		snprintf(links[i].name, sizeof(links[i].name), "eth%u", i + 1);
	}
	assert_int_equal(vg_wanted_plan(policy, links, VG_ARRAY_SIZE(links), &filtered, 1, &wanted,
					&n),
			 0);
	assert_int_equal(n, VG_ARRAY_SIZE(links));
	for (size_t i = 0; i < n; i++) {
		const unsigned ifindex = wanted[i].ifindex;

		if (wanted[i].surplus != (ifindex > 14 && ifindex < 19))
			fail_msg("eth%u", ifindex);
	}
}

static void before_is_by_number_then_by_name(void **state)
{
	struct vg_wanted old[] = {
		{.name = "ens4", .ifindex = 4}, {.name = "ens5", .ifindex = 5}, {.name = "ens6"}};
	const struct vg_wanted renamed = {.name = "ens4", .ifindex = 5},
			       replaced = {.name = "ens4", .ifindex = 7}, absent = {.name = "ens6"},
			       other = {.name = "ens7"};

	(void)state;
	assert_ptr_equal(vg_wanted_before(old, 3, &renamed), &old[1]);
	assert_ptr_equal(vg_wanted_before(old, 3, &replaced), &old[0]);
	assert_ptr_equal(vg_wanted_before(old, 3, &absent), &old[2]);
	assert_null(vg_wanted_before(old, 3, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_follows_the_rules),
		cmocka_unit_test(links_have_addresses),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(find_is_by_name),
		cmocka_unit_test(no_more_than_fit),
		cmocka_unit_test(before_is_by_number_then_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
