/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What other filters get wrong, each by name, over the real program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "core/explain.h"
#include "share/cleanup.h"
#include "tests/oracle/frame.h"
#include "tests/oracle/rig.h"

#define INSIDE4 "10.178.0.9"
#define OUTSIDE4 "203.0.113.9"
#define INSIDE6 "fd20:1:2::9"
#define OUTSIDE6 "2001:db8::9"
#define BALANCER6 "2600:2d00:1:1::9"

static const struct vg_target nic = {.ifindex = 1, .name = "t0"};

static const char policy_text[] = "interfaces: [t0]\n"
				  "ingress: internal\n"
				  "sources:\n"
				  "  vpc: [10.178.0.0/20, \"fd20:1:2::/48\"]\n"
				  "services:\n"
				  "  - {name: web, protocol: tcp, port: 8080, ingress: all}\n";

static struct vg_rig rig;

static void publish(const char *text)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;

	assert_int_equal(vg_rig_publish(&rig, text, strlen(text), &nic, 1, &policy), 0);
}

static int setup(void **state)
{
	(void)state;
	publish(policy_text);
	return 0;
}

static int setup_monitor(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_true(asprintf(&text, "%senforcement: monitor\n", policy_text) > 0);
	publish(text);
	return 0;
}

static struct vg_counters *read_counters(void)
{
	struct vg_counters *counters = NULL;
	struct vg_diag diag;

	assert_int_equal(vg_counters_read(rig.dir, &counters, &diag), 0);
	return counters;
}

static struct vg_count find_count(const struct vg_counters *counters,
				  const struct vg_counter *counter)
{
	for (size_t i = 0; i < counters->n; i++) {
		const struct vg_counter *item = &counters->items[i];

		if (item->outcome == counter->outcome && item->verdict == counter->verdict &&
		    strcmp(item->source, counter->source) == 0 &&
		    strcmp(item->interface, counter->interface) == 0)
			return item->count;
	}
	return (struct vg_count){0};
}

/*
 * Runs one frame: "VERDICT REASON SOURCE" is the one counter that must go up, by one packet and the
 * frame's bytes.
 */
static void expect(const char *name, const struct vg_frame *frame, const char *want)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *before = read_counters();
	_cleanup_(vg_counters_free_p) struct vg_counters *after = NULL;
	const int action =
		vg_dataplane_test_run(rig.dataplane, frame->bytes, frame->length, 1, 1, NULL);
	char got[256] = "";

	after = read_counters();
	for (size_t i = 0; i < after->n; i++) {
		const struct vg_counter *counter = &after->items[i];
		const struct vg_count old = find_count(before, counter);
		char one[128];

		if (counter->count.packets == old.packets && counter->count.bytes == old.bytes)
			continue;
		assert_string_equal(counter->interface, "t0");
		assert_int_equal(counter->count.packets, old.packets + 1);
		assert_int_equal(counter->count.bytes, old.bytes + frame->length);
		snprintf(one, sizeof(one), "%s%s %s %s", got[0] ? ", " : "",
			 vg_verdict_text(counter->verdict), vg_outcome_text(counter->outcome),
			 counter->source[0] ? counter->source : "none");
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s: counted as '%s' instead of '%s'", name, got, want);
	if (action != (strncmp(want, "drop ", 5) == 0 ? XDP_DROP : XDP_PASS))
		fail_msg("%s: XDP action %d", name, action);
}

static void ipv4(struct vg_frame *frame, const char *source, __u16 fragment, unsigned options)
{
	const struct vg_raw_address from = vg_raw_address(source);
	const struct vg_raw_address to = vg_raw_address("10.178.0.2");

	vg_frame_ipv4(frame, &from, &to, fragment, options);
}

static void ipv6(struct vg_frame *frame, const char *source, __u8 hop_limit)
{
	const struct vg_raw_address from = vg_raw_address(source);
	const struct vg_raw_address to = vg_raw_address("fd20:1:2::2");

	vg_frame_ipv6(frame, &from, &to, hop_limit);
}

/* One protocol in IPv4, from outside, a load balancer and inside: only the source decides. */
static void expect_protocol(const char *name, __u8 protocol)
{
	static const char *const sources[] = {OUTSIDE4, "35.191.0.9", INSIDE4};
	static const char *const wants[] = {
		"drop unlisted none",
		"drop not-admitted load-balancer",
		"pass admitted vpc",
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(sources); i++) {
		struct vg_frame frame;

		vg_frame_begin(&frame);
		ipv4(&frame, sources[i], 0, 0);
		vg_frame_l4(&frame, protocol, 1234, 8081);
		vg_frame_zeroes(&frame, 20);
		vg_frame_finish(&frame);
		expect(name, &frame, wants[i]);
	}
}

