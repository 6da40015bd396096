/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/policy.h"
#include "share/cleanup.h"
#include "tests/oracle/bad_configs.h"
#include "tests/unit/policy_files.h"

#define TOP "interfaces: [ens4]\ningress: all\n"

static __u64 sets_of(const struct vg_policy *policy, const char *const *names)
{
	__u64 sets = 0;

	for (; *names; names++) {
		const int set = vg_policy_set(policy, *names);

		assert_true(set >= 0);
		sets |= 1ULL << set;
	}
	return sets;
}

#define SETS(policy, ...) sets_of(policy, (const char *const[]){__VA_ARGS__, NULL})

static void test_sets(void **state)
{
	struct files files = {
		.items =
			{
				{"/etc/vpcgate/vpcgate.yaml",
				 TOP
				 "sources:\n"
				 "  vpc: [10.128.0.0/20, 'file:nets/office.txt', 192.0.2.1]\n"
				 "  health-check: [google:iap, 'file:/srv/other.txt', google:iap]\n",
				 0},
				{"/etc/vpcgate/nets/office.txt",
				 "# offices\r\n\r\n203.0.113.0/24 # Berlin\r\n\t2001:db8::/32#Paris\n",
				 0},
				{"/srv/other.txt",
				 "\xef\xbb\xbf"
				 "198.51.100.7",
				 0},
			},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build_files(&files);
	char text[1024];

	(void)state;
	assert_string_equal(policy->path, "/etc/vpcgate/vpcgate.yaml");
	assert_int_equal(policy->n_sets, 3);
	assert_string_equal(policy->sets[0].name, "vpc");
	assert_string_equal(policy->sets[1].name, "health-check");
	assert_string_equal(policy->sets[2].name, "load-balancer");
	assert_string_equal(describe_set(policy, "vpc", text, sizeof(text)),
			    "10.128.0.0/20=/etc/vpcgate/vpcgate.yaml "
			    "203.0.113.0/24=file:/etc/vpcgate/nets/office.txt "
			    "192.0.2.1/32=/etc/vpcgate/vpcgate.yaml "
			    "2001:db8::/32=file:/etc/vpcgate/nets/office.txt");
	assert_string_equal(describe_set(policy, "health-check", text, sizeof(text)),
			    "35.235.240.0/20=google:iap (2026-11-22) "
			    "198.51.100.7/32=file:/srv/other.txt "
			    "35.235.240.0/20=google:iap (2026-11-22) "
			    "2600:2d00:1:7::/64=google:iap (2026-11-22) "
			    "2600:2d00:1:7::/64=google:iap (2026-11-22)");
	assert_string_equal(describe_set(policy, "load-balancer", text, sizeof(text)),
			    "35.191.0.0/16=google:load-balancer (2026-11-22) "
			    "130.211.0.0/22=google:load-balancer (2026-11-22) "
			    "2600:2d00:1:1::/64=google:load-balancer (2026-11-22)");
	assert_int_equal(policy->n_prefixes4, 8);
	assert_int_equal(policy->n_prefixes6, 4);
	assert_int_equal(vg_policy_set(policy, "shared-vpc"), -ENOENT);
	assert_int_equal(vg_policy_set(policy, "iap"), -ENOENT);
}

static void test_implicit_sets(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build(TOP);
	_cleanup_(vg_policy_free_p) struct vg_policy *emptied =
		build(TOP "sources: {load-balancer: []}\n");

	(void)state;
	assert_int_equal(policy->n_sets, 2);
	assert_string_equal(policy->sets[0].name, "load-balancer");
	assert_int_equal(vg_set_size(&policy->sets[0]), 3);
	assert_string_equal(policy->sets[1].name, "health-check");
	assert_int_equal(vg_set_size(&policy->sets[1]), 7);
	assert_int_equal(emptied->n_sets, 2);
	assert_int_equal(vg_set_size(&emptied->sets[0]), 0);
}

static void test_settings(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		build(TOP "enforcement: monitor\nnon-ip: pass\nexporter: {listen: 0.0.0.0:1}\n");
	_cleanup_(vg_policy_free_p) struct vg_policy *other = build(TOP "exporter: off\n");

	(void)state;
	assert_true(policy->monitor && policy->non_ip_pass && policy->exporter);
	assert_string_equal(policy->exporter_address, "0.0.0.0");
	assert_int_equal(policy->exporter_port, 1);
	assert_false(other->monitor || other->non_ip_pass || other->exporter);
	assert_null(other->exporter_address);
}

static void test_rules(void **state)
{
	static const struct {
		const char *interface;
		int rule;
	} cases[] = {
		{"ens4", 0},	  {"ens5", 1},	      {"ens45", 1},	  {"eth0", 2},
		{"eth", -ENOENT}, {"eth10", -ENOENT}, {"wlan0", -ENOENT}, {"", -ENOENT},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		build("interfaces: [ens4, {name: 'ens*', ingress: all},\n"
		      "  {name: 'eth[0-9]', attach: native}]\n"
		      "ingress: internal\nattach: generic\nsources: {vpc: [10.0.0.0/8]}\n");

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const int rule = vg_policy_rule(policy, cases[i].interface);

		if (rule != cases[i].rule)
			fail_msg("'%s': rule %d", cases[i].interface, rule);
	}
	assert_int_equal(policy->n_rules, 3);
	assert_int_equal(policy->rules[0].ingress, VG_INGRESS_INTERNAL);
	assert_int_equal(policy->rules[0].attach, VG_ATTACH_GENERIC);
	assert_int_equal(policy->rules[1].ingress, VG_INGRESS_ALL);
	assert_string_equal(policy->rules[1].pattern, "ens*");
	assert_int_equal(policy->rules[2].ingress, VG_INGRESS_INTERNAL);
	assert_int_equal(policy->rules[2].attach, VG_ATTACH_NATIVE);
}

static void test_tune(void **state)
{
	static const bool expected[] = {true, false, false, false};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		build("interfaces: [ens4, {name: ens5, attach: generic}, {name: ens6, tune: no},\n"
		      "  {name: ens7, attach: auto, tune: no}]\n"
		      "ingress: all\nattach: native\ntune: yes\n");
	_cleanup_(vg_policy_free_p) struct vg_policy *one = build(
		"interfaces: [ens4, {name: ens5, attach: native, tune: yes}]\ningress: all\n");
	_cleanup_(vg_policy_free_p) struct vg_policy *none =
		build("interfaces: [ens4]\ningress: all\nattach: native\n");

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(expected); i++)
		if (policy->rules[i].tune != expected[i])
			fail_msg("%s", policy->rules[i].pattern);
	assert_true(!one->rules[0].tune && one->rules[1].tune);
	assert_false(none->rules[0].tune);
}

