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
#include "core/config.h"
#include "core/nearest.h"
#include "share/cleanup.h"
#include "tests/oracle/bad_configs.h"

#define TOP "interfaces: [ens4]\ningress: all\n"

/* A copy of exactly that size, so that the sanitizer sees a byte too far. */
static char *exact_copy(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

static struct vg_config *parse_bytes(const char *text, size_t length)
{
	_cleanup_free_ char *copy = exact_copy(text, length);
	struct vg_config *config = NULL;
	struct vg_diag diag = {};
	char message[2048];

	if (vg_config_parse("vpcgate.yaml", copy, length, &config, &diag) < 0) {
		vg_diag_format(&diag, message, sizeof(message));
		fail_msg("%s", message);
	}
	return config;
}

static struct vg_config *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* Expects a refusal with that error and message. */
static void refuse_bytes(const char *text, size_t length, int error, const char *expected)
{
	_cleanup_free_ char *copy = exact_copy(text, length);
	struct vg_config *config = NULL;
	struct vg_diag diag = {};
	char message[2048];
	int r;

	r = vg_config_parse("vpcgate.yaml", copy, length, &config, &diag);
	vg_diag_format(&diag, message, sizeof(message));
	assert_string_equal(message, expected);
	assert_int_equal(r, error);
	assert_null(config);
}

static void refuse(const char *text, int error, const char *expected)
{
	refuse_bytes(text, strlen(text), error, expected);
}

static void assert_text(const struct vg_text *text, const char *expected, unsigned line,
			unsigned column)
{
	assert_string_equal(text->text, expected);
	if (text->at.line != line || text->at.column != column)
		fail_msg("'%s' is at %u:%u instead of %u:%u", expected, text->at.line,
			 text->at.column, line, column);
}

static void test_every_key(void **state)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = parse(
		"# comment\n"
		"interfaces: [ens4, {name: 'eth*', ingress: all, attach: generic, tune: no}]\n"
		"attach: native\n"
		"ingress: internal-and-cloud-load-balancing\n"
		"enforcement: monitor\n"
		"also-admit: [iap]\n"
		"replies: off\n"
		"limits: {table-memory: 64MiB}\n"
		"non-ip: pass\n"
		"sources:\n"
		"  vpc:\n"
		"    - 10.128.0.0/20\n"
		"    - \"fd20:1:2::/48\"\n"
		"  iap: [google:iap]\n"
		"services:\n"
		"  - {name: web, protocol: tcp, port: 8080, ingress: internal,\n"
		"     also-admit: [health-check]}\n"
		"  - name: lb_1\n"
		"    to: [198.51.100.7, 2001:db8::/32]\n"
		"exporter: {listen: \"[::1]:0\"}\n"
		"allow-empty: true\n"
		"discovery: {refresh: 1m}\n"
		"tune: yes\n");

	(void)state;
	assert_string_equal(config->path, "vpcgate.yaml");
	assert_int_equal(config->n_interfaces, 2);
	assert_text(&config->interfaces[0].pattern, "ens4", 2, 14);
	assert_int_equal(config->interfaces[0].ingress, VG_INGRESS_INHERIT);
	assert_int_equal(config->interfaces[0].attach, VG_ATTACH_INHERIT);
	assert_text(&config->interfaces[1].pattern, "eth*", 2, 27);
	assert_int_equal(config->interfaces[1].ingress, VG_INGRESS_ALL);
	assert_int_equal(config->interfaces[1].attach, VG_ATTACH_GENERIC);
	assert_int_equal(config->attach, VG_ATTACH_NATIVE);
	assert_false(config->interfaces[0].tune.given);
	assert_true(config->interfaces[1].tune.given && !config->interfaces[1].tune.yes);
	assert_true(config->tune.given && config->tune.yes);
	assert_int_equal(config->ingress, VG_INGRESS_INTERNAL_LB);
	assert_int_equal(config->ingress_at.line, 4);
	assert_int_equal(config->ingress_at.column, 10);
	assert_true(config->monitor);
	assert_int_equal(config->limits.table_bytes, 64 << 20);
	assert_true(config->non_ip_pass);
	assert_true(config->allow_empty);
	assert_int_equal(config->discovery.refresh_s, 60);
	assert_true(config->also_admit.given);
	assert_int_equal(config->also_admit.n, 1);
	assert_text(&config->also_admit.items[0], "iap", 6, 14);

	assert_int_equal(config->n_sources, 2);
	assert_text(&config->sources[0].name, "vpc", 11, 3);
	assert_int_equal(config->sources[0].entries.n, 2);
	assert_text(&config->sources[0].entries.items[0], "10.128.0.0/20", 12, 7);
	assert_text(&config->sources[0].entries.items[1], "fd20:1:2::/48", 13, 7);
	assert_text(&config->sources[1].entries.items[0], "google:iap", 14, 9);

	assert_int_equal(config->n_services, 2);
	assert_text(&config->services[0].name, "web", 16, 12);
	assert_int_equal(config->services[0].protocol, IPPROTO_TCP);
	assert_int_equal(config->services[0].port, 8080);
	assert_int_equal(config->services[0].ingress, VG_INGRESS_INTERNAL);
	assert_true(config->services[0].also_admit.given);
	assert_false(config->services[0].to.given);
	assert_int_equal(config->services[0].at.line, 16);
	assert_int_equal(config->services[0].at.column, 5);
	assert_int_equal(config->services[1].protocol, VG_PROTOCOL_ANY);
	assert_int_equal(config->services[1].port, 0);
	assert_int_equal(config->services[1].ingress, VG_INGRESS_INHERIT);
	assert_false(config->services[1].also_admit.given);
	assert_int_equal(config->services[1].to.n, 2);
	assert_text(&config->services[1].to.items[1], "2001:db8::/32", 19, 24);

	assert_true(config->exporter);
	assert_string_equal(config->exporter_address, "::1");
	assert_int_equal(config->exporter_port, 0);
}

