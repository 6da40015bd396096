/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/request.c"

/* NULL as the error: accepted. */
static const struct {
	const char *text;
	const char *error;
} cases[] = {
	{"{\"version\":1,\"command\":\"status\"}", NULL},
	{" { \"command\" : \"ranges\", \"version\" : 1 } \r", NULL},
	{"{\"version\":1,\"command\":\"ranges\",\"set\":\"vpc\"}", NULL},
	{"{\"version\":1,\"command\":\"detach\"}", NULL},
	{"{\"version\":1,\"command\":\"check\",\"address\":\"10.0.0.1\",\"to\":\"10.0.0.2\","
	 "\"port\":\"tcp/443\",\"interface\":\"ens4\"}",
	 NULL},
	{"{\"version\":1,\"command\":\"apply\"}", NULL},
	{"{\"version\":1,\"command\":\"apply\",\"accept_shrink\":true}", NULL},
	{"{\"version\":1,\"command\":\"apply\",\"accept_shrink\":\"yes\"}",
	 "\"accept_shrink\" is true or false"},
	{"{\"version\":1,\"command\":\"detach\",\"accept_shrink\":true}",
	 "'accept_shrink' is no argument of detach"},
	{"{\"version\":1,\"command\":\"apply\",\"staged\":\"apply.Ab12Cd\",\"file\":\"/root/x.yaml\","
	 "\"confirm_s\":10,\"login\":\"alice\"}",
	 NULL},
	{"{\"version\":1,\"command\":\"apply\",\"confirm_s\":3600}", NULL},
	{"{\"version\":1,\"command\":\"apply\",\"confirm_s\":9}",
	 "\"confirm_s\" is from 10 to 3600 seconds"},
	{"{\"version\":1,\"command\":\"apply\",\"confirm_s\":3601}",
	 "\"confirm_s\" is a whole number from 1 to 3600"},
	{"{\"version\":1,\"command\":\"apply\",\"confirm_s\":-60}",
	 "\"confirm_s\" is a whole number from 1 to 3600"},
	{"{\"version\":1,\"command\":\"apply\",\"confirm_s\":\"60\"}",
	 "\"confirm_s\" is a whole number from 1 to 3600"},
	{"{\"version\":1,\"command\":\"apply\",\"staged\":\"apply.x/../../etc/shadow\"}",
	 "\"staged\" is the name of a file, apply.*"},
	{"{\"version\":1,\"command\":\"apply\",\"staged\":\"control.sock\"}",
	 "\"staged\" is the name of a file, apply.*"},
	{"{\"version\":1,\"command\":\"apply\",\"dry_run\":true,"
	 "\"session\":\"203.0.113.10 50000 10.128.0.2 22\"}",
	 NULL},
	{"{\"version\":1,\"command\":\"apply\",\"dry_run\":1}", "\"dry_run\" is true or false"},
	{"{\"version\":1,\"command\":\"rollback\",\"generation\":7,\"confirm_s\":60}",
	 "'confirm_s' is no argument of rollback"},
	{"{\"version\":1,\"command\":\"rollback\",\"generation\":7,\"dry_run\":true,"
	 "\"session\":\"10.0.0.9 50000 10.0.0.1 22\"}",
	 NULL},
	{"{\"version\":1,\"command\":\"confirm\"}", NULL},
	{"{\"version\":1,\"command\":\"confirm\",\"generation\":7}", NULL},
	{"{\"version\":1,\"command\":\"apply\",\"accept_shrink\":true,\"confirm_s\":60}",
	 "what \"accept_shrink\" believes no trial takes back; apply without \"confirm_s\""},
	{"{\"version\":1,\"command\":\"rollback\",\"generation\":7,\"login\":\"bob\"}", NULL},
	{"{\"version\":1,\"command\":\"rollback\"}", "rollback needs a \"generation\""},
	{"{\"version\":1,\"command\":\"rollback\",\"generation\":0}",
	 "\"generation\" is a whole number from 1 to 9223372036854775807"},
	{"{\"version\":1,\"command\":\"history\"}", NULL},
	{"{\"version\":1,\"command\":\"history\",\"generation\":3}", NULL},
	{"{\"version\":1,\"command\":\"history\",\"login\":\"x\"}",
	 "'login' is no argument of history"},
	{"", "a request is one JSON object on one line"},
	{"status", "a request is one JSON object on one line"},
	{"[]", "a request is one JSON object on one line"},
	{"{\"version\":1,\"command\":\"status\"} x", "a request is one JSON object on one line"},
	{"{\"version\":1,\"version\":1,\"command\":\"status\"}",
	 "a request is one JSON object on one line"},
	{"{\"command\":\"status\"}",
	 "vpcgated " VG_VERSION " speaks \"version\": 1 of the protocol"},
	{"{\"version\":2,\"command\":\"status\"}",
	 "vpcgated " VG_VERSION " speaks \"version\": 1 of the protocol"},
	{"{\"version\":1}", "the request has no \"command\""},
	{"{\"version\":1,\"command\":7}", "the request has no \"command\""},
	{"{\"version\":1,\"command\":\"stop\"}",
	 "'stop' is no command; there are status, check, ranges, detach, apply, confirm, rollback "
	 "and history"},
	{"{\"version\":1,\"command\":\"check\"}", "check needs an \"address\""},
	{"{\"version\":1,\"command\":\"status\",\"set\":\"vpc\"}",
	 "'set' is no argument of status"},
	{"{\"version\":1,\"command\":\"status\",\"x\":1}", "'x' is no argument of status"},
	{"{\"version\":1,\"command\":\"ranges\",\"set\":7}",
	 "\"set\" is a text of at most 255 bytes"},
};