static const char many_ways[] =
	"interfaces: [ens4, {name: ens5, ingress: internal-and-cloud-load-balancing},\n"
	"  {name: ens6, ingress: all}]\n"
	"ingress: internal\n"
	"also-admit: [iap]\n"
	"sources: {shared-vpc: [10.10.0.0/16], iap: [google:iap], vpc: [10.128.0.0/20], x: []}\n"
	"services:\n"
	"  - {name: inherits, protocol: tcp}\n"
	"  - {name: own, protocol: tcp, port: 1, also-admit: [x, health-check]}\n"
	"  - {name: none, protocol: tcp, port: 2, also-admit: []}\n"
	"  - {name: open, protocol: tcp, port: 3, ingress: all}\n"
	"  - {name: closed, protocol: tcp, port: 4, ingress: internal}\n"
	"  - {name: lb, protocol: 6, port: 5, ingress: INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER}\n";

static void test_effective(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = build(many_ways);
	const __u64 internal = SETS(policy, "vpc", "shared-vpc");
	const __u64 iap = SETS(policy, "iap");
	const __u64 lb = SETS(policy, "load-balancer", "health-check");
	const struct {
		const char *name;
		size_t rule;
		int service;
		enum vg_ingress ingress;
		__u64 sets;
	} cases[] = {
		{"internal", 0, -1, VG_INGRESS_INTERNAL, internal | iap},
		{"internal and lb", 1, -1, VG_INGRESS_INTERNAL_LB, internal | lb | iap},
		{"all", 2, -1, VG_INGRESS_ALL, 0},
		{"inherited", 0, 0, VG_INGRESS_INTERNAL, internal | iap},
		{"inherited from ens5", 1, 0, VG_INGRESS_INTERNAL_LB, internal | lb | iap},
		{"inherited from ens6", 2, 0, VG_INGRESS_ALL, 0},
		{"own also-admit", 0, 1, VG_INGRESS_INTERNAL,
		 internal | SETS(policy, "x", "health-check")},
		{"empty also-admit", 0, 2, VG_INGRESS_INTERNAL, internal},
		{"empty also-admit, ens5", 1, 2, VG_INGRESS_INTERNAL_LB, internal | lb},
		{"open", 0, 3, VG_INGRESS_ALL, 0},
		{"closed on ens6", 2, 4, VG_INGRESS_INTERNAL, internal | iap},
		{"lb on ens4", 0, 5, VG_INGRESS_INTERNAL_LB, internal | lb | iap},
	};

	(void)state;
	assert_int_equal(policy->also_admit, iap);
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_effective effective =
			vg_policy_effective(policy, cases[i].rule, cases[i].service);

		if (effective.ingress != cases[i].ingress ||
		    effective.open != (cases[i].ingress == VG_INGRESS_ALL) ||
		    (!effective.open && effective.sets != cases[i].sets))
			fail_msg("%s: ingress %s, open %d, sets %#llx instead of %#llx",
				 cases[i].name, vg_ingress_text(effective.ingress), effective.open,
				 effective.sets, cases[i].sets);
	}
}