static void test_defaults(void **state)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = parse(TOP);

	(void)state;
	assert_int_equal(config->attach, VG_ATTACH_AUTO);
	assert_false(config->tune.given || config->tune.yes);
	assert_false(config->monitor);
	assert_false(config->non_ip_pass);
	assert_false(config->allow_empty);
	assert_false(config->also_admit.given);
	assert_int_equal(config->n_sources, 0);
	assert_int_equal(config->n_services, 0);
	assert_true(config->exporter);
	assert_string_equal(config->exporter_address, "127.0.0.1");
	assert_int_equal(config->exporter_port, 9820);
}

static void test_replies(void **state)
{
	static const struct {
		const char *text;
		struct vg_replies replies;
	} cases[] = {
		{TOP, {true, 7200, 180, 30, 262144}},
		{TOP "replies: track\n", {true, 7200, 180, 30, 262144}},
		{TOP "replies: {}\n", {true, 7200, 180, 30, 262144}},
		{TOP "replies: off\n", {false, 0, 0, 0, 0}},
		{TOP "replies: {tcp: 2h, udp: 3m, icmp: 30s, max-flows: 262144}\n",
		 {true, 7200, 180, 30, 262144}},
		{TOP "replies:\n  udp: 45s\n", {true, 7200, 45, 30, 262144}},
		{TOP "replies: {icmp: \"1s\", max-flows: 1024}\n", {true, 7200, 180, 1, 1024}},
		{TOP "replies: {max-flows: 4194304, tcp: 1s, udp: 1s}\n",
		 {true, 1, 1, 30, 4194304}},
		{TOP "replies: {tcp: 7d, udp: 168h, icmp: 10080m}\n",
		 {true, 604800, 604800, 604800, 262144}},
		{TOP "replies: {tcp: 604800s}\n", {true, 604800, 180, 30, 262144}},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_config_free_p) struct vg_config *config = parse(cases[i].text);
		const struct vg_replies *a = &config->replies, *b = &cases[i].replies;

		if (a->track != b->track || a->tcp_s != b->tcp_s || a->udp_s != b->udp_s ||
		    a->icmp_s != b->icmp_s || a->max_flows != b->max_flows)
			fail_msg("%s: %d, tcp %u, udp %u, icmp %u, %u flows", cases[i].text,
				 a->track, a->tcp_s, a->udp_s, a->icmp_s, a->max_flows);
	}
}

