/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/explain.h"
#include "share/cleanup.h"

#define ANY VG_PROTOCOL_ANY
#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP
#define ICMPV6 IPPROTO_ICMPV6

static const char config_text[] =
	"interfaces:\n"
	"  - ens4\n"
	"  - {name: ens5, ingress: internal-and-cloud-load-balancing}\n"
	"  - {name: ens6, ingress: all}\n"
	"ingress: internal\n"
	"also-admit: [office]\n"
	"sources:\n"
	"  vpc: [10.0.0.0/8, 'fd20:1::/32', 240.1.0.0/16]\n"
	"  dmz: [10.1.0.0/16, 10.2.0.0/16, 127.0.0.0/8, 'ff00::/8', '::/128', 255.255.255.255]\n"
	"  office: [10.1.0.0/16, 203.0.113.0/24, 10.1.2.0/24, 169.254.0.0/16]\n"
	"  tie: [10.2.0.0/16]\n"
	"services:\n"
	"  - {name: web, protocol: tcp, port: 443, ingress: all}\n"
	"  - {name: probed, protocol: tcp, port: 8080, also-admit: [health-check]}\n"
	"  - {name: closed, protocol: tcp, port: 8081, also-admit: []}\n"
	"  - {name: udp, protocol: udp, ingress: all}\n"
	"  - {name: dns, protocol: udp, port: 53, ingress: internal}\n"
	"  - {name: gre, protocol: gre, ingress: all}\n"
	"  - {name: any-to, to: [0.0.0.0/0], protocol: udp, ingress: all}\n"
	"  - {name: lb-net, to: [198.51.100.0/24, '2001:db8::/32'], ingress: internal}\n"
	"  - {name: lb, to: [198.51.100.7, 198.51.100.8], ingress: all}\n"
	"  - {name: lb-port, to: [198.51.100.0/24], protocol: tcp, port: 25, ingress: all}\n"
	"  - {name: lb-tcp, to: [198.51.100.0/24], protocol: tcp, ingress: internal}\n"
	"  - {name: forwarded, to: [gcp:forwarded-ips], ingress: all}\n"
	"  - {name: forwarded-tcp, to: [gcp:forwarded-ips], protocol: tcp, port: 26, ingress: all}\n"
	"  - {name: forwarded-dns, to: [gcp:forwarded-ips], protocol: udp, port: 54}\n";

/* What a frame looks like, as far as a case says; 0 or NULL is "not given". */
struct frame {
	const char *from, *to;
	int protocol; /* ANY: unknown */
	int source_port, port;
	int icmp_type, hop_limit;
	size_t rule;
};