/* 0x0ab2 is 10.178: a table of both families at once would let it in. */
static void test_ipv6_source_that_starts_like_an_ipv4_prefix(void **state)
{
	struct vg_frame frame;

	(void)state;
	vg_frame_begin(&frame);
	ipv6(&frame, "ab2:9::9", 64);
	vg_frame_l4(&frame, 6, 1234, 22);
	vg_frame_finish(&frame);
	expect("ab2:9::9", &frame, "drop unlisted none");
	vg_frame_begin(&frame);
	ipv6(&frame, "ab2::", 64);
	vg_frame_l4(&frame, 6, 1234, 22);
	vg_frame_finish(&frame);
	expect("ab2::", &frame, "drop unlisted none");
	vg_frame_begin(&frame);
	ipv4(&frame, "10.178.0.9", 0, 0);
	vg_frame_l4(&frame, 6, 1234, 22);
	vg_frame_finish(&frame);
	expect("10.178.0.9", &frame, "pass admitted vpc");
}

static void test_gre(void **state)
{
	(void)state;
	expect_protocol("GRE", 47);
}

static void test_esp(void **state)
{
	(void)state;
	expect_protocol("ESP", 50);
}

static void test_ip_in_ip(void **state)
{
	(void)state;
	expect_protocol("IP-in-IP", 4);
	expect_protocol("IPv6-in-IPv4", 41);
}

static void test_unknown_protocol(void **state)
{
	(void)state;
	expect_protocol("protocol 253", 253);
	expect_protocol("protocol 0", 0);
	expect_protocol("protocol 255", 255);
}

static void test_ipv4_options(void **state)
{
	static const unsigned options[] = {1, 5, 10};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(options); i++) {
		struct vg_frame frame;

		vg_frame_begin(&frame);
		ipv4(&frame, OUTSIDE4, 0, options[i]);
		vg_frame_l4(&frame, 6, 1234, 22);
		vg_frame_finish(&frame);
		expect("SSH behind options", &frame, "drop unlisted none");
		vg_frame_begin(&frame);
		ipv4(&frame, OUTSIDE4, 0, options[i]);
		vg_frame_l4(&frame, 6, 1234, 8080);
		vg_frame_finish(&frame);
		expect("the open port behind options", &frame, "pass open none");
	}
}

/* Its first bytes look like the open port, but they are payload. */
static void test_later_fragment(void **state)
{
	struct vg_frame frame;

	(void)state;
	vg_frame_begin(&frame);
	ipv4(&frame, OUTSIDE4, 1, 0);
	vg_frame_l4(&frame, 6, 1234, 8080);
	vg_frame_finish(&frame);
	expect("last IPv4 fragment, in the TCP header", &frame, "drop fragment none");
	vg_frame_begin(&frame);
	ipv4(&frame, OUTSIDE4, 3, 0);
	vg_frame_l4(&frame, 6, 1234, 8080);
	vg_frame_finish(&frame);
	expect("last IPv4 fragment, behind it", &frame, "drop unlisted none");
	vg_frame_begin(&frame);
	ipv4(&frame, OUTSIDE4, VG_FRAGMENT_MORE | 185, 0);
	vg_frame_l4(&frame, 6, 1234, 8080);
	vg_frame_finish(&frame);
	expect("middle IPv4 fragment", &frame, "drop unlisted none");
	vg_frame_begin(&frame);
	ipv6(&frame, OUTSIDE6, 64);
	vg_frame_fragment(&frame, 8, false);
	vg_frame_l4(&frame, 6, 1234, 8080);
	vg_frame_finish(&frame);
	expect("last IPv6 fragment, in the TCP header", &frame, "drop fragment none");
	vg_frame_begin(&frame);
	ipv6(&frame, OUTSIDE6, 64);
	vg_frame_fragment(&frame, 24, false);
	vg_frame_l4(&frame, 6, 1234, 8080);
	vg_frame_finish(&frame);
	expect("last IPv6 fragment, behind it", &frame, "drop unlisted none");
	vg_frame_begin(&frame);
	ipv4(&frame, OUTSIDE4, VG_FRAGMENT_MORE, 0);
	vg_frame_l4(&frame, 6, 1234, 8080);
	vg_frame_finish(&frame);
	expect("first IPv4 fragment", &frame, "pass open none");
}