static void test_limit_of_tables(void **state)
{
	static const struct {
		const char *text;
		struct vg_limits limits;
		const char *size;
	} cases[] = {
		{TOP, {256ULL << 20, {}}, "256MiB"},
		{TOP "limits: {}\n", {256ULL << 20, {}}, "256MiB"},
		{TOP "limits: {table-memory: 1MiB}\n", {1ULL << 20, {3, 24}}, "1MiB"},
		{TOP "limits: {table-memory: 1024KiB}\n", {1ULL << 20, {3, 24}}, "1MiB"},
		{TOP "limits:\n  table-memory: 1025KiB\n", {1025ULL << 10, {4, 17}}, "1025KiB"},
		{TOP "limits: {table-memory: \"4GiB\"}\n", {4ULL << 30, {3, 24}}, "4GiB"},
		{TOP "limits: {table-memory: 4096MiB}\n", {4ULL << 30, {3, 24}}, "4GiB"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_config_free_p) struct vg_config *config = parse(cases[i].text);
		const struct vg_limits *a = &config->limits, *b = &cases[i].limits;
		char size[16];

		if (a->table_bytes != b->table_bytes ||
		    a->table_bytes_at.line != b->table_bytes_at.line ||
		    a->table_bytes_at.column != b->table_bytes_at.column)
			fail_msg("%s: %llu at %u:%u", cases[i].text, a->table_bytes,
				 a->table_bytes_at.line, a->table_bytes_at.column);
		assert_string_equal(vg_size_text(a->table_bytes, size), cases[i].size);
	}
}

static void test_discovery(void **state)
{
#define URLS VG_METADATA_URL, VG_COMPUTE_URL, VG_VPCACCESS_URL, VG_PUBLISHED_URL
	static const struct {
		const char *text;
		unsigned refresh_s, max_shrink_percent, shrink_after_s;
		const char *metadata, *compute, *vpcaccess, *published, *ca;
	} cases[] = {
		{TOP, 300, 50, 1800, URLS, NULL},
		{TOP "discovery: {}\n", 300, 50, 1800, URLS, NULL},
		{TOP "discovery: {refresh: 5m, max-shrink: 50%, shrink-after: 30m}\n", 300, 50,
		 1800, URLS, NULL},
		{TOP "discovery: {refresh: 10s, max-shrink: 0%, shrink-after: 1s}\n", 10, 0, 1,
		 URLS, NULL},
		{TOP "discovery: {refresh: 1d, max-shrink: 100%, shrink-after: 7d}\n", 86400, 100,
		 604800, URLS, NULL},
		{TOP "discovery:\n"
		     "  ca: /etc/vpcgate/ca.pem\n"
		     "  metadata: http://127.0.0.1:8080/\n"
		     "  compute: https://compute.example.com//\n"
		     "  vpcaccess: https://[2001:db8::1]:8443/a/b/\n"
		     "  published: https://example.com/ranges\n",
		 300, 50, 1800, "http://127.0.0.1:8080", "https://compute.example.com",
		 "https://[2001:db8::1]:8443/a/b", "https://example.com/ranges",
		 "/etc/vpcgate/ca.pem"},
		{TOP "discovery: {metadata: \"https://metadata.example.com\"}\n", 300, 50, 1800,
		 "https://metadata.example.com", VG_COMPUTE_URL, VG_VPCACCESS_URL, VG_PUBLISHED_URL,
		 NULL},
	};
#undef URLS

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_discovery_settings_done) struct vg_discovery_settings copy = {};
		struct vg_config *config = parse(cases[i].text);

		print_message("%s", cases[i].text);
		assert_int_equal(vg_discovery_settings_copy(&config->discovery, &copy), 0);
		vg_config_free(config);
		assert_int_equal(copy.refresh_s, cases[i].refresh_s);
		assert_int_equal(copy.max_shrink_percent, cases[i].max_shrink_percent);
		assert_int_equal(copy.shrink_after_s, cases[i].shrink_after_s);
		assert_string_equal(copy.metadata, cases[i].metadata);
		assert_string_equal(copy.compute, cases[i].compute);
		assert_string_equal(copy.vpcaccess, cases[i].vpcaccess);
		assert_string_equal(copy.published, cases[i].published);
		assert_int_equal(!copy.ca, !cases[i].ca);
		if (copy.ca)
			assert_string_equal(copy.ca, cases[i].ca);
	}
}