static const struct {
	const char *name;
	struct frame frame;
	enum vg_outcome outcome;
	const char *set, *prefix, *service;
} cases[] = {
	/* row 5 */
	{"loopback", {"127.0.0.1", .protocol = TCP}, VG_DROP_MARTIAN, "dmz", "127.0.0.0/8", NULL},
	{"0/8", {"0.0.0.0", .protocol = UDP}, VG_DROP_MARTIAN, NULL, NULL, NULL},
	{"end of 0/8", {"0.255.255.255", .protocol = TCP}, VG_DROP_MARTIAN, NULL, NULL, NULL},
	{"after 0/8", {"1.0.0.0", .protocol = TCP}, VG_DROP_UNLISTED, NULL, NULL, NULL},
	{"before 127/8", {"126.255.255.255", .protocol = TCP}, VG_DROP_UNLISTED, NULL, NULL, NULL},
	{"after 127/8", {"128.0.0.0", .protocol = TCP}, VG_DROP_UNLISTED, NULL, NULL, NULL},
	{"before multicast",
	 {"223.255.255.255", .protocol = TCP},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"multicast", {"224.0.0.1", .protocol = TCP}, VG_DROP_MARTIAN, NULL, NULL, NULL},
	{"end of multicast",
	 {"239.255.255.255", .protocol = TCP},
	 VG_DROP_MARTIAN,
	 NULL,
	 NULL,
	 NULL},
	{"240/4", {"240.0.0.1", .protocol = TCP}, VG_DROP_MARTIAN, NULL, NULL, NULL},
	{"240/4 in a set",
	 {"240.1.0.1", .protocol = TCP},
	 VG_PASS_ADMITTED,
	 "vpc",
	 "240.1.0.0/16",
	 NULL},
	{"broadcast",
	 {"255.255.255.255", .protocol = TCP},
	 VG_DROP_MARTIAN,
	 "dmz",
	 "255.255.255.255/32",
	 NULL},
	{"martian to an open service",
	 {"127.0.0.1", .protocol = TCP, .port = 443},
	 VG_DROP_MARTIAN,
	 "dmz",
	 "127.0.0.0/8",
	 NULL},
	{"martian on an open NIC",
	 {"224.0.0.1", .protocol = TCP, .rule = 2},
	 VG_DROP_MARTIAN,
	 NULL,
	 NULL,
	 NULL},
	{"IPv6 loopback", {"::1", .protocol = TCP}, VG_DROP_MARTIAN, NULL, NULL, NULL},
	{"IPv6 multicast", {"ff02::1", .protocol = TCP}, VG_DROP_MARTIAN, "dmz", "ff00::/8", NULL},
	{"::", {"::", .protocol = TCP}, VG_DROP_MARTIAN, "dmz", "::/128", NULL},
	{"::2 is not special", {"::2", .protocol = TCP}, VG_DROP_UNLISTED, NULL, NULL, NULL},
	{"neighbour discovery from multicast",
	 {"ff02::1", .protocol = ICMPV6, .icmp_type = 135, .hop_limit = 255},
	 VG_DROP_MARTIAN,
	 "dmz",
	 "ff00::/8",
	 NULL},

	/* row 6 */
	{"metadata server",
	 {"169.254.169.254", .protocol = TCP, .port = 40000},
	 VG_PASS_ESSENTIAL,
	 "office",
	 "169.254.0.0/16",
	 NULL},
	{"metadata server, L4 unknown",
	 {"169.254.169.254", .protocol = ANY},
	 VG_PASS_ESSENTIAL,
	 "office",
	 "169.254.0.0/16",
	 NULL},
	{"beside the metadata server",
	 {"169.254.169.253", .protocol = TCP},
	 VG_PASS_ADMITTED,
	 "office",
	 "169.254.0.0/16",
	 NULL},
	{"IPv6 metadata server",
	 {"fd20:ce::254", .protocol = TCP},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"on its other side",
	 {"fd20:ce::255", .protocol = TCP},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"beside the IPv6 metadata server",
	 {"fd20:ce::253", .protocol = TCP},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"DHCP from 10/8",
	 {"10.1.0.1", .protocol = UDP, .source_port = 67, .port = 68},
	 VG_PASS_ESSENTIAL,
	 "dmz",
	 "10.1.0.0/16",
	 NULL},
	{"DHCP from 172.16/12",
	 {"172.31.0.1", .protocol = UDP, .source_port = 67, .port = 68},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"DHCP from 192.168/16",
	 {"192.168.0.1", .protocol = UDP, .source_port = 67, .port = 68},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"DHCP from link-local",
	 {"169.254.1.1", .protocol = UDP, .source_port = 67, .port = 68},
	 VG_PASS_ESSENTIAL,
	 "office",
	 "169.254.0.0/16",
	 NULL},
	{"DHCP from beyond 172.16/12",
	 {"172.32.0.1", .protocol = UDP, .source_port = 67, .port = 68},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"DHCP backwards",
	 {"172.16.0.1", .protocol = UDP, .source_port = 68, .port = 67},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"DHCP ports over TCP",
	 {"172.16.0.1", .protocol = TCP, .source_port = 67, .port = 68},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"DHCPv6",
	 {"fe80::1", .protocol = UDP, .source_port = 547, .port = 546},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"DHCPv6 from the end of fe80::/10",
	 {"febf::1", .protocol = UDP, .source_port = 547, .port = 546},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"DHCPv6 from beyond",
	 {"fec0::1", .protocol = UDP, .source_port = 547, .port = 546},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"DHCPv4 ports over IPv6",
	 {"fe80::1", .protocol = UDP, .source_port = 67, .port = 68},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"neighbour solicitation, link-local",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 135, .hop_limit = 255},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"duplicate address detection",
	 {"::", .protocol = ICMPV6, .icmp_type = 135, .hop_limit = 255},
	 VG_PASS_ESSENTIAL,
	 "dmz",
	 "::/128",
	 NULL},
	{"neighbour solicitation, listed",
	 {"fd20:1::1", .protocol = ICMPV6, .icmp_type = 136, .hop_limit = 255},
	 VG_PASS_ESSENTIAL,
	 "vpc",
	 "fd20:1::/32",
	 NULL},
	{"neighbour solicitation, unlisted",
	 {"2001:db8::1", .protocol = ICMPV6, .icmp_type = 136, .hop_limit = 255},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"neighbour solicitation, forwarded",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 135, .hop_limit = 254},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"forwarded from ::",
	 {"::", .protocol = ICMPV6, .icmp_type = 135, .hop_limit = 254},
	 VG_DROP_MARTIAN,
	 "dmz",
	 "::/128",
	 NULL},
	{"router solicitation",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 133, .hop_limit = 255},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"redirect",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 137, .hop_limit = 255},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"type 138",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 138, .hop_limit = 255},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"type 129",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 129, .hop_limit = 255},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"ICMPv6 over IPv4",
	 {"1.2.3.4", .protocol = ICMPV6, .icmp_type = 135, .hop_limit = 255},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"MLD query",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 130, .hop_limit = 1},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"MLD done",
	 {"fe80::1", .protocol = ICMPV6, .icmp_type = 132, .hop_limit = 1},
	 VG_PASS_ESSENTIAL,
	 NULL,
	 NULL,
	 NULL},
	{"MLDv2 report from ::",
	 {"::", .protocol = ICMPV6, .icmp_type = 143, .hop_limit = 1},
	 VG_PASS_ESSENTIAL,
	 "dmz",
	 "::/128",
	 NULL},
	{"MLD, listed only",
	 {"fd20:1::1", .protocol = ICMPV6, .icmp_type = 131, .hop_limit = 1},
	 VG_PASS_ADMITTED,
	 "vpc",
	 "fd20:1::/32",
	 NULL},
	{"MLD, unlisted",
	 {"2001:db8::1", .protocol = ICMPV6, .icmp_type = 131, .hop_limit = 1},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},

	/* rows 7, 8, 11 and 12 by interface */
	{"vpc, internal",
	 {"10.0.0.1", .protocol = TCP, .port = 22},
	 VG_PASS_ADMITTED,
	 "vpc",
	 "10.0.0.0/8",
	 NULL},
	{"load balancer, internal",
	 {"35.191.0.1", .protocol = TCP, .port = 22},
	 VG_DROP_NOT_ADMITTED,
	 "load-balancer",
	 "35.191.0.0/16",
	 NULL},
	{"load balancer, with load balancing",
	 {"35.191.0.1", .protocol = TCP, .port = 22, .rule = 1},
	 VG_PASS_ADMITTED,
	 "load-balancer",
	 "35.191.0.0/16",
	 NULL},
	{"probe, with load balancing",
	 {"209.85.152.1", .protocol = TCP, .port = 22, .rule = 1},
	 VG_PASS_ADMITTED,
	 "health-check",
	 "209.85.152.0/22",
	 NULL},
	{"internet, internal",
	 {"8.8.8.8", .protocol = TCP, .port = 22},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"internet, all",
	 {"8.8.8.8", .protocol = TCP, .port = 22, .rule = 2},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 NULL},
	{"listed, all",
	 {"10.1.0.1", .protocol = TCP, .port = 22, .rule = 2},
	 VG_PASS_OPEN,
	 "dmz",
	 "10.1.0.0/16",
	 NULL},
	{"also-admit",
	 {"203.0.113.9", .protocol = ANY},
	 VG_PASS_ADMITTED,
	 "office",
	 "203.0.113.0/24",
	 NULL},

	/* counted sets: the longest prefix, of ties the first; admitted when any is */
	{"tie of two sets",
	 {"10.1.0.1", .protocol = TCP, .port = 22},
	 VG_PASS_ADMITTED,
	 "dmz",
	 "10.1.0.0/16",
	 NULL},
	{"longest prefix",
	 {"10.1.2.1", .protocol = TCP, .port = 22},
	 VG_PASS_ADMITTED,
	 "office",
	 "10.1.2.0/24",
	 NULL},
	{"tie of sets that aren't admitted",
	 {"10.2.0.1", .protocol = TCP, .port = 22},
	 VG_PASS_ADMITTED,
	 "dmz",
	 "10.2.0.0/16",
	 NULL},
	{"first bytes of an IPv4 set in IPv6",
	 {"a00::1", .protocol = TCP},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},

	/* services */
	{"open service",
	 {"8.8.8.8", .protocol = TCP, .port = 443},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "web"},
	{"its port over UDP",
	 {"8.8.8.8", .protocol = UDP, .port = 443},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"its port over SCTP",
	 {"8.8.8.8", .protocol = IPPROTO_SCTP, .port = 443},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"port unknown",
	 {"8.8.8.8", .protocol = TCP, .port = -1},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"port unknown, protocol's service",
	 {"8.8.8.8", .protocol = UDP, .port = -1},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"L4 unknown",
	 {"8.8.8.8", .protocol = ANY, .port = -1},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"service's also-admit",
	 {"209.85.204.1", .protocol = TCP, .port = 8080},
	 VG_PASS_ADMITTED,
	 "health-check",
	 "209.85.204.0/22",
	 "probed"},
	{"which replaces the interface's",
	 {"203.0.113.1", .protocol = TCP, .port = 8080},
	 VG_DROP_NOT_ADMITTED,
	 "office",
	 "203.0.113.0/24",
	 "probed"},
	{"and inherits the ingress setting",
	 {"10.0.0.1", .protocol = TCP, .port = 8080},
	 VG_PASS_ADMITTED,
	 "vpc",
	 "10.0.0.0/8",
	 "probed"},
	{"also on an open NIC",
	 {"8.8.8.8", .protocol = TCP, .port = 8080, .rule = 2},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "probed"},
	{"empty also-admit",
	 {"203.0.113.1", .protocol = TCP, .port = 8081},
	 VG_DROP_NOT_ADMITTED,
	 "office",
	 "203.0.113.0/24",
	 "closed"},
	{"port before protocol",
	 {"8.8.8.8", .protocol = UDP, .port = 53},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 "dns"},
	{"service closes an open NIC",
	 {"8.8.8.8", .protocol = UDP, .port = 53, .rule = 2},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 "dns"},
	{"protocol alone", {"8.8.8.8", .protocol = IPPROTO_GRE}, VG_PASS_OPEN, NULL, NULL, "gre"},
	{"longest to before port",
	 {"8.8.8.8", "198.51.100.7", TCP, .port = 25},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "lb"},
	{"second item of to",
	 {"8.8.8.8", "198.51.100.8", .protocol = ANY},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "lb"},
	{"of one to, port before protocol",
	 {"8.8.8.8", "198.51.100.9", TCP, .port = 25},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "lb-port"},
	{"of one to, protocol before none",
	 {"8.8.8.8", "198.51.100.9", TCP, .port = 443},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 "lb-tcp"},
	{"to before a port without to",
	 {"8.8.8.8", "198.51.100.9", UDP, .port = 53},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 "lb-net"},
	{"to 0/0 before no to",
	 {"8.8.8.8", "192.0.2.1", UDP, .port = 53},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "any-to"},
	{"0/0 is IPv4 alone",
	 {"2001:db8::1", "2001:db9::1", UDP, .port = 7},
	 VG_PASS_OPEN,
	 NULL,
	 NULL,
	 "udp"},
	{"IPv6 to",
	 {"2001:db8::1", "2001:db8::2", UDP, .port = 7},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 "lb-net"},
	{"destination unknown", {"8.8.8.8", NULL, UDP, .port = 7}, VG_PASS_OPEN, NULL, NULL, "udp"},
	{"to what no server has said yet",
	 {"8.8.8.8", "192.0.2.1", ANY, .port = -1},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"to that, with a port",
	 {"8.8.8.8", "192.0.2.1", TCP, .port = 26},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"to that, from anywhere to anywhere",
	 {"8.8.8.8", NULL, TCP, .port = 26},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 NULL},
	{"to that, where a protocol's service would be less strict",
	 {"8.8.8.8", "2001:db9::1", UDP, .port = 54},
	 VG_DROP_UNLISTED,
	 NULL,
	 NULL,
	 "udp"},
};

