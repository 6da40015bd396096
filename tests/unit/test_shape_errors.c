/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/shapes.h"
#include "share/cleanup.h"

#define MAX VG_SHAPE_MAX
#define UNKNOWN                                                                             \
	"JSON that holds none of what is known here: published prefixes, subnets, network " \
	"interfaces, connectors or peering routes"

static const struct {
	enum vg_shape expected;
	const char *text;
	const char *wrong; /* as vg_diag_format() has it, without the file */
} refusals[] = {
	/* no JSON */
	{MAX, "", "empty, where a JSON document was expected"},
	{MAX, "\xef\xbb\xbf \n", "empty, where a JSON document was expected"},
	{MAX, "\n<!DOCTYPE html><html>",
	 "HTML, not JSON: is that the right address, or a login page?"},
	{MAX, "<?xml version='1.0'?><Error/>",
	 "XML, not JSON: is that the right address, or a login page?"},
	{MAX, "hello", "1:5: not JSON: '[' or '{' expected near 'hello'"},
	{MAX, "[\n  {\"a\": }\n]", "2:9: not JSON: unexpected token near '}'"},
	{MAX, "[1] 2", "1:5: not JSON: end of file expected near '2'"},
	{MAX, "{\"items\": [], \"items\": []}",
	 "1:21: not JSON: duplicate object key near '\"items\"'"},
	{MAX, "[\"\xff\"]", "1:2: not JSON: unable to decode byte 0xff near '\"'"},
	{MAX, "[\"\\u0000\"]",
	 "1:9: not JSON: \\u0000 is not allowed without JSON_ALLOW_NUL near "
	 "'\"\\u0000\"'"},
	{MAX, "{\"a\": [1,]}", "1:10: not JSON: unexpected token near ']'"},
	{MAX, "{\"a\": 1,}", "1:9: not JSON: string or '}' expected near '}'"},
	{MAX, "[1,]", "1:4: not JSON: unexpected token near ']'"},
	/* cut off */
	{MAX, "{", "1:1: the document is cut off"},
	{MAX, "{\"prefixes\": [\n {\"ipv4Prefix\": \"10.0", "2:21: the document is cut off"},
	{MAX, "{\"prefixes\": [{\"ipv4Prefix\": \"10.0.0.0/8\"},\n",
	 "2:1: the document is cut off"},
	{MAX, "{\"prefixes\": nul", "1:16: the document is cut off"},
	/* errors of APIs */
	{VG_SHAPE_SUBNETS,
	 "{\"error\": {\"code\": 403, \"message\": \"No scope.\", \"errors\": "
	 "[{\"reason\": \"first\"}], \"status\": \"PERMISSION_DENIED\", \"details\": "
	 "[{}, {\"reason\": \"SCOPE\\n\"}]}}",
	 "the API answered with an error: 403 PERMISSION_DENIED SCOPE?: No scope."},
	{MAX, "{\"error\": {\"errors\": [{\"reason\": \"keyInvalid\"}], \"message\": \"Bad\"}}",
	 "the API answered with an error: keyInvalid: Bad"},
	{MAX, "{\"error\": \"invalid_grant\", \"error_description\": \"Expired\"}",
	 "the API answered with an error: invalid_grant: Expired"},
	{MAX, "{\"error\": {\"code\": \"x\", \"details\": 1}}",
	 "the API answered with an error: it doesn't say which"},
	/* of another shape, or of none */
	{MAX, "{}", "an empty document, which doesn't say what there is none of"},
	{MAX, "[]", "an empty document, which doesn't say what there is none of"},
	{MAX, "{\"items\": []}", UNKNOWN},
	{MAX, "{\"name\": \"a\"}", UNKNOWN},
	{MAX, "[{\"name\": \"a\"}]", UNKNOWN},
	{MAX, "[1]", UNKNOWN},
	{MAX, "{\"items\": \"none\"}", UNKNOWN},
	{MAX, "{\"kind\": \"compute#forwardingRuleAggregatedList\", \"items\": {}}", UNKNOWN},
	{VG_SHAPE_PUBLISHED, "{}",
	 "JSON that doesn't hold published prefixes (goog.json or cloud.json)"},
	{VG_SHAPE_PUBLISHED, "[]",
	 "JSON that doesn't hold published prefixes (goog.json or cloud.json)"},
	{VG_SHAPE_NICS, "{}", "JSON that doesn't hold network interfaces (of the metadata server)"},
	{VG_SHAPE_SUBNETS, "{\"message\": \"log in\"}", "JSON that doesn't hold subnets"},
	{VG_SHAPE_SUBNETS, "{\"kind\": \"compute#routeList\"}", "JSON that doesn't hold subnets"},
	{VG_SHAPE_ROUTES, "{\"items\": {}}", "subnets, where peering routes were expected"},
	{VG_SHAPE_ROUTES, "{\"kind\": \"compute#subnetworkAggregatedList\"}",
	 "subnets, where peering routes were expected"},
	{VG_SHAPE_SUBNETS, "{\"connectors\": []}",
	 "VPC Access connectors, where subnets were expected"},
	{VG_SHAPE_CONNECTORS, "{\"prefixes\": []}",
	 "published prefixes (goog.json or cloud.json), where VPC Access connectors were expected"},
	{VG_SHAPE_SUBNETS, "[{\"mac\": \"\"}]",
	 "network interfaces (of the metadata server), where subnets were expected"},
	/* where in the document */
	{MAX,
	 "{\"prefixes\": [{\"ipv4Prefix\": \"10.0.0.0/8\"}, {\"ipv4Prefix\": \"10.0.0.1/8\"}]}",
	 "prefixes[1].ipv4Prefix: 10.0.0.1/8 has host bits set: write 10.0.0.0/8, or 10.0.0.1/32 "
	 "for the one address"},
	{MAX, "{\"prefixes\": [{\"service\": \"x\"}]}",
	 "prefixes[0]: expected one of \"ipv4Prefix\" and \"ipv6Prefix\""},
	{MAX, "{\"prefixes\": [{\"ipv4Prefix\": \"10.0.0.0/8\", \"ipv6Prefix\": \"fd20::/48\"}]}",
	 "prefixes[0]: expected one of \"ipv4Prefix\" and \"ipv6Prefix\""},
	{MAX, "{\"prefixes\": [{\"ipv6Prefix\": \"::/0\"}]}",
	 "prefixes[0].ipv6Prefix: ::/0 takes in too many addresses to be a range"},
	{MAX, "{\"prefixes\": [{\"ipv4Prefix\": \"128.0.0.0/1\"}]}",
	 "prefixes[0].ipv4Prefix: 128.0.0.0/1 takes in too many addresses to be a range"},
	{MAX, "{\"prefixes\": [{\"ipv4Prefix\": \"32.0.0.0/3\"}]}",
	 "prefixes[0].ipv4Prefix: 32.0.0.0/3 takes in too many addresses to be a range"},
	{MAX, "{\"prefixes\": [{\"ipv6Prefix\": \"2400::/7\"}]}",
	 "prefixes[0].ipv6Prefix: 2400::/7 takes in too many addresses to be a range"},
	{MAX, "{\"prefixes\": [{\"ipv6Prefix\": \"::ffff:10.0.0.0/104\"}]}",
	 "prefixes[0].ipv6Prefix: ::ffff:10.0.0.0/104 is IPv4-mapped, which is never on the wire"},
	{MAX, "{\"prefixes\": {}}", "prefixes: an object, where a list was expected"},
	{MAX, "{\"prefixes\": [\"10.0.0.0/8\"]}",
	 "prefixes[0]: a text, where an object was expected"},
	{MAX, "{\"prefixes\": [], \"syncToken\": 5}",
	 "syncToken: a number, where a text was expected"},
	{MAX, "{\"prefixes\": [], \"syncToken\": \"a b\"}",
	 "syncToken: other characters than those of a token"},
	{MAX,
	 "{\"items\": {\"regions/a\": {\"subnetworks\": [{\"ipCidrRange\": \"10.0.0.0/8\"}, "
	 "{\"ipCidrRange\": \"10.0.0.300/8\"}]}}}",
	 "items[\"regions/a\"].subnetworks[1].ipCidrRange: '10.0.0.300/8' is not a prefix: write it "
	 "like 10.128.0.0/20 or fd20:1:2::/48"},
	{MAX, "{\"items\": {\"regions/a\": {\"forwardingRules\": []}}}",
	 "items[\"regions/a\"]: neither \"subnetworks\" nor a \"warning\""},
	{MAX, "{\"items\": {\"regions/a\": []}}",
	 "items[\"regions/a\"]: no object with \"subnetworks\""},
	{MAX, "{\"items\": {\"\\n\": {\"warning\": true}}}",
	 "items[\"?\"].warning: true, where an object was expected"},
	{MAX, "[{\"ipCidrRange\": \"10.0.0.0/8\"}, {\"name\": \"a\"}]",
	 "[1]: no subnet: it has no range"},
	{MAX,
	 "[{\"ipCidrRange\": \"10.0.0.0/8\", \"secondaryIpRanges\": [{\"ipCidrRange\": 1.5}]}]",
	 "[0].secondaryIpRanges[0].ipCidrRange: a fraction, where a text was expected"},
	{MAX, "[{\"ipCidrRange\": \"0.0.0.0/0\"}]",
	 "[0].ipCidrRange: 0.0.0.0/0 takes in too many addresses to be a range"},
	{MAX, "[{\"ipCidrRange\": \"10.0.0.0/8\", \"purpose\": false}]",
	 "[0].purpose: false, where a text was expected"},
	/* even where it wouldn't be taken */
	{MAX, "[{\"ipCidrRange\": \"10\", \"purpose\": \"PRIVATE_NAT\"}]",
	 "[0].ipCidrRange: '10' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48"},
	{MAX, "{\"connectors\": [{\"ipCidrRange\": \"10\", \"state\": \"DELETING\"}]}",
	 "connectors[0].ipCidrRange: '10' is not a prefix: write it like 10.128.0.0/20 or "
	 "fd20:1:2::/48"},
	{MAX, "{\"items\": [{\"destRange\": \"10\", \"imported\": false}]}",
	 "items[0].destRange: '10' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48"},
	{MAX, "{\"items\": [{\"destRange\": \"10.0.0.0/8\"}, {\"type\": \"x\"}]}",
	 "items[1]: no peering route: no \"destRange\""},
	{MAX, "{\"items\": [{\"destRange\": \"10.0.0.0/8\", \"imported\": \"true\"}]}",
	 "items[0].imported: neither true nor false"},
	{VG_SHAPE_ROUTES, "{\"warning\": {\"data\": {}}}",
	 "warning.data: an object, where a list was expected"},
	{VG_SHAPE_ROUTES, "{\"unreachables\": \"x\"}",
	 "unreachables: a text, where a list was expected"},
	{VG_SHAPE_ROUTES, "{\"scopedWarnings\": [[]]}",
	 "scopedWarnings[0]: a list, where an object was expected"},
	{MAX, "[{\"mac\": \"42:01:0a:80:00:46\"}, {\"name\": \"a\"}]",
	 "[1]: no network interface: no \"mac\""},
	{MAX, "[{\"mac\": \"42-01-0a-80-00-46\"}]",
	 "[0].mac: '42-01-0a-80-00-46' is no MAC address like 42:01:0a:80:00:46"},
	{MAX, "[{\"mac\": \"42:01:0a:80:00:4g\"}]",
	 "[0].mac: '42:01:0a:80:00:4g' is no MAC address like 42:01:0a:80:00:46"},
	{MAX, "[{\"mac\": \"42:01:0a:80:00:46:00\"}]",
	 "[0].mac: '42:01:0a:80:00:46:00' is no MAC address like 42:01:0a:80:00:46"},
	{MAX, "[{\"mac\": \"42:01:0a:80:00:4\"}]",
	 "[0].mac: '42:01:0a:80:00:4' is no MAC address like 42:01:0a:80:00:46"},
	{MAX, "[{\"mac\": null, \"ip\": \"fd20::1\"}]", "[0].ip: 'fd20::1' is no IPv4 address"},
	{MAX, "[{\"mac\": null, \"ip\": \"10.0.0.1\"}]",
	 "[0].subnetmask: '' is no mask like 255.255.240.0"},
	{MAX, "[{\"ip\": \"10.0.0.1\", \"subnetmask\": \"255.0.255.0\"}]",
	 "[0].subnetmask: '255.0.255.0' is no mask like 255.255.240.0"},
	{MAX, "[{\"ip\": \"10.0.0.1\", \"subnetmask\": \"ff00::\"}]",
	 "[0].subnetmask: 'ff00::' is no mask like 255.255.240.0"},
	{MAX, "[{\"ip\": \"10.0.0.1\", \"subnetmask\": \"0.0.0.0\"}]",
	 "[0].subnetmask: 0.0.0.0/0 takes in too many addresses to be a range"},
	{MAX, "[{\"mac\": null, \"ipAliases\": [\"10.0.0.0/24\", 7]}]",
	 "[0].ipAliases[1]: '' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48"},
	{MAX, "[{\"mac\": null, \"forwardedIps\": [\"x\"]}]",
	 "[0].forwardedIps[0]: 'x' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48"},
	{MAX, "[{\"mac\": null, \"mtu\": 65536}]", "[0].mtu: no MTU: they go up to 65535"},
	{MAX, "[{\"mac\": null, \"mtu\": -1}]", "[0].mtu: no MTU: they go up to 65535"},
	{MAX, "[{\"mac\": null, \"network\": \"projects/1/networks/\"}]",
	 "[0].network: expected it like projects/NUMBER/networks/NAME"},
	{MAX, "[{\"mac\": null, \"network\": \"projects/A b/networks/c\"}]",
	 "[0].network: expected it like projects/NUMBER/networks/NAME"},
};