static void test_differences(void **state)
{
	_cleanup_(vg_config_free_p) struct vg_config *config =
		parse(TOP "sources:\n"
			  "  plain: [10.0.0.0/8, gcp:subnets]\n"
			  "  apis:\n"
			  "    - 192.0.2.1\n"
			  "    - {google: goog, minus: 'cloud?scope=us-east1'}\n"
			  "    - {minus: b.json, file: 'a.json?service=x'}\n");
	const struct vg_config_source *apis = &config->sources[1];

	(void)state;
	assert_int_equal(config->sources[0].n_differences, 0);
	assert_int_equal(apis->entries.n, 3);
	assert_int_equal(apis->n_differences, 2);
	assert_int_equal(apis->differences[0].entry, 1);
	assert_text(&apis->entries.items[1], "google:goog", 7, 16);
	assert_text(&apis->differences[0].minus, "google:cloud?scope=us-east1", 7, 29);
	assert_int_equal(apis->differences[1].entry, 2);
	assert_text(&apis->entries.items[2], "file:a.json?service=x", 8, 29);
	assert_text(&apis->differences[1].minus, "file:b.json", 8, 15);
}

static void test_exporter(void **state)
{
	static const struct {
		const char *text, *address;
		unsigned port;
	} cases[] = {
		{TOP "exporter: off\n", NULL, 0},
		{TOP "exporter: {listen: 0.0.0.0:9820}\n", "0.0.0.0", 9820},
		{TOP "exporter:\n  listen: \"[fd20::1]:65535\"\n", "fd20::1", 65535},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_config_free_p) struct vg_config *config = parse(cases[i].text);

		assert_int_equal(config->exporter, cases[i].address != NULL);
		assert_int_equal(config->exporter_port, cases[i].port);
		if (cases[i].address)
			assert_string_equal(config->exporter_address, cases[i].address);
		else
			assert_null(config->exporter_address);
	}
}

static void test_ingress_spellings(void **state)
{
	static const struct {
		const char *text;
		enum vg_ingress ingress;
	} cases[] = {
		{"all", VG_INGRESS_ALL},
		{"internal", VG_INGRESS_INTERNAL},
		{"internal-and-cloud-load-balancing", VG_INGRESS_INTERNAL_LB},
		{"INGRESS_TRAFFIC_ALL", VG_INGRESS_ALL},
		{"INGRESS_TRAFFIC_INTERNAL_ONLY", VG_INGRESS_INTERNAL},
		{"INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", VG_INGRESS_INTERNAL_LB},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_config_free_p) struct vg_config *config = NULL;

		snprintf(text, sizeof(text), "interfaces: [ens4]\ningress: %s\n", cases[i].text);
		config = parse(text);
		if (config->ingress != cases[i].ingress)
			fail_msg("%s: %s", cases[i].text, vg_ingress_text(config->ingress));
	}
	assert_string_equal(vg_ingress_text(VG_INGRESS_INHERIT), "inherit");
	assert_string_equal(vg_ingress_text(VG_INGRESS_INTERNAL_LB),
			    "internal-and-cloud-load-balancing");
	assert_string_equal(vg_attach_mode_text(VG_ATTACH_INHERIT), "inherit");
	assert_string_equal(vg_attach_mode_text(VG_ATTACH_GENERIC), "generic");
}