static int no_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	(void)context, (void)path, (void)take, (void)to;
	return -ENOENT;
}

static struct vg_policy *build_policy(const char *text)
{
	static const struct vg_reader reader = {.read_lines = no_lines};
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	struct vg_policy *policy = NULL;
	struct vg_diag diag = {};
	char message[2048];

	if (vg_config_parse("vpcgate.yaml", text, strlen(text), &config, &diag) < 0 ||
	    vg_policy_build(config, &reader, &policy, &diag) < 0) {
		vg_diag_format(&diag, message, sizeof(message));
		fail_msg("%s", message);
	}
	return policy;
}

static struct vg_question question_of(const struct frame *frame)
{
	struct vg_question question = {
		.has_destination = frame->to != NULL,
		.protocol = frame->protocol,
		.source_port = frame->source_port ? frame->source_port : -1,
		.port = frame->port ? frame->port : -1,
		.icmp_type = frame->icmp_type ? frame->icmp_type : -1,
		.hop_limit = frame->hop_limit ? frame->hop_limit : -1,
		.rule = frame->rule,
	};

	assert_int_equal(vg_address_parse(frame->from, &question.source), 0);
	if (frame->to)
		assert_int_equal(vg_address_parse(frame->to, &question.destination), 0);
	return question;
}