static void requests_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_request request = {0};
		struct vg_diag diag = {0};
		int r;

		r = vg_request_parse(cases[i].text, strlen(cases[i].text), &request, &diag);
		if (r != (cases[i].error ? -EINVAL : 0) ||
		    strcmp(cases[i].error ?: "", diag.text) != 0)
			fail_msg("%s: %d, '%s'", cases[i].text, r, diag.text);
		vg_request_done(&request);
	}
}

static void only_changes_need_a_writer(void **state)
{
	(void)state;
	for (enum vg_command i = 0; i < VG_COMMAND_MAX; i++) {
		const struct vg_request request = {.command = i};
		const char *name = vg_request_name(&request);
		const bool reads = strcmp(name, "status") == 0 || strcmp(name, "check") == 0 ||
				   strcmp(name, "ranges") == 0 || strcmp(name, "history") == 0;

		if (vg_request_writes(&request) == reads)
			fail_msg("%s: %s", name, reads ? "is for all" : "is for writers");
	}
	assert_true(vg_request_writes(&(struct vg_request){.command = VG_COMMAND_HISTORY,
							   .generation = 7}));
}

static void arguments_are_kept(void **state)
{
	static const char text[] = "{\"version\":1,\"command\":\"check\",\"address\":\"10.0.0.1\","
				   "\"interface\":\"ens4\"}";
	struct vg_request request = {0};

	(void)state;
	assert_int_equal(vg_request_parse(text, strlen(text), &request, NULL), 0);
	assert_int_equal(request.command, VG_COMMAND_CHECK);
	assert_string_equal(request.address, "10.0.0.1");
	assert_string_equal(request.interface, "ens4");
	assert_null(request.to);
	assert_null(request.port);
	vg_request_done(&request);
	assert_null(request.address);
}

static void answers_are_accepted_if_asked_for(void **state)
{
	static const struct {
		const char *text;
		bool accept;
	} requests[] = {
		{"{\"version\":1,\"command\":\"apply\"}", false},
		{"{\"version\":1,\"command\":\"apply\",\"accept_shrink\":false}", false},
		{"{\"accept_shrink\":true,\"version\":1,\"command\":\"apply\"}", true},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(requests); i++) {
		struct vg_request request = {0};

		assert_int_equal(vg_request_parse(requests[i].text, strlen(requests[i].text),
						  &request, NULL),
				 0);
		assert_int_equal(request.command, VG_COMMAND_APPLY);
		if (request.accept_shrink != requests[i].accept)
			fail_msg("%s", requests[i].text);
		vg_request_done(&request);
	}
}

static void long_arguments_are_refused(void **state)
{
	char text[1024], address[VG_REQUEST_TEXT_MAX + 2];
	struct vg_request request = {0};
	struct vg_diag diag = {0};

	(void)state;
	for (int over = 0; over < 2; over++) {
		memset(address, '1', sizeof(address));
		address[VG_REQUEST_TEXT_MAX + over] = '\0';
		snprintf(text, sizeof(text),
			 "{\"version\":1,\"command\":\"check\",\"address\":\"%s\"}", address);
		assert_int_equal(vg_request_parse(text, strlen(text), &request, &diag),
				 over ? -EINVAL : 0);
		vg_request_done(&request);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_checked),
		cmocka_unit_test(only_changes_need_a_writer),
		cmocka_unit_test(arguments_are_kept),
		cmocka_unit_test(answers_are_accepted_if_asked_for),
		cmocka_unit_test(long_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
