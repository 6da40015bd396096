/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Services while a feed of theirs has not answered: who gets in, and by which service. */
#include <netinet/in.h>
#include "core/explain.h"
#include "core/tables.h"
#include "tests/unit/listing_text.h"
#include "tests/unit/policy_files.h"

#define ANY VG_PROTOCOL_ANY
#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP

/* The interface is open, so that each refusal is a service's. */
static const char yaml[] =
	"interfaces: [ens4, {name: ens5, ingress: internal}]\n"
	"ingress: all\n"
	"sources: {vpc: [10.0.0.0/8, 'fd20::/16'], office: [203.0.113.0/24]}\n"
	"services:\n"
	"  - {name: db, to: [gcp:forwarded-ips], protocol: tcp, port: 5432, ingress: internal}\n"
	"  - {name: udp, to: [gcp:forwarded-ips, 192.0.2.0/24], protocol: udp, ingress: internal,\n"
	"     also-admit: [office]}\n"
	"  - {name: dns, protocol: udp, port: 53, ingress: all}\n"
	"  - {name: dns-to, to: [192.0.2.53], protocol: udp, port: 53, ingress: all}\n"
	"  - {name: syslog, to: [gcp:metadata], protocol: udp, port: 514, ingress: internal}\n"
	"  - {name: host, to: [198.51.100.5, '2001:db8::5'], protocol: tcp, port: 5432, ingress: all}\n"
	"  - {name: host-any, to: [198.51.100.5], ingress: all}\n"
	"  - {name: sctp, to: [gcp:forwarded-ips], protocol: sctp, ingress: all}\n";

static const struct {
	const char *name, *from, *to; /* `to` NULL: unknown */
	int protocol, port;
	size_t rule;
	enum vg_outcome unread, read; /* before and after 192.0.2.1 is all that is forwarded */
	const char *service, *read_service;
} cases[] = {
	{"a stricter service", "8.8.8.8", "10.1.1.1", TCP, 5432, 0, VG_DROP_UNLISTED, VG_PASS_OPEN,
	 NULL, NULL},
	{"... to what is forwarded", "8.8.8.8", "192.0.2.1", TCP, 5432, 0, VG_DROP_UNLISTED,
	 VG_DROP_UNLISTED, NULL, "db"},
	{"... to anywhere", "8.8.8.8", NULL, TCP, 5432, 0, VG_DROP_UNLISTED, VG_PASS_OPEN, NULL,
	 NULL},
	{"... over IPv6", "2001:db8::1", "2001:db8::2", TCP, 5432, 0, VG_DROP_UNLISTED,
	 VG_PASS_OPEN, NULL, NULL},
	{"whom it admits", "10.1.2.3", "10.1.1.1", TCP, 5432, 0, VG_PASS_ADMITTED, VG_PASS_OPEN,
	 NULL, NULL},
	{"whom another admits", "203.0.113.1", "10.1.1.1", TCP, 5432, 0, VG_DROP_NOT_ADMITTED,
	 VG_PASS_OPEN, NULL, NULL},
	{"another port", "8.8.8.8", "10.1.1.1", TCP, 5433, 0, VG_PASS_OPEN, VG_PASS_OPEN, NULL,
	 NULL},
	{"a strict interface", "8.8.8.8", "10.1.1.1", TCP, 5432, 1, VG_DROP_UNLISTED,
	 VG_DROP_UNLISTED, NULL, NULL},
	{"a less strict service opens nothing", "8.8.8.8", "192.0.2.1", IPPROTO_SCTP, 1, 1,
	 VG_DROP_UNLISTED, VG_PASS_OPEN, NULL, "sctp"},
	{"nor does it close", "8.8.8.8", "192.0.2.1", IPPROTO_SCTP, 1, 0, VG_PASS_OPEN,
	 VG_PASS_OPEN, NULL, "sctp"},
	{"destinations that are known", "203.0.113.1", "192.0.2.2", UDP, 7, 1, VG_PASS_ADMITTED,
	 VG_PASS_ADMITTED, "udp", "udp"},
	{"others of the service", "203.0.113.1", "198.51.100.1", UDP, 7, 0, VG_PASS_ADMITTED,
	 VG_PASS_OPEN, NULL, NULL},
	{"others, refused", "8.8.8.8", "198.51.100.1", UDP, 7, 0, VG_DROP_UNLISTED, VG_PASS_OPEN,
	 NULL, NULL},
	{"another service decides", "8.8.8.8", "10.1.1.1", UDP, 53, 0, VG_DROP_UNLISTED,
	 VG_PASS_OPEN, "dns", "dns"},
	{"... that is closer than any could be", "8.8.8.8", "192.0.2.53", UDP, 53, 0, VG_PASS_OPEN,
	 VG_PASS_OPEN, "dns-to", "dns-to"},
	{"several services", "203.0.113.1", "198.51.100.1", UDP, 514, 0, VG_DROP_NOT_ADMITTED,
	 VG_DROP_NOT_ADMITTED, NULL, NULL},
	{"... one of which is known", "203.0.113.1", "192.0.2.2", UDP, 514, 0, VG_DROP_NOT_ADMITTED,
	 VG_DROP_NOT_ADMITTED, "udp", "udp"},
	{"as close as it could be", "8.8.8.8", "198.51.100.5", TCP, 5432, 0, VG_DROP_UNLISTED,
	 VG_PASS_OPEN, "host", "host"},
	{"... over IPv6", "2001:db8::1", "2001:db8::5", TCP, 5432, 0, VG_DROP_UNLISTED,
	 VG_PASS_OPEN, "host", "host"},
	{"closer than the address alone", "8.8.8.8", "198.51.100.5", UDP, 9, 0, VG_DROP_UNLISTED,
	 VG_PASS_OPEN, "host-any", "host-any"},
	{"a hidden port", "8.8.8.8", "10.1.1.1", VG_PROTOCOL_HIDDEN, -1, 0, VG_DROP_UNLISTED,
	 VG_DROP_UNLISTED, NULL, NULL},
	{"any other protocol", "8.8.8.8", "10.1.1.1", ANY, -1, 0, VG_PASS_OPEN, VG_PASS_OPEN, NULL,
	 NULL},
};