static void test_services(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy =
		build(TOP "services:\n"
			  "  - {name: a, protocol: sctp, port: 7, to: [198.51.100.7, 'fd00::/8']}\n"
			  "  - {name: b, protocol: sctp, port: 8, to: [198.51.100.7]}\n"
			  "  - {name: c, protocol: tcp, port: 7, to: [198.51.100.7]}\n"
			  "  - {name: d, protocol: sctp, port: 7, to: [198.51.100.0/24]}\n"
			  "  - {name: e, protocol: sctp, port: 7}\n"
			  "  - {name: f, to: [198.51.100.7, 198.51.100.7]}\n");
	char text[VG_PREFIX_TEXT_SIZE];

	(void)state;
	assert_int_equal(policy->n_services, 6);
	assert_string_equal(policy->services[0].name, "a");
	assert_int_equal(policy->services[0].protocol, IPPROTO_SCTP);
	assert_int_equal(policy->services[0].port, 7);
	assert_int_equal(policy->services[0].n_to, 2);
	assert_string_equal(vg_prefix_format(&policy->services[0].to[0], text), "198.51.100.7/32");
	assert_string_equal(vg_prefix_format(&policy->services[0].to[1], text), "fd00::/8");
	assert_int_equal(policy->services[5].protocol, VG_PROTOCOL_ANY);
	assert_int_equal(policy->services[5].ingress, VG_INGRESS_INHERIT);
	assert_false(policy->services[5].has_also_admit);
}

