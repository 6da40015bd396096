/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "discovery/reply.h"
#include "share/cleanup.h"

/* In a buffer of exactly its size, so that a byte too far is seen. */
static char *exact(const char *text)
{
	char *bytes = malloc(strlen(text) + !*text);

	assert_non_null(bytes);
	memcpy(bytes, text, strlen(text));
	return bytes;
}

static const struct token_case {
	const char *name, *text, *token;
	unsigned expires_s;
	int r;
} token_cases[] = {
	{"as it is", "{\"access_token\":\"ya29.c\",\"expires_in\":3599,\"token_type\":\"Bearer\"}",
	 "ya29.c", 3599, 0},
	{"lives for years", "{\"access_token\":\"a\",\"expires_in\":99999999999}", "a", 86400, 0},
	{"is over", "{\"access_token\":\"a\",\"expires_in\":0}", "a", 0, 0},
	{"nothing", "", .r = -EINVAL},
	{"a list", "[]", .r = -EINVAL},
	{"a text", "\"ya29.c\"", .r = -EINVAL},
	{"no token", "{\"expires_in\":3599}", .r = -EINVAL},
	{"no end", "{\"access_token\":\"a\"}", .r = -EINVAL},
	{"an end that is text", "{\"access_token\":\"a\",\"expires_in\":\"3599\"}", .r = -EINVAL},
	{"before it began", "{\"access_token\":\"a\",\"expires_in\":-1}", .r = -EINVAL},
	{"a number for a token", "{\"access_token\":1,\"expires_in\":3599}", .r = -EINVAL},
	{"an empty token", "{\"access_token\":\"\",\"expires_in\":3599}", .r = -EINVAL},
	{"two headers", "{\"access_token\":\"a\\r\\nb: c\",\"expires_in\":3599}", .r = -EINVAL},
	{"a blank", "{\"access_token\":\"a b\",\"expires_in\":3599}", .r = -EINVAL},
	{"not ASCII", "{\"access_token\":\"\xc3\xa4\",\"expires_in\":3599}", .r = -EINVAL},
	{"NUL in it", "{\"access_token\":\"a\\u0000b\",\"expires_in\":3599}", .r = -EINVAL},
	{"cut off", "{\"access_token\":\"ya29.c\",\"expi", .r = -EINVAL},
};

static void test_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(token_cases); i++) {
		const struct token_case *c = &token_cases[i];
		_cleanup_free_ char *text = exact(c->text), *token = NULL;
		unsigned expires_s = 7;
		const int r = vg_reply_token(text, strlen(c->text), &token, &expires_s);

		if (r != c->r ||
		    (r == 0 && (strcmp(token, c->token) != 0 || expires_s != c->expires_s)))
			fail_msg("%s: %d '%s' %u", c->name, r, token ?: "", expires_s);
		if (r < 0 && (token || expires_s != 7))
			fail_msg("%s: outputs of a failure", c->name);
	}
}

static void test_token_too_long(void **state)
{
	char text[VG_REPLY_MAX_TOKEN + 64];
	unsigned expires_s;

	(void)state;
	for (int more = 0; more < 2; more++) {
		_cleanup_free_ char *token = NULL;
		const int n =
			snprintf(text, sizeof(text), "{\"access_token\":\"%0*d\",\"expires_in\":9}",
				 VG_REPLY_MAX_TOKEN + more, 0);

		assert_int_equal(vg_reply_token(text, (size_t)n, &token, &expires_s),
				 more ? -EINVAL : 0);
	}
}

static const struct error_case {
	const char *name, *text, *message, *reason;
} error_cases[] = {
	{"with details",
	 "{\"error\":{\"code\":403,\"message\":\"No scope.\",\"errors\":[{\"reason\":\"forbidden\"}],"
	 "\"details\":[{\"@type\":\"Help\"},{\"reason\":\"ACCESS_TOKEN_SCOPE_INSUFFICIENT\"}]}}",
	 "No scope.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
	{"without", "{\"error\":{\"message\":\"No.\",\"errors\":[{\"reason\":\"forbidden\"}]}}",
	 "No.", "forbidden"},
	{"a message alone", "{\"error\":{\"message\":\"No.\"}}", "No.", ""},
	{"of other types",
	 "{\"error\":{\"message\":[],\"errors\":{},\"details\":[7,{\"reason\":7}]}}", "", ""},
	{"a text", "{\"error\":\"invalid_grant\"}", "", ""},
	{"HTML", "<html>", "", ""},
	{"nothing", "", "", ""},
};

static void test_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(error_cases); i++) {
		const struct error_case *c = &error_cases[i];
		_cleanup_free_ char *text = exact(c->text);
		struct vg_reply_error error = {};

		vg_reply_error(text, strlen(c->text), &error);
		if (strcmp(error.message, c->message) != 0 || strcmp(error.reason, c->reason) != 0)
			fail_msg("%s: '%s' '%s'", c->name, error.message, error.reason);
	}
}

