/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/policy.h"
#include "share/file.h"
#include "tools/discover_files.c"
#include "tools/discover_found.c"
#include "tools/discover_native.c"
#include "tools/discover_ranges.c"
#include "tools/discover_text.c"
#include "tools/discover_write.c"

#define HOSTILE "a\n  - eth9\r\ningress: all\n\xc2\x85x: y\xe2\x80\xa8 # \t\x1b[31m\"'"

struct write_case {
	const char *name;
	struct vg_found found; /* but for the listings */
	struct vg_found_nic nic;
	struct vg_metadata_nic metadata;
	const char *ranges[VG_FEED_KIND_MAX][4]; /* "PREFIX USE SCOPE" */
	struct vg_discover_servers servers;
	const char *says[8]; /* with '!': doesn't */
};

#define FEED(kind) [VG_FEED_##kind]
#define READ(kind) FEED(kind) = {.read = true}

static const struct write_case write_cases[] = {
	{
		.name = "VPC",
		.found = {.feeds = {READ(SUBNETS), READ(METADATA), READ(CONNECTORS)},
			  .project_number = (char *)"123",
			  .name = (char *)"web-1",
			  .zone = (char *)"projects/123/zones/europe-west9-b",
			  .project = (char *)"demo",
			  .time_s = 1764115200},
		.nic = {{.name = "ens4", .address4 = "10.128.0.2", .facts.driver = "virtio_net"}},
		.metadata = {.network = (char *)"prod", .network_project = (char *)"123"},
		.ranges = {FEED(SUBNETS) = {"10.128.0.0/20 subnet regions/europe-west9",
					    "10.129.0.0/23 regional-proxy regions/europe-west9",
					    "10.130.0.0/24 psc regions/us-central1"}},
		.says = {"on web-1 (zone europe-west9-b, project demo)", "2025-11-26 00:00 UTC",
			 "\n  # network prod, driver virtio_net, address 10.128.0.2\n",
			 "\n  vpc: [gcp:subnets]\n",
			 "\n  #   10.128.0.0/20  europe-west9  subnet\n", "\nalso-admit: [iap]\n",
			 "\n# services:\n", "!could not be read"},
	},
	{
		.name = "Shared VPC",
		.found = {.feeds = {FEED(SUBNETS) = {.read = true, .listing = {.shared = true}}},
			  .project_number = (char *)"123"},
		.nic = {{.name = "ens4"}},
		.metadata = {.network = (char *)"prod", .network_project = (char *)"456"},
		.ranges = {FEED(SUBNETS) = {"10.128.0.0/20 subnet regions/europe-west9"}},
		.says = {"network prod of the host project 456 (Shared VPC)",
			 "host project 456, so that", "1 range now:"},
	},
	{
		.name = "no right to read subnets",
		.found = {.feeds = {FEED(SUBNETS) = {.reason = "403: give roles/x\nto y"},
				    READ(METADATA),
				    FEED(CONNECTORS) = {.reason = "403: give roles/x\nto y"},
				    FEED(PEERING_ROUTES) = {.reason = "another"}}},
		.nic = {{.name = "ens4"}},
		.ranges = {FEED(METADATA) = {"10.128.0.0/20 subnet"}},
		.says = {"subnets could not be read: 403: give roles/x?to y.",
			 "\n  vpc: [gcp:metadata]\n", "\n  #   10.128.0.0/20  subnet\n",
			 "connectors could not be read, as the subnets.", "read: another.",
			 "Not everything could be read", "!vpc: [gcp:subnets]\n"},
	},
	{
		.name = "a gap in what was read",
		.found = {.feeds = {FEED(SUBNETS) = {.read = true, .note = "only usable ones"}}},
		.nic = {{.name = "ens4"}},
		.ranges = {FEED(SUBNETS) = {"fd20:1:2::/64 subnet regions/europe-west9"}},
		.says = {"missing: only usable ones.", "\n  vpc: [gcp:subnets]\n"},
	},
	{
		.name = "nothing of the NICs' metadata",
		.found = {.metadata_reason = "HTTP status 503",
			  .found_by = VG_FOUND_BY_DEFAULT_ROUTE,
			  .feeds = {FEED(SUBNETS) = {.reason = "no network"},
				    FEED(METADATA) = {.reason = "HTTP status 503"}}},
		.nic = {{.name = "eth0"}},
		.says = {"The NICs with a default route: Google's could not be read: HTTP status 503.",
			 "\n  - eth0\n", "\n  vpc: [gcp:metadata]\n", "Not even those"},
	},
	{
		.name = "connectors and peering",
		.found = {.feeds = {READ(SUBNETS), READ(CONNECTORS), READ(PEERING_ROUTES)}},
		.nic = {{.name = "ens4"}},
		.ranges = {FEED(SUBNETS) = {"10.128.0.0/20 subnet"},
			   FEED(CONNECTORS) = {"10.8.0.0/28 any"},
			   FEED(PEERING_ROUTES) = {"10.50.0.0/16 any"}},
		.says = {"\nalso-admit: [iap, connectors]\n", "\n  connectors: [gcp:connectors]\n",
			 "\n  # peering: [gcp:peering-routes]\n", "!\n  peering"},
	},
	{
		.name = "an external passthrough load balancer",
		.found = {.feeds = {READ(SUBNETS), READ(FORWARDED_IPS)}},
		.nic = {{.name = "ens4"}},
		.ranges = {FEED(SUBNETS) = {"10.128.0.0/20 subnet"},
			   FEED(FORWARDED_IPS) = {"10.128.0.9/32 any", "198.51.100.7/32 any"}},
		.says = {"\nservices:\n", "\n    to: [gcp:forwarded-ips]\n    ingress: all\n",
			 "\n  #   198.51.100.7/32\n"},
	},
	{
		.name = "an internal passthrough load balancer",
		.found = {.feeds = {READ(SUBNETS), READ(FORWARDED_IPS), READ(CONNECTORS)}},
		.nic = {{.name = "ens4"}},
		.ranges = {FEED(SUBNETS) = {"100.64.0.0/20 subnet"},
			   FEED(CONNECTORS) = {"10.8.0.0/28 any"},
			   FEED(FORWARDED_IPS) = {"100.64.0.9/32 any", "fd20::9/128 any"}},
		.says = {"\n    ingress: internal\n    also-admit: [iap, connectors, health-check]\n",
			 "!    ingress: all"},
	},
	{
		.name = "hostile names",
		.found = {.name = (char *)HOSTILE,
			  .zone = (char *)HOSTILE,
			  .project = (char *)HOSTILE,
			  .project_number = (char *)"1",
			  .kernel = HOSTILE,
			  .metadata_reason = HOSTILE,
			  .found_by = VG_FOUND_BY_DEFAULT_ROUTE,
			  .feeds = {FEED(SUBNETS) = {.read = true,
						     .note = HOSTILE,
						     .listing = {.shared = true}},
				    FEED(CONNECTORS) = {.reason = HOSTILE}}},
		.nic = {{.name = "[a*]?\\\"'#",
			 .facts.driver = "gve",
			 .facts.version = "a\n- eth9\n#"}},
		.metadata = {.network = (char *)HOSTILE, .network_project = (char *)HOSTILE},
		.ranges = {FEED(SUBNETS) = {"10.128.0.0/20 subnet " HOSTILE}},
		.says = {"\n  vpc: [gcp:subnets]\n", "!\n  - eth9", "!\ningress: all",
			 "\n  - \"\\\\[a\\\\*]\\\\?\\\\\\\\\\\"'#\"\n"},
	},
	{
		.name = "other servers",
		.found = {.feeds = {READ(SUBNETS)}},
		.nic = {{.name = "ens4"}},
		.ranges = {FEED(SUBNETS) = {"10.128.0.0/20 subnet"}},
		.servers = {"http://[fd20::1]:8080", "https://compute.example:8443/", NULL,
			    "/etc/a b: #'\"\\.pem"},
		.says = {"\ndiscovery:\n  metadata: \"http://[fd20::1]:8080\"\n",
			 "\n  compute: \"https://compute.example:8443/\"\n",
			 "\n  ca: \"/etc/a b: #'\\\"\\\\.pem\"\n", "!vpcaccess:"},
	},
};

