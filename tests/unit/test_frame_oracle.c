/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge is judged: frames whose verdict was worked out by hand from the design. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "share/cleanup.h"
#include "tests/oracle/frame.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/traffic.h"

enum { VPC, OFFICE, LOAD_BALANCER, HEALTH_CHECK, NONE = -1 };
enum { TCP, WEB, HOST, SCTP, WIDE, N_SERVICES, NO_SERVICE = -1 };

static struct vg_memory memory;

static void add(struct vg_scenario_set *set, const char *text)
{
	const struct vg_raw_prefix prefix = vg_raw_prefix(text);

	vg_scenario_add_prefix(set, &prefix);
}

/*
 * Two NICs: `internal`, `all`. Services: TCP with office, TCP 443 open, a host of its own, SCTP 7,
 * and a wide destination, which comes before any port.
 */
static int setup(void **state)
{
	struct vg_scenario *scenario = calloc(1, sizeof(*scenario));
	struct vg_scenario_set *set;

	assert_non_null(scenario);
	scenario->n_rules = 2;
	scenario->rules[1] = VG_SCENARIO_ALL;
	scenario->ingress = VG_SCENARIO_INTERNAL;
	set = vg_scenario_add_set(scenario, "vpc");
	add(set, "10.128.0.0/20");
	add(set, "241.0.0.0/8");
	add(set, "fd20:1:2::/48");
	set = vg_scenario_add_set(scenario, "office");
	add(set, "10.128.0.0/24");
	add(set, "10.128.0.0/20");
	add(set, "203.0.113.0/24");
	add(set, "240.0.0.0/7");
	add(set, "255.255.255.254/31");
	vg_scenario_add_implicit(scenario);
	scenario->services = calloc(N_SERVICES, sizeof(scenario->services[0]));
	assert_non_null(scenario->services);
	scenario->n_services = N_SERVICES;
	scenario->services[WEB] = (struct vg_scenario_service){
		.protocol = 6, .port = 443, .ingress = VG_SCENARIO_ALL};
	scenario->services[TCP] = (struct vg_scenario_service){
		.protocol = 6, .has_also_admit = true, .also_admit = 1 << OFFICE};
	scenario->services[HOST] = (struct vg_scenario_service){
		.protocol = -1, .ingress = VG_SCENARIO_INTERNAL_LB, .n_to = 1};
	scenario->services[HOST].to[0] = vg_raw_prefix("198.51.100.7/32");
	scenario->services[SCTP] = (struct vg_scenario_service){
		.protocol = 132, .port = 7, .ingress = VG_SCENARIO_INTERNAL_LB};
	scenario->services[WIDE] = (struct vg_scenario_service){.protocol = -1, .n_to = 1};
	scenario->services[WIDE].to[0] = vg_raw_prefix("192.0.0.0/8");
	*state = scenario;
	return 0;
}

static int teardown(void **state)
{
	vg_scenario_free(*state);
	vg_memory_done(&memory);
	return 0;
}

static void ipv4(struct vg_frame *frame, const char *source, const char *destination)
{
	const struct vg_raw_address from = vg_raw_address(source), to = vg_raw_address(destination);

	vg_frame_begin(frame);
	vg_frame_ipv4(frame, &from, &to, 0, 0);
}

static void ipv6(struct vg_frame *frame, const char *source, __u8 hop_limit)
{
	const struct vg_raw_address from = vg_raw_address(source);
	const struct vg_raw_address to = vg_raw_address("fd20:1:2::9");

	vg_frame_begin(frame);
	vg_frame_ipv6(frame, &from, &to, hop_limit);
}

static void judged(const char *name, const struct vg_scenario *scenario, size_t rule,
		   const struct vg_frame *frame, const char *outcome, int set, int service)
{
	const struct vg_gate gate = {.scenario = scenario, .rule = rule, .memory = &memory};
	struct vg_judgement judgement;

	vg_memory_clear(&memory);
	vg_oracle_judge(&gate, frame->bytes, frame->length, &judgement);
	if (strcmp(vg_oracle_outcome(judgement.outcome), outcome) == 0 && judgement.set == set &&
	    judgement.service == service)
		return;
	fail_msg("%s: %s, set %d, service %d instead of %s, %d, %d", name,
		 vg_oracle_outcome(judgement.outcome), judgement.set, judgement.service, outcome,
		 set, service);
}