static void test_protocols(void **state)
{
	static const struct {
		const char *name;
		int number;
	} cases[] = {
		{"tcp", 6},    {"udp", 17},  {"sctp", 132}, {"icmp", 1},  {"icmpv6", 58},
		{"gre", 47},   {"esp", 50},  {"ah", 51},    {"ipip", 4},  {"ipv6", 41},
		{"igmp", 2},   {"ospf", 89}, {"vrrp", 112}, {"dccp", 33}, {"udplite", 136},
		{"l2tp", 115}, {"any", -1},  {"0", 0},	    {"253", 253}, {"255", 255},
	};
	static const char *const refused[] = {"", "TCP", "256", "-1", "6 ", "0x6", "1000", "any"};
	char text[16];
	int number;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		assert_string_equal(vg_protocol_text(cases[i].number, text), cases[i].name);
		if (cases[i].number == VG_PROTOCOL_ANY)
			continue;
		number = VG_PROTOCOL_ANY;
		assert_int_equal(vg_protocol_parse(cases[i].name, &number), 0);
		if (number != cases[i].number)
			fail_msg("%s: %d", cases[i].name, number);
	}
	for (size_t i = 0; i < VG_ARRAY_SIZE(refused); i++) {
		if (vg_protocol_parse(refused[i], &number) != -EINVAL)
			fail_msg("'%s' was not refused", refused[i]);
	}
	assert_true(vg_protocol_has_ports(IPPROTO_SCTP));
	assert_false(vg_protocol_has_ports(IPPROTO_ICMP));
}

/* Files as other systems and tools write them. */
static void test_forms_of_text(void **state)
{
	static const char *const cases[] = {
		"\xef\xbb\xbf" TOP,
		"interfaces: [ens4]\r\ningress: all\r\n",
		"---\ninterfaces: [ens4]\ningress: all\n...\n",
		"{interfaces: [ens4], ingress: all}",
		"{\"interfaces\": [\"ens4\"], \"ingress\": \"all\"}",
		"%YAML 1.1\n---\n" TOP,
		TOP "sources: {caf\x65: &list [10.0.0.0/8], other: *list}\n",
		TOP "# caf\xc3\xa9\n",
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_config_free_p) struct vg_config *config = parse(cases[i]);

		assert_int_equal(config->ingress, VG_INGRESS_ALL);
		assert_string_equal(config->interfaces[0].pattern.text, "ens4");
	}
}

static void test_bytes(void **state)
{
	static const char with_nul[] = "interfaces: [ens4]\ningress: a\0ll\n";
	static const char unterminated[] = {'{', 'a', ':'};

	(void)state;
	refuse_bytes(with_nul, sizeof(with_nul) - 1, -EINVAL,
		     "vpcgate.yaml:2:11: control character 0x00: remove it");
	refuse_bytes(unterminated, sizeof(unterminated), -EINVAL,
		     "vpcgate.yaml:1:4: YAML syntax: did not find expected node content (while "
		     "parsing a flow node that began at 1:4)");
	/* a tab at the very end */
	refuse(TOP "sources:\n\t", -EINVAL,
	       "vpcgate.yaml:4:1: a tab can't indent YAML: use spaces");
	/* blanks up to the very end */
	refuse(TOP "attach: 'a\n  ", -EINVAL,
	       "vpcgate.yaml:4:3: YAML syntax: found unexpected end of stream (while scanning a "
	       "quoted scalar that began at 3:9): close what is open");
	/* columns count characters, not bytes */
	refuse(TOP "\"caf\xc3\xa9\": 1\n", -EINVAL,
	       "vpcgate.yaml:3:1: unknown key 'caf\xc3\xa9': did you mean 'tune'?");
	refuse(TOP "exporter: {\"\xc3\xa9\xc3\xa9\": 1}\n", -EINVAL,
	       "vpcgate.yaml:3:12: unknown key '\xc3\xa9\xc3\xa9': did you mean 'listen'?");
	refuse(TOP "exporter: # \xc3\xa9\n  {\"listen\": 1, # \xc3\xa9 \x01\n", -EINVAL,
	       "vpcgate.yaml:4:21: control character 0x01: remove it");
}

/* What a file holds ends up in messages: it may neither break lines nor fill the screen. */
static void test_quoted_text(void **state)
{
	char text[2048], expected[256];

	(void)state;
	refuse(TOP "attach: \"a\\n\\e[31mb\\x80\\x85c\"\n", -EINVAL,
	       "vpcgate.yaml:3:9: attach: unknown setting 'a??[31mb????c': write auto, native or "
	       "generic");
	snprintf(text, sizeof(text), TOP "attach: %0*d\n", 1000, 0);
	snprintf(expected, sizeof(expected),
		 "vpcgate.yaml:3:9: attach: unknown setting '%064d': write auto, native or generic",
		 0);
	refuse(text, -EINVAL, expected);
}