static void refuse(const char *text, size_t length, enum vg_shape expected, int error,
		   const char *wrong)
{
	const struct vg_shape_wish wish = {.expected = expected};
	struct vg_page page = {.n_left_out = 77};
	struct vg_listing listing = {};
	struct vg_diag diag = {};
	char out[VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE];
	int r;

	r = vg_shape_read("f", text, length, &wish, &listing, &page, &diag);
	vg_listing_done(&listing);
	vg_diag_format(&diag, out, sizeof(out));
	if (r != -error || strncmp(out, "f:", 2) != 0 || page.n_left_out != 77)
		fail_msg("'%.80s': %d, '%s'", text, r, out);
	if (strcmp(out + strspn(out, "f: "), wrong) != 0)
		fail_msg("'%.80s': '%s' instead of '%s'", text, out, wrong);
	assert_int_equal(vg_shape_read("f", text, length, &wish, &listing, &page, NULL), r);
	vg_listing_done(&listing);
}

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(refusals); i++)
		refuse(refusals[i].text, strlen(refusals[i].text), refusals[i].expected, EINVAL,
		       refusals[i].wrong);
}

/* `n` times `item` with commas between, inside of `begin` and `end`. */
static char *repeat(const char *begin, const char *item, size_t n, const char *end)
{
	const size_t size = strlen(begin) + n * (strlen(item) + 1) + strlen(end) + 1;
	char *text = malloc(size), *at;

	assert_non_null(text);
	at = stpcpy(text, begin);
	for (size_t i = 0; i < n; i++) {
		if (i)
			*at++ = ',';
		at = stpcpy(at, item);
	}
	strcpy(at, end);
	return text;
}