static void test_ipv4(void **state)
{
	static const struct {
		const char *source, *destination;
		__u8 protocol;
		__u16 source_port, port;
		const char *outcome;
		int set, service;
	} cases[] = {
		{"10.128.15.255", "10.1.1.1", 17, 9, 53, "admitted", VPC, NO_SERVICE},
		{"10.128.0.255", "10.1.1.1", 17, 9, 53, "admitted", OFFICE, NO_SERVICE},
		{"10.128.16.0", "10.1.1.1", 17, 9, 53, "unlisted", NONE, NO_SERVICE},
		{"10.127.255.255", "10.1.1.1", 6, 9, 80, "unlisted", NONE, TCP},
		{"203.0.113.9", "10.1.1.1", 6, 9, 80, "admitted", OFFICE, TCP},
		{"203.0.113.9", "10.1.1.1", 17, 9, 80, "not-admitted", OFFICE, NO_SERVICE},
		{"203.0.113.9", "10.1.1.1", 6, 9, 443, "open", OFFICE, WEB},
		{"8.8.8.8", "10.1.1.1", 6, 443, 443, "open", NONE, WEB},
		{"35.191.0.1", "10.1.1.1", 17, 9, 9, "not-admitted", LOAD_BALANCER, NO_SERVICE},
		{"35.191.0.1", "198.51.100.7", 6, 9, 443, "admitted", LOAD_BALANCER, HOST},
		{"209.85.152.1", "198.51.100.7", 1, 9, 9, "admitted", HEALTH_CHECK, HOST},
		{"8.8.8.8", "198.51.100.7", 6, 9, 443, "unlisted", NONE, HOST},
		{"127.0.0.1", "198.51.100.7", 6, 9, 443, "martian", NONE, NO_SERVICE},
		{"240.0.0.1", "10.1.1.1", 17, 9, 9, "not-admitted", OFFICE, NO_SERVICE},
		{"241.0.0.1", "10.1.1.1", 17, 9, 9, "admitted", VPC, NO_SERVICE},
		{"242.0.0.1", "10.1.1.1", 17, 9, 9, "martian", NONE, NO_SERVICE},
		{"255.255.255.254", "10.1.1.1", 17, 9, 9, "not-admitted", OFFICE, NO_SERVICE},
		{"255.255.255.255", "10.1.1.1", 17, 9, 9, "martian", OFFICE, NO_SERVICE},
		{"224.0.0.0", "10.1.1.1", 17, 9, 9, "martian", NONE, NO_SERVICE},
		{"239.255.255.255", "10.1.1.1", 17, 9, 9, "martian", NONE, NO_SERVICE},
		{"223.255.255.255", "10.1.1.1", 17, 9, 9, "unlisted", NONE, NO_SERVICE},
		{"169.254.169.254", "10.1.1.1", 6, 80, 9, "essential", NONE, NO_SERVICE},
		{"172.31.255.255", "10.1.1.1", 17, 67, 68, "essential", NONE, NO_SERVICE},
		{"172.32.0.0", "10.1.1.1", 17, 67, 68, "unlisted", NONE, NO_SERVICE},
		{"172.31.255.255", "10.1.1.1", 17, 66, 68, "unlisted", NONE, NO_SERVICE},
		{"172.31.255.255", "10.1.1.1", 17, 67, 67, "unlisted", NONE, NO_SERVICE},
		{"172.31.255.255", "10.1.1.1", 6, 67, 68, "unlisted", NONE, TCP},
		{"35.191.0.1", "10.1.1.1", 132, 9, 7, "admitted", LOAD_BALANCER, SCTP},
		{"35.191.0.1", "10.1.1.1", 132, 9, 8, "not-admitted", LOAD_BALANCER, NO_SERVICE},
		{"2.2.2.2", "10.1.1.1", 6, 9, 443, "open", NONE, WEB},
		{"2.2.2.2", "192.0.2.1", 6, 9, 443, "unlisted", NONE, WIDE},
	};
	struct vg_frame frame;
	char name[64];

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		snprintf(name, sizeof(name), "case %zu, %s", i, cases[i].source);
		ipv4(&frame, cases[i].source, cases[i].destination);
		vg_frame_l4(&frame, cases[i].protocol, cases[i].source_port, cases[i].port);
		vg_frame_finish(&frame);
		judged(name, *state, 0, &frame, cases[i].outcome, cases[i].set, cases[i].service);
	}
}

