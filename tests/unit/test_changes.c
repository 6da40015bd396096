/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/unit/policy_text.h"
#include <jansson.h>
#include "core/changes.c"
#include "service/entry.c"

/* What changes from one config to the other, as the history has it, with nothing but names and texts. */
static json_t *changes_between(const char *before, const char *after)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *old = policy_from(before);
	_cleanup_(vg_policy_free_p) struct vg_policy *new = policy_from(after);
	struct vg_changes changes;
	json_t *json;

	assert_int_equal(vg_changes_find(old, new, &changes), 0);
	json = vg_entry_changes(&changes);
	vg_changes_done(&changes);
	assert_non_null(json);
	return json;
}

static void expect(const char *name, const char *before, const char *after, const char *expected)
{
	json_auto_t *json = changes_between(before, after);
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	if (strcmp(text, expected) != 0)
		fail_msg("%s: %s", name, text);
}

#define BASE "interfaces: [ens4]\ningress: internal\n"
#define VPC(list) BASE "sources: {vpc: " list "}\n"
#define SET(name, change, added, removed, plus, minus)                      \
	"{\"name\":\"" name "\",\"change\":\"" change "\",\"added\":" added \
	",\"removed\":" removed ",\"added_prefixes\":[" plus "],\"removed_prefixes\":[" minus "]}"
#define SETS(sets) "{\"sets\":[" sets "],\"services\":[],\"settings\":[]}"

static void sets_are_compared(void **state)
{
	(void)state;
	expect("nothing", VPC("[10.0.0.0/8]"), VPC("[10.0.0.0/8]"), SETS(""));
	expect("another order", VPC("[10.0.0.0/8, 192.0.2.1, \"fd20::/16\"]"),
	       VPC("[192.0.2.1, \"fd20::/16\", 10.0.0.0/8]"), SETS(""));
	expect("the same twice", VPC("[10.0.0.0/8]"), VPC("[10.0.0.0/8, 10.0.0.0/8]"), SETS(""));
	expect("one more", VPC("[10.0.0.0/8]"), VPC("[10.0.0.0/8, 9.0.0.0/8]"),
	       SETS(SET("vpc", "changed", "1", "0", "\"9.0.0.0/8\"", "")));
	expect("one less", VPC("[10.0.0.0/8, \"fd20::/16\"]"), VPC("[10.0.0.0/8]"),
	       SETS(SET("vpc", "changed", "0", "1", "", "\"fd20::/16\"")));
	expect("another length", VPC("[10.0.0.0/8]"), VPC("[10.0.0.0/9]"),
	       SETS(SET("vpc", "changed", "1", "1", "\"10.0.0.0/9\"", "\"10.0.0.0/8\"")));
	expect("IPv4 becomes IPv6", VPC("[10.0.0.0/8]"), VPC("[\"fd20::/16\"]"),
	       SETS(SET("vpc", "changed", "1", "1", "\"fd20::/16\"", "\"10.0.0.0/8\"")));
	expect("a new set", VPC("[10.0.0.0/8]"),
	       BASE "sources: {vpc: [10.0.0.0/8], a: [192.0.2.1]}\n",
	       SETS(SET("a", "new", "1", "0", "\"192.0.2.1/32\"", "")));
	expect("another name", BASE "sources: {vpc: [10.0.0.0/8], a: [192.0.2.1]}\n",
	       BASE "sources: {vpc: [10.0.0.0/8], b: [192.0.2.1]}\n",
	       SETS(SET("b", "new", "1", "0", "\"192.0.2.1/32\"",
			"") "," SET("a", "gone", "0", "1", "", "\"192.0.2.1/32\"")));
}

/* All are counted, the first of them named. */
static void long_lists_are_cut(void **state)
{
	char config[4096] = BASE "sources: {vpc: [10.0.0.0/8";
	size_t n = strlen(config);
	json_auto_t *json = NULL;
	const json_t *set;

	(void)state;
	for (int i = 0; i < 3 * VG_CHANGES_LISTED; i++)
		n += (size_t)snprintf(config + n, sizeof(config) - n, ", 192.0.2.%d", i);
	snprintf(config + n, sizeof(config) - n, "]}\n");
	json = changes_between(VPC("[10.0.0.0/8]"), config);
	set = json_array_get(json_object_get(json, "sets"), 0);
	assert_int_equal(json_integer_value(json_object_get(set, "added")), 3 * VG_CHANGES_LISTED);
	assert_int_equal(json_array_size(json_object_get(set, "added_prefixes")),
			 VG_CHANGES_LISTED);
}

