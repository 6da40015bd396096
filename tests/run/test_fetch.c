/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fetches of every kind of feed, from a cloud that may be well or not. */
#include "fetch_rig.h"

#define HUNG_MS 700 /* how long the client waits where a server hangs */

static const struct fetch_case {
	const char *name, *feed;
	const char *world, *control;
	const char *macs;
	const char *version;
	int error;
	const char *reason; /* part of it, with an error */
	const char *ranges, *unread, *note;
	bool shared;
	unsigned retry_after_s;
	struct {
		const char *part; /* of a path */
		size_t times;
	} asked;
} fetch_cases[] = {
	/* gcp:subnets */
	{"the VPC of the NIC", "gcp:subnets", .ranges = PROD, .macs = OWN_MAC},
	{"all NICs", "gcp:subnets", .ranges = PROD},
	{"upper case MAC", "gcp:subnets", .ranges = PROD, .macs = "42:01:0A:0A:00:46"},
	{"another network", "gcp:subnets?network=default",
	 .ranges = "10.142.0.0/20=subnet@regions/us-east1"},
	{"network and project by number", "gcp:subnets?network=prod&project=101", .ranges = PROD,
	 .asked = {"network-interfaces", 0}},
	{"network and project by ID", "gcp:subnets?network=prod&project=my-app", .ranges = PROD},
	{"Shared VPC", "gcp:subnets", world_shared,
	 .ranges = "10.20.0.0/24=subnet@regions/us-east1", .shared = true,
	 .asked = {"projects/202/aggregated", 1}},
	{"Shared VPC by name", "gcp:subnets?network=hub&project=the-hub", world_shared,
	 .ranges = "10.20.0.0/24=subnet@regions/us-east1", .shared = true},
	{"NICs in two networks", "gcp:subnets", world_two_nics,
	 .ranges = "10.1.0.0/24=subnet@regions/us-east1 10.2.0.0/24=subnet@regions/us-east1"},
	{"one of two NICs", "gcp:subnets", world_two_nics, .macs = SECOND_MAC,
	 .ranges = "10.2.0.0/24=subnet@regions/us-east1"},
	{"NICs of both kinds", "gcp:subnets", world_both_kinds, .error = -EINVAL,
	 .reason = "write for each network gcp:subnets?network=NAME&project=PROJECT",
	 .asked = {SUBNETS_URL, 0}},
	{"one network, where there are both kinds", "gcp:subnets?network=hub", world_both_kinds,
	 .ranges = "10.20.0.0/24=subnet@regions/us-east1", .shared = true},
	{"no filtered NIC is known", "gcp:subnets", .macs = "02:00:00:00:00:01 02:00:00:00:00:02",
	 .error = -EINVAL,
	 .reason = "filtered are 02:00:00:00:00:01, 02:00:00:00:00:02, this VM has " OWN_MAC},
	{"a region fails", "gcp:subnets", world_region_down,
	 .ranges = "10.1.0.0/24=subnet@regions/us-east1", .unread = "regions/europe-west9",
	 .note = "regions/europe-west9 couldn't be read by the server"},
	{"uses that are never admitted", "gcp:subnets", world_nat,
	 .ranges = "10.1.0.0/24=subnet@regions/us-east1",
	 .note = "1 range is left out (PRIVATE_NAT)"},
	{"no such network", "gcp:subnets?network=prodd", .error = -ENOENT,
	 .reason = "project 101 has no subnets in a network 'prodd'"},
	{"no such project", "gcp:subnets?network=prod&project=404", .error = -ENOENT,
	 .reason = "finds no network 'prod' of project 404: The resource"},
	{"403: scope", "gcp:subnets", world_other_scopes, .error = -EACCES,
	 .reason = "it needs the scope compute.readonly or cloud-platform; stop the VM",
	 .asked = {"listUsable", 0}},
	{"compute.readonly is enough", "gcp:subnets", world_compute_scope, .ranges = PROD},
	{"403: IAM, but usable subnets", "gcp:subnets", world_usable,
	 .ranges = "10.1.0.0/24=subnet@regions/us-east1",
	 .note = "only the subnets that this VM's service account may use"},
	{"403: IAM, nothing usable", "gcp:subnets", world_none_usable, .error = -EACCES,
	 .reason = "may not list the subnets of project 101: give it "
		   "roles/compute.networkViewer there: Required 'compute.subnetworks.list'"},
	{"403: IAM, both lists", "gcp:subnets", world_shared_forbidden, .error = -EACCES,
	 .reason = "project 202: give it roles/compute.networkViewer there (under Shared VPC that "
		   "is the host project)",
	 .asked = {"listUsable", 1}},
	{"403: the usable list fails for now", "gcp:subnets", world_forbidden,
	 "{'listUsable':{'status':503}}", .error = -EAGAIN, .reason = "can't answer now"},
	{"403: API off", "gcp:subnets",
	 .control = "{'/compute/':{'status':403,'json':{'error':{"
		    "'message':'Compute Engine API has not been used','errors':[{'reason':"
		    "'accessNotConfigured'}]}}}}",
	 .error = -EACCES, .reason = "gcloud services enable compute.googleapis.com --project 101",
	 .asked = {"listUsable", 0}},
	{"403: quota", "gcp:subnets",
	 .control = "{'/compute/':{'status':403,'json':{'error':{"
		    "'message':'Rate Limit Exceeded','errors':[{'reason':'rateLimitExceeded'}]}}}}",
	 .error = -EAGAIN, .reason = "was asked too often: Rate Limit Exceeded"},
	{"404", "gcp:subnets", .control = "{'/compute/':{'status':404}}", .error = -ENOENT,
	 .reason = "127.0.0.1 finds no network 'prod' of project 101: Told to fail."},
	{"400", "gcp:subnets", .control = "{'/compute/':{'status':400}}", .error = -EPROTO,
	 .reason = "refuses the question (HTTP status 400): Told to fail."},
	{"429", "gcp:subnets", .control = "{'/compute/':{'status':429,'retry_after':7}}",
	 .error = -EAGAIN, .reason = "asked too often", .retry_after_s = 7},
	{"500", "gcp:subnets", .control = "{'/compute/':{'status':500}}", .error = -EAGAIN,
	 .reason = "can't answer now (HTTP status 500)"},
	{"hangs", "gcp:subnets", .control = "{'/compute/':'hang'}", .error = -EAGAIN,
	 .reason = "no whole answer in time"},
	{"slow", "gcp:subnets", .control = "{'/compute/':'slow'}", .error = -EAGAIN,
	 .reason = "no whole answer in time"},
	{"cut off", "gcp:subnets", .control = "{'/compute/':'truncate'}", .error = -EPROTO,
	 .reason = "the document is cut off"},
	{"connection drops", "gcp:subnets", .control = "{'/compute/':'drop-connection'}",
	 .error = -EAGAIN, .reason = "in the middle of its answer"},
	{"50 MB", "gcp:subnets", .control = "{'/compute/':'huge'}", .error = -EPROTO,
	 .reason = "larger than 32 MiB"},
	{"50 MB of 50 kB", "gcp:subnets", .control = "{'/compute/':'huge-gzip'}", .error = -EPROTO,
	 .reason = "larger than 32 MiB"},
	{"a prefix that is none", "gcp:subnets", .control = "{'/compute/':'bad-prefix'}",
	 .error = -EPROTO, .reason = "10.0.0.300/8"},
	{"HTML", "gcp:subnets", .control = "{'/compute/':'html'}", .error = -EPROTO,
	 .reason = "127.0.0.1: HTML, not JSON"},
	{"another document", "gcp:subnets", .control = "{'/compute/':{'json':{'prefixes':[]}}}",
	 .error = -EPROTO, .reason = "where subnets were expected"},
	{"an error with status 200", "gcp:subnets",
	 .control = "{'/compute/':{'json':{'error':"
		    "{'message':'No!'}}}}",
	 .error = -EPROTO, .reason = "No!"},
	{"redirect", "gcp:subnets",
	 .control = "{'/compute/':{'do':'redirect',"
		    "'location':'https://127.0.0.1:8444/else?secret'}}",
	 .error = -EPROTO,
	 .reason = "127.0.0.1 sends us on to 127.0.0.1 (HTTP status 302), which isn't followed",
	 .asked = {"/else", 0}},
	{"401 once", "gcp:subnets", .control = "{'/compute/':{'status':401,'times':1}}",
	 .ranges = PROD, .asked = {"default/token", 2}},
	{"401 always", "gcp:subnets", .control = "{'/compute/':{'status':401}}", .error = -EACCES,
	 .reason = "takes no access token of this VM's service account",
	 .asked = {"default/token", 2}},
	{"no service account", "gcp:subnets", world_no_account, .error = -ENOENT,
	 .reason = "this VM has no service account"},
	{"a token that can't be read", "gcp:subnets",
	 .control = "{'token':{'json':{'access_token':'ab\\r\\nEvil: c','expires_in':9}}}",
	 .error = -EPROTO, .reason = "access token can't be read", .asked = {"/compute/v1/", 0}},
	{"a token without an end", "gcp:subnets",
	 .control = "{'token':{'json':{'access_token':'ya29.x'}}}", .error = -EPROTO,
	 .reason = "access token can't be read"},
	{"no metadata server of Google's", "gcp:subnets",
	 .control = "{'computeMetadata':'no-flavor'}", .error = -EPROTO,
	 .reason = "isn't that of Google's metadata server"},
	{"metadata server is busy", "gcp:subnets",
	 .control = "{'interfaces':{'status':503,'retry_after':3}}", .error = -EAGAIN,
	 .reason = "can't answer now", .retry_after_s = 3},
	{"nonsense for a number", "gcp:subnets", .control = "{'numeric':{'text':'../../evil'}}",
	 .error = -EPROTO,
	 .reason = "says '../../evil' where the number of this VM's project was expected"},
	{"nonsense for a network", "gcp:subnets", world_odd_network, .error = -EPROTO,
	 .reason = "expected it like projects/NUMBER", .asked = {SUBNETS_URL, 0}},
	{"a network that would match others", "gcp:subnets", world_broad_network, .error = -EPROTO,
	 .reason = "the metadata server names a network 'x.y'", .asked = {SUBNETS_URL, 0}},
	{"pages that repeat", "gcp:subnets",
	 .control = "{'/compute/':{'do':'endless-pages','period':1}}", .error = -EPROTO,
	 .reason = "lead back to an earlier one", .asked = {SUBNETS_URL, 2}},
	{"pages in a circle", "gcp:subnets",
	 .control = "{'/compute/':{'do':'endless-pages','period':3}}", .error = -EPROTO,
	 .reason = "lead back to an earlier one", .asked = {SUBNETS_URL, 7}},
	{"the second page fails", "gcp:subnets", world_small_pages, "{'pageToken':{'status':503}}",
	 .error = -EAGAIN, .reason = "can't answer now", .asked = {SUBNETS_URL, 2}},
	{"the second page is forbidden", "gcp:subnets", world_small_pages,
	 "{'pageToken':{'status':403}}", .error = -EACCES, .reason = "may not list the subnets",
	 .asked = {"listUsable", 0}},

	/* gcp:metadata, gcp:forwarded-ips */
	{"the NIC's subnet and alias ranges", "gcp:metadata",
	 .ranges = "10.10.0.0/20=subnet 10.24.3.0/24=subnet"},
	{"those of a Shared VPC", "gcp:metadata", world_shared, .ranges = "10.20.0.0/24=subnet",
	 .shared = true},
	{"of both kinds", "gcp:metadata", world_both_kinds, .error = -EINVAL,
	 .reason = "write for each network gcp:subnets"},
	{"of both kinds, one filtered", "gcp:metadata", world_both_kinds, .macs = OWN_MAC,
	 .ranges = "10.1.0.0/24=subnet"},
	{"forwarded addresses", "gcp:forwarded-ips", .ranges = "198.51.100.7/32",
	 .asked = {"token", 0}},
	{"NICs that can't be read", "gcp:forwarded-ips",
	 .control = "{'interfaces':{'json':[{'mac':7}]}}", .error = -EPROTO, .reason = "mac"},
	{"no NICs", "gcp:forwarded-ips", world_no_nics, .macs = OWN_MAC, .error = -EINVAL,
	 .reason = "this VM has none"},

	/* google:, https: */
	{"what Google publishes", "google:goog", .ranges = "8.8.8.0/24 34.0.0.0/15 2001:4860::/32"},
	{"of one scope", "google:cloud?scope=africa-south1",
	 .ranges = "34.1.208.0/20 2600:1900:8000::/44"},
	{"of a scope that is mistyped", "google:cloud?scope=africa", .error = -EPROTO,
	 .reason = "has no prefix with that scope and service: check their spelling"},
	{"the same syncToken", "google:goog", .version = "1790733903731 \"other\"",
	 .error = -EALREADY},
	{"a longer syncToken", "google:goog", .version = "17907339037310 \"other\"",
	 .ranges = "8.8.8.0/24 34.0.0.0/15 2001:4860::/32"},
	{"another syncToken", "google:goog", .version = "179073390373 \"other\"",
	 .ranges = "8.8.8.0/24 34.0.0.0/15 2001:4860::/32"},
	{"text where JSON belongs", "google:goog", .control = "{'goog':{'text':'10.0.0.0/8\\n'}}",
	 .error = -EPROTO, .reason = "not JSON"},
	{"a list of one's own", "https://127.0.0.1:8443/lists/office.txt",
	 .ranges = "192.0.2.0/24 2001:db8:1::/48"},
	{"JSON of one's own", "https://127.0.0.1:8443/lists/mine.json", world_json_file,
	 .ranges = "192.0.2.0/24"},
	{"a login page", "https://127.0.0.1:8443/lists/office.txt", .control = "{'office':'html'}",
	 .error = -EPROTO, .reason = "HTML, not JSON: is that the right address, or a login page?"},
	{"nothing", "https://127.0.0.1:8443/lists/office.txt",
	 .control = "{'office':{'text':' \\n'}}", .error = -EPROTO,
	 .reason = "gave an empty document"},
	{"a line that is wrong", "https://127.0.0.1:8443/lists/office.txt",
	 .control = "{'office':{'text':'192.0.2.0/24\\n192.0.2.1/24\\n'}}", .error = -EPROTO,
	 .reason = "127.0.0.1:2:1: 192.0.2.1/24 has host bits set"},
	{"everybody", "https://127.0.0.1:8443/lists/office.txt",
	 .control = "{'office':{'text':'192.0.2.0/24\\n0.0.0.0/0\\n'}}", .error = -EPROTO,
	 .reason = "a prefix that takes in too many addresses"},
	{"no such file", "https://127.0.0.1:8443/lists/no.txt", .error = -ENOENT,
	 .reason = "127.0.0.1 has no such document (HTTP status 404)"},
	{"not for everybody", "https://127.0.0.1:8443/lists/office.txt",
	 .control = "{'office':{'status':403}}", .error = -EACCES,
	 .reason = "doesn't give it to everybody"},
	{"not modified, but nothing to compare", "https://127.0.0.1:8443/lists/office.txt",
	 .control = "{'office':{'status':304}}", .error = -EPROTO, .reason = "gave no document"},
	{"a page of an API", "https://127.0.0.1:8443/lists/office.txt",
	 .control = "{'office':{'json':{'connectors':[],'nextPageToken':'x'}}}", .error = -EPROTO,
	 .reason = "the first page of several"},

	/* gcp:connectors */
	{"connectors", "gcp:connectors", world_connectors, .ranges = "10.8.0.0/28@regions/us-east1",
	 .asked = {"/v1/projects/101/locations/-/connectors", 1}},
	{"connectors of both projects, two pages", "gcp:connectors", world_shared_connectors,
	 .ranges = "10.7.0.0/28@regions/us-east1 10.8.0.0/28@regions/us-east1 "
		   "10.9.0.0/28@regions/us-east1",
	 .asked = {"locations/-/connectors", 3}},
	{"no connectors", "gcp:connectors", .ranges = ""},
	{"connectors need more", "gcp:connectors", world_compute_scope, .error = -EACCES,
	 .reason = "it needs the scope cloud-platform;"},
	{"connectors: IAM", "gcp:connectors?project=my-app",
	 .control = "{'connectors':{'status':403}}", .error = -EACCES,
	 .reason = "give it roles/vpcaccess.viewer there"},

	/* gcp:peering-routes */
	{"routes of the peerings in force", "gcp:peering-routes", world_peerings,
	 .ranges = "10.60.0.0/16 10.62.0.0/16", .note = "1 range is left out (default route)",
	 .asked = {"listPeeringRoutes?maxResults=500&direction=INCOMING&peeringName=", 2}},
	{"no peerings", "gcp:peering-routes", world_no_peerings, .ranges = ""},
	{"no such network", "gcp:peering-routes?network=no", .error = -ENOENT,
	 .reason = "finds no network 'no'"},
	{"not a network", "gcp:peering-routes",
	 .control = "{'networks/prod':{'json':{'peerings':7}}}", .error = -EPROTO,
	 .reason = "gave no network with up to 1000 peerings"},
	{"nonsense for a zone", "gcp:peering-routes",
	 .control = "{'zone':{'text':'projects/1/zones/x'}}", .error = -EPROTO,
	 .reason = "says 'projects/1/zones/x' for a zone"},
};