static void test_diag(void **state)
{
	const struct vg_position at = {3, 4}, nowhere = {};
	char long_text[VG_DIAG_TEXT_SIZE + 100], out[VG_DIAG_TEXT_SIZE + 100];
	struct vg_diag diag;

	(void)state;
	assert_int_equal(vg_diag_set(NULL, EINVAL, "f", at, "x"), -EINVAL);
	assert_int_equal(vg_diag_set(&diag, E2BIG, "f", at, "%s %d", "x", 1), -E2BIG);
	vg_diag_format(&diag, out, sizeof(out));
	assert_string_equal(out, "f:3:4: x 1");
	vg_diag_set(&diag, EINVAL, NULL, at, "x");
	vg_diag_format(&diag, out, sizeof(out));
	assert_string_equal(out, "x");
	vg_diag_set(&diag, EINVAL, "f", nowhere, "x");
	vg_diag_format(&diag, out, sizeof(out));
	assert_string_equal(out, "f: x");
	vg_diag_format(&diag, out, 3);
	assert_string_equal(out, "f:");
	memset(long_text, 'a', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	vg_diag_set(&diag, EINVAL, NULL, nowhere, "%s", long_text);
	assert_int_equal(strlen(diag.text), VG_DIAG_TEXT_SIZE - 1);
	/* tabs, C1 controls, over-long forms, surrogates and a sequence that is cut off */
	vg_diag_set(&diag, EINVAL, "\x1b", nowhere,
		    "a\tb \xc2\x85 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82 \xc0\xaf \xe0\x80\xaf "
		    "\xed\xa0\x80 \xf4\x90\x80\x80 \xff \xe0\x9f\xbf \xf0\x8f\xbf\xbf \xe2\x82");
	vg_diag_format(&diag, out, sizeof(out));
	assert_string_equal(out, "?: a?b ?? \xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82 ?? ??? ??? ???? "
				 "? ??? ???? ??");
}

static void test_edit_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} cases[] = {
		{"", "", 0},
		{"a", "", 1},
		{"", "abc", 3},
		{"vpc", "vpc", 0},
		{"ingres", "ingress", 1},
		{"ingerss", "ingress", 1},
		{"vcp", "vpc", 1},
		{"also_admit", "also-admit", 1},
		{"kitten", "sitting", 3},
		{"abc", "xyz", 3},
	};
	char longer[1000];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		if (vg_edit_distance(cases[i].a, cases[i].b) != cases[i].distance)
			fail_msg("%s, %s: %u", cases[i].a, cases[i].b,
				 vg_edit_distance(cases[i].a, cases[i].b));
	}
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(vg_edit_distance(longer, ""), 64);
}

/* Writes `head`, then `format` with each number from 0 to n - 1, then `tail`. */
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

