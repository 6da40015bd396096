/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge's memory is judged: flows, and errors about them, worked out by hand from the design. */
#include "tests/unit/oracle_case.h"

/* Hexadecimal digits, spaces between them ignored. */
static void frame_of(const char *digits, struct vg_frame *frame)
{
	frame->length = 0;
	for (; *digits; digits++) {
		unsigned byte;

		if (*digits == ' ')
			continue;
		assert_int_equal(sscanf(digits, "%2x", &byte), 1);
		frame->bytes[frame->length++] = (__u8)byte;
		digits++;
	}
}

static void judged_digits(const char *name, const char *digits, const char *outcome)
{
	struct vg_frame frame;

	frame_of(digits, &frame);
	judged(name, &frame, outcome, NO_SERVICE);
}

static struct vg_talk talk_of(unsigned family, __u8 protocol)
{
	return (struct vg_talk){
		.local = vg_raw_address(family == 4 ? HERE4 : HERE6),
		.remote = vg_raw_address(family == 4 ? THERE4 : THERE6),
		.protocol = protocol,
		.local_port = 4000,
		.remote_port = 53,
	};
}

static void receive(const char *name, const struct vg_talk *talk, __u8 flags, const char *outcome)
{
	struct vg_frame frame;

	packet(talk, false, flags, &frame);
	judged(name, &frame, outcome, NO_SERVICE);
}

static void test_tcp(void **state)
{
	const struct vg_talk talk = talk_of(4, 6);

	(void)state;
	receive("before", &talk, VG_TCP_SYN | VG_TCP_ACK, "unlisted");
	send(&talk, VG_TCP_ACK);
	send(&talk, VG_TCP_SYN | VG_TCP_ACK);
	receive("an answer opens nothing", &talk, VG_TCP_ACK, "unlisted");
	send(&talk, VG_TCP_SYN);
	expect_flow("SYN", VG_FLOW_NEW, 0, 5000, 120);
	receive("never a reply", &talk, VG_TCP_SYN, "unlisted");
	gate.now_s = 5001;
	receive("RST opens nothing", &talk, VG_TCP_RST | VG_TCP_ACK, "reply");
	expect_flow("RST from there", VG_FLOW_NEW, 1, 5001, 120);
	receive("SYN-ACK", &talk, VG_TCP_SYN | VG_TCP_ACK, "reply");
	expect_flow("SYN-ACK", VG_FLOW_OPEN, 2, 5001, 1000);
	gate.now_s = 6000;
	receive("FIN from there", &talk, VG_TCP_FIN | VG_TCP_ACK, "reply");
	expect_flow("FIN from there", VG_FLOW_OPEN, 3, 6000, 1000);
	gate.now_s = 6999;
	send(&talk, VG_TCP_FIN | VG_TCP_ACK);
	expect_flow("FIN", VG_FLOW_CLOSING, 3, 6999, 120);
	gate.now_s = 7118;
	receive("the last second", &talk, VG_TCP_ACK, "reply");
	expect_flow("refreshed", VG_FLOW_CLOSING, 4, 7118, 120);
	send(&talk, VG_TCP_RST);
	expect_flow("RST", VG_FLOW_CLOSED, 4, 7118, 10);
	gate.now_s = 7127;
	receive("after RST", &talk, VG_TCP_ACK, "reply");
	expect_flow("not refreshed", VG_FLOW_CLOSED, 5, 7118, 10);
	gate.now_s = 7128;
	receive("over", &talk, VG_TCP_ACK, "unlisted");
	assert_int_equal(memory.expired, 0);
	send(&talk, VG_TCP_SYN);
	expect_flow("again", VG_FLOW_NEW, 0, 7128, 120);
	send(&talk, VG_TCP_FIN);
	send(&talk, VG_TCP_SYN);
	expect_flow("again while closing", VG_FLOW_NEW, 0, 7128, 120);
	assert_int_equal(memory.opened, 3);
	assert_int_equal(memory.expired, 2);
}

