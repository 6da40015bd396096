/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/diag.h"
#include "core/feed.h"
#include "core/url.h"
#include "share/cleanup.h"

/* A copy of exactly that size, so that the sanitizer sees a byte too far. */
static int parse(const char *text, struct vg_feed *ret_feed, char *wrong, size_t size)
{
	_cleanup_free_ char *copy = malloc(strlen(text) + 1);

	assert_non_null(copy);
	strcpy(copy, text);
	wrong[0] = '\0';
	return vg_feed_parse(copy, ret_feed, wrong, size);
}

/* "KIND PLACE network=… project=… scope=… service=…" without those that are not given. */
static const char *describe(const struct vg_feed *feed, char *out, size_t size)
{
	static const char *const kinds[] = {
		[VG_FEED_FILE] = "file",
		[VG_FEED_URL] = "url",
		[VG_FEED_PUBLISHED] = "published",
		[VG_FEED_SUBNETS] = "subnets",
		[VG_FEED_METADATA] = "metadata",
		[VG_FEED_FORWARDED_IPS] = "forwarded-ips",
		[VG_FEED_CONNECTORS] = "connectors",
		[VG_FEED_PEERING_ROUTES] = "peering-routes",
	};
	const struct {
		const char *name, *value;
	} members[] = {
		{" ", feed->place},	      {" network=", feed->network},
		{" project=", feed->project}, {" scope=", feed->scope},
		{" service=", feed->service},
	};
	size_t used = (size_t)snprintf(out, size, "%s", kinds[feed->kind]);

	for (size_t i = 0; i < VG_ARRAY_SIZE(members); i++) {
		if (members[i].value)
			used += (size_t)snprintf(out + used, size - used, "%s%s", members[i].name,
						 members[i].value);
		assert_true(used < size);
	}
	return out;
}

static void test_feeds(void **state)
{
	static const struct {
		const char *text, *expected;
		bool remote, replies;
	} cases[] = {
		{"file:office.txt", "file office.txt", false, false},
		{"file:/etc/vpcgate/a b#c.txt", "file /etc/vpcgate/a b#c.txt", false, false},
		{"file:cloud.json?scope=us-east1&service=Google Cloud",
		 "file cloud.json scope=us-east1 service=Google Cloud", false, false},
		{"https://example.com/list.txt", "url https://example.com/list.txt", true, true},
		{"https://example.com:8443/l?a=b@c&scope=d#service=e&scope=f",
		 "url https://example.com:8443/l?a=b@c&scope=d scope=f service=e", true, true},
		{"https://[2001:db8::1]:443/", "url https://[2001:db8::1]:443/", true, true},
		{"https://192.0.2.1/%20", "url https://192.0.2.1/%20", true, true},
		{"google:goog", "published goog", true, true},
		{"google:cloud", "published cloud", true, true},
		{"google:cloud?scope=europe-west9", "published cloud scope=europe-west9", true,
		 true},
		{"gcp:subnets", "subnets", true, true},
		{"gcp:subnets?network=default", "subnets network=default", true, true},
		{"gcp:subnets?project=example.com:my-project&network=n1",
		 "subnets network=n1 project=example.com:my-project", true, true},
		{"gcp:subnets?project=628944397724", "subnets project=628944397724", true, true},
		{"gcp:metadata", "metadata", true, false},
		{"gcp:forwarded-ips", "forwarded-ips", true, false},
		{"gcp:connectors?project=a-1&network=b", "connectors network=b project=a-1", true,
		 true},
		{"gcp:peering-routes?network=b", "peering-routes network=b", true, true},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_feed_done) struct vg_feed feed = {};
		char wrong[VG_DIAG_TEXT_SIZE], text[1024];

		if (parse(cases[i].text, &feed, wrong, sizeof(wrong)) < 0)
			fail_msg("%s: %s", cases[i].text, wrong);
		assert_string_equal(feed.text, cases[i].text);
		assert_string_equal(describe(&feed, text, sizeof(text)), cases[i].expected);
		if (vg_feed_is_remote(&feed) != cases[i].remote ||
		    vg_feed_needs_replies(&feed) != cases[i].replies)
			fail_msg("%s: remote %d, needs replies %d", cases[i].text,
				 vg_feed_is_remote(&feed), vg_feed_needs_replies(&feed));
	}
}

