/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include "service/conntrack.c"
#include "service/holders.c"
#include "share/netlink.c"
#include "service/routes.c"
#include "service/seed.c"
#include "service/seedlist.c"
#include "service/sockets.c"
#include "tests/unit/policy_text.h"

static struct vg_address address(const char *text)
{
	struct vg_address parsed;

	assert_int_equal(vg_address_parse(text, &parsed), 0);
	return parsed;
}

/* ---- which ports are held ---- */

static void ports_that_are_held(void **state)
{
	static const struct {
		const char *address;
		unsigned port;
		bool v6only;
	} held[] = {
		{"0.0.0.0", 22, false},	   {"::", 80, false},	      {"::", 81, true},
		{"10.0.0.1", 443, false},  {"fd20::1", 443, true},    {"10.0.0.2", 443, false},
		{"10.0.0.1", 8080, false}, {"0.0.0.0", 65535, false}, {"10.0.0.1", 0, false},
	};
	static const struct {
		const char *address;
		unsigned port;
		bool expected;
	} asked[] = {
		{"10.0.0.9", 22, true},	   {"fd20::9", 22, false},  {"10.0.0.9", 80, true},
		{"fd20::9", 80, true},	   {"10.0.0.9", 81, false}, {"fd20::9", 81, true},
		{"10.0.0.1", 443, true},   {"10.0.0.2", 443, true}, {"10.0.0.3", 443, false},
		{"fd20::1", 443, true},	   {"fd20::2", 443, false}, {"10.0.0.1", 8080, true},
		{"10.0.0.2", 8080, false}, {"10.0.0.9", 23, false}, {"10.0.0.9", 65535, true},
		{"10.0.0.1", 0, false},
	};
	_cleanup_(vg_holders_free_p) struct vg_holders *holders = NULL;

	(void)state;
	assert_int_equal(vg_holders_new(&holders), 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(held); i++) {
		const struct vg_address at = address(held[i].address);

		assert_int_equal(vg_holders_add(holders, &at, held[i].port, held[i].v6only), 0);
	}
	vg_holders_sort(holders);
	for (size_t i = 0; i < VG_ARRAY_SIZE(asked); i++) {
		const struct vg_address at = address(asked[i].address);

		if (vg_holders_hold(holders, &at, asked[i].port) != asked[i].expected)
			fail_msg("%s port %u", asked[i].address, asked[i].port);
	}
}

/* ---- routes ---- */

static void links_on_filtered_ones(void **state)
{
	/* 2 is filtered, a port of bond 5; 6 is a VLAN of 5 and 7 one of 6; 9 is a port of bridge 10. */
	static const struct vg_stacked_link links[] = {{1, 0, 0}, {7, 6, 0},  {6, 5, 0},
						       {5, 0, 0}, {2, 0, 5},  {3, 0, 0},
						       {4, 3, 0}, {9, 0, 10}, {10, 0, 0}};
	unsigned set[2 + VG_ARRAY_SIZE(links)] = {2, 3};
	const unsigned expected[] = {2, 3, 5, 4, 7, 6};

	(void)state;
	assert_int_equal(vg_routes_spread(links, VG_ARRAY_SIZE(links), set, 2),
			 VG_ARRAY_SIZE(expected));
	for (size_t i = 0; i < VG_ARRAY_SIZE(expected); i++)
		assert_true(has(set, VG_ARRAY_SIZE(expected), expected[i]));
	assert_int_equal(vg_routes_spread(links, VG_ARRAY_SIZE(links), set, 0), 0);
}

/* ---- the list ---- */

static void duplicates_keep_the_longest_life(void **state)
{
	static const enum vg_flow_state order[] = {VG_FLOW_CLOSING, VG_FLOW_NEW, VG_FLOW_OPEN,
						   VG_FLOW_NEW};
	_cleanup_(vg_seeds_done) struct vg_seeds seeds = {0};
	struct vg_seed seed = {.family = 4,
			       .protocol = IPPROTO_TCP,
			       .remote = address("8.8.8.8"),
			       .local = address("10.0.0.1"),
			       .remote_port = 443};

	(void)state;
	vg_seeds_unique(&seeds);
	assert_int_equal(seeds.n, 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(order); i++) {
		for (unsigned port = 1; port <= 100; port++) {
			seed.local_port = port;
			seed.state = order[i];
			assert_int_equal(vg_seeds_add(&seeds, &seed), 0);
		}
	}
	vg_seeds_unique(&seeds);
	assert_int_equal(seeds.n, 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(seeds.seeds[i].local_port, i + 1);
		assert_int_equal(seeds.seeds[i].state, VG_FLOW_OPEN);
	}
	/* All parts of the tuple count. */
	for (int i = 0; i < 5; i++) {
		struct vg_seed other = seeds.seeds[0];

		other.remote.hi += i == 0;
		other.local.hi += i == 1;
		other.protocol += i == 2;
		other.remote_port += i == 3;
		other.local_port += i == 4 ? 1000 : 0;
		assert_int_equal(vg_seeds_add(&seeds, &other), 0);
	}
	vg_seeds_unique(&seeds);
	assert_int_equal(seeds.n, 105);
}