static void describe(char *out, size_t size, const char *name, enum vg_outcome outcome,
		     const char *set, const char *prefix, const char *service)
{
	snprintf(out, size, "%s: %s %s, set %s, prefix %s, service %s", name,
		 vg_verdict_text(vg_outcome_verdict(outcome)), vg_outcome_text(outcome),
		 set ? set : "none", prefix ? prefix : "none", service ? service : "none");
}

static void test_verdicts(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_policy(config_text);

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_question question = question_of(&cases[i].frame);
		char expected[512], actual[512], prefix[VG_PREFIX_TEXT_SIZE];
		struct vg_answer answer;

		vg_explain(policy, &question, &answer);
		describe(expected, sizeof(expected), cases[i].name, cases[i].outcome, cases[i].set,
			 cases[i].prefix, cases[i].service);
		describe(actual, sizeof(actual), cases[i].name, answer.outcome,
			 answer.set < 0 ? NULL : policy->sets[answer.set].name,
			 answer.has_prefix ? vg_prefix_format(&answer.prefix, prefix) : NULL,
			 answer.service < 0 ? NULL : policy->services[answer.service].name);
		assert_string_equal(actual, expected);
	}
}

static void test_answer(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_policy(config_text);
	const struct frame inside_two = {"10.1.2.3", .protocol = TCP, .port = 8080, .rule = 1};
	const struct frame balancer = {"130.211.0.1", .protocol = TCP};
	struct vg_question question = question_of(&inside_two);
	struct vg_answer answer;
	__u64 sets;

	(void)state;
	vg_explain(policy, &question, &answer);
	sets = 1ULL << vg_policy_set(policy, "vpc") | 1ULL << vg_policy_set(policy, "dmz") |
	       1ULL << vg_policy_set(policy, "office");
	assert_int_equal(answer.sets, sets);
	assert_string_equal(policy->origins[answer.origin].text, "vpcgate.yaml");
	assert_int_equal(answer.effective.ingress, VG_INGRESS_INTERNAL_LB);
	assert_false(answer.effective.open);
	assert_int_equal(answer.effective.sets,
			 1ULL << vg_policy_set(policy, "vpc") |
				 1ULL << vg_policy_set(policy, "load-balancer") |
				 1ULL << vg_policy_set(policy, "health-check"));

	question = question_of(&balancer);
	vg_explain(policy, &question, &answer);
	assert_string_equal(policy->origins[answer.origin].text,
			    "google:load-balancer (2026-11-22)");
	/* Google's probes come from the same range: the source is in both sets. */
	assert_int_equal(answer.sets, 1ULL << vg_policy_set(policy, "load-balancer") |
					      1ULL << vg_policy_set(policy, "health-check"));
}