/* "PREFIX USE SCOPE", where what is behind the prefix may be missing. */
static void add_range_text(struct vg_listing *listing, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	enum vg_range_use use = VG_RANGE_ANY;
	__u16 scope = VG_LISTING_NO_SCOPE;
	struct vg_prefix prefix;
	char *rest = copy;
	const char *word;

	assert_int_equal(vg_prefix_parse(strsep(&rest, " "), &prefix, NULL, 0), 0);
	word = strsep(&rest, " ");
	assert_int_equal(vg_range_use_parse(word, &use), 0);
	if (rest)
		assert_int_equal(vg_listing_scope(listing, rest, &scope), 0);
	assert_int_equal(vg_listing_add(listing, &prefix, use, scope), 0);
}

/* A config is what it says it is: nothing but what this code means to write has any effect. */
static void expect_config(const char *name, const char *text, size_t length, const char *nic)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_diag diag = {};

	if (vg_config_parse("new", text, length, &config, &diag) < 0 ||
	    vg_policy_build(config, &vg_file_reader, &policy, &diag) < 0)
		fail_msg("%s: %s:%u:%u: %s in:\n%s", name, diag.file, diag.at.line, diag.at.column,
			 diag.text, text);
	if (!config->monitor || config->ingress != VG_INGRESS_INTERNAL_LB ||
	    config->n_interfaces != 1 || vg_policy_rule(policy, nic) != 0 ||
	    !config->replies.track || !config->exporter || vg_policy_set(policy, "iap") < 0 ||
	    config->allow_empty || !(policy->also_admit >> vg_policy_set(policy, "iap") & 1))
		fail_msg("%s: not what it shall be:\n%s", name, text);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strcspn(line, "\n") > 100 + 4 * VG_DISCOVER_NAME_SIZE)
			fail_msg("%s: a line of %zu bytes", name, strcspn(line, "\n"));
	}
}