static void list_has_a_limit(void **state)
{
	const struct vg_seed seed = {.family = 4};
	struct vg_seeds seeds = {.n = VG_MAX_FLOWS, .capacity = VG_MAX_FLOWS};

	(void)state;
	assert_int_equal(vg_seeds_add(&seeds, &seed), 0);
	assert_int_equal(seeds.n, VG_MAX_FLOWS);
	assert_true(seeds.full);
}

/* ---- what a policy wants ---- */

#define POLICY                                                      \
	"interfaces: [ens4, {name: ens5, ingress: all}]\n"          \
	"ingress: internal\n"                                       \
	"sources:\n"                                                \
	"  vpc: [10.0.0.0/8, \"fd20::/20\"]\n"                      \
	"  office: [203.0.113.0/24]\n"                              \
	"services:\n"                                               \
	"  - {name: web, protocol: tcp, port: 443, ingress: all}\n" \
	"  - {name: gre, protocol: 47, ingress: all}\n"             \
	"  - {name: office-only, protocol: udp, port: 53, ingress: internal, also-admit: [office]}\n"

static void seeds_that_a_policy_wants(void **state)
{
	static const struct {
		const char *name;
		int protocol;
		unsigned rule;
		const char *remote;
		unsigned remote_port, local_port;
		const char *local;
		bool wanted;
	} cases[] = {
		{"unlisted", IPPROTO_TCP, 0, "8.8.8.8", 443, 40000, "10.0.0.1", true},
		{"unlisted, IPv6", IPPROTO_TCP, 0, "2001:db8::1", 443, 40000, "fd20::1", true},
		{"not admitted", IPPROTO_TCP, 0, "203.0.113.1", 443, 40000, "10.0.0.1", true},
		{"admitted", IPPROTO_TCP, 0, "10.9.9.9", 443, 40000, "10.0.0.1", false},
		{"open NIC", IPPROTO_TCP, 1, "8.8.8.8", 443, 40000, "10.0.0.1", false},
		{"port of an open service", IPPROTO_TCP, 0, "8.8.8.8", 99, 443, "10.0.0.1", false},
		{"its port over UDP", IPPROTO_UDP, 0, "8.8.8.8", 99, 443, "10.0.0.1", true},
		{"identifier like its port", IPPROTO_ICMP, 0, "8.8.8.8", 0, 443, "10.0.0.1", true},
		{"open protocol", IPPROTO_GRE, 0, "8.8.8.8", 0, 0, "10.0.0.1", false},
		{"other protocol", IPPROTO_ESP, 0, "8.8.8.8", 0, 0, "10.0.0.1", true},
		{"admitted to this port", IPPROTO_UDP, 0, "203.0.113.1", 9, 53, "10.0.0.1", false},
		{"martian", IPPROTO_UDP, 0, "224.0.0.251", 5353, 5353, "10.0.0.1", false},
		{"metadata", IPPROTO_TCP, 0, "169.254.169.254", 80, 40000, "10.0.0.1", false},
		{"ping", IPPROTO_ICMPV6, 0, "2001:db8::1", 0, 7, "fd20::1", true},
		{"ping of a router", IPPROTO_ICMPV6, 0, "fe80::1", 0, 7, "fe80::2", true},
		{"DHCP", IPPROTO_UDP, 0, "192.168.0.1", 67, 68, "10.0.0.1", false},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(POLICY);

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_seed seed = {
			.family = address(cases[i].remote).family,
			.protocol = cases[i].protocol,
			.remote = address(cases[i].remote),
			.local = address(cases[i].local),
			.remote_port = cases[i].remote_port,
			.local_port = cases[i].local_port,
		};

		if (vg_seed_is_wanted(policy, cases[i].rule, &seed) != cases[i].wanted)
			fail_msg("%s", cases[i].name);
	}
}

static void warnings_add_up(void **state)
{
	struct vg_diag warning = {0};

	(void)state;
	warn(&warning, "first %d", 1);
	assert_string_equal(warning.text, "first 1");
	warn(&warning, "second");
	assert_string_equal(warning.text, "first 1; second");
	for (int i = 0; i < VG_DIAG_TEXT_SIZE; i++)
		warn(&warning, "more");
	assert_int_equal(strlen(warning.text), VG_DIAG_TEXT_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_that_are_held),
		cmocka_unit_test(links_on_filtered_ones),
		cmocka_unit_test(duplicates_keep_the_longest_life),
		cmocka_unit_test(list_has_a_limit),
		cmocka_unit_test(seeds_that_a_policy_wants),
		cmocka_unit_test(warnings_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