static void test_others(void **state)
{
	static const char *const cases[] = {
		"",
		"10.0.0.0/8",
		"fd20::/20",
		"google:iap",
		"google:health-check",
		"google:",
		"google:googe",
		"google:iap?scope=a",
		"gcp",
		"files:a",
		"ftp://a/b",
		"File:a",
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_feed feed;
		char wrong[VG_DIAG_TEXT_SIZE];
		const int r = parse(cases[i], &feed, wrong, sizeof(wrong));

		if (r != -ENOENT || *wrong)
			fail_msg("'%s': %d, '%s'", cases[i], r, wrong);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"file:", "file: needs a path: write file:/etc/vpcgate/office.txt"},
		{"file:?scope=a", "file: needs a path: write file:/etc/vpcgate/office.txt"},
		{"file:a?network=b", "unknown parameter 'network': there are scope and service"},
		{"file:a\nb", "a control character in 'file:a\nb': remove it"},
		{"gcp:subnet", "unknown feed 'gcp:subnet': did you mean 'gcp:subnets'?"},
		{"gcp:", "unknown feed 'gcp:': did you mean 'gcp:subnets'?"},
		{"gcp:forwarded_ips?a=b",
		 "unknown feed 'gcp:forwarded_ips': did you mean 'gcp:forwarded-ips'?"},
		{"gcp:subnets?", "unknown parameter '': there are network and project"},
		{"gcp:subnets?net=a", "unknown parameter 'net': there are network and project"},
		{"gcp:subnets?networks=a",
		 "unknown parameter 'networks': there are network and project"},
		{"gcp:subnets?scope=a", "unknown parameter 'scope': there are network and project"},
		{"gcp:subnets?network=a&network=a", "network is given twice: keep one"},
		{"gcp:subnets?network=", "network= is empty: write a value or leave it out"},
		{"gcp:subnets?network", "network= is empty: write a value or leave it out"},
		{"gcp:subnets?network=a&", "unknown parameter '': there are network and project"},
		{"gcp:subnets?network=Default",
		 "'Default' can't be a network: write its short name, such as default"},
		{"gcp:subnets?network=projects/p/global/networks/n",
		 "'projects/p/global/networks/n' can't be a network: write its short name, such as "
		 "default"},
		{"gcp:subnets?network=1a",
		 "'1a' can't be a network: write its short name, such as default"},
		{"gcp:subnets?network=a-",
		 "'a-' can't be a network: write its short name, such as default"},
		{"gcp:subnets?project=my_project",
		 "'my_project' can't be a project: write its ID or number, such as my-project or "
		 "example.com:my-project"},
		{"gcp:subnets?project=:a",
		 "':a' can't be a project: write its ID or number, such as my-project or "
		 "example.com:my-project"},
		{"gcp:subnets?project=example.com:",
		 "'example.com:' can't be a project: write its ID or number, such as my-project or "
		 "example.com:my-project"},
		{"gcp:subnets?project=1a",
		 "'1a' can't be a project: write its ID or number, such as my-project or "
		 "example.com:my-project"},
		{"gcp:metadata?network=a",
		 "'gcp:metadata' takes no parameters: remove what follows it"},
		{"gcp:forwarded-ips?",
		 "'gcp:forwarded-ips' takes no parameters: remove what follows it"},
		{"google:goog?scope=a", "google:goog has no scopes and services: write google:goog "
					"alone, or google:cloud?scope=a"},
		{"google:cloud?region=a",
		 "unknown parameter 'region': there are scope and service"},
		{"http://example.com/a",
		 "'http://example.com/a' could be changed on its way here: write https://"},
		{"https:example.com/a", "'https:example.com/a' is not a URL: write https://HOST"},
		{"https:///a",
		 "'https:///a' names no host: write https://HOST or https://HOST:PORT"},
		{"https://?a",
		 "'https://?a' names no host: write https://HOST or https://HOST:PORT"},
		{"https://:443/a",
		 "'https://:443/a' names no host: write https://HOST or https://HOST:PORT"},
		{"https://a:0/a", "'https://a:0/a' names no host: write https://HOST or "
				  "https://HOST:PORT"},
		{"https://a:65536/a", "'https://a:65536/a' names no host: write https://HOST or "
				      "https://HOST:PORT"},
		{"https://a:/a",
		 "'https://a:/a' names no host: write https://HOST or https://HOST:PORT"},
		{"https://[::1/a",
		 "'https://[::1/a' names no host: write https://HOST or https://HOST:PORT"},
		{"https://[192.0.2.1]/a",
		 "'https://[192.0.2.1]/a' names no host: write https://HOST or https://HOST:PORT"},
		{"https://user:secret@example.com/a",
		 "a user or password in a URL shows in logs: write https://example.com/a"},
		{"https://example.com",
		 "'https://example.com' has no path: write https://HOST/PATH"},
		{"https://example.com#scope=a",
		 "'https://example.com' has no path: write https://HOST/PATH"},
		{"https://example.com/a b",
		 "'https://example.com/a b' has a character in it that no URL may have: write it as "
		 "%20"},
		{"https://example.com/\xc3\xa9",
		 "'https://example.com/\xc3\xa9' has a character in it that no URL may have: write "
		 "it as %c3"},
		{"https://example.com/a#network=b",
		 "unknown parameter 'network': there are scope and service"},
		{"https://example.com/a#", "unknown parameter '': there are scope and service"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_feed feed;
		char wrong[VG_DIAG_TEXT_SIZE];
		const int r = parse(cases[i].text, &feed, wrong, sizeof(wrong));

		if (r != -EINVAL || strcmp(wrong, cases[i].expected) != 0)
			fail_msg("'%s': %d, '%s'", cases[i].text, r, wrong);
	}
}