/* Linux answers a stray packet with RST and goes on: so does the flow, if this host does. */
static void test_going_on_after_reset(void **state)
{
	const struct vg_talk talk = talk_of(4, 6);

	(void)state;
	send(&talk, VG_TCP_SYN);
	send(&talk, VG_TCP_RST);
	gate.now_s = 5009;
	receive("SYN-ACK all the same", &talk, VG_TCP_SYN | VG_TCP_ACK, "reply");
	expect_flow("from there nothing changes", VG_FLOW_CLOSED, 1, 5000, 10);
	send(&talk, VG_TCP_ACK);
	expect_flow("from here", VG_FLOW_OPEN, 1, 5009, 1000);
	send(&talk, VG_TCP_RST);
	gate.now_s = 5010;
	send(&talk, VG_TCP_RST | VG_TCP_ACK);
	expect_flow("RST again", VG_FLOW_CLOSED, 1, 5009, 10);
	send(&talk, VG_TCP_FIN | VG_TCP_ACK);
	expect_flow("FIN", VG_FLOW_CLOSING, 1, 5010, 120);
}

/* The first keepalive probe of an idle connection may come when the flow is just over. */
static void test_revival(void **state)
{
	const struct vg_talk talk = talk_of(6, 6), dns = talk_of(6, 17);

	(void)state;
	send(&talk, VG_TCP_SYN);
	receive("SYN-ACK", &talk, VG_TCP_SYN | VG_TCP_ACK, "reply");
	gate.now_s = 5000 + 1000 + 599;
	receive("only this host can", &talk, VG_TCP_ACK, "unlisted");
	send(&talk, VG_TCP_RST);
	receive("but not with RST", &talk, VG_TCP_ACK, "unlisted");
	send(&talk, VG_TCP_ACK);
	expect_flow("a probe", VG_FLOW_OPEN, 1, 6599, 1000);
	receive("its answer", &talk, VG_TCP_ACK, "reply");
	gate.now_s = 6599 + 1000 + 600;
	send(&talk, VG_TCP_ACK);
	receive("too late", &talk, VG_TCP_ACK, "unlisted");
	vg_memory_clear(&memory);
	send(&talk, VG_TCP_SYN);
	gate.now_s += 120;
	send(&talk, VG_TCP_ACK);
	receive("never answered", &talk, VG_TCP_ACK, "unlisted");
	vg_memory_clear(&memory);
	memory.opened = 0;
	send(&dns, 0);
	receive("answer", &dns, 0, "reply");
	gate.now_s += 100;
	send(&dns, 0);
	expect_flow("UDP opens anew", VG_FLOW_NEW, 0, gate.now_s, 100);
	assert_int_equal(memory.opened, 2);
}

/* What this host passes on opens flows only for those who are admitted where they came in. */
static void test_passed_on(void **state)
{
	struct vg_talk talk = talk_of(4, 17);

	(void)state;
	gate.from = 0;
	send(&talk, 0);
	assert_int_equal(memory.n_flows, 0);
	scenario->ingress = VG_SCENARIO_ALL;
	scenario->services[OFFICE_DNS] =
		(struct vg_scenario_service){.protocol = 17, .ingress = VG_SCENARIO_INTERNAL};
	scenario->n_services = 2;
	send(&talk, 0);
	assert_int_equal(memory.n_flows, 0);
	talk.local = vg_raw_address(VPC4);
	send(&talk, 0);
	expect_flow("from the VPC", VG_FLOW_NEW, 0, 5000, 100);
	talk.local = vg_raw_address(HERE4);
	gate.from = -1;
	send(&talk, 0);
	assert_int_equal(memory.n_flows, 2);
}