static void test_icmp6(void **state)
{
	static const struct {
		const char *source;
		int hop_limit, type;
		const char *outcome;
		int set;
	} cases[] = {
		{"fe80::1", 255, 135, "essential", NONE},
		{"fe80::1", 254, 135, "unlisted", NONE},
		{"::", 255, 133, "essential", NONE},
		{"::", 254, 133, "martian", NONE},
		{"::", 1, 143, "essential", NONE},
		{"::", 255, 128, "martian", NONE},
		{"fd20:1:2::1", 255, 136, "essential", VPC},
		{"fd20:1:2::1", 254, 136, "admitted", VPC},
		{"fd20:1:2::1", 1, 131, "admitted", VPC},
		{"2600:2d00:1:1::1", 255, 137, "essential", LOAD_BALANCER},
		{"2600:2d00:1:1::1", 255, 138, "not-admitted", LOAD_BALANCER},
		{"2001:db8::1", 255, 135, "unlisted", NONE},
		{"fec0::", 1, 130, "unlisted", NONE},
		{"febf::", 1, 130, "essential", NONE},
		{"fd20:ce::254", 1, 1, "essential", NONE},
		{"::1", 255, 135, "martian", NONE},
		{"ff02::1", 255, 135, "martian", NONE},
	};
	struct vg_frame frame;
	char name[64];

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		snprintf(name, sizeof(name), "case %zu, %s", i, cases[i].source);
		ipv6(&frame, cases[i].source, (__u8)cases[i].hop_limit);
		vg_frame_icmp6(&frame, (__u8)cases[i].type);
		vg_frame_finish(&frame);
		judged(name, *state, 0, &frame, cases[i].outcome, cases[i].set, NO_SERVICE);
	}
}

static void test_dhcp6(void **state)
{
	static const struct {
		const char *source;
		__u16 source_port, port;
		const char *outcome;
	} cases[] = {
		{"fe80::1", 547, 546, "essential"}, {"febf:ffff::", 547, 546, "essential"},
		{"fe80::1", 546, 546, "unlisted"},  {"fe80::1", 547, 547, "unlisted"},
		{"fec0::", 547, 546, "unlisted"},   {"2001:db8::1", 547, 546, "unlisted"},
	};
	struct vg_frame frame;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		ipv6(&frame, cases[i].source, 1);
		vg_frame_l4(&frame, 17, cases[i].source_port, cases[i].port);
		vg_frame_finish(&frame);
		judged(cases[i].source, *state, 0, &frame, cases[i].outcome, NONE, NO_SERVICE);
	}
}

/* Protocol 58 in IPv4 is nothing that IPv6 lives on. */
static void test_icmp6_in_ipv4(void **state)
{
	struct vg_frame frame;

	ipv4(&frame, "203.0.113.9", "10.1.1.1");
	vg_frame_icmp6(&frame, 135);
	vg_frame_finish(&frame);
	frame.bytes[frame.ip + 8] = 255;
	judged("solicitation", *state, 0, &frame, "not-admitted", OFFICE, NO_SERVICE);
}

/* What a service admits replaces what the policy admits. */
static void test_also_admit(void **state)
{
	struct vg_scenario *scenario = *state;
	struct vg_frame frame;

	scenario->also_admit = 1 << LOAD_BALANCER;
	ipv4(&frame, "35.191.0.1", "10.1.1.1");
	vg_frame_l4(&frame, 17, 9, 80);
	vg_frame_finish(&frame);
	judged("no service", scenario, 0, &frame, "admitted", LOAD_BALANCER, NO_SERVICE);
	ipv4(&frame, "35.191.0.1", "10.1.1.1");
	vg_frame_l4(&frame, 6, 9, 80);
	vg_frame_finish(&frame);
	judged("service", scenario, 0, &frame, "not-admitted", LOAD_BALANCER, TCP);
}

/* Any destination that is written comes before a port. */
static void test_destination_of_length_zero(void **state)
{
	struct vg_scenario *scenario = *state;
	struct vg_frame frame;

	scenario->services[WIDE].to[0] = vg_raw_prefix("0.0.0.0/0");
	ipv4(&frame, "8.8.8.8", "10.1.1.1");
	vg_frame_l4(&frame, 6, 9, 443);
	vg_frame_finish(&frame);
	judged("IPv4", scenario, 0, &frame, "unlisted", NONE, WIDE);
	ipv6(&frame, "2001:db8::1", 64);
	vg_frame_l4(&frame, 6, 9, 443);
	vg_frame_finish(&frame);
	judged("IPv6", scenario, 0, &frame, "open", NONE, WEB);
}