/* Nobody at all is a mistake; anybody by any way is not. */
static void test_emptiness(void **state)
{
	static const char *const taken[] = {
		"interfaces: [ens4]\ningress: internal\nallow-empty: true\n",
		"interfaces: [ens4]\ningress: internal-and-cloud-load-balancing\n",
		"interfaces: [ens4, {name: ens5, ingress: all}]\ningress: internal\n",
		"interfaces: [ens4]\ningress: internal\nalso-admit: [load-balancer]\n",
		"interfaces: [ens4]\ningress: internal\nsources: {shared-vpc: ['::/0']}\n",
		"interfaces: [ens4]\ningress: internal\n"
		"services: [{name: web, protocol: tcp, ingress: all}]\n",
		"interfaces: [ens4]\ningress: internal\n"
		"services: [{name: web, protocol: tcp, also-admit: [health-check]}]\n",
	};
	static const char *const refused[] = {
		"interfaces: [ens4]\ningress: internal\nallow-empty: false\n",
		"interfaces: [ens4]\ningress: internal\nsources: {office: [192.0.2.0/24]}\n",
		"interfaces: [ens4]\ningress: internal\nsources: {vpc: []}\n",
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(taken); i++)
		vg_policy_free(build(taken[i]));
	for (size_t i = 0; i < VG_ARRAY_SIZE(refused); i++)
		refuse(&(struct files){.items = {{"vpcgate.yaml", refused[i], 0}}}, -EINVAL,
		       "vpcgate.yaml:2:10: this admits nobody: no prefix in vpc, shared-vpc: add "
		       "some under sources, or write `allow-empty: true`");
}

static void test_unreadable(void **state)
{
	static const char office[] = TOP "sources: {office: ['file:office.txt']}\n";
	struct files no_office = {.items = {{"/etc/vpcgate.yaml", office, 0}}, .error = -EACCES};
	const struct vg_reader reader = {
		.read = read_memory,
		.read_lines = read_memory_lines,
		.context = &(struct files){.error = -EISDIR},
	};
	struct vg_policy *policy = NULL;
	struct vg_diag diag;

	(void)state;
	assert_int_equal(vg_policy_read("/etc/vpcgate.yaml", &reader, &policy, &diag), -EISDIR);
	assert_string_equal(diag.file, "/etc/vpcgate.yaml");
	assert_int_equal(diag.at.line, 0);
	assert_string_equal(diag.text, "can't be read: Is a directory");
	refuse(&no_office, -EACCES,
	       "/etc/vpcgate.yaml:3:20: can't read '/etc/office.txt': Permission denied: make it "
	       "readable or remove the entry");
}