static void check_outcome(const struct fetch_case *c, const struct outcome *outcome)
{
	if (outcome->error != c->error)
		fail_msg("%s: error %d '%s', expected %d", c->name, outcome->error, outcome->reason,
			 c->error);
	if (!strstr(outcome->reason, c->reason ?: "") || !*outcome->reason != !c->reason)
		fail_msg("%s: reason '%s', expected '%s'", c->name, outcome->reason,
			 c->reason ?: "none");
	if (strcmp(outcome->ranges, c->ranges ?: "") != 0)
		fail_msg("%s: ranges '%s', expected '%s'", c->name, outcome->ranges,
			 c->ranges ?: "none");
	if (strcmp(outcome->unread, c->unread ?: "") != 0)
		fail_msg("%s: unread '%s'", c->name, outcome->unread);
	if (!strstr(outcome->note, c->note ?: "") || !*outcome->note != !c->note)
		fail_msg("%s: note '%s'", c->name, outcome->note);
	if (outcome->shared != c->shared)
		fail_msg("%s: shared is %d", c->name, outcome->shared);
	if (outcome->retry_after_s != c->retry_after_s)
		fail_msg("%s: retry after %u", c->name, outcome->retry_after_s);
	if (strstr(outcome->reason, "ya29") || strstr(outcome->reason, "Evil"))
		fail_msg("%s: the reason gives the token away: %s", c->name, outcome->reason);
	if (c->asked.part && cloud_asked(c->asked.part) != c->asked.times)
		fail_msg("%s: asked %zu times for %s", c->name, cloud_asked(c->asked.part),
			 c->asked.part);
}