static void test_other_protocols(void **state)
{
	static const struct {
		unsigned family;
		__u8 protocol;
		__u32 lifetime_s;
	} cases[] = {
		{4, 17, 100}, {6, 17, 100}, {4, 132, 100}, {4, 47, 100}, {6, 47, 100},
		{4, 1, 20},   {6, 58, 20},  {4, 58, 20},   {6, 1, 20},	 {6, 253, 100},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_talk talk = talk_of(cases[i].family, cases[i].protocol);
		struct vg_talk other = talk;
		char name[32];

		snprintf(name, sizeof(name), "IPv%u, protocol %u", cases[i].family,
			 cases[i].protocol);
		vg_memory_clear(&memory);
		receive(name, &talk, 0, "unlisted");
		send(&talk, 0);
		expect_flow(name, VG_FLOW_NEW, 0, 5000, cases[i].lifetime_s);
		receive(name, &talk, 0, "reply");
		expect_flow(name, VG_FLOW_OPEN, 1, 5000, cases[i].lifetime_s);
		other.remote.bytes[3] ^= 1;
		receive(name, &other, 0, "unlisted");
	}
}

/* An echo's identifier, and a UDP port of either side, are part of the flow. */
static void test_ports(void **state)
{
	struct vg_talk ping = talk_of(6, 58), dns = talk_of(4, 17);

	(void)state;
	send(&ping, 0);
	send(&dns, 0);
	ping.local_port++;
	receive("another identifier", &ping, 0, "unlisted");
	dns.local_port++;
	receive("another local port", &dns, 0, "unlisted");
	dns.local_port--;
	dns.remote_port++;
	receive("another remote port", &dns, 0, "unlisted");
}

static void test_nothing_is_opened(void **state)
{
	static const char *const remotes[] = {VPC4,	   "127.0.0.1",	      "224.0.0.1",
					      "240.0.0.1", "169.254.169.254", "255.255.255.255"};
	struct vg_talk talk;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(remotes); i++) {
		talk = talk_of(4, 17);
		talk.remote = vg_raw_address(remotes[i]);
		send(&talk, 0);
		assert_int_equal(memory.n_flows, 0);
	}
	talk = talk_of(4, 6);
	talk.local_port = 443;
	send(&talk, VG_TCP_SYN);
	assert_int_equal(memory.n_flows, 0);
	scenario->track = false;
	talk.local_port = 444;
	send(&talk, VG_TCP_SYN);
	assert_int_equal(memory.n_flows, 0);
}

/* Under `monitor` the question from outside reaches its receiver, whose answer opens nothing. */
static void test_monitor(void **state)
{
	const struct vg_talk talk = talk_of(4, 17);

	(void)state;
	scenario->monitor = true;
	receive("question", &talk, 0, "unlisted");
	gate.now_s = 5099;
	send(&talk, 0);
	gate.now_s = 5198;
	send(&talk, 0);
	assert_int_equal(memory.n_flows, 0);
	gate.now_s = 5298;
	send(&talk, 0);
	expect_flow("long after", VG_FLOW_NEW, 0, 5298, 100);
	receive("its answer", &talk, 0, "reply");
	vg_memory_clear(&memory);
	receive("question", &talk, 0, "unlisted");
	scenario->monitor = false;
	gate.now_s += 99;
	send(&talk, 0);
	assert_int_equal(memory.n_flows, 0);
	gate.now_s++;
	send(&talk, 0);
	expect_flow("not renewed once drops are drops", VG_FLOW_NEW, 0, gate.now_s, 100);
}

#define ETHERNET4 "020000000001 020000000002 0800 "
/* From 9.9.9.9 to HERE4: fragmentation needed. */
#define ERROR4 ETHERNET4 "45000038 00000000 40010000 09090909 0a010101 03040000 00000578 "
/* HERE4 port 4000 to THERE4 port 53: UDP, 60 bytes long, 8 of the payload are there. */
#define QUOTED4 "4500003c 00000000 40110000 0a010101 08080808 0fa00035 00280000"