static void test_rows(void **state)
{
	static const struct {
		unsigned row;
		const char *reason, *verdict;
	} rows[] = {
		{VG_PASS_ESSENTIAL, "essential", "pass"},
		{VG_PASS_NON_IP, "non-ip", "pass"},
		{VG_PASS_OPEN, "open", "pass"},
		{VG_PASS_ADMITTED, "admitted", "pass"},
		{VG_PASS_REPLY, "reply", "pass"},
		{VG_PASS_RELATED, "related", "pass"},
		{VG_DROP_MALFORMED, "malformed", "drop"},
		{VG_DROP_NON_IP, "non-ip", "drop"},
		{VG_DROP_MARTIAN, "martian", "drop"},
		{VG_DROP_FRAGMENT, "fragment", "drop"},
		{VG_DROP_NOT_ADMITTED, "not-admitted", "drop"},
		{VG_DROP_UNLISTED, "unlisted", "drop"},
		{VG_ROW_WOULD_DROP(VG_DROP_MALFORMED), "malformed", "would-drop"},
		{VG_ROW_WOULD_DROP(VG_DROP_NON_IP), "non-ip", "would-drop"},
		{VG_ROW_WOULD_DROP(VG_DROP_MARTIAN), "martian", "would-drop"},
		{VG_ROW_WOULD_DROP(VG_DROP_FRAGMENT), "fragment", "would-drop"},
		{VG_ROW_WOULD_DROP(VG_DROP_NOT_ADMITTED), "not-admitted", "would-drop"},
		{VG_ROW_WOULD_DROP(VG_DROP_UNLISTED), "unlisted", "would-drop"},
	};

	(void)state;
	assert_int_equal(VG_ARRAY_SIZE(rows), VG_ROW_MAX);
	for (unsigned i = 0; i < VG_ROW_MAX; i++) {
		assert_int_equal(rows[i].row, i);
		assert_string_equal(vg_outcome_text(vg_row_outcome(i)), rows[i].reason);
		assert_string_equal(vg_verdict_text(vg_row_verdict(i)), rows[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
