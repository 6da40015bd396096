/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "core/shapes.h"
#include "tests/unit/listing_text.h"

#define ANY                              \
	{                                \
		.expected = VG_SHAPE_MAX \
	}
#define ONLY(shape)                          \
	{                                    \
		.expected = VG_SHAPE_##shape \
	}

/* Reads a document that is taken; the listing is sorted. */
static void take(const char *name, const struct vg_shape_wish *wish, const char *text,
		 struct vg_listing *listing, struct vg_page *page)
{
	struct vg_diag diag = {};

	if (vg_shape_read(name, text, strlen(text), wish, listing, page, &diag) < 0)
		fail_msg("%s: %s", name, diag.text);
	vg_listing_sort(listing);
}

/* Their names, or "". */
static const char *unread_of(const struct vg_page *page, char *out)
{
	out[0] = '\0';
	for (size_t i = 0; i < page->n_unread; i++)
		sprintf(out + strlen(out), "%s%s", i ? " " : "", page->unread[i]);
	return out;
}

struct expected {
	enum vg_shape shape;
	const char *ranges, *next, *version, *unread;
	size_t n_left_out;
	const char *left_out;
};

static void check_text(const char *name, const char *what, const char *is, const char *expected)
{
	if (strcmp(is ? is : "", expected ? expected : "") != 0)
		fail_msg("%s: %s '%s' instead of '%s'", name, what, is ? is : "",
			 expected ? expected : "");
}

static void check(const char *name, const struct vg_shape_wish *wish, const char *text,
		  const struct expected *expected)
{
	_cleanup_(vg_listing_done) struct vg_listing listing = {};
	_cleanup_(vg_page_done) struct vg_page page = {};
	char out[LISTING_TEXT_SIZE];

	take(name, wish, text, &listing, &page);
	if (page.shape != expected->shape || page.n_left_out != expected->n_left_out)
		fail_msg("%s: shape %d, %zu left out", name, page.shape, page.n_left_out);
	check_text(name, "ranges", text_of(&listing, out), expected->ranges);
	if (!page.next_token != !expected->next || !page.version != !expected->version)
		fail_msg("%s: next page or version", name);
	check_text(name, "next page", page.next_token, expected->next);
	check_text(name, "version", page.version, expected->version);
	check_text(name, "unread", unread_of(&page, out), expected->unread);
	check_text(name, "left out", page.left_out, expected->left_out);
}

static char *file_of(const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *file = NULL;
	const size_t size = 65536;
	char *text = malloc(size);
	size_t n;

	assert_true(text && asprintf(&path, "tests/data/%s", name) > 0);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s (run from the top folder)", path, strerror(errno));
	n = fread(text, 1, size, file);
	assert_true(n < size);
	text[n] = '\0';
	return text;
}

#define PROD_USC1                                  \
	"10.10.0.0/20=subnet@regions/us-central1 " \
	"10.24.0.0/14=subnet@regions/us-central1 " \
	"10.28.0.0/20=subnet@regions/us-central1 "
#define DEFAULT_USC1 "10.128.0.0/20=subnet@regions/us-central1 "
#define PROXIES_USC1                                        \
	"10.129.0.0/23=regional-proxy@regions/us-central1 " \
	"10.129.4.0/23=regional-proxy@regions/us-central1 " \
	"10.129.8.0/23=global-proxy@regions/us-central1 "
#define PSC_USC1 "10.130.0.0/24=psc@regions/us-central1"
#define V6_USC1 " fd20:1:2:3::/64=subnet@regions/us-central1"
#define PROD_EUW1 "10.11.0.0/20=subnet@regions/europe-west1 "
#define PROXY_EUW1 "10.129.16.0/24=regional-proxy@regions/europe-west1 "
#define EXTERNAL_V6_EUW1 " 2001:db8:1::/64=subnet@regions/europe-west1"
#define V6_EUW1 " fd20:1:2:4::/64=subnet@regions/europe-west1"
#define ALL_PROD                                                                    \
	"10.10.0.0/20=subnet@regions/us-central1 " PROD_EUW1                        \
	"10.24.0.0/14=subnet@regions/us-central1 "                                  \
	"10.28.0.0/20=subnet@regions/us-central1 " PROXIES_USC1 PROXY_EUW1 PSC_USC1 \
		EXTERNAL_V6_EUW1 V6_USC1 V6_EUW1