static void test_quotes(void **state)
{
	static const char *const broken[] = {
		/* Another sender than the error's receiver; no UDP header; a later fragment. */
		ERROR4 "4500003c 00000000 40110000 0a010102 08080808 0fa00035 00280000",
		ETHERNET4 "45000030 00000000 40010000 09090909 0a010101 03040000 00000578 "
			  "4500003c 00000000 40110000 0a010101 08080808",
		ERROR4 "4500003c 00000001 40110000 0a010101 08080808 0fa00035 00280000",
		/* An echo reply; a header of 16 bytes; redirect, which isn't an error. */
		ERROR4 "4500003c 00000000 40010000 0a010101 08080808 0fa00035 00280000",
		ERROR4 "4400003c 00000000 40110000 0a010101 08080808 0fa00035 00280000",
		ETHERNET4 "45000038 00000000 40010000 09090909 0a010101 05010000 00000000 " QUOTED4,
	};
	const struct vg_talk dns = talk_of(4, 17);

	(void)state;
	judged_digits("nothing was sent", ERROR4 QUOTED4, "unlisted");
	send(&dns, 0);
	gate.now_s = 5099;
	judged_digits("a flow", ERROR4 QUOTED4, "related");
	expect_flow("not refreshed", VG_FLOW_NEW, 0, 5000, 100);
	for (size_t i = 0; i < VG_ARRAY_SIZE(broken); i++)
		judged_digits(broken[i], broken[i], "unlisted");
	gate.now_s = 5100;
	judged_digits("a flow that is over", ERROR4 QUOTED4, "unlisted");
}

/* Connections that rows 7 and 8 let in have errors of their own, replies tracked or not. */
static void test_quotes_of_open_and_admitted(void **state)
{
	(void)state;
	for (int track = 0; track < 2; track++) {
		scenario->track = track;
		judged_digits("a length of 0",
			      ERROR4
			      "45000000 003c0000 40060000 0a010101 08080808 01bb0fa0 00000000",
			      "unlisted");
		judged_digits("from the open port",
			      ERROR4
			      "4500003c 00000000 40060000 0a010101 08080808 01bb0fa0 00000000",
			      "related");
		judged_digits("from another port",
			      ERROR4
			      "4500003c 00000000 40060000 0a010101 08080808 01bc0fa0 00000000",
			      "unlisted");
		judged_digits("to the VPC",
			      ERROR4
			      "4500003c 00000000 40110000 0a010101 0a800009 0fa00035 00280000",
			      "related");
		judged_digits("to a martian",
			      ERROR4
			      "4500003c 00000000 40060000 0a010101 7f000001 01bb0fa0 00000000",
			      "unlisted");
		judged_digits("to the metadata server",
			      ERROR4
			      "4500003c 00000000 40060000 0a010101 a9fea9fe 01bb0fa0 00000000",
			      "unlisted");
	}
}

/* Packet too big for what left behind a destination options header, from 2001:db8::99 to HERE6. */
static void test_quotes6(void **state)
{
	static const char error[] =
		"020000000001 020000000002 86dd 60000000 0040 3a40 "
		"20010db8 00000000 00000000 00000099 fd200001 00030000 00000000 00000001 "
		"02000000 00000500 "
		"60000000 0400 3c40 "
		"fd200001 00030000 00000000 00000001 20010db8 00000000 00000000 00000008 "
		"11000104 00000000 0fa00035 04000000";
	const struct vg_talk dns = talk_of(6, 17);
	struct vg_frame frame;

	(void)state;
	judged_digits("nothing was sent", error, "unlisted");
	send(&dns, 0);
	judged_digits("a flow", error, "related");
	frame_of(error, &frame);
	frame.length -= 9;
	frame.bytes[19] -= 9;
	judged("no ports left", &frame, "unlisted", NO_SERVICE);
	frame_of(error, &frame);
	frame.bytes[14 + 40] = 5;
	judged("type 5", &frame, "unlisted", NO_SERVICE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_going_on_after_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revival, setup, teardown),
		cmocka_unit_test_setup_teardown(test_passed_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_protocols, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quotes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quotes_of_open_and_admitted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quotes6, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