static void test_ethernet(void **state)
{
	static const struct {
		const char *name;
		unsigned tags;
		__u16 type;
		size_t payload;
		const char *outcome;
	} cases[] = {
		{"ARP", 0, VG_TYPE_ARP, 28, "essential"},
		{"ARP without a body", 0, VG_TYPE_ARP, 0, "essential"},
		{"ARP in two tags", 2, VG_TYPE_ARP, 28, "essential"},
		{"ARP in three tags", 3, VG_TYPE_ARP, 28, "non-ip"},
		{"LLDP", 0, 0x88cc, 28, "non-ip"},
		{"802.3 length", 0, 28, 28, "non-ip"},
		{"tag with three bytes", 0, VG_TYPE_VLAN, 3, "malformed"},
		{"tag with four bytes", 0, VG_TYPE_VLAN, 4, "non-ip"},
		{"second tag with three bytes", 1, VG_TYPE_QINQ, 3, "malformed"},
		{"third tag with no bytes", 2, VG_TYPE_QINQ, 0, "non-ip"},
		{"IPv4 without a byte", 1, VG_TYPE_IPV4, 0, "malformed"},
		{"IPv6 of zeroes", 0, VG_TYPE_IPV6, 60, "malformed"},
	};
	struct vg_frame frame;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		vg_frame_begin(&frame);
		for (unsigned j = 0; j < cases[i].tags; j++)
			vg_frame_tag(&frame, VG_TYPE_VLAN, 7);
		vg_frame_type(&frame, cases[i].type);
		vg_frame_zeroes(&frame, cases[i].payload);
		judged(cases[i].name, *state, 0, &frame, cases[i].outcome, NONE, NO_SERVICE);
	}
	vg_frame_cut(&frame, 13, false);
	judged("13 bytes", *state, 0, &frame, "malformed", NONE, NO_SERVICE);
}

/* Byte `at` of the IP header of a sound 40-byte TCP datagram takes a value; 6 bytes of padding. */
static void test_ipv4_header(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		__u8 value;
		const char *outcome;
		int set, service;
	} cases[] = {
		{"sound", 0, 0x45, "open", NONE, WEB},
		{"version 5", 0, 0x55, "malformed", NONE, NO_SERVICE},
		{"length 16", 0, 0x44, "malformed", NONE, NO_SERVICE},
		{"length 40, no L4 left", 0, 0x4a, "unlisted", NONE, TCP},
		{"length 44 of 40", 0, 0x4b, "malformed", NONE, NO_SERVICE},
		{"total 46, the padding too", 3, 46, "open", NONE, WEB},
		{"total 47, past the frame", 3, 47, "malformed", NONE, NO_SERVICE},
		{"total 24, the ports are in", 3, 24, "open", NONE, WEB},
		{"total 23, the ports are cut", 3, 23, "unlisted", NONE, TCP},
		{"total 19", 3, 19, "malformed", NONE, NO_SERVICE},
		{"first fragment", 6, 0x20, "open", NONE, WEB},
		{"reserved and DF bits", 6, 0xc0, "open", NONE, WEB},
		{"later fragment in the TCP header", 7, 1, "fragment", NONE, NO_SERVICE},
		{"and at its end", 7, 2, "fragment", NONE, NO_SERVICE},
		{"later fragment", 7, 3, "unlisted", NONE, NO_SERVICE},
		{"later fragment, top bit", 6, 0x10, "unlisted", NONE, NO_SERVICE},
	};
	struct vg_frame frame;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		ipv4(&frame, "8.8.8.8", "10.1.1.1");
		vg_frame_l4(&frame, 6, 9, 443);
		vg_frame_finish(&frame);
		vg_frame_zeroes(&frame, 6);
		frame.bytes[frame.ip + cases[i].at] = cases[i].value;
		judged(cases[i].name, *state, 0, &frame, cases[i].outcome, cases[i].set,
		       cases[i].service);
	}
}