/* The token goes to the APIs over TLS and nowhere else. */
static void check_token_is_kept(const char *name)
{
	json_t *log = cloud_log(), *line;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *path = json_string_value(json_object_get(line, "path"));
		const json_t *headers = json_object_get(line, "headers");
		const bool api = !strncmp(path, "/compute/v1/", 12) || !strncmp(path, "/v1/", 4);

		if (!json_object_get(headers, "Authorization") != !api ||
		    (api && (!json_is_true(json_object_get(line, "tls")) ||
			     json_integer_value(json_object_get(line, "port")) != 8443)) ||
		    strstr(path, "ya29"))
			fail_msg("%s: a token at %s", name, path);
	}
	json_decref(log);
}

static void test_fetches(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(fetch_cases); i++) {
		const struct fetch_case *c = &fetch_cases[i];
		struct outcome outcome;

		cloud_set(c->control, c->world);
		configure(c->macs);
		cloud->timeout_ms =
			strstr(c->reason ?: "", "in time") ? HUNG_MS : 10000 * slowness();
		fetch(c->feed, c->version, &outcome);
		check_outcome(c, &outcome);
		check_token_is_kept(c->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fetches, open_cloud, close_cloud),
	};

	if (getuid() != 0) {
		puts("needs root");
		return 77;
	}
	return CLOUD_RUN(tests);
}