/* What a file of prefixes may hold, byte by byte. */
static void test_files(void **state)
{
	static const struct {
		const char *name, *text;
		size_t length;
		const char *expected; /* the set, or the message */
		int error;
	} cases[] = {
		{"empty", "", 0, "", 0},
		{"comments", "#\n  # 10.0.0.0/8\n#", 0, "", 0},
		{"no last newline", "192.0.2.1", 0, "192.0.2.1/32=file:office.txt", 0},
		{"blanks", " \t192.0.2.1\t \r\n \t \n", 0, "192.0.2.1/32=file:office.txt", 0},
		{"NUL", "192.0.2.1\n 10\0.0.0.1\n", 21,
		 "office.txt:2:4: a NUL byte: write text, one prefix a line", -EINVAL},
		{"NUL in a comment", "# \0\n", 4,
		 "office.txt:1:3: a NUL byte: write text, one prefix a line", -EINVAL},
		{"NUL at the end", "192.0.2.1\0", 10,
		 "office.txt:1:10: a NUL byte: write text, one prefix a line", -EINVAL},
		{"not UTF-8", "caf\xe9\n", 0,
		 "office.txt:1:1: 'caf?' is not a prefix: write it like 10.128.0.0/20 or "
		 "fd20:1:2::/48",
		 -EINVAL},
		{"IPv4-mapped", "\n::ffff:0:0/96\n", 0,
		 "office.txt:2:1: ::ffff:0:0/96 is IPv4-mapped, which is never on the wire: write "
		 "the IPv4 prefix",
		 -EINVAL},
		{"shorter than IPv4-mapped", "::/0\n", 0, "::/0=file:office.txt", 0},
		{"a comma", "192.0.2.1, 192.0.2.2\n", 0,
		 "office.txt:1:12: a second word: write one prefix a line, comments behind '#'",
		 -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
		struct files files = {
			.items =
				{
					{"vpcgate.yaml", TOP "sources: {o: ['file:office.txt']}\n",
					 0},
					{"office.txt", cases[i].text, cases[i].length},
				},
		};
		char text[1024];
		int r;

		print_message("%s\n", cases[i].name);
		r = read_policy(&files, &policy, text, sizeof(text));
		if (r == 0)
			describe_set(policy, "o", text, sizeof(text));
		assert_string_equal(text, cases[i].expected);
		assert_int_equal(r, cases[i].error);
	}
}

/* `n` times a line, then `tail`. */
static char *repeat(const char *line, size_t n, const char *tail)
{
	const size_t length = strlen(line);
	char *text = malloc(n * length + strlen(tail) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * length, line, length);
	strcpy(text + n * length, tail);
	return text;
}

/* Both limits are those of all sets together. */
static void test_limits(void **state)
{
	static const struct {
		const char *name, *line, *expected;
		size_t most;
	} cases[] = {
		{"IPv4", "192.0.2.0/24\n",
		 "b.txt:2:1: more than 1000000 IPv4 prefixes in all source sets: merge neighbours "
		 "into shorter prefixes",
		 VG_MAX_PREFIXES4},
		{"IPv6", "2001:db8::/32\n",
		 "b.txt:2:1: more than 250000 IPv6 prefixes in all source sets: merge neighbours "
		 "into shorter prefixes",
		 VG_MAX_PREFIXES6},
	};
	static const char yaml[] = TOP "sources: {a: ['file:a.txt'], b: ['file:b.txt'],\n"
				       "  load-balancer: [], health-check: []}\n";

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *all_but_one = repeat(cases[i].line, cases[i].most - 1, "");
		_cleanup_free_ char *two = repeat(cases[i].line, 2, "");
		struct files files = {
			.items =
				{
					{"vpcgate.yaml", yaml, 0},
					{"a.txt", all_but_one, 0},
					{"b.txt", cases[i].line, 0},
				},
		};
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;

		print_message("%s\n", cases[i].name);
		policy = build_files(&files);
		assert_int_equal(policy->n_prefixes4 + policy->n_prefixes6, cases[i].most);
		files.items[2].text = two;
		refuse(&files, -E2BIG, cases[i].expected);
	}
}