/* One byte past a limit is refused, and a message stays within its room. */
static void test_limits(void **state)
{
	static const struct {
		const char *head;
		size_t most; /* bytes of all */
		const char *expected;
	} cases[] = {
		{"file:", VG_FEED_MAX_BYTES, "a feed of more than 4096 characters"},
		{"https://a/", VG_URL_MAX_BYTES, "a URL of more than 2048 characters"},
		{"gcp:subnets?network=", strlen("gcp:subnets?network=") + 63,
		 "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' can't be a "
		 "network: write its short name, such as default"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const size_t head = strlen(cases[i].head);
		_cleanup_(vg_feed_done) struct vg_feed feed = {}, refused = {};
		char text[VG_FEED_MAX_BYTES + 2], wrong[VG_DIAG_TEXT_SIZE];

		memset(text, 'a', sizeof(text));
		memcpy(text, cases[i].head, head);
		text[cases[i].most] = '\0';
		if (parse(text, &feed, wrong, sizeof(wrong)) < 0)
			fail_msg("%s: %s", cases[i].head, wrong);
		text[cases[i].most] = 'a';
		text[cases[i].most + 1] = '\0';
		assert_int_equal(parse(text, &refused, wrong, sizeof(wrong)), -EINVAL);
		assert_string_equal(wrong, cases[i].expected);
		parse(text, &refused, wrong, 8);
		assert_true(strlen(wrong) < 8);
	}
}

static void test_hosts(void **state)
{
	static const struct {
		const char *text, *host, *path;
		bool address;
	} cases[] = {
		{"http://169.254.169.254", "169.254.169.254", "", true},
		{"https://[2001:db8::1]:80/a", "2001:db8::1", "/a", true},
		{"https://compute.googleapis.com/x/", "compute.googleapis.com", "/x/", false},
		{"https://a:1?b", "a", "?b", false},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		char wrong[VG_DIAG_TEXT_SIZE], host[256];
		struct vg_address address;
		struct vg_url url;

		if (vg_url_parse(cases[i].text, true, &url, wrong, sizeof(wrong)) < 0)
			fail_msg("%s: %s", cases[i].text, wrong);
		snprintf(host, sizeof(host), "%.*s", (int)url.host_length, url.host);
		assert_string_equal(host, cases[i].host);
		assert_string_equal(url.path, cases[i].path);
		if (vg_url_address(&url, &address) != cases[i].address)
			fail_msg("%s: address %d", cases[i].text, !cases[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_feeds),	cmocka_unit_test(test_others),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