#define SERVICE(text) VPC("[10.0.0.0/8]") "services: [" text "]\n"
#define TEXT(name, before, after) \
	"{\"name\":\"" name "\",\"before\":" before ",\"after\":" after "}"
#define SERVICES(services) "{\"sets\":[],\"services\":[" services "],\"settings\":[]}"
#define SETTINGS(settings) "{\"sets\":[],\"services\":[],\"settings\":[" settings "]}"

static void services_are_compared(void **state)
{
	(void)state;
	expect("a new one", SERVICE(""),
	       SERVICE("{name: a, protocol: tcp, port: 80, ingress: all}"),
	       SERVICES(TEXT("a", "null", "\"tcp port 80, ingress all\"")));
	expect("one that goes", SERVICE("{name: a, to: [192.0.2.1], also-admit: [vpc]}"),
	       SERVICE(""),
	       SERVICES(TEXT("a", "\"any to [192.0.2.1/32], ingress inherit, also-admit [vpc]\"",
			     "null")));
	expect("another port", SERVICE("{name: a, protocol: udp, port: 53, ingress: all}"),
	       SERVICE("{name: a, protocol: udp, port: 54, ingress: all}"),
	       SERVICES(TEXT("a", "\"udp port 53, ingress all\"", "\"udp port 54, ingress all\"")));
	expect("another order",
	       SERVICE("{name: a, protocol: tcp, ingress: all}, {name: b, protocol: udp, ingress: all}"),
	       SERVICE("{name: b, protocol: udp, ingress: all}, {name: a, protocol: tcp, ingress: all}"),
	       SERVICES(""));
}

static void settings_are_compared(void **state)
{
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"enforcement: monitor", TEXT("enforcement", "\"enforce\"", "\"monitor\"")},
		{"also-admit: [vpc]", TEXT("also-admit", "\"[]\"", "\"[vpc]\"")},
		{"non-ip: pass", TEXT("non-ip", "\"drop\"", "\"pass\"")},
		{"replies: off",
		 TEXT("replies", "\"track, tcp 7200s, udp 180s, icmp 30s, max-flows 262144\"",
		      "\"off\"")},
		{"limits: {table-memory: 1GiB}",
		 TEXT("limits", "\"table-memory 256MiB\"", "\"table-memory 1GiB\"")},
		{"exporter: off", TEXT("exporter", "\"127.0.0.1 port 9820\"", "\"off\"")},
		{"attach: generic", TEXT("interface ens4", "\"ingress internal, attach auto\"",
					 "\"ingress internal, attach generic\"")},
		{"attach: native\ntune: yes",
		 TEXT("interface ens4", "\"ingress internal, attach auto\"",
		      "\"ingress internal, attach native, tune yes\"")},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		char after[512], expected[512];

		snprintf(after, sizeof(after), "%s%s\n", VPC("[10.0.0.0/8]"), cases[i].line);
		snprintf(expected, sizeof(expected),
			 "{\"sets\":[],\"services\":[],\"settings\":[%s]}", cases[i].expected);
		expect(cases[i].line, VPC("[10.0.0.0/8]"), after, expected);
	}
	expect("an interface", VPC("[10.0.0.0/8]"),
	       "interfaces: [ens5]\ningress: internal\nsources: {vpc: [10.0.0.0/8]}\n",
	       SETTINGS(
		       TEXT("interface ens5", "null", "\"ingress internal, attach auto\"") "," TEXT(
			       "interface ens4", "\"ingress internal, attach auto\"", "null")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_compared),
		cmocka_unit_test(long_lists_are_cut),
		cmocka_unit_test(services_are_compared),
		cmocka_unit_test(settings_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
