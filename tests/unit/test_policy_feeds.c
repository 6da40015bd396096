/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Policies with feeds: where their ranges go, and what holds before they have answered. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/policy.h"
#include "share/cleanup.h"
#include "tests/unit/listing_text.h"
#include "tests/unit/policy_files.h"

#define TOP "interfaces: [ens4]\ningress: all\n"
#define INTERNAL "interfaces: [ens4]\ningress: internal\n"

#define SUBNETWORK(cidr, purpose)                                        \
	"{\"name\": \"a\", \"network\": \"n\", \"ipCidrRange\": \"" cidr \
	"\", \"purpose\": \"" purpose "\"}"
#define SUBNETS                                                                                                          \
	"[" SUBNETWORK("10.0.0.0/16", "PRIVATE") "," SUBNETWORK("10.1.0.0/23", "REGIONAL_MANAGED_PROXY") "," SUBNETWORK( \
		"10.2.0.0/23",                                                                                           \
		"GLOBAL_MANAGED_PROXY") "," SUBNETWORK("10.3.0.0/24",                                                    \
						       "PRIVATE_SERVICE_CONNECT") "]"

/* The listing of the same. */
#define ALL_USES \
	"10.0.0.0/16=subnet 10.1.0.0/23=regional-proxy 10.2.0.0/23=global-proxy 10.3.0.0/24=psc"

/* "NAME: PREFIX PREFIX; NAME: ..." of all sets but Google's. */
static const char *describe_sets(const struct vg_policy *policy, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < policy->n_sets; i++) {
		const struct vg_set *set = &policy->sets[i];

		if (!strcmp(set->name, "load-balancer") || !strcmp(set->name, "health-check"))
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s:", used ? "; " : "",
					 set->name);
		for (size_t j = 0; j < vg_set_size(set); j++) {
			const struct vg_range range = vg_set_range(set, j);
			char text[VG_PREFIX_TEXT_SIZE];

			used += (size_t)snprintf(out + used, size - used, " %s",
						 vg_prefix_format(&range.prefix, text));
		}
		assert_true(used < size);
	}
	return out;
}