static void expect(const struct vg_policy *policy, size_t i, enum vg_outcome outcome,
		   const char *service)
{
	struct vg_question question = {
		.has_destination = cases[i].to != NULL,
		.protocol = cases[i].protocol,
		.source_port = -1,
		.port = cases[i].port,
		.icmp_type = -1,
		.hop_limit = -1,
		.rule = cases[i].rule,
	};
	struct vg_answer answer;
	const char *found;

	assert_int_equal(vg_address_parse(cases[i].from, &question.source), 0);
	if (cases[i].to)
		assert_int_equal(vg_address_parse(cases[i].to, &question.destination), 0);
	vg_explain(policy, &question, &answer);
	found = answer.service < 0 ? "none" : policy->services[answer.service].name;
	if (answer.outcome != outcome || strcmp(found, service ?: "none") != 0)
		fail_msg("%s: %s by %s", cases[i].name, vg_outcome_text(answer.outcome), found);
}

static void test_verdicts(void **state)
{
	_cleanup_(vg_listing_done) struct vg_listing forwarded = listing_of("192.0.2.1");
	const struct answer answer = {"gcp:forwarded-ips", &forwarded, 1, 0};
	struct files files = {.items = {{"vpcgate.yaml", yaml, 0}}};
	_cleanup_(vg_policy_free_p) struct vg_policy *unread = build_files(&files), *read = NULL;

	(void)state;
	files.answers = &answer;
	files.n_answers = 1;
	read = build_files(&files);
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		expect(unread, i, cases[i].unread, cases[i].service);
		expect(read, i, cases[i].read, cases[i].read_service);
	}
}

/* An answer without addresses is one: then the service has no destinations, and that is known. */
static void test_empty_answer(void **state)
{
	const struct vg_listing none = {};
	const struct answer answers[] = {{"gcp:forwarded-ips", &none, 1, 0},
					 {"gcp:metadata", &none, 1, 0}};
	struct files files = {
		.items = {{"vpcgate.yaml", yaml, 0}}, .answers = answers, .n_answers = 2};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_files(&files);

	(void)state;
	for (size_t i = 0; i < policy->n_services; i++)
		assert_null(policy->services[i].unread);
	expect(policy, 0, VG_PASS_OPEN, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_empty_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