/* All of a text on one line, and its comments without their marks: where it is wrapped is no matter. */
static char *flatten(const char *text)
{
	char *flat = strdup(text), *to = flat;

	assert_non_null(flat);
	for (const char *from = text; *from; from++) {
		if (*from == '\n') {
			from += 1 + strspn(from + 1, " ");
			from += strspn(from, "# ") - 1;
			*to++ = ' ';
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return flat;
}

static void expect_says(const char *name, const char *text, const char *const *says, size_t n)
{
	_cleanup_free_ char *flat = flatten(text);

	for (size_t i = 0; i < n && says[i]; i++) {
		const bool absent = says[i][0] == '!';
		const char *what = says[i] + absent;

		if ((strstr(text, what) || strstr(flat, what)) == absent)
			fail_msg("%s: '%s' in:\n%s", name, says[i], text);
	}
}

static void test_configs(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(write_cases); i++) {
		const struct write_case *c = &write_cases[i];
		struct vg_found_nic nic = c->nic;
		struct vg_found found = c->found;
		_cleanup_free_ char *text = NULL;
		size_t length;

		nic.metadata = c->metadata.network ? &c->metadata : NULL;
		found.nics = &nic;
		found.n_nics = 1;
		for (int kind = 0; kind < VG_FEED_KIND_MAX; kind++) {
			for (size_t j = 0; j < 4 && c->ranges[kind][j]; j++)
				add_range_text(&found.feeds[kind].listing, c->ranges[kind][j]);
		}
		if (vg_discover_write(&found, &c->servers, &text, &length) < 0)
			fail_msg("%s: isn't written", c->name);
		expect_config(c->name, text, length, nic.host.name);
		expect_says(c->name, text, c->says, VG_ARRAY_SIZE(c->says));
		for (int kind = 0; kind < VG_FEED_KIND_MAX; kind++)
			vg_listing_done(&found.feeds[kind].listing);
	}
}

/* A listing of any size makes a comment of some lines. */
static void test_long_listings(void **state)
{
	struct vg_found_nic nic = {{.name = "ens4"}, NULL};
	struct vg_found found = {.nics = &nic, .n_nics = 1, .feeds = {READ(SUBNETS)}};
	const struct vg_discover_servers servers = {};
	static const char *const says[] = {"4096 ranges now:", "\n  #   and 4076 more\n",
					   "\n  #   10.0.9.0/24   subnet\n", "!10.0.20.0/24"};
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	for (unsigned i = 0; i < 4096; i++) {
		const struct vg_prefix prefix = {{(10ULL << 24 | i << 8) << 32, 0, 4}, 24};

		assert_int_equal(vg_listing_add(&found.feeds[VG_FEED_SUBNETS].listing, &prefix,
						VG_RANGE_SUBNET, VG_LISTING_NO_SCOPE),
				 0);
	}
	assert_int_equal(vg_discover_write(&found, &servers, &text, &length), 0);
	expect_config("long", text, length, "ens4");
	expect_says("long", text, says, VG_ARRAY_SIZE(says));
	vg_listing_done(&found.feeds[VG_FEED_SUBNETS].listing);
}

/* ---- the same from files ---- */

#define SUBNET(network, prefix)                                            \
	"{\"ipCidrRange\": \"" prefix                                      \
	"\", \"network\": \"https://x/projects/p/global/networks/" network \
	"\", \"region\": \"https://x/projects/p/regions/us-east1\"}"
#define NIC(network, address)                                                          \
	"{\"ip\": \"" address "\", \"subnetmask\": \"255.255.240.0\", \"mtu\": 8896, " \
	"\"mac\": \"" MAC "\", \"network\": \"projects/1/networks/" network "\"}"
#define MAC "42:01:0a:80:00:46"

struct file_case {
	const char *name;
	const char *files[3]; /* documents, or "@NAME" of tests/data */
	const char *network, *interface;
	const char *wrong; /* where they are refused: a part of why */
	const char *sets;  /* "SET PREFIX PREFIX, SET PREFIX" */
	const char *says[6];
};

static const struct file_case file_cases[] = {
	{
		.name = "gcloud's subnets, one network of them",
		.files = {"@subnets-gcloud.json"},
		.network = "prod",
		.sets = "vpc 10.10.0.0/20 10.11.0.0/20 10.24.0.0/14 10.28.0.0/20 10.129.8.0/23 "
			"2001:db8:1::/64 fd20:1:2:3::/64 fd20:1:2:4::/64, regional-proxy 10.129.0.0/23 10.129.4.0/23 "
			"10.129.16.0/24, psc 10.130.0.0/24",
		.says = {"\n  - ens4\n", "\n    - \"10.10.0.0/20\" # us-central1, subnet\n",
			 "left out: 1 (PRIVATE_NAT)", "mostly call the first"},
	},
	{
		.name = "an aggregated page",
		.files = {"@subnets-aggregated.json"},
		.network = "default",
		.interface = "eth0",
		.sets = "vpc 10.128.0.0/20",
		.says = {"\n  - eth0\n", "a page of several",
			 "ranges are missing: regions/us-east1 couldn't be read"},
	},
	{
		.name = "usable subnets",
		.files = {"@subnets-usable.json"},
		.network = "default",
		.sets = "vpc 10.128.0.0/20",
	},
	{
		.name = "NICs alone",
		.files = {"@nics.json"},
		.interface = "ens4",
		.sets = "vpc 10.10.0.0/20 10.10.2.5/32 10.24.3.0/24",
		.says = {"None of them lists the network's subnets",
			 "\n  # network prod, MTU 1460\n",
			 "\n    to:\n      - \"10.10.15.200/32\"\n", "\n    ingress: all\n"},
	},
	{
		.name = "everything, and the NIC says which network",
		.files = {"[" NIC("default", "10.128.0.9") "]", "@subnets-gcloud.json",
			  "@connectors.json"},
		.sets = "vpc 10.128.0.0/20, connectors 10.8.1.0/28",
		.says = {"\nalso-admit: [iap, connectors]\n"},
	},
	{
		.name = "routes",
		.files = {"@routes.json", "[" SUBNET("prod", "10.10.0.0/20") "]"},
		.sets = "vpc 10.10.0.0/20",
		.says = {"\n  # peering:\n  #   - \"10.60.0.0/16\"\n"},
	},
	{
		.name = "the same subnets twice",
		.files = {"[" SUBNET("prod", "10.10.0.0/20") "]",
			  "[" SUBNET("prod", "10.10.0.0/20") "," SUBNET("prod", "10.9.0.0/20") "]"},
		.sets = "vpc 10.9.0.0/20 10.10.0.0/20",
	},
	{
		.name = "several networks",
		.files = {"[" SUBNET("prod", "10.10.0.0/20") "]",
			  "[" SUBNET("b\\u0007", "10.9.0.0/20") "]"},
		.wrong = "several networks: give --network with one of prod, b?",
	},
	{
		.name = "another network than there are",
		.files = {"[" SUBNET("prod", "10.10.0.0/20") "]"},
		.network = "test",
		.wrong = "no network 'test': give --network with one of prod",
	},
	{
		.name = "another network than the NIC's",
		.files = {"[" NIC("default", "10.128.0.9") "]",
			  "[" SUBNET("prod", "10.10.0.0/20") "]"},
		.wrong = "no subnet of the network default",
	},
	{.name = "published ranges", .files = {"@goog.json"}, .wrong = "write `google:goog`"},
	{.name = "an error of the API",
	 .files = {"@error-scope.json"},
	 .wrong = "error-scope.json"},
	{.name = "no JSON", .files = {"interfaces: [ens4]\n"}, .wrong = "0"},
	{.name = "nothing", .files = {""}, .wrong = "0"},
	{.name = "no file",
	 .files = {"@none.json"},
	 .wrong = "none.json: can't be read: No such file"},
	{
		.name = "two VMs",
		.files = {"[" NIC("default", "10.128.0.9") "]", "@nics.json"},
		.wrong = "nics.json: the NICs of a second VM",
	},
	{
		.name = "no interface's name",
		.files = {"[" SUBNET("prod", "10.10.0.0/20") "]"},
		.interface = "a-name-of-17-byte",
		.wrong = "'a-name-of-17-byte' is no interface",
	},
};

/* Makes a file of each document in `folder`; those of tests/data are there. */
static size_t make_files(const struct file_case *c, const char *folder, char paths[3][256])
{
	size_t n = 0;

	for (; n < VG_ARRAY_SIZE(c->files) && c->files[n]; n++) {
		_cleanup_fclose_ FILE *file = NULL;

		if (c->files[n][0] == '@') {
			snprintf(paths[n], 256, "tests/data/%s", c->files[n] + 1);
			continue;
		}
		snprintf(paths[n], 256, "%s/%zu", folder, n);
		file = fopen(paths[n], "we");
		assert_non_null(file);
		fputs(c->files[n], file);
	}
	return n;
}

/* What the config's own sets hold, as in struct file_case. */
static void format_sets(const char *text, size_t length, char *out, size_t size)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_diag diag = {};
	size_t used = 0;

	assert_int_equal(vg_config_parse("new", text, length, &config, &diag), 0);
	assert_int_equal(vg_policy_build(config, &vg_file_reader, &policy, &diag), 0);
	*out = '\0';
	for (size_t i = 0; i < config->n_sources; i++) {
		const struct vg_set *set = &policy->sets[i];
		char prefix[VG_PREFIX_TEXT_SIZE];

		if (!strcmp(set->name, "iap"))
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
					 set->name);
		for (size_t j = 0; j < vg_set_size(set); j++) {
			const struct vg_range range = vg_set_range(set, j);

			used += (size_t)snprintf(out + used, size - used, " %s",
						 vg_prefix_format(&range.prefix, prefix));
		}
	}
}