static void expect_extension(const char *name, __u8 kind)
{
	static const struct {
		const char *source;
		__u16 port;
		const char *want;
	} cases[] = {
		{OUTSIDE6, 22, "drop unlisted none"},
		{OUTSIDE6, 8080, "pass open none"},
		{INSIDE6, 22, "pass admitted vpc"},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_frame frame;

		vg_frame_begin(&frame);
		ipv6(&frame, cases[i].source, 64);
		vg_frame_extension(&frame, kind, 2);
		vg_frame_l4(&frame, 6, 1234, cases[i].port);
		vg_frame_finish(&frame);
		expect(name, &frame, cases[i].want);
	}
}

static void test_ipv6_hop_by_hop_header(void **state)
{
	(void)state;
	expect_extension("hop-by-hop", VG_EXT_HOP_BY_HOP);
}

static void test_ipv6_routing_header(void **state)
{
	(void)state;
	expect_extension("routing", VG_EXT_ROUTING);
}

static void expect_tags(const char *name, const __u16 *types, size_t n)
{
	static const char *const sources[] = {OUTSIDE4, INSIDE4};
	static const char *const wants[] = {"drop unlisted none", "pass admitted vpc"};

	for (size_t i = 0; i < VG_ARRAY_SIZE(sources); i++) {
		struct vg_frame frame;

		vg_frame_begin(&frame);
		for (size_t j = 0; j < n; j++)
			vg_frame_tag(&frame, types[j], 100);
		ipv4(&frame, sources[i], 0, 0);
		vg_frame_l4(&frame, 6, 1234, 22);
		vg_frame_finish(&frame);
		expect(name, &frame, wants[i]);
	}
}

static void test_single_vlan(void **state)
{
	static const __u16 vlan[] = {VG_TYPE_VLAN}, provider[] = {VG_TYPE_QINQ};

	(void)state;
	expect_tags("802.1Q", vlan, 1);
	expect_tags("802.1ad", provider, 1);
}

static void test_qinq(void **state)
{
	static const __u16 qinq[] = {VG_TYPE_QINQ, VG_TYPE_VLAN};
	static const __u16 stacked[] = {VG_TYPE_VLAN, VG_TYPE_VLAN};

	(void)state;
	expect_tags("802.1ad and 802.1Q", qinq, 2);
	expect_tags("802.1Q twice", stacked, 2);
}

/* Even from an admitted source: what is behind a third tag is never looked at. */
static void test_three_vlan_tags(void **state)
{
	struct vg_frame frame;

	(void)state;
	vg_frame_begin(&frame);
	for (int i = 0; i < 3; i++)
		vg_frame_tag(&frame, VG_TYPE_VLAN, 100);
	ipv4(&frame, INSIDE4, 0, 0);
	vg_frame_l4(&frame, 6, 1234, 22);
	vg_frame_finish(&frame);
	expect("three tags", &frame, "drop non-ip none");
}

/* Two peers drop it, and the host goes dark when its neighbours forget it. */
static void test_arp_under_default_deny(void **state)
{
	(void)state;
	for (__u8 operation = 1; operation <= 2; operation++) {
		const __u8 body[28] = {0,   1, 8,   0, 6, 4, 0, operation, 2, 0, 0,  0,	  0, 1,
				       203, 0, 113, 9, 2, 0, 0, 0,	   0, 2, 10, 178, 0, 2};

		for (unsigned tags = 0; tags <= 2; tags++) {
			struct vg_frame frame;

			vg_frame_begin(&frame);
			for (unsigned i = 0; i < tags; i++)
				vg_frame_tag(&frame, VG_TYPE_VLAN, 100);
			vg_frame_type(&frame, VG_TYPE_ARP);
			vg_frame_bytes(&frame, body, sizeof(body));
			expect(operation == 1 ? "request" : "reply", &frame, "pass essential none");
		}
	}
}