static void test_uses(void **state)
{
	static const struct {
		const char *sources, *feed, *listing;
		bool shared;
		const char *expected;
	} cases[] = {
		{"vpc: [gcp:subnets]", "gcp:subnets", ALL_USES, false,
		 "vpc: 10.0.0.0/16 10.2.0.0/23; shared-vpc:; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"vpc: [gcp:subnets]", "gcp:subnets", ALL_USES, true,
		 "vpc: 10.2.0.0/23; shared-vpc: 10.0.0.0/16; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"shared-vpc: [gcp:subnets]", "gcp:subnets", ALL_USES, false,
		 "shared-vpc:; vpc: 10.0.0.0/16 10.2.0.0/23; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"shared-vpc: [gcp:subnets]", "gcp:subnets", ALL_USES, true,
		 "shared-vpc: 10.0.0.0/16; vpc: 10.2.0.0/23; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"office: [gcp:subnets]", "gcp:subnets", ALL_USES, true,
		 "office: 10.0.0.0/16 10.2.0.0/23; vpc:; shared-vpc:; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"regional-proxy: [gcp:subnets]", "gcp:subnets", ALL_USES " 192.0.2.0/24", false,
		 "regional-proxy: 10.1.0.0/23 192.0.2.0/24; vpc:; shared-vpc:; psc:"},
		{"psc: [gcp:subnets]", "gcp:subnets", ALL_USES " 192.0.2.0/24", false,
		 "psc: 10.3.0.0/24 192.0.2.0/24; vpc:; shared-vpc:; regional-proxy:"},
		{"psc: [192.0.2.1], vpc: [gcp:subnets, 192.0.2.2], regional-proxy: [192.0.2.3]",
		 "gcp:subnets", ALL_USES, false,
		 "psc: 192.0.2.1/32 10.3.0.0/24; vpc: 10.0.0.0/16 10.2.0.0/23 192.0.2.2/32; "
		 "regional-proxy: 10.1.0.0/23 192.0.2.3/32; shared-vpc:"},
		{"vpc: ['gcp:subnets?network=a']", "gcp:subnets?network=a", ALL_USES, false,
		 "vpc: 10.0.0.0/16 10.2.0.0/23; shared-vpc:; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"vpc: [gcp:metadata]", "gcp:metadata", "10.0.0.0/20=subnet fd20::/64=subnet", true,
		 "vpc:; shared-vpc: 10.0.0.0/20 fd20::/64; regional-proxy:; psc:"},
		{"vpc: ['https://example.com/a']", "https://example.com/a", ALL_USES, false,
		 "vpc: 10.0.0.0/16 10.2.0.0/23; shared-vpc:; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"office: ['https://example.com/a']", "https://example.com/a", "192.0.2.0/24",
		 false, "office: 192.0.2.0/24; vpc:; shared-vpc:; regional-proxy:; psc:"},
		{"apis: [google:cloud]", "google:cloud", "8.8.8.0/24 2001:4860::/32", false,
		 "apis: 8.8.8.0/24 2001:4860::/32"},
		{"shared-vpc: [gcp:connectors, gcp:peering-routes, gcp:forwarded-ips]",
		 "gcp:connectors", "10.8.0.0/28", false, "shared-vpc: 10.8.0.0/28"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing listing = listing_of(cases[i].listing);
		const struct answer answer = {cases[i].feed, &listing, 1000, 0};
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
		_cleanup_free_ char *yaml = NULL;
		char text[1024];

		listing.shared = cases[i].shared;
		assert_true(asprintf(&yaml, TOP "sources: {%s}\n", cases[i].sources) > 0);
		print_message("%s", yaml);
		policy = build_files(&(struct files){
			.items = {{"vpcgate.yaml", yaml, 0}}, .answers = &answer, .n_answers = 1});
		assert_string_equal(describe_sets(policy, text, sizeof(text)), cases[i].expected);
		assert_string_equal(policy->sets[policy->n_sets - 1].name, "health-check");
	}
}

/* A file is recognised by how it begins, and its ranges go where those of a server would. */
static void test_json_files(void **state)
{
	static const struct {
		const char *name, *sources, *text, *expected;
	} cases[] = {
		{"subnets", "vpc: ['file:a']", SUBNETS,
		 "vpc: 10.0.0.0/16 10.2.0.0/23; shared-vpc:; regional-proxy: 10.1.0.0/23; "
		 "psc: 10.3.0.0/24"},
		{"subnets elsewhere", "office: ['file:a', 192.0.2.1]", SUBNETS,
		 "office: 10.0.0.0/16 10.2.0.0/23 192.0.2.1/32; vpc:; shared-vpc:; "
		 "regional-proxy: 10.1.0.0/23; psc: 10.3.0.0/24"},
		{"blanks and a byte order mark", "apis: ['file:a']",
		 "\xef\xbb\xbf \n\n\t{\"prefixes\":\n[{\"ipv4Prefix\": \"8.8.8.0/24\"}]}\n",
		 "apis: 8.8.8.0/24"},
		{"blank lines before lines", "apis: ['file:a']", "\n \n192.0.2.1\n#{\n",
		 "apis: 192.0.2.1/32"},
		{"a scope", "apis: ['file:a?scope=us-east1']",
		 "{\"prefixes\": [{\"ipv4Prefix\": \"8.8.8.0/24\", \"scope\": \"us-east1\"},"
		 " {\"ipv4Prefix\": \"8.8.4.0/24\", \"scope\": \"us-west1\"}]}",
		 "apis: 8.8.8.0/24"},
		{"no prefixes", "apis: ['file:a']", "{\"syncToken\": \"1\", \"prefixes\": []}",
		 "apis:"},
		{"no subnets, but its sets", "office: ['file:a']",
		 "{\"items\": {\"regions/a\": {\"subnetworks\": []}}}",
		 "office:; vpc:; shared-vpc:; regional-proxy:; psc:"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
		_cleanup_free_ char *yaml = NULL;
		char text[1024];

		print_message("%s\n", cases[i].name);
		assert_true(asprintf(&yaml, TOP "sources: {%s}\n", cases[i].sources) > 0);
		policy = build_files(&(struct files){
			.items = {{"vpcgate.yaml", yaml, 0}, {"a", cases[i].text, 0}}});
		assert_string_equal(describe_sets(policy, text, sizeof(text)), cases[i].expected);
	}
}

/* Addresses, not texts; nothing while one of both is not known. */
static void test_differences(void **state)
{
	static const char yaml[] = TOP "sources: {apis: [{google: goog, minus: cloud}]}\n";
	static const char files_yaml[] = TOP "sources: {apis: [192.0.2.1, {file: a, minus: b}]}\n";
	_cleanup_(vg_listing_done) struct vg_listing goog = listing_of("8.8.0.0/22 2001:4860::/32");
	_cleanup_(vg_listing_done) struct vg_listing cloud =
		listing_of("8.8.1.0/24=psc 8.8.2.0/23 2001:4860::/33");
	const struct answer both[] = {{"google:goog", &goog, 2000, 0},
				      {"google:cloud", &cloud, 1000, 0}};
	const struct {
		const char *name;
		struct files files;
		const char *expected;
		bool unread;
		__s64 read_s;
	} cases[] = {
		{"both",
		 {.items = {{"vpcgate.yaml", yaml, 0}}, .answers = both, .n_answers = 2},
		 "apis: 8.8.0.0/24 2001:4860:8000::/33",
		 false,
		 1000},
		{"goog alone",
		 {.items = {{"vpcgate.yaml", yaml, 0}}, .answers = both, .n_answers = 1},
		 "apis:",
		 true,
		 0},
		{"cloud alone",
		 {.items = {{"vpcgate.yaml", yaml, 0}}, .answers = both + 1, .n_answers = 1},
		 "apis:",
		 true,
		 0},
		{"files",
		 {.items = {{"vpcgate.yaml", files_yaml, 0},
			    {"a", "198.51.100.0/24\n", 0},
			    {"b", "{\"prefixes\": [{\"ipv4Prefix\": \"198.51.100.128/25\"}]}", 0}}},
		 "apis: 192.0.2.1/32 198.51.100.0/25",
		 false,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct files files = cases[i].files;
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_files(&files);
		char text[1024];

		print_message("%s\n", cases[i].name);
		assert_string_equal(describe_sets(policy, text, sizeof(text)), cases[i].expected);
		assert_string_equal(policy->origins[1].text, files.answers ? "google:goog minus "
									     "google:cloud"
									   : "file:a minus file:b");
		assert_true(policy->origins[1].feed);
		assert_int_equal(policy->origins[1].unread, cases[i].unread);
		assert_int_equal(policy->origins[1].read_s, cases[i].read_s);
		assert_int_equal(policy->n_feeds, 2);
	}
}

/* Before there are answers: no ranges, no error, and every set that a config may name. */
static void test_unread(void **state)
{
	static const char *const taken[] = {
		INTERNAL "sources: {vpc: [gcp:subnets]}\n",
		INTERNAL "sources: {vpc: [gcp:metadata]}\n",
		INTERNAL "sources: {shared-vpc: [gcp:connectors]}\n",
		INTERNAL "sources: {vpc: ['https://example.com/a']}\n",
		INTERNAL "sources: {vpc: [{google: goog, minus: cloud}]}\n",
		INTERNAL "also-admit: [psc, regional-proxy, office]\n"
			 "sources: {office: [gcp:subnets]}\n",
		INTERNAL "also-admit: [psc]\nsources: {office: ['https://example.com/a']}\n",
		INTERNAL "also-admit: [office]\nsources: {office: [google:cloud]}\n",
		"interfaces: [ens4]\ningress: internal-and-cloud-load-balancing\n"
		"sources: {load-balancer: [], health-check: [], regional-proxy: [gcp:subnets]}\n",
	};
	static const char *const refused[] = {
		INTERNAL "sources: {office: [gcp:subnets]}\n",
		INTERNAL "sources: {psc: [gcp:subnets]}\n",
		INTERNAL "sources: {regional-proxy: ['https://example.com/a']}\n",
		INTERNAL "sources: {apis: [google:cloud]}\n",
		INTERNAL "services: [{name: a, to: [gcp:forwarded-ips], ingress: internal}]\n",
	};
	_cleanup_(vg_listing_done) struct vg_listing nothing = {};
	const struct answer answers[] = {{"gcp:subnets", &nothing, 1, 0}};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(taken); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = build(taken[i]);
		struct files files = {.items = {{"vpcgate.yaml", taken[i], 0}},
				      .answers = answers,
				      .n_answers = 1};

		assert_true(policy->origins[1].feed && policy->origins[1].unread);
		assert_int_equal(policy->origins[1].read_s, 0);
		/* An answer can't make the config wrong, though it be an empty one. */
		vg_policy_free(build_files(&files));
	}
	for (size_t i = 0; i < VG_ARRAY_SIZE(refused); i++)
		refuse(&(struct files){.items = {{"vpcgate.yaml", refused[i], 0}}}, -EINVAL,
		       "vpcgate.yaml:2:10: this admits nobody: no prefix in vpc, shared-vpc: add "
		       "some under sources, or write `allow-empty: true`");
	refuse(&(struct files){.items = {{"vpcgate.yaml",
					  "interfaces: [ens4]\n"
					  "ingress: internal-and-cloud-load-balancing\n"
					  "sources: {load-balancer: [], health-check: [],\n"
					  "  psc: [gcp:subnets]}\n",
					  0}}},
	       -EINVAL,
	       "vpcgate.yaml:2:10: this admits nobody: no prefix in vpc, shared-vpc, load-balancer, "
	       "health-check, regional-proxy: add some under sources, or write `allow-empty: true`");
}

static void test_scope_that_nothing_has(void **state)
{
	(void)state;
	refuse(&(struct files){.items = {{"vpcgate.yaml",
					  TOP "sources: {apis: ['file:a?scope=mars']}\n", 0},
					 {"a",
					  "{\"prefixes\": [{\"ipv4Prefix\": \"8.8.8.0/24\","
					  " \"scope\": \"us-east1\"}]}",
					  0}}},
	       -EINVAL,
	       "vpcgate.yaml:3:18: 'file:a?scope=mars' has no prefix with that scope and service: "
	       "look how cloud.json spells them");
}

static void test_failed_answer(void **state)
{
	const struct answer answer = {"gcp:subnets", NULL, 0, -EIO};

	(void)state;
	refuse(&(struct files){.items = {{"vpcgate.yaml", TOP "sources: {vpc: [gcp:subnets]}\n",
					  0}},
			       .answers = &answer,
			       .n_answers = 1},
	       -EIO, "vpcgate.yaml:3:17: can't read 'gcp:subnets': Input/output error");
}

/* Of which the daemon asks; a set says where its entries come from, ranges or not. */
static void test_feeds_and_origins(void **state)
{
	_cleanup_(vg_listing_done) struct vg_listing subnets = listing_of(ALL_USES);
	const struct answer answer = {"gcp:subnets", &subnets, 1795000000, 0};
	struct files files = {
		.items =
			{
				{"/etc/vpcgate/vpcgate.yaml",
				 TOP
				 "sources:\n"
				 "  vpc: [gcp:subnets, 192.0.2.1, gcp:metadata]\n"
				 "  office: ['file:a.txt', 'file:b.json?service=x', 192.0.2.2,\n"
				 "           gcp:subnets, 'file:a.txt', google:iap]\n"
				 "services: [{name: lb, to: [gcp:forwarded-ips, 'file:a.txt']}]\n"
				 "discovery: {refresh: 1h, compute: 'https://example.com/'}\n",
				 0},
				{"/etc/vpcgate/a.txt", "198.51.100.1\n", 0},
				{"/etc/vpcgate/b.json",
				 "{\"prefixes\": [{\"ipv4Prefix\": \"192.0.2.9/32\", \"service\": \"x\"}]}",
				 0},
			},
		.answers = &answer,
		.n_answers = 1,
	};
	static const struct {
		const char *text, *place;
		unsigned line, column;
	} feeds[] = {
		{"gcp:subnets", NULL, 4, 9},
		{"gcp:metadata", NULL, 4, 33},
		{"file:a.txt", "/etc/vpcgate/a.txt", 5, 12},
		{"file:b.json?service=x", "/etc/vpcgate/b.json", 5, 26},
		{"gcp:forwarded-ips", NULL, 7, 28},
	};
	static const struct {
		const char *set, *origins[8];
	} origins[] = {
		{"vpc", {"gcp:subnets", "/etc/vpcgate/vpcgate.yaml", "gcp:metadata"}},
		{"office",
		 {"file:/etc/vpcgate/a.txt", "file:/etc/vpcgate/b.json?service=x",
		  "/etc/vpcgate/vpcgate.yaml", "gcp:subnets", "google:iap (2026-11-22)"}},
		{"shared-vpc", {NULL}},
		{"regional-proxy", {"gcp:subnets"}},
		{"psc", {"gcp:subnets"}},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_files(&files);

	(void)state;
	assert_int_equal(policy->n_feeds, VG_ARRAY_SIZE(feeds));
	for (size_t i = 0; i < VG_ARRAY_SIZE(feeds); i++) {
		assert_string_equal(policy->feeds[i].text, feeds[i].text);
		assert_int_equal(!policy->feeds[i].place, !feeds[i].place);
		if (feeds[i].place)
			assert_string_equal(policy->feeds[i].place, feeds[i].place);
		if (policy->feeds[i].at.line != feeds[i].line ||
		    policy->feeds[i].at.column != feeds[i].column)
			fail_msg("%s is at %u:%u", feeds[i].text, policy->feeds[i].at.line,
				 policy->feeds[i].at.column);
	}
	for (size_t i = 0; i < VG_ARRAY_SIZE(origins); i++) {
		const int set = vg_policy_set(policy, origins[i].set);
		size_t n = 0;

		print_message("%s\n", origins[i].set);
		assert_true(set >= 0);
		for (; origins[i].origins[n]; n++) {
			assert_true(n < policy->sets[set].n_origins);
			assert_string_equal(policy->origins[policy->sets[set].origins[n]].text,
					    origins[i].origins[n]);
		}
		assert_int_equal(policy->sets[set].n_origins, n);
	}
	for (size_t i = 0; i < policy->n_origins; i++) {
		const struct vg_origin *origin = &policy->origins[i];

		assert_int_equal(origin->read_s,
				 strcmp(origin->text, "gcp:subnets") ? 0 : 1795000000);
		assert_int_equal(origin->unread, !strcmp(origin->text, "gcp:metadata"));
		assert_int_equal(origin->feed, !strncmp(origin->text, "gcp:", 4) ||
						       !strncmp(origin->text, "file:", 5));
	}
	assert_int_equal(policy->discovery.refresh_s, 3600);
	assert_string_equal(policy->discovery.compute, "https://example.com");
}

/* What a service's `to` comes to, "PREFIX PREFIX". */
static const char *describe_to(const struct vg_service *service, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < service->n_to; i++) {
		char text[VG_PREFIX_TEXT_SIZE];

		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "",
					 vg_prefix_format(&service->to[i], text));
		assert_true(used < size);
	}
	return out;
}

static void expect_unread(const struct vg_service *service, const char *feed)
{
	assert_int_equal(service->unread != NULL, feed != NULL);
	if (feed)
		assert_string_equal(service->unread->text, feed);
}

static void test_destinations(void **state)
{
	static const char yaml[] =
		TOP "services:\n"
		    "  - {name: lb, to: [gcp:forwarded-ips]}\n"
		    "  - {name: list, to: ['file:a', 192.0.2.4, gcp:metadata]}\n"
		    "  - {name: written, to: [192.0.2.1]}\n"
		    "  - {name: web, protocol: tcp, port: 80, to: [gcp:forwarded-ips]}\n"
		    "  - {name: any, protocol: tcp}\n";
	_cleanup_(vg_listing_done) struct vg_listing forwarded =
		listing_of("192.0.2.1 192.0.2.2 2001:db8::1 192.0.2.2 192.0.2.3");
	const struct answer answer = {"gcp:forwarded-ips", &forwarded, 1, 0};
	/* 192.0.2.1 is written for another service, and 192.0.2.3 comes to the first with a feed. */
	static const char *const unread[] = {"", "192.0.2.4/32 192.0.2.3/32", "192.0.2.1/32", "",
					     ""};
	static const char *const read[] = {
		"192.0.2.2/32 2001:db8::1/128 192.0.2.3/32", "192.0.2.4/32", "192.0.2.1/32",
		"192.0.2.1/32 192.0.2.2/32 2001:db8::1/128 192.0.2.3/32", ""};
	static const char *const unread_before[] = {"gcp:forwarded-ips", "gcp:metadata", NULL,
						    "gcp:forwarded-ips", NULL};
	static const char *const unread_after[] = {NULL, "gcp:metadata", NULL, NULL, NULL};
	struct files files = {.items = {{"vpcgate.yaml", yaml, 0}, {"a", "192.0.2.3\n", 0}}};
	_cleanup_(vg_policy_free_p) struct vg_policy *before = build_files(&files), *after = NULL;
	char text[1024];

	(void)state;
	files.answers = &answer;
	files.n_answers = 1;
	after = build_files(&files);
	for (size_t i = 0; i < VG_ARRAY_SIZE(read); i++) {
		print_message("%s\n", before->services[i].name);
		assert_string_equal(describe_to(&before->services[i], text, sizeof(text)),
				    unread[i]);
		assert_string_equal(describe_to(&after->services[i], text, sizeof(text)), read[i]);
		assert_int_equal(before->services[i].has_to, i != 4);
		assert_int_equal(after->services[i].has_to, i != 4);
		expect_unread(&before->services[i], unread_before[i]);
		expect_unread(&after->services[i], unread_after[i]);
	}
}

static struct vg_listing many(unsigned n)
{
	struct vg_listing listing = {};

	for (unsigned i = 0; i < n; i++) {
		const struct vg_prefix prefix = {{.hi = (__u64)(0x0a000000 + i) << 32, .family = 4},
						 32};

		assert_int_equal(vg_listing_add(&listing, &prefix, VG_RANGE_ANY,
						VG_LISTING_NO_SCOPE),
				 0);
	}
	return listing;
}

static void test_limit_of_destinations(void **state)
{
	_cleanup_(vg_listing_done) struct vg_listing listing = many(VG_MAX_DESTINATIONS);
	const struct answer answer = {"gcp:forwarded-ips", &listing, 1, 0};
	struct files files = {
		.items = {{"vpcgate.yaml",
			   TOP "services: [{name: a, to: [192.0.2.1, gcp:forwarded-ips]}]\n", 0}},
		.answers = &answer,
		.n_answers = 1,
	};
	struct vg_policy *policy;

	(void)state;
	refuse(&files, -E2BIG,
	       "vpcgate.yaml:3:38: to: more than 4096 destinations in all services, with those of "
	       "'gcp:forwarded-ips': merge prefixes");
	listing.n--;
	policy = build_files(&files);
	assert_int_equal(policy->services[0].n_to, VG_MAX_DESTINATIONS);
	vg_policy_free(policy);
}

/* A feed's ranges count like all others. */
static void test_limit_of_prefixes(void **state)
{
	static const char yaml[] =
		TOP "sources: {vpc: [google:goog, google:cloud, gcp:connectors,\n"
		    "  gcp:peering-routes, gcp:forwarded-ips]}\n";
	_cleanup_(vg_listing_done) struct vg_listing quarter = many(VG_LISTING_MAX_RANGES);
	_cleanup_(vg_listing_done) struct vg_listing one = listing_of("192.0.2.1");
	const struct answer answers[] = {
		{"google:goog", &quarter, 1, 0},    {"google:cloud", &quarter, 1, 0},
		{"gcp:connectors", &quarter, 1, 0}, {"gcp:peering-routes", &quarter, 1, 0},
		{"gcp:forwarded-ips", &one, 1, 0},
	};
	struct files files = {
		.items = {{"vpcgate.yaml", yaml, 0}},
		.answers = answers,
		.n_answers = VG_ARRAY_SIZE(answers),
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;

	(void)state;
	assert_int_equal(VG_MAX_PREFIXES4, 4 * VG_LISTING_MAX_RANGES);
	refuse(&files, -E2BIG,
	       "vpcgate.yaml:4:23: more than 1000000 IPv4 prefixes in all source sets, with those "
	       "of gcp:forwarded-ips: merge neighbours into shorter prefixes");
	files.n_answers--;
	policy = build_files(&files);
	assert_int_equal(vg_set_size(&policy->sets[0]), VG_MAX_PREFIXES4);
}

static char *repeat(const char *head, const char *format, unsigned n, const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(head, out);
	for (unsigned i = 0; i < n; i++) {
		const char *hash = strchr(format, '#');

		fprintf(out, "%.*s%u%s", (int)(hash - format), format, i, hash + 1);
	}
	fputs(tail, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_limit_of_feeds(void **state)
{
	static const struct {
		const char *name, *head, *item, *tail;
		unsigned most;
		const char *expected;
	} cases[] = {
		{"feeds", TOP "sources:\n  vpc:\n", "  - gcp:subnets?network=n#\n",
		 "services: [{name: a, to: ['gcp:subnets?network=n1']}]\n", VG_MAX_FEEDS,
		 "vpcgate.yaml:261:5: more than 256 different feeds: put lists together in one "
		 "file"},
		{"sets", TOP "sources:\n", "  s#: []\n", "  last: [gcp:subnets]\n",
		 VG_MAX_POLICY_SETS - 7,
		 "vpcgate.yaml:61:10: more than 63 source sets, with vpc, shared-vpc, "
		 "regional-proxy, psc, load-balancer and health-check, which there are with "
		 "'gcp:subnets': merge some"},
		{"sets, one given", TOP "sources:\n  psc: []\n", "  s#: []\n",
		 "  last: [gcp:subnets]\n", VG_MAX_POLICY_SETS - 7,
		 "vpcgate.yaml:62:10: more than 63 source sets, with vpc, shared-vpc, "
		 "regional-proxy, psc, load-balancer and health-check, which there are with "
		 "'gcp:subnets': merge some"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *most =
			repeat(cases[i].head, cases[i].item, cases[i].most, cases[i].tail);
		_cleanup_free_ char *one_past =
			repeat(cases[i].head, cases[i].item, cases[i].most + 1, cases[i].tail);
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;

		print_message("%s\n", cases[i].name);
		policy = build(most);
		if (i)
			assert_int_equal(policy->n_sets, VG_MAX_POLICY_SETS);
		refuse(&(struct files){.items = {{"vpcgate.yaml", one_past, 0}}}, -E2BIG,
		       cases[i].expected);
	}
}

/* Without replies, answers have to come in like anything else. */
static void test_answers_are_admitted(void **state)
{
#define OFF(interfaces) "interfaces: " interfaces "\nreplies: off\ningress: "
#define ONE OFF("[ens4]")
	static const char *const taken[] = {
		ONE "all\nsources: {vpc: [gcp:subnets]}\n",
		ONE "internal\nsources: {vpc: [gcp:metadata]}\n",
		ONE "internal\nsources: {vpc: [192.0.2.1]}\n"
		    "services: [{name: a, to: [gcp:forwarded-ips], ingress: all}]\n",
		ONE "internal\nsources: {vpc: ['file:/dev/null', 192.0.2.1]}\n",
		ONE "internal\nalso-admit: [apis]\n"
		    "sources: {vpc: [gcp:subnets], apis: [google:private-access]}\n",
		ONE "internal\nsources: {vpc: [gcp:subnets, 199.36.153.0/24]}\n",
		ONE "internal\nsources: {vpc: [google:cloud, 199.36.153.4/30]}\n",
		ONE "internal\nsources: {vpc: ['https://192.0.2.1/a', 192.0.2.0/24]}\n",
		ONE "internal\nsources: {vpc: ['https://[2001:db8::1]/a', '2001:db8::/32']}\n",
		ONE "internal\nsources: {vpc: ['https://example.com/', google:private-access]}\n",
		OFF("[ens4, {name: ens5, ingress: all}]") "internal\n"
							  "sources: {vpc: [gcp:subnets, google:private-access]}\n",
		ONE "internal\nsources: {vpc: [gcp:subnets], apis: [google:private-access]}\n"
		    "services: [{name: tcp, protocol: tcp, also-admit: [apis]}]\n",
		ONE "internal\nalso-admit: [a]\n"
		    "sources: {vpc: [gcp:subnets], a: [google:private-access]}\n"
		    "services: [{name: tcp, protocol: tcp, to: [192.0.2.1], also-admit: []}]\n",
		ONE "all\nsources: {vpc: [gcp:subnets]}\n"
		    "services: [{name: a, to: [gcp:forwarded-ips], ingress: internal}]\n",
		ONE
		"all\nsources: {vpc: [gcp:subnets]}\n"
		"services: [{name: a, to: [gcp:subnets], protocol: tcp, port: 80, ingress: internal},\n"
		"  {name: b, to: [gcp:subnets], protocol: udp, ingress: internal}]\n",
		ONE
		"all\nsources: {vpc: [gcp:subnets], a: [google:private-access]}\n"
		"services: [{name: a, to: [gcp:subnets], ingress: internal, also-admit: [a]}]\n",
	};
	static const char *const refused[] = {
		ONE "internal\nsources: {vpc: [gcp:subnets], apis: [google:private-access]}\n",
		ONE "internal\nsources: {vpc: [gcp:subnets, 199.36.153.8/31, 199.36.153.10/31]}\n",
		ONE "internal\nsources: {vpc: [gcp:subnets], a: [google:private-access]}\n"
		    "services: [{name: tcp, protocol: tcp, port: 80, also-admit: [a]}]\n",
		ONE "internal\nalso-admit: [a]\n"
		    "sources: {a: [google:private-access], vpc: [gcp:subnets]}\n"
		    "services: [{name: tcp, protocol: tcp, also-admit: []}]\n",
		/* They might be for this one, for all that is known before they have come. */
		ONE "all\nsources: {vpc: [gcp:subnets]}\n"
		    "services: [{name: a, to: [gcp:subnets], ingress: internal}]\n",
	};
#undef ONE
#undef OFF

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(taken); i++)
		vg_policy_free(build_files(&(struct files){
			.items = {{"vpcgate.yaml", taken[i], 0}, {"/dev/null", "", 0}}}));
	for (size_t i = 0; i < VG_ARRAY_SIZE(refused); i++) {
		_cleanup_free_ char *expected = NULL;
		const bool below = strstr(refused[i], "also-admit: [a]\nsources");

		assert_true(asprintf(&expected,
				     "vpcgate.yaml:%s: with `replies: off` no answer to "
				     "'gcp:subnets' could come in: write `replies: track`, or "
				     "`also-admit` a set with google:private-access",
				     below ? "5:45" : "4:17") > 0);
		refuse(&(struct files){.items = {{"vpcgate.yaml", refused[i], 0}}}, -EINVAL,
		       expected);
	}
}

/* They may come from an external load balancer, and so are admitted where those are. */
static void test_regional_proxies(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		build("interfaces: [ens4, {name: ens5, ingress: internal}]\n"
		      "ingress: internal-and-cloud-load-balancing\n"
		      "sources: {vpc: [gcp:subnets]}\n");
	const __u64 proxy = 1ULL << vg_policy_set(policy, "regional-proxy");
	const __u64 psc = 1ULL << vg_policy_set(policy, "psc");

	(void)state;
	assert_true(vg_policy_effective(policy, 0, -1).sets & proxy);
	assert_false(vg_policy_effective(policy, 1, -1).sets & proxy);
	assert_false(vg_policy_effective(policy, 0, -1).sets & psc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_json_files),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_scope_that_nothing_has),
		cmocka_unit_test(test_failed_answer),
		cmocka_unit_test(test_feeds_and_origins),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_limit_of_destinations),
		cmocka_unit_test(test_limit_of_prefixes),
		cmocka_unit_test(test_limit_of_feeds),
		cmocka_unit_test(test_answers_are_admitted),
		cmocka_unit_test(test_regional_proxies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