static const struct peering_case {
	const char *name, *text;
	int r;
	const char *names;
} peering_cases[] = {
	{"none", "{\"name\":\"prod\"}", 0, ""},
	{"an empty list", "{\"name\":\"prod\",\"peerings\":[]}", 0, ""},
	{"those in force",
	 "{\"name\":\"prod\",\"peerings\":[{\"name\":\"a\",\"state\":\"ACTIVE\"},"
	 "{\"name\":\"b\",\"state\":\"INACTIVE\"},{\"name\":\"c-1\",\"state\":\"ACTIVE\"}]}",
	 0, "a c-1 "},
	{"no network", "{}", -EINVAL, ""},
	{"a list", "[]", -EINVAL, ""},
	{"not JSON", "<html>", -EINVAL, ""},
	{"no list", "{\"name\":\"prod\",\"peerings\":{}}", -EINVAL, ""},
	{"no state", "{\"name\":\"prod\",\"peerings\":[{\"name\":\"a\"}]}", -EINVAL, ""},
	{"no name", "{\"name\":\"prod\",\"peerings\":[{\"state\":\"ACTIVE\"}]}", -EINVAL, ""},
	{"not an object", "{\"name\":\"prod\",\"peerings\":[7]}", -EINVAL, ""},
	{"a name that would change the URL",
	 "{\"name\":\"prod\",\"peerings\":[{\"name\":\"a&region=b\",\"state\":\"ACTIVE\"}]}",
	 -EINVAL, ""},
};

static void test_peerings(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(peering_cases); i++) {
		const struct peering_case *c = &peering_cases[i];
		_cleanup_free_ char *text = exact(c->text);
		_cleanup_free_ char(*names)[VG_REPLY_NAME_SIZE] = NULL;
		char said[256] = "";
		size_t n = 0;
		const int r = vg_reply_peerings(text, strlen(c->text), &names, &n);

		for (size_t j = 0; j < n; j++)
			snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s ", names[j]);
		if (r != c->r || strcmp(said, c->names) != 0)
			fail_msg("%s: %d '%s'", c->name, r, said);
	}
}

static void test_too_many_peerings(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		const size_t wanted = VG_REPLY_MAX_PEERINGS + more;
		_cleanup_free_ char *text = malloc(64 * (wanted + 1));
		_cleanup_free_ char(*names)[VG_REPLY_NAME_SIZE] = NULL;
		size_t n = 0;
		char *end;

		assert_non_null(text);
		end = text + sprintf(text, "{\"name\":\"a\",\"peerings\":[");
		for (size_t i = 0; i < wanted; i++)
			end += sprintf(end, "%s{\"name\":\"p%zu\",\"state\":\"ACTIVE\"}",
				       i ? "," : "", i);
		end += sprintf(end, "]}");
		assert_int_equal(vg_reply_peerings(text, (size_t)(end - text), &names, &n),
				 more ? -E2BIG : 0);
		assert_int_equal(n, more ? 0 : wanted);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool is_one;
	} cases[] = {
		{"a", true},
		{"prod-1", true},
		{"us-central1", true},
		{"", false},
		{"-a", false},
		{"a-", false},
		{"1a", false},
		{"A", false},
		{"a.b", false},
		{"a/b", false},
		{"a\"b", false},
		{"a2345678901234567890123456789012345678901234567890123456789012x", true},
		{"a2345678901234567890123456789012345678901234567890123456789012xy", false},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		if (vg_reply_is_name(cases[i].name) != cases[i].is_one)
			fail_msg("'%s'", cases[i].name);
	}
}

static void test_escape(void **state)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{"", ""},
		{"aZ09-._~", "aZ09-._~"},
		{"a+/=b", "a%2B%2F%3Db"},
		{"network eq \".*\"", "network%20eq%20%22.%2A%22"},
		{"\x01\xff&#%", "%01%FF%26%23%25"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *escaped = vg_reply_escape(cases[i].text);

		assert_non_null(escaped);
		assert_string_equal(escaped, cases[i].escaped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_token_too_long),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_peerings),
		cmocka_unit_test(test_too_many_peerings),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