static void test_neighbour_discovery_under_default_deny(void **state)
{
	static const struct {
		const char *name, *source;
		__u8 type;
	} cases[] = {
		{"router solicitation", "::", 133},
		{"router solicitation", "fe80::1", 133},
		{"router advertisement", "fe80::1", 134},
		{"neighbour solicitation", "::", 135},
		{"neighbour solicitation", "fe80::1", 135},
		{"neighbour solicitation", INSIDE6, 135},
		{"neighbour advertisement", "fe80::1", 136},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const bool inside = strcmp(cases[i].source, INSIDE6) == 0;
		struct vg_frame frame;

		vg_frame_begin(&frame);
		ipv6(&frame, cases[i].source, 255);
		vg_frame_icmp6(&frame, cases[i].type);
		vg_frame_finish(&frame);
		expect(cases[i].name, &frame,
		       inside ? "pass essential vpc" : "pass essential none");
		frame.bytes[frame.ip + 7] = 254;
		if (inside)
			expect("one hop away", &frame, "pass admitted vpc");
		else if (strcmp(cases[i].source, "::") == 0)
			expect("one hop away", &frame, "drop martian none");
		else
			expect("one hop away", &frame, "drop unlisted none");
	}
}

static void test_neighbour_discovery_from_an_unlisted_source(void **state)
{
	struct vg_frame frame;

	(void)state;
	vg_frame_begin(&frame);
	ipv6(&frame, OUTSIDE6, 255);
	vg_frame_icmp6(&frame, 135);
	vg_frame_finish(&frame);
	expect("neighbour solicitation", &frame, "drop unlisted none");
}

static void test_monitor_passes_and_counts(void **state)
{
	struct vg_frame frame;

	(void)state;
	vg_frame_begin(&frame);
	ipv4(&frame, OUTSIDE4, 0, 0);
	vg_frame_l4(&frame, 6, 1234, 22);
	vg_frame_finish(&frame);
	expect("denied", &frame, "would-drop unlisted none");
	frame.bytes[frame.ip] = 0x55;
	expect("malformed", &frame, "would-drop malformed none");
	vg_frame_begin(&frame);
	vg_frame_type(&frame, 0x88cc);
	vg_frame_zeroes(&frame, 46);
	expect("LLDP", &frame, "would-drop non-ip none");
	vg_frame_begin(&frame);
	ipv4(&frame, INSIDE4, 0, 0);
	vg_frame_l4(&frame, 6, 1234, 22);
	vg_frame_finish(&frame);
	expect("admitted", &frame, "pass admitted vpc");
}

/* A minimal Ethernet frame carries what it likes behind the datagram's end. */
static void test_port_in_padding(void **state)
{
	struct vg_frame frame;

	(void)state;
	vg_frame_begin(&frame);
	ipv4(&frame, OUTSIDE4, 0, 0);
	vg_frame_finish(&frame);
	vg_frame_l4(&frame, 6, 1234, 8080);
	expect("IPv4, TCP in padding", &frame, "drop unlisted none");
	vg_frame_finish(&frame);
	expect("IPv4, TCP in the datagram", &frame, "pass open none");
	vg_frame_begin(&frame);
	ipv6(&frame, OUTSIDE6, 64);
	vg_frame_finish(&frame);
	vg_frame_l4(&frame, 6, 1234, 8080);
	expect("IPv6, TCP in padding", &frame, "drop unlisted none");
	vg_frame_finish(&frame);
	expect("IPv6, TCP in the datagram", &frame, "pass open none");
}

/* TCP to that port behind hop-by-hop options, in a datagram that says how long it is, or doesn't. */
static void hop_by_hop(struct vg_frame *frame, const char *source, __u16 port, bool with_length)
{
	vg_frame_begin(frame);
	ipv6(frame, source, 64);
	vg_frame_extension(frame, VG_EXT_HOP_BY_HOP, 0);
	vg_frame_l4(frame, 6, 1234, port);
	vg_frame_finish(frame);
	if (!with_length)
		memset(frame->bytes + frame->ip + 4, 0, 2);
}

/* Linux doesn't trim such a datagram to its length, so that TCP is there for it (RFC 2675). */
static void test_no_payload_length_before_hop_by_hop(void **state)
{
	struct vg_frame frame;

	(void)state;
	hop_by_hop(&frame, OUTSIDE6, 8080, true);
	expect("with its length", &frame, "pass open none");
	hop_by_hop(&frame, OUTSIDE6, 8080, false);
	expect("without", &frame, "pass open none");
	hop_by_hop(&frame, OUTSIDE6, 22, false);
	expect("to a closed port", &frame, "drop unlisted none");
}