/* Google's lists count where the config names them, and not where nobody has. */
static void test_limit_and_google(void **state)
{
	_cleanup_free_ char *all = repeat("192.0.2.0/24\n", VG_MAX_PREFIXES4, "");
	struct files files = {
		.items =
			{
				{"vpcgate.yaml",
				 TOP "sources: {a: ['file:a.txt', google:private-access]}\n", 0},
				{"a.txt", all, 0},
			},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;

	(void)state;
	refuse(&files, -E2BIG,
	       "vpcgate.yaml:3:29: more than 1000000 IPv4 prefixes in all source sets: merge "
	       "neighbours into shorter prefixes");
	files.items[0].text = TOP "sources: {a: ['file:a.txt']}\n";
	policy = build_files(&files);
	assert_int_equal(policy->n_sets, 3);
	assert_int_equal(policy->n_prefixes4, VG_MAX_PREFIXES4 + vg_set_size(&policy->sets[1]) +
						      vg_set_size(&policy->sets[2]) -
						      policy->n_prefixes6);
	assert_int_equal(policy->n_prefixes6, 4);
}

/* The most sets that a config may have leave room for the implicit ones, all in one 64-bit mask. */
static void test_most_sets(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_free_ char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	(void)state;
	assert_non_null(out);
	fputs("interfaces: [ens4]\ningress: internal-and-cloud-load-balancing\nsources:\n", out);
	for (int i = 0; i < VG_MAX_SETS; i++)
		fprintf(out, "  a%030d: [10.%d.0.0/16]\n", i, i);
	fputs("also-admit: [a000]\n", out);
	assert_int_equal(fclose(out), 0);
	refuse(&(struct files){.items = {{"vpcgate.yaml", yaml, 0}}}, -EINVAL,
	       "vpcgate.yaml:64:14: unknown source set 'a000': did you mean 'health-check'? There "
	       "are a000000000000000000000000000000, a000000000000000000000000000001, "
	       "a000000000000000000000000000002, a000000000000000000000000000003, "
	       "a000000000000000000000000000004, ...");
	*strstr(yaml, "also-admit") = '#';
	policy = build(yaml);
	assert_int_equal(policy->n_sets, VG_MAX_SETS + 2);
	assert_int_equal(vg_policy_effective(policy, 0, -1).sets, 3ULL << VG_MAX_SETS);
}

static void test_example(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_fclose_ FILE *file = fopen("deploy/vpcgate.yaml", "re");
	char text[16384];
	size_t n;

	(void)state;
	if (!file)
		fail_msg("deploy/vpcgate.yaml: %s (run from the top folder)", strerror(errno));
	n = fread(text, 1, sizeof(text) - 1, file);
	assert_true(n < sizeof(text) - 1);
	text[n] = '\0';
	policy = build(text);
	assert_int_equal(policy->rules[0].ingress, VG_INGRESS_INTERNAL_LB);
	assert_int_equal(policy->n_sets, 6);
	assert_int_equal(policy->n_services, 4);
	assert_int_equal(policy->also_admit, SETS(policy, "iap"));
}

static void test_replies(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *unsaid = build(TOP);
	_cleanup_(vg_policy_free_p) struct vg_policy *off = build(TOP "replies: off\n");
	_cleanup_(vg_policy_free_p) struct vg_policy *given =
		build(TOP "replies: {tcp: 1h, udp: 1m, icmp: 10s, max-flows: 2048}\n");

	(void)state;
	assert_true(unsaid->replies.track);
	assert_int_equal(unsaid->limits.table_bytes, 256 << 20);
	assert_int_equal(unsaid->replies.max_flows, 262144);
	assert_false(off->replies.track);
	assert_true(given->replies.track);
	assert_int_equal(given->replies.tcp_s, 3600);
	assert_int_equal(given->replies.udp_s, 60);
	assert_int_equal(given->replies.icmp_s, 10);
	assert_int_equal(given->replies.max_flows, 2048);
}

/* One test for each config that must be refused. */
static void test_bad_config(void **state)
{
	const struct vg_bad_config *bad = *state;
	struct vg_policy *policy = NULL;
	struct files files = {
		.items =
			{
				{"vpcgate.yaml", bad->yaml, 0},
				{bad->file_name, bad->file_text, 0},
			},
	};
	char message[2048];
	int r;

	r = read_policy(&files, &policy, message, sizeof(message));
	assert_string_equal(message, bad->expected);
	assert_true(r < 0);
	assert_null(policy);
}

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		cmocka_unit_test(test_sets),	   cmocka_unit_test(test_implicit_sets),
		cmocka_unit_test(test_settings),   cmocka_unit_test(test_rules),
		cmocka_unit_test(test_tune),	   cmocka_unit_test(test_effective),
		cmocka_unit_test(test_services),   cmocka_unit_test(test_emptiness),
		cmocka_unit_test(test_unreadable), cmocka_unit_test(test_files),
		cmocka_unit_test(test_limits),	   cmocka_unit_test(test_limit_and_google),
		cmocka_unit_test(test_most_sets),  cmocka_unit_test(test_replies),
		cmocka_unit_test(test_example),
	};
	struct CMUnitTest tests[VG_ARRAY_SIZE(fixed) + VG_ARRAY_SIZE(vg_bad_configs)];

	memcpy(tests, fixed, sizeof(fixed));
	for (size_t i = 0; i < VG_ARRAY_SIZE(vg_bad_configs); i++)
		tests[VG_ARRAY_SIZE(fixed) + i] = (struct CMUnitTest){
			.name = vg_bad_configs[i].name,
			.test_func = test_bad_config,
			.initial_state = (void *)&vg_bad_configs[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