static void test_extension_headers(void **state)
{
	struct vg_frame frame;

	for (unsigned n = 0; n <= 10; n++) {
		ipv6(&frame, "2001:db8::1", 64);
		for (unsigned i = 0; i < n; i++)
			vg_frame_extension(&frame, i % 2 ? VG_EXT_AH : VG_EXT_ROUTING, i % 3);
		vg_frame_l4(&frame, 6, 9, 443);
		vg_frame_finish(&frame);
		if (n <= 8)
			judged("up to eight", *state, 0, &frame, "open", NONE, WEB);
		else
			judged("more than eight", *state, 0, &frame, "unlisted", NONE, NO_SERVICE);
	}
	ipv6(&frame, "2001:db8::1", 64);
	vg_frame_fragment(&frame, 0, true);
	vg_frame_l4(&frame, 6, 9, 443);
	vg_frame_finish(&frame);
	judged("first fragment", *state, 0, &frame, "open", NONE, WEB);
	vg_frame_cut(&frame, frame.ip + 40 + 8, true);
	judged("no TCP header", *state, 0, &frame, "fragment", NONE, NO_SERVICE);
	vg_frame_cut(&frame, frame.ip + 40 + 7, true);
	judged("cut extension header", *state, 0, &frame, "unlisted", NONE, NO_SERVICE);
	vg_frame_cut(&frame, frame.ip + 40 + 6, false);
	judged("payload past the frame", *state, 0, &frame, "malformed", NONE, NO_SERVICE);
	ipv6(&frame, "2001:db8::1", 64);
	vg_frame_extension(&frame, VG_EXT_DESTINATION, 2);
	vg_frame_finish(&frame);
	vg_frame_l4(&frame, 6, 9, 443);
	judged("TCP in padding", *state, 0, &frame, "unlisted", NONE, TCP);
	vg_frame_cut(&frame, frame.ip + 40 + 16, true);
	judged("options past the end", *state, 0, &frame, "unlisted", NONE, NO_SERVICE);
	ipv6(&frame, "fe80::1", 1);
	vg_frame_extension(&frame, VG_EXT_HOP_BY_HOP, 0);
	vg_frame_icmp6(&frame, 143);
	vg_frame_cut(&frame, frame.ip + 40 + 9, true);
	judged("a type and no more", *state, 0, &frame, "essential", NONE, NO_SERVICE);
	ipv6(&frame, "2001:db8::1", 64);
	vg_frame_fragment(&frame, 24, false);
	vg_frame_l4(&frame, 6, 9, 443);
	vg_frame_finish(&frame);
	judged("later fragment", *state, 0, &frame, "unlisted", NONE, NO_SERVICE);
}

static void test_rules_and_monitor(void **state)
{
	struct vg_scenario *scenario = *state;
	const struct vg_gate gate = {.scenario = scenario, .memory = &memory};
	struct vg_judgement judgement;
	struct vg_frame frame;

	ipv4(&frame, "8.8.8.8", "10.1.1.1");
	vg_frame_l4(&frame, 17, 9, 53);
	vg_frame_finish(&frame);
	judged("the other NIC is open", scenario, 1, &frame, "open", NONE, NO_SERVICE);
	scenario->monitor = true;
	vg_oracle_judge(&gate, frame.bytes, frame.length, &judgement);
	assert_string_equal(vg_oracle_verdict(judgement.verdict), "would-drop");
	assert_int_equal(vg_oracle_row(&judgement), VG_ROW_WOULD_DROP(VG_DROP_UNLISTED));
	scenario->monitor = false;
	vg_oracle_judge(&gate, frame.bytes, frame.length, &judgement);
	assert_string_equal(vg_oracle_verdict(judgement.verdict), "drop");
	assert_int_equal(vg_oracle_row(&judgement), VG_DROP_UNLISTED);
}

static void test_seed_repeats(void **state)
{
	(void)state;
	for (__u64 seed = 1; seed <= 20; seed++) {
		char *text[2];
		size_t length[2];
		struct vg_frame frame[2];

		for (int i = 0; i < 2; i++) {
			struct vg_random random;
			struct vg_scenario *scenario;

			vg_random_init(&random, seed, 7);
			scenario = vg_scenario_random(&random);
			assert_non_null(scenario);
			text[i] = vg_scenario_render(scenario, &length[i]);
			assert_non_null(text[i]);
			vg_traffic_random(&random, scenario, &frame[i]);
			vg_scenario_free(scenario);
		}
		assert_string_equal(text[0], text[1]);
		assert_int_equal(frame[0].length, frame[1].length);
		assert_memory_equal(frame[0].bytes, frame[1].bytes, frame[0].length);
		free(text[0]);
		free(text[1]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ipv4, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dhcp6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_icmp6_in_ipv4, setup, teardown),
		cmocka_unit_test_setup_teardown(test_also_admit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destination_of_length_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ethernet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipv4_header, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extension_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules_and_monitor, setup, teardown),
		cmocka_unit_test(test_seed_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