#define TEN "abcdefghij"
#define LONG_NAME TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_bounds(void **state)
{
	static const struct {
		const char *name, *begin, *item;
		size_t n;
		const char *end;
		int error;
		const char *wrong;
	} cases[] = {
		{"values", "[", "0", VG_SHAPE_MAX_VALUES, "]", EINVAL, UNKNOWN},
		{"one more value", "[", "0", VG_SHAPE_MAX_VALUES + 1, "]", E2BIG,
		 "more than 1250000 values of JSON in one document"},
		{"one more range", "[", "{\"destRange\":\"10.0.0.0/8\"}", VG_LISTING_MAX_RANGES + 1,
		 "]", E2BIG, "[250000].destRange: more than 250000 ranges"},
		{"a long token",
		 "{\"items\": [{\"destRange\": \"10.0.0.0/8\"}], \"nextPageToken\": \"", "xxxxxxx",
		 600, "\"}", EINVAL, "nextPageToken: longer than 4096 bytes"},
		{"a long network",
		 "[{\"mac\": null, \"network\": \"projects/1/networks/a\"}, "
		 "{\"mac\": null, \"network\": \"",
		 LONG_NAME, 1, "\"}]", EINVAL,
		 "[1].network: expected it like projects/NUMBER/networks/NAME"},
		{"a long version", "{\"prefixes\": [], \"syncToken\": \"", "x", 200, "\"}", EINVAL,
		 "syncToken: longer than 256 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text =
			repeat(cases[i].begin, cases[i].item, cases[i].n, cases[i].end);

		refuse(text, strlen(text), VG_SHAPE_MAX, cases[i].error, cases[i].wrong);
	}
}

/* As many published prefixes as a listing holds, with all of their labels. */
static void test_full(void **state)
{
	static const char *const item =
		"{\"ipv4Prefix\":\"10.0.0.0/8\",\"service\":\"s\",\"scope\":\"x\"}";
	_cleanup_free_ char *text = repeat("{\"prefixes\": [", item, VG_LISTING_MAX_RANGES, "]}");
	const struct vg_shape_wish wish = {.expected = VG_SHAPE_PUBLISHED};
	struct vg_listing listing = {};
	struct vg_page page = {};
	struct vg_diag diag = {};

	(void)state;
	if (vg_shape_read("f", text, strlen(text), &wish, &listing, &page, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(listing.n, VG_LISTING_MAX_RANGES);
	vg_listing_done(&listing);
	vg_page_done(&page);
}

/* One region more than there may be, of ranges and of those that couldn't be read. */
static void test_regions(void **state)
{
	const size_t size = 64 * (VG_LISTING_MAX_SCOPES + 2);
	_cleanup_free_ char *text = malloc(size), *unread = malloc(size);
	char *at, *to;

	(void)state;
	assert_true(text && unread);
	at = stpcpy(text, "[");
	to = stpcpy(unread, "{\"unreachables\": [");
	for (int i = 0; i <= VG_LISTING_MAX_SCOPES; i++) {
		at += sprintf(at, "%s{\"ipCidrRange\": \"10.0.0.0/8\", \"region\": \"r%d\"}",
			      i ? "," : "", i);
		to += sprintf(to, "%s\"regions/r%d\"", i ? "," : "", i);
	}
	strcpy(at, "]");
	strcpy(to, "]}");
	refuse(text, strlen(text), VG_SHAPE_MAX, E2BIG, "[1024]: more than 1024 regions");
	refuse(unread, strlen(unread), VG_SHAPE_ROUTES, E2BIG,
	       "unreachables[1024]: more than 1024 regions");
}

/* Nesting is bounded by jansson, and nothing else recurs. */
static void test_depth(void **state)
{
	const size_t depth = 100000;
	_cleanup_free_ char *text = malloc(2 * depth + 1);
	struct vg_shape_wish wish = {.expected = VG_SHAPE_MAX};
	struct vg_listing listing = {};
	struct vg_diag diag = {};
	struct vg_page page;

	(void)state;
	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	assert_int_equal(vg_shape_read("f", text, 2 * depth, &wish, &listing, &page, &diag),
			 -EINVAL);
	assert_string_equal(diag.text, "not JSON: maximum parsing depth reached near '['");
}

/* 64 bytes of it. */
#define LONG_KEY "long/key ,long/key ,long/key ,long/key ,long/key ,long/key ,long"

/* Long words of a document are cut in messages, even in the middle of a character. */
static void test_quotes(void **state)
{
	static const struct {
		const char *begin, *item, *end, *wrong;
	} cases[] = {
		{"{\"error\": {\"code\": 500, \"message\": \"x", "\xc3\xa4\xc3\xa4", "\"}}",
		 "the API answered with an error: 500: x"},
		{"{\"items\": {\"", "long/key ", "\": []}}",
		 "items[\"" LONG_KEY "\"]: no object with \"subnetworks\""},
		{"[{\"mac\": \"", "\\u001b[31m", "\"}]", "[0].mac: '?[31m,?[31m,"},
		{"[{\"ipCidrRange\": \"", "\\n", "\"}]", "[0].ipCidrRange: '?,?,?,?"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text =
			repeat(cases[i].begin, cases[i].item, 500, cases[i].end);
		struct vg_shape_wish wish = {.expected = VG_SHAPE_MAX};
		struct vg_listing listing = {};
		struct vg_diag diag = {};
		struct vg_page page;
		int r;

		r = vg_shape_read("f", text, strlen(text), &wish, &listing, &page, &diag);
		if (r != -EINVAL || strncmp(diag.text, cases[i].wrong, strlen(cases[i].wrong)) != 0)
			fail_msg("%s: '%s' instead of '%s'", cases[i].begin, diag.text,
				 cases[i].wrong);
		if (strlen(diag.text) > 350)
			fail_msg("%s: %zu bytes of message", cases[i].begin, strlen(diag.text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_full),	 cmocka_unit_test(test_regions),
		cmocka_unit_test(test_depth),	 cmocka_unit_test(test_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