static void expect_files(const struct file_case *c, const char *folder)
{
	_cleanup_(vg_found_done) struct vg_found found = {};
	const struct vg_discover_servers servers = {};
	_cleanup_free_ char *text = NULL;
	struct vg_diag diag = {};
	char paths[3][256] = {}, line[2048], sets[1024];
	const char *const files[] = {paths[0], paths[1], paths[2]};
	const size_t n = make_files(c, folder, paths);
	size_t length;
	int r;

	r = vg_discover_read(files, n, c->network, c->interface, &found, &diag);
	vg_diag_format(&diag, line, sizeof(line));
	if (!r != !c->wrong || (r < 0 && !strstr(line, c->wrong)))
		fail_msg("%s: %d: %s", c->name, r, line);
	if (r < 0)
		return;
	assert_int_equal(vg_discover_write(&found, &servers, &text, &length), 0);
	expect_config(c->name, text, length, found.nics[0].host.name);
	expect_says(c->name, text, c->says, VG_ARRAY_SIZE(c->says));
	format_sets(text, length, sets, sizeof(sets));
	if (strcmp(sets, c->sets) != 0)
		fail_msg("%s: the sets are '%s' in:\n%s", c->name, sets, text);
}

static void test_files(void **state)
{
	char folder[] = "/tmp/test_discover.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < VG_ARRAY_SIZE(file_cases); i++)
		expect_files(&file_cases[i], folder);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configs),
		cmocka_unit_test(test_long_listings),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