static void test_files(void **state)
{
	static const struct {
		const char *file;
		struct vg_shape_wish wish;
		struct expected expected;
	} cases[] = {
		{"goog.json",
		 ANY,
		 {.shape = VG_SHAPE_PUBLISHED,
		  .ranges =
			  "8.8.4.0/24 8.8.8.0/24 34.0.0.0/15 34.64.0.0/10 142.250.0.0/15 2001:4860::/32 "
			  "2600:1900::/28",
		  .version = "1790733903731"}},
		{"cloud.json",
		 {.expected = VG_SHAPE_PUBLISHED, .scope = "us-central1"},
		 {.shape = VG_SHAPE_PUBLISHED,
		  .ranges = "34.104.64.0/21 2600:1900:4000::/44",
		  .version = "1790733903731"}},
		{"subnets-aggregated.json",
		 {.expected = VG_SHAPE_SUBNETS, .network = "prod"},
		 {.shape = VG_SHAPE_SUBNETS,
		  .ranges = PROD_USC1 PROXIES_USC1 PSC_USC1 V6_USC1,
		  .next = "Cg5uZXh0LXBhZ2UtdG9rZW4=",
		  .unread = "regions/us-east1",
		  .n_left_out = 1,
		  .left_out = "PRIVATE_NAT"}},
		{"subnets-aggregated.json",
		 ANY,
		 {.shape = VG_SHAPE_SUBNETS,
		  .ranges = PROD_USC1 DEFAULT_USC1 PROXIES_USC1 PSC_USC1 V6_USC1,
		  .next = "Cg5uZXh0LXBhZ2UtdG9rZW4=",
		  .unread = "regions/us-east1",
		  .n_left_out = 1,
		  .left_out = "PRIVATE_NAT"}},
		{"subnets-aggregated-2.json",
		 {.expected = VG_SHAPE_SUBNETS, .network = "prod"},
		 {.shape = VG_SHAPE_SUBNETS,
		  .ranges = PROD_EUW1
		  "10.129.16.0/24=regional-proxy@regions/europe-west1" EXTERNAL_V6_EUW1 V6_EUW1}},
		{"subnets-usable.json",
		 {.expected = VG_SHAPE_SUBNETS, .network = "prod"},
		 {.shape = VG_SHAPE_SUBNETS,
		  .ranges = ALL_PROD,
		  .n_left_out = 1,
		  .left_out = "PRIVATE_NAT"}},
		{"subnets-gcloud.json",
		 {.expected = VG_SHAPE_MAX, .network = "prod"},
		 {.shape = VG_SHAPE_SUBNETS,
		  .ranges = ALL_PROD,
		  .n_left_out = 1,
		  .left_out = "PRIVATE_NAT"}},
		{"subnets-gcloud.json",
		 {.expected = VG_SHAPE_MAX, .network = "default"},
		 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.128.0.0/20=subnet@regions/us-central1"}},
		{"nics.json",
		 ANY,
		 {.shape = VG_SHAPE_NICS,
		  .ranges = "10.10.0.0/20=subnet 10.10.2.5/32=subnet 10.24.3.0/24=subnet "
			    "10.128.0.0/20=subnet"}},
		{"nics.json",
		 {.expected = VG_SHAPE_NICS, .network = "default"},
		 {.shape = VG_SHAPE_NICS, .ranges = "10.128.0.0/20=subnet"}},
		{"connectors.json",
		 {.expected = VG_SHAPE_CONNECTORS, .network = "prod"},
		 {.shape = VG_SHAPE_CONNECTORS,
		  .ranges = "10.8.0.0/28@regions/us-central1 10.8.0.16/28@regions/us-central1",
		  .n_left_out = 1,
		  .left_out = "in a subnet of its own"}},
		{"routes.json",
		 ONLY(ROUTES),
		 {.shape = VG_SHAPE_ROUTES,
		  .ranges = "10.60.0.0/16 172.20.0.0/16 192.168.40.0/22 fd20:6::/48",
		  .n_left_out = 1,
		  .left_out = "default route"}},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = file_of(cases[i].file);

		check(cases[i].file, &cases[i].wish, text, &cases[i].expected);
	}
}

/* Set subtraction, as google:goog is: the same ones of goog.json that cloud.json has are gone. */
static void test_default_domains(void **state)
{
	static const struct vg_shape_wish wish = ANY;
	_cleanup_free_ char *goog_text = file_of("goog.json"), *cloud_text = file_of("cloud.json");
	_cleanup_(vg_listing_done) struct vg_listing goog = {}, cloud = {}, rest = {};
	_cleanup_(vg_page_done) struct vg_page page = {}, second = {};
	size_t gone, all;

	(void)state;
	take("goog", &wish, goog_text, &goog, &page);
	take("cloud", &wish, cloud_text, &cloud, &second);
	assert_int_equal(vg_listing_subtract(&goog, &cloud, &rest), 0);
	gone = count_gone(&goog, &rest, VG_RANGE_ANY, &all);
	assert_int_equal(all, 7);
	assert_int_equal(gone, 3);
}

#define SUBNET(members) "[{\"ipCidrRange\": \"10.0.0.0/24\", " members "}]"
#define AGGREGATED(scopes) "{\"items\": {" scopes "}}"
#define ENDED(members) "{\"items\": [{\"destRange\": \"10.0.0.0/8\"}], " members "}"

static const struct {
	const char *name;
	struct vg_shape_wish wish;
	const char *text;
	struct expected expected;
} documents[] = {
	/* what a subnet is for */
	{"no purpose",
	 ANY,
	 SUBNET("\"name\": \"a\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"null purpose",
	 ANY,
	 SUBNET("\"purpose\": null"),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"PRIVATE_RFC_1918",
	 ANY,
	 SUBNET("\"purpose\": \"PRIVATE_RFC_1918\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"a new purpose",
	 ANY,
	 SUBNET("\"purpose\": \"\\u0007NEW\", \"secondaryIpRanges\": [{\"ipCidrRange\": \"10.1.0.0/24\"}]"),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "", .n_left_out = 2, .left_out = "?NEW"}},
	{"a purpose of no letters",
	 ANY,
	 SUBNET("\"purpose\": \"\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "", .n_left_out = 1, .left_out = "unknown"}},
	{"secondary ranges of a PSC subnet",
	 ANY,
	 SUBNET("\"purpose\": \"PRIVATE_SERVICE_CONNECT\", "
		"\"secondaryIpRanges\": [{\"ipCidrRange\": \"10.1.0.0/24\"}, {\"rangeName\": \"x\"}]"),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=psc 10.1.0.0/24=psc"}},
	{"the same IPv6 range three times",
	 ANY,
	 "[{\"kind\": \"compute#subnetwork\", \"ipv6CidrRange\": \"fd20:0:0:0:0:0:0:0/64\", "
	 "\"internalIpv6Prefix\": \"fd20::/64\", \"externalIpv6Prefix\": \"FD20::/64\"}]",
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "fd20::/64=subnet"}},
	{"IPv6 alone, in one way each",
	 ANY,
	 "[{\"internalIpv6Prefix\": \"fd20:1::/64\"}, {\"externalIpv6Prefix\": \"fd20:2::/64\"}, "
	 "{\"ipv6CidrRange\": \"fd20:3::/64\"}]",
	 {.shape = VG_SHAPE_SUBNETS,
	  .ranges = "fd20:1::/64=subnet fd20:2::/64=subnet fd20:3::/64=subnet"}},
	{"no range yet, and listed as usable",
	 ANY,
	 "[{\"subnetwork\": \"x\"}]",
	 {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	{"no range yet",
	 ANY,
	 "[{\"kind\": \"compute#subnetwork\"}]",
	 {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	{"two purposes",
	 ANY,
	 "[{\"ipCidrRange\": \"10.0.0.0/8\", \"purpose\": \"A\"}, "
	 "{\"ipCidrRange\": \"11.0.0.0/8\", \"purpose\": \"B\"}]",
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "", .n_left_out = 2, .left_out = "A"}},
	{"not IPv4-mapped",
	 ANY,
	 "[{\"ipv6CidrRange\": \"fd20::ffff:0:0/96\"}]",
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "fd20::ffff:0:0/96=subnet"}},
	/* whose it is */
	{"no network",
	 {.expected = VG_SHAPE_MAX, .network = "prod"},
	 SUBNET("\"name\": \"a\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"another network's that ends alike",
	 {.expected = VG_SHAPE_MAX, .network = "prod"},
	 SUBNET("\"network\": \"https://x/projects/networks/global/networks/nonprod\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	{"a project called networks",
	 {.expected = VG_SHAPE_MAX, .network = "prod"},
	 SUBNET("\"network\": \"https://x/projects/networks/global/networks/prod\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"a short name",
	 {.expected = VG_SHAPE_MAX, .network = "prod"},
	 SUBNET("\"network\": \"prod\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"left out of another network",
	 {.expected = VG_SHAPE_MAX, .network = "prod"},
	 SUBNET("\"network\": \"test\", \"purpose\": \"PRIVATE_NAT\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	/* where it is */
	{"a region's name",
	 ANY,
	 SUBNET("\"region\": \"us-east1\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet@regions/us-east1"}},
	{"a region that can't be one",
	 ANY,
	 SUBNET("\"region\": \"us east\\n1\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"a subnet called regions",
	 ANY,
	 SUBNET("\"region\": \"x/regions/a-1/subnetworks/regions\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet@regions/a-1"}},
	{"a region and a folder",
	 ANY,
	 SUBNET("\"region\": \"a/b\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"a region with a long name",
	 ANY,
	 SUBNET("\"region\": \"a234567890a234567890a234567890a234567890a234567890a234567890abcd\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
	{"a region with another one's name inside",
	 ANY,
	 SUBNET("\"region\": \"regions/a/subregions/b\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet@regions/a"}},
	{"a region in a location",
	 ANY,
	 SUBNET("\"region\": \"locations/a/regions/b\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet@regions/b"}},
	{"a region beside the one that it is listed under",
	 ANY,
	 AGGREGATED("\"regions/a\": {\"subnetworks\": [{\"ipCidrRange\": \"10.0.0.0/8\", "
		    "\"region\": \"regions/b\"}]}"),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/8=subnet@regions/a"}},
	{"a region and a URL",
	 ANY,
	 SUBNET("\"region\": \"regions/b\", \"subnetwork\": \"regions/a/subnetworks/c\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet@regions/b"}},
	/* what couldn't be read */
	{"a number that is unreachable",
	 ANY,
	 ENDED("\"unreachable\": [1]"),
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8", .unread = "*"}},
	{"a region unread, with some subnets",
	 ANY,
	 AGGREGATED("\"regions/a\": {\"subnetworks\": [{\"ipCidrRange\": \"10.0.0.0/8\"}], "
		    "\"warning\": {\"code\": \"UNREACHABLE\"}}, \"regions/b\": {}, "
		    "\"regions/c\": {\"warning\": {}}"),
	 {.shape = VG_SHAPE_SUBNETS,
	  .ranges = "10.0.0.0/8=subnet@regions/a",
	  .unread = "regions/a regions/c"}},
	{"a scope of another kind",
	 ANY,
	 AGGREGATED("\"a b\": {\"subnetworks\": [{\"ipCidrRange\": \"10.0.0.0/8\"}], "
		    "\"warning\": {\"code\": \"UNREACHABLE\"}}"),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/8=subnet", .unread = "*"}},
	{"regions that are unreachable",
	 ANY,
	 ENDED("\"unreachables\": [\"regions/a\", \"projects/p/regions/a\", "
	       "\"projects/regions/locations/b\"], \"unreachable\": [\"c\", \"?\", 1]"),
	 {.shape = VG_SHAPE_ROUTES,
	  .ranges = "10.0.0.0/8",
	  .unread = "regions/a regions/b regions/c *"}},
	{"scoped warnings",
	 ANY,
	 ENDED("\"scopedWarnings\": [{\"scopeName\": \"regions/a\", "
	       "\"warning\": {\"code\": \"UNREACHABLE\"}}, {\"scopeName\": \"regions/b\", "
	       "\"warning\": {\"code\": \"NO_RESULTS_ON_PAGE\"}}, {\"warning\": {\"code\": \"X\"}}]"),
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8", .unread = "regions/a *"}},
	{"a warning of all",
	 ANY,
	 ENDED("\"warning\": {\"code\": \"PARTIAL_SUCCESS\"}"),
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8", .unread = "*"}},
	{"a warning of all that names one",
	 ANY,
	 ENDED("\"warning\": {\"code\": \"UNREACHABLE\", \"data\": [{\"key\": \"scope\", "
	       "\"value\": \"regions/a\"}, {\"key\": \"other\", \"value\": \"regions/b\"}, 1]}"),
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8", .unread = "regions/a"}},
	{"a warning that is none",
	 ANY,
	 ENDED("\"warning\": {\"code\": \"NO_RESULTS_ON_PAGE\"}"),
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8"}},
	/* pages and emptiness */
	{"the last page",
	 ANY,
	 ENDED("\"nextPageToken\": \"\""),
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8"}},
	{"no connectors", ONLY(CONNECTORS), "{}", {.shape = VG_SHAPE_CONNECTORS, .ranges = ""}},
	{"no routes", ONLY(ROUTES), "{}", {.shape = VG_SHAPE_ROUTES, .ranges = ""}},
	{"no subnets on this page",
	 ONLY(SUBNETS),
	 "{\"kind\": \"compute#usableSubnetworksAggregatedList\", \"nextPageToken\": \"x\"}",
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "", .next = "x"}},
	{"no items", ONLY(SUBNETS), "{\"items\": []}", {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	{"no subnets", ONLY(SUBNETS), "[]", {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	{"no NICs", ONLY(NICS), "[]", {.shape = VG_SHAPE_NICS, .ranges = ""}},
	{"no regions", ANY, AGGREGATED(""), {.shape = VG_SHAPE_SUBNETS, .ranges = ""}},
	{"empty, and says of what",
	 ANY,
	 "{\"kind\": \"compute#exchangedPeeringRoutesList\", \"items\": []}",
	 {.shape = VG_SHAPE_ROUTES, .ranges = ""}},
	/* lists as gcloud prints them */
	{"a list of connectors",
	 ANY,
	 "[{\"name\": \"projects/p/locations/a/connectors/c\", \"ipCidrRange\": \"10.8.0.0/28\"}]",
	 {.shape = VG_SHAPE_CONNECTORS, .ranges = "10.8.0.0/28@regions/a"}},
	{"a list of routes",
	 ANY,
	 "[{\"destRange\": \"10.0.0.0/8\", \"imported\": null}]",
	 {.shape = VG_SHAPE_ROUTES, .ranges = "10.0.0.0/8"}},
	/* labels */
	{"a service",
	 {.expected = VG_SHAPE_MAX, .service = "Google Cloud"},
	 "{\"prefixes\": [{\"ipv4Prefix\": \"10.0.0.0/8\"}, {\"ipv4Prefix\": \"11.0.0.0/8\", "
	 "\"service\": \"Google\"}, {\"ipv4Prefix\": \"12.0.0.0/8\", \"service\": \"Google Cloud\"}]}",
	 {.shape = VG_SHAPE_PUBLISHED, .ranges = "12.0.0.0/8"}},
	{"both labels",
	 {.expected = VG_SHAPE_MAX, .service = "s", .scope = "r"},
	 "{\"prefixes\": [{\"ipv4Prefix\": \"10.0.0.0/8\", \"service\": \"s\", \"scope\": \"r\"}, "
	 "{\"ipv4Prefix\": \"11.0.0.0/8\", \"service\": \"s\"}, "
	 "{\"ipv4Prefix\": \"12.0.0.0/8\", \"scope\": \"r\"}]}",
	 {.shape = VG_SHAPE_PUBLISHED, .ranges = "10.0.0.0/8"}},
	/* how it is written */
	{"a byte order mark",
	 ANY,
	 "\xef\xbb\xbf\r\n" SUBNET("\"name\": \"a\""),
	 {.shape = VG_SHAPE_SUBNETS, .ranges = "10.0.0.0/24=subnet"}},
};

static void test_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(documents); i++)
		check(documents[i].name, &documents[i].wish, documents[i].text,
		      &documents[i].expected);
}

/* Pages of one answer add up, and a scope that recurs is the same one. */
static void test_pages(void **state)
{
	static const struct vg_shape_wish wish = {.expected = VG_SHAPE_SUBNETS, .network = "prod"};
	_cleanup_free_ char *first = file_of("subnets-aggregated.json");
	_cleanup_free_ char *second = file_of("subnets-aggregated-2.json");
	_cleanup_free_ char *usable = file_of("subnets-usable.json");
	_cleanup_(vg_listing_done) struct vg_listing aggregated = {}, listed = {};
	_cleanup_(vg_page_done) struct vg_page page1 = {}, page2 = {}, page3 = {};

	(void)state;
	take("page 1", &wish, first, &aggregated, &page1);
	take("page 2", &wish, second, &aggregated, &page2);
	take("usable", &wish, usable, &listed, &page3);
	assert_true(vg_listing_equal(&aggregated, &listed));
	assert_int_equal(aggregated.n_scopes, 2);
}

static void test_is_json(void **state)
{
	static const struct {
		const char *text;
		bool json;
	} cases[] = {
		{"{}", true},
		{" \t\r\n[", true},
		{"\xef\xbb\xbf{", true},
		{"\xef\xbb\xbf \n[", true},
		{"", false},
		{"\xef\xbb\xbf", false},
		{"  ", false},
		{"10.0.0.0/8", false},
		{"# {}", false},
		{"<html>", false},
		{"\xff\xfe{", false},
		{"\"{\"", false},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		if (vg_shape_is_json(cases[i].text, strlen(cases[i].text)) != cases[i].json)
			fail_msg("'%s'", cases[i].text);
	}
	assert_false(vg_shape_is_json("{", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	  cmocka_unit_test(test_default_domains),
		cmocka_unit_test(test_documents), cmocka_unit_test(test_pages),
		cmocka_unit_test(test_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