/* Nor can its sender get past a service that is stricter than the interface. */
static void test_no_payload_length_before_a_strict_service(void **state)
{
	static const struct {
		const char *name, *source;
		__u16 port;
		const char *want;
	} cases[] = {
		{"unlisted, to the strict service", OUTSIDE6, 22, "drop unlisted none"},
		{"load balancer, to the strict service", BALANCER6, 22,
		 "drop not-admitted load-balancer"},
		{"admitted, to the strict service", INSIDE6, 22, "pass admitted vpc"},
		{"load balancer, to no service", BALANCER6, 23, "pass admitted load-balancer"},
		{"unlisted, to no service", OUTSIDE6, 23, "drop unlisted none"},
		{"unlisted, to the open service", OUTSIDE6, 443, "pass open none"},
	};

	(void)state;
	publish("interfaces: [t0]\n"
		"ingress: internal-and-cloud-load-balancing\n"
		"sources:\n"
		"  vpc: [\"fd20:1:2::/48\"]\n"
		"services:\n"
		"  - {name: ssh, protocol: tcp, port: 22, ingress: internal}\n"
		"  - {name: web, protocol: tcp, port: 443, ingress: all}\n");
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		for (int with_length = 0; with_length < 2; with_length++) {
			struct vg_frame frame;

			hop_by_hop(&frame, cases[i].source, cases[i].port, with_length);
			expect(cases[i].name, &frame, cases[i].want);
		}
	}
	publish("interfaces: [t0]\n"
		"ingress: all\n"
		"services:\n"
		"  - {name: ssh, protocol: tcp, port: 22, ingress: internal, also-admit: [office]}\n"
		"sources:\n"
		"  office: [\"2001:db8:1::/48\"]\n");
	for (int with_length = 0; with_length < 2; with_length++) {
		struct vg_frame frame;

		hop_by_hop(&frame, OUTSIDE6, 22, with_length);
		expect("to a strict service of an open interface", &frame, "drop unlisted none");
		hop_by_hop(&frame, "2001:db8:1::9", 22, with_length);
		expect("from the office", &frame, "pass admitted office");
		hop_by_hop(&frame, OUTSIDE6, 23, with_length);
		expect("beside it", &frame, "pass open none");
	}
}

/*
 * Linux walks any number of extension headers. Behind more than are walked here the port is hidden,
 * and a service that is stricter than the interface must not be reached that way.
 */
static void test_l4_behind_too_many_headers(void **state)
{
	static const struct {
		const char *source;
		unsigned headers;
		const char *want;
	} cases[] = {
		{OUTSIDE6, 0, "drop unlisted none"},
		{OUTSIDE6, 8, "drop unlisted none"},
		{OUTSIDE6, 9, "drop unlisted none"},
		{OUTSIDE6, 20, "drop unlisted none"},
		{INSIDE6, 8, "pass admitted vpc"},
		{INSIDE6, 9, "pass admitted vpc"},
		{BALANCER6, 9, "drop not-admitted load-balancer"},
	};

	(void)state;
	publish("interfaces: [t0]\n"
		"ingress: all\n"
		"sources:\n"
		"  vpc: [\"fd20:1:2::/48\"]\n"
		"services:\n"
		"  - {name: ssh, protocol: tcp, port: 22, ingress: internal}\n");
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_frame frame;

		vg_frame_begin(&frame);
		ipv6(&frame, cases[i].source, 64);
		for (unsigned k = 0; k < cases[i].headers; k++)
			vg_frame_extension(&frame, VG_EXT_DESTINATION, 0);
		vg_frame_l4(&frame, 6, 1234, 22);
		vg_frame_finish(&frame);
		expect("to the strict service", &frame, cases[i].want);
	}
}

static void plain(struct vg_frame *frame, const char *source, __u8 protocol, __u16 port)
{
	vg_frame_begin(frame);
	if (strchr(source, ':'))
		ipv6(frame, source, 64);
	else
		ipv4(frame, source, 0, 0);
	vg_frame_l4(frame, protocol, 1234, port);
	vg_frame_finish(frame);
}

/*
 * A set that is filled later on leaves a rule that matches nothing meanwhile. A service that is stricter
 * than the interface must be so before a server has said where it is; one that is less strict is not.
 */