static void test_limits(void **state)
{
	static const struct {
		const char *name, *head, *item;
		unsigned n;
		const char *expected;
	} cases[] = {
		{"interfaces", "ingress: all\ninterfaces:\n", "  - eth#\n", VG_MAX_INTERFACE_ITEMS,
		 "vpcgate.yaml:67:5: more than 64 interfaces: use globs such as eth*"},
		{"sources", TOP "sources:\n", "  set#: []\n", VG_MAX_SETS,
		 "vpcgate.yaml:64:3: more than 60 source sets: merge some"},
		{"services", TOP "services:\n", "  - {name: s#, to: [192.0.2.1]}\n",
		 VG_MAX_SERVICES, "vpcgate.yaml:1028:5: more than 1024 services: merge some"},
		{"to",
		 TOP "services:\n  - {name: a, to: [192.0.2.1]}\n  - name: b\n    to:\n"
		     "    - 192.0.2.2\n",
		 "    - 10.0.#.0/24\n", VG_MAX_DESTINATIONS - 2,
		 "vpcgate.yaml:4102:7: to: more than 4096 destinations in all services: merge "
		 "prefixes"},
		{"also-admit", TOP "also-admit:\n", "  - set#\n", VG_MAX_ALSO_ADMIT,
		 "vpcgate.yaml:68:5: also-admit: more than 64 names: name each source set once"},
		{"differences", TOP "sources:\n  a: [{google: goog, minus: cloud}]\n  b:\n",
		 "    - {file: a, minus: b#}\n", VG_MAX_DIFFERENCES - 1,
		 "vpcgate.yaml:69:7: more than 64 entries with `minus` in all source sets: put "
		 "each into one set, and name that set"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *most = repeat(cases[i].head, cases[i].item, cases[i].n, "");
		_cleanup_free_ char *one_past =
			repeat(cases[i].head, cases[i].item, cases[i].n + 1, "");
		_cleanup_(vg_config_free_p) struct vg_config *config = NULL;

		print_message("%s\n", cases[i].name);
		config = parse(most);
		assert_non_null(config);
		refuse(one_past, -E2BIG, cases[i].expected);
	}
}

/* By aliases a small file could grow without end: entries are counted where they are used. */
static void test_limit_of_entries(void **state)
{
	/* 50 sets of 25,000 entries are the limit */
	_cleanup_free_ char *list =
		repeat(TOP "sources:\n  a: &list [\n", "10.0.0.#,\n", 25000, "]\n");
	_cleanup_free_ char *most = repeat(list, "  s#: *list\n", 49, "");
	_cleanup_free_ char *one_past = repeat(most, "  one#: [10.0.0.1]\n", 1, "");
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;

	(void)state;
	assert_int_equal(VG_MAX_SOURCE_ENTRIES, 50 * 25000);
	config = parse(most);
	assert_int_equal(config->n_sources, 50);
	refuse(one_past, -E2BIG,
	       "vpcgate.yaml:25055:10: more than 1250000 entries in all source sets: merge "
	       "prefixes");
}

static void test_limit_of_bytes(void **state)
{
	static const char top[] = "{interfaces: [ens4], ingress: all}";
	_cleanup_free_ char *text = malloc(VG_CONFIG_MAX_BYTES + 1);
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', VG_CONFIG_MAX_BYTES + 1);
	memcpy(text, top, sizeof(top) - 1);
	config = parse_bytes(text, VG_CONFIG_MAX_BYTES);
	assert_int_equal(config->n_interfaces, 1);
	refuse_bytes(text, VG_CONFIG_MAX_BYTES + 1, -E2BIG,
		     "vpcgate.yaml:1:1: the file is larger than 67108864 bytes: move long lists "
		     "into files (file:PATH)");
}

static void test_no_diag(void **state)
{
	struct vg_config *config = NULL;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(vg_bad_configs); i++) {
		const char *yaml = vg_bad_configs[i].yaml;

		vg_config_parse("vpcgate.yaml", yaml, strlen(yaml), &config, NULL);
		vg_config_free(config);
		config = NULL;
	}
	vg_config_free(NULL);
}

/* One test for each config that must be refused: by the parser, or else not. */
static void test_bad_config(void **state)
{
	const struct vg_bad_config *bad = *state;
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	struct vg_diag diag = {};
	char message[2048] = "";
	int r;

	r = vg_config_parse("vpcgate.yaml", bad->yaml, strlen(bad->yaml), &config, &diag);
	if (r < 0)
		vg_diag_format(&diag, message, sizeof(message));
	assert_string_equal(message, bad->parses ? "" : bad->expected);
	assert_int_equal(r, bad->parses ? 0 : -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		cmocka_unit_test(test_replies),		  cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_defaults),	  cmocka_unit_test(test_exporter),
		cmocka_unit_test(test_ingress_spellings), cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_forms_of_text),	  cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_quoted_text),	  cmocka_unit_test(test_diag),
		cmocka_unit_test(test_edit_distance),	  cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limit_of_entries),  cmocka_unit_test(test_limit_of_bytes),
		cmocka_unit_test(test_no_diag),		  cmocka_unit_test(test_limit_of_tables),
		cmocka_unit_test(test_discovery),	  cmocka_unit_test(test_differences),
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