static void test_strict_service_of_unknown_address(void **state)
{
	static const struct {
		const char *name, *source;
		__u8 protocol;
		__u16 port;
		const char *want;
	} cases[] = {
		{"to the strict service's port", OUTSIDE4, 6, 5432, "drop unlisted none"},
		{"... over IPv6", OUTSIDE6, 6, 5432, "drop unlisted none"},
		{"whom it admits", INSIDE4, 6, 5432, "pass admitted vpc"},
		{"beside it", OUTSIDE4, 6, 5433, "pass open none"},
		{"where the less strict one may be", OUTSIDE4, 6, 22, "drop unlisted none"},
		{"to the strict service's protocol", OUTSIDE4, 17, 53, "drop unlisted none"},
	};
	static const char *const more[] = {"", "  - {name: more, to: [192.0.2.1]}\n"};
	static const char text[] =
		"interfaces: [t0]\n"
		"ingress: all\n"
		"sources: {vpc: [10.178.0.0/20]}\n"
		"services:\n"
		"  - {name: db, to: [gcp:forwarded-ips], protocol: tcp, port: 5432, ingress: internal}\n"
		"  - {name: ssh, protocol: tcp, port: 22, ingress: internal}\n"
		"  - {name: jump, to: [gcp:forwarded-ips], protocol: tcp, port: 22, ingress: all}\n"
		"  - {name: udp, to: [gcp:forwarded-ips], protocol: udp, ingress: internal}\n";

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(more); i++) {
		_cleanup_free_ char *yaml = NULL;

		assert_true(asprintf(&yaml, "%s%s", text, more[i]) > 0);
		publish(yaml);
		for (size_t k = 0; k < VG_ARRAY_SIZE(cases); k++) {
			struct vg_frame frame;

			plain(&frame, cases[k].source, cases[k].protocol, cases[k].port);
			expect(cases[k].name, &frame, cases[k].want);
		}
	}
}

/* What is for another service all the same, whatever the server will say, is not refused meanwhile. */
static void test_closer_service_than_unknown_address(void **state)
{
	static const struct {
		const char *name, *source;
		__u16 port;
		const char *want;
	} cases[] = {
		{"an address and its port", OUTSIDE4, 53, "pass open none"},
		{"an address and its port, IPv6", OUTSIDE6, 53, "pass open none"},
		{"less than an address", OUTSIDE4, 54, "drop unlisted none"},
		{"less than an address, IPv6", OUTSIDE6, 54, "drop unlisted none"},
		{"an address alone", OUTSIDE4, 55, "drop unlisted none"},
		{"an address alone, IPv6", OUTSIDE6, 55, "drop unlisted none"},
	};

	(void)state;
	publish("interfaces: [t0]\n"
		"ingress: all\n"
		"sources: {vpc: [10.178.0.0/20]}\n"
		"services:\n"
		"  - {name: lb, to: [gcp:forwarded-ips], protocol: udp, ingress: internal}\n"
		"  - {name: dns, to: [10.178.0.2, 'fd20:1:2::2'], protocol: udp, port: 53, ingress: all}\n"
		"  - {name: net, to: [10.178.0.2/31, 'fd20:1:2::2/127'], protocol: udp, port: 54,\n"
		"     ingress: all}\n"
		"  - {name: host, to: [10.178.0.2, 'fd20:1:2::2'], ingress: all}\n");
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_frame frame;

		plain(&frame, cases[i].source, 17, cases[i].port);
		expect(cases[i].name, &frame, cases[i].want);
	}
}

#define TEST(name) cmocka_unit_test_setup(test_##name, setup)

static int run_peers(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(ipv6_source_that_starts_like_an_ipv4_prefix),
		TEST(gre),
		TEST(esp),
		TEST(ip_in_ip),
		TEST(unknown_protocol),
		TEST(ipv4_options),
		TEST(later_fragment),
		TEST(ipv6_hop_by_hop_header),
		TEST(ipv6_routing_header),
		TEST(single_vlan),
		TEST(qinq),
		TEST(three_vlan_tags),
		TEST(arp_under_default_deny),
		TEST(neighbour_discovery_under_default_deny),
		TEST(neighbour_discovery_from_an_unlisted_source),
		TEST(port_in_padding),
		TEST(no_payload_length_before_hop_by_hop),
		TEST(no_payload_length_before_a_strict_service),
		TEST(l4_behind_too_many_headers),
		TEST(strict_service_of_unknown_address),
		TEST(closer_service_than_unknown_address),
		cmocka_unit_test_setup(test_monitor_passes_and_counts, setup_monitor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	int r;

	r = vg_rig_open(&rig);
	if (r == 0)
		r = run_peers();
	else if (r == -EPERM)
		r = VG_RIG_SKIP;
	vg_rig_close(&rig);
	if (r == VG_RIG_SKIP)
		printf("SKIP: needs privilege for bpf(2) and mount(2)\n");
	return r < 0 ? EXIT_FAILURE : r;
}
