/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The HTTP client against a server that misbehaves in every way that it knows. */
#include "cloud_server.h"
#include "discovery/client.h"

#define FILE_URL CLOUD_TLS "/lists/office.txt"
#define ID_URL CLOUD_HTTP "/computeMetadata/v1/project/project-id"

static struct vg_client *client;

/* What came of one question. */
struct outcome {
	bool done;
	int error;
	unsigned status, retry_after_s;
	char text[VG_DIAG_TEXT_SIZE], redirect_host[64], etag[64];
	char *body;
	size_t length;
};

static void on_done(void *context, const struct vg_client_answer *answer)
{
	struct outcome *outcome = context;

	assert_false(outcome->done);
	outcome->done = true;
	outcome->error = answer->error;
	outcome->status = answer->status;
	outcome->retry_after_s = answer->retry_after_s;
	snprintf(outcome->text, sizeof(outcome->text), "%s", answer->text);
	snprintf(outcome->redirect_host, sizeof(outcome->redirect_host), "%s",
		 answer->redirect_host ?: "");
	snprintf(outcome->etag, sizeof(outcome->etag), "%s", answer->etag ?: "");
	assert_int_equal(answer->body[answer->length], '\0');
	outcome->body = strdup(answer->body);
	outcome->length = answer->length;
}

static struct vg_client_call *ask(const struct vg_client_question *question,
				  struct outcome *outcome)
{
	struct vg_client_call *call;
	struct vg_diag diag = {};

	if (vg_client_ask(client, question, on_done, outcome, &call, &diag) < 0)
		fail_msg("%s: %s", question->url, diag.text);
	assert_false(outcome->done);
	return call;
}

static int open_client(void **state)
{
	struct vg_diag diag;

	(void)state;
	return vg_client_open(loop, cloud_outside(), &client, &diag);
}

static int close_client(void **state)
{
	(void)state;
	vg_client_close(client);
	return 0;
}

static const struct answer_case {
	const char *name;
	const char *control;
	const char *url; /* NULL: FILE_URL */
	bool metadata, other_ca, no_ca;
	unsigned timeout_ms;
	int error;
	unsigned status;
	const char *text; /* part of the error, or of the body where there is none */
	const char *redirect_host;
	unsigned retry_after_s;
} answer_cases[] = {
	{"a file", NULL, .status = 200, .text = "192.0.2.0/24"},
	{"no such file", NULL, CLOUD_TLS "/no", .status = 404, .text = "404"},
	{"metadata", NULL, ID_URL, .metadata = true, .status = 200, .text = "my-app"},
	{"metadata, nothing there", NULL, CLOUD_HTTP "/computeMetadata/v1/no", .metadata = true,
	 .status = 404, .text = "not found"},
	{"not Google's metadata server", "{'.': 'no-flavor'}", ID_URL, .metadata = true,
	 .error = -EPROTO,
	 .text = "127.0.0.1: its answer (HTTP status 200) isn't that of Google's"},
	{"a proxy's 503 before the metadata server",
	 "{'.': {'do': 'no-flavor', 'status': 503, 'retry_after': 3}}", ID_URL, .metadata = true,
	 .status = 503, .text = "", .retry_after_s = 3},
	{"429 with Retry-After", "{'.': {'status': 429, 'retry_after': 7}}", .status = 429,
	 .text = "Told to fail", .retry_after_s = 7},
	{"Retry-After of more than a day", "{'.': {'status': 503, 'retry_after': 864000}}",
	 .status = 503, .text = "", .retry_after_s = 86400},
	{"Retry-After that is a date gone by",
	 "{'.': {'status': 503, 'retry_after': 'Wed, 21 Oct 2015 07:28:00 GMT'}}", .status = 503,
	 .text = ""},
	{"Retry-After that is a date to come",
	 "{'.': {'status': 503, 'retry_after': 'Wed, 21 Oct 2099 07:28:00 GMT'}}", .status = 503,
	 .text = "", .retry_after_s = 86400},
	{"Retry-After that is nonsense", "{'.': {'status': 503, 'retry_after': '-5 or so'}}",
	 .status = 503, .text = ""},
	{"hangs", "{'.': 'hang'}", .timeout_ms = 600, .error = -EAGAIN,
	 .text = "127.0.0.1: no whole answer in time"},
	{"slow", "{'.': 'slow'}", .timeout_ms = 600, .error = -EAGAIN,
	 .text = "127.0.0.1: no whole answer in time"},
	{"closes at once", "{'.': 'close'}", .error = -EAGAIN, .text = "without an answer"},
	{"closes in the middle", "{'.': 'drop-connection'}", .error = -EAGAIN,
	 .text = "in the middle of its answer"},
	{"50 MB", "{'.': 'huge'}", .error = -EPROTO, .text = "larger than 32 MiB"},
	{"50 MB of 50 kB", "{'.': 'huge-gzip'}", .error = -EPROTO, .text = "larger than 32 MiB"},
	{"headers without end", "{'.': 'headers'}", .error = -EPROTO,
	 .text = "headers of its answer are larger than 64 KiB"},
	{"redirect", "{'.': 'redirect'}", .status = 302, .text = "",
	 .redirect_host = "elsewhere.invalid"},
	{"redirect on the same host", "{'.': {'do': 'redirect', 'location': '/else'}}",
	 .status = 302, .text = "", .redirect_host = "127.0.0.1"},
	{"unknown authority", NULL, .no_ca = true, .error = -EPROTO,
	 .text = "127.0.0.1: its certificate isn't trusted"},
	{"another authority", NULL, .other_ca = true, .error = -EPROTO,
	 .text = "its certificate isn't trusted"},
	{"another host's certificate", NULL, "https://127.0.0.2:8443/lists/office.txt",
	 .error = -EPROTO, .text = "127.0.0.2: its certificate isn't trusted"},
	{"plain HTTP where TLS should be", NULL, "https://127.0.0.1:8080/", .error = -EAGAIN,
	 .text = "127.0.0.1: no TLS connection"},
	{"nobody listens", NULL, "https://127.0.0.1:1/", .error = -EAGAIN,
	 .text = "127.0.0.1: no connection: is there a way to it"},
	{"nobody listens for metadata", NULL, "http://127.0.0.1:1/", .metadata = true,
	 .error = -EAGAIN, .text = "127.0.0.1: no connection to the metadata server: is this a VM"},
	{"no such name", NULL, "https://nosuch.invalid/", .error = -EAGAIN,
	 .text = "nosuch.invalid: its address can't be found: is DNS reachable?"},
	{"a page", "{'.': 'html'}", .status = 200, .text = "<!DOCTYPE html>"},
};

static void check_answer(const struct answer_case *c, const struct outcome *outcome)
{
	if (outcome->error != c->error || outcome->status != c->status)
		fail_msg("%s: error %d status %u '%s', expected %d %u", c->name, outcome->error,
			 outcome->status, outcome->text, c->error, c->status);
	if (!strstr(c->error ? outcome->text : outcome->body, c->text))
		fail_msg("%s: '%s' should hold '%s'", c->name,
			 c->error ? outcome->text : outcome->body, c->text);
	if (!c->error != !*outcome->text)
		fail_msg("%s: text '%s' with error %d", c->name, outcome->text, outcome->error);
	if (strcmp(outcome->redirect_host, c->redirect_host ?: "") != 0)
		fail_msg("%s: redirected to '%s'", c->name, outcome->redirect_host);
	if (outcome->retry_after_s != c->retry_after_s)
		fail_msg("%s: retry after %u", c->name, outcome->retry_after_s);
}

static void test_answers(void **state)
{
	char other_ca[128];

	(void)state;
	snprintf(other_ca, sizeof(other_ca), "%s/other.pem", cloud_server.folder);
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 3 "
	    "-keyout %s.key -out %s -subj '/CN=another CA' 2>/dev/null",
	    other_ca, other_ca);
	for (size_t i = 0; i < VG_ARRAY_SIZE(answer_cases); i++) {
		const struct answer_case *c = &answer_cases[i];
		const struct vg_client_question question = {
			.url = c->url ?: FILE_URL,
			.metadata = c->metadata,
			.ca = c->no_ca	    ? NULL
			      : c->other_ca ? other_ca
					    : cloud_server.ca,
			.timeout_ms = c->timeout_ms,
		};
		struct outcome outcome = {};

		cloud_set(c->control, NULL);
		ask(&question, &outcome);
		if (!loop_until(&outcome.done, 20000))
			fail_msg("%s: no answer", c->name);
		check_answer(c, &outcome);
		free(outcome.body);
	}
}

static const struct refused_case {
	const char *name;
	struct vg_client_question question;
	const char *text;
} refused_cases[] = {
	{"http without being metadata", {.url = "http://cloud.test/list"}, "write https://"},
	{"another protocol", {.url = "ftp://cloud.test/list"}, "is not a URL"},
	{"a file", {.url = "file:///etc/passwd", .metadata = true}, "is not a URL"},
	{"a user", {.url = "https://me:secret@cloud.test/"}, "a user or password"},
	{"a header of two lines",
	 {.url = FILE_URL, .headers = (const char *const[]){"A: b\r\nEvil: yes", NULL}},
	 "control character"},
	{"an ETag of two lines",
	 {.url = FILE_URL, .etag = "\"1\"\r\nEvil: yes"},
	 "control character"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(refused_cases); i++) {
		const struct refused_case *c = &refused_cases[i];
		struct vg_client_call *call;
		struct outcome outcome = {};
		struct vg_diag diag = {};

		if (vg_client_ask(client, &c->question, on_done, &outcome, &call, &diag) != -EINVAL)
			fail_msg("%s is not refused", c->name);
		if (!strstr(diag.text, c->text) || strstr(diag.text, "secret") ||
		    strstr(diag.text, "Evil"))
			fail_msg("%s: %s", c->name, diag.text);
	}
}

static void test_ca_unreadable(void **state)
{
	const struct vg_client_question question = {.url = FILE_URL, .ca = "/nonexistent/ca.pem"};
	struct outcome outcome = {};

	(void)state;
	ask(&question, &outcome);
	assert_true(loop_until(&outcome.done, 5000));
	assert_int_equal(outcome.error, -EINVAL);
	assert_non_null(strstr(outcome.text, "'/nonexistent/ca.pem' can't be read"));
	free(outcome.body);
}

static const char *logged_header(json_t *log, const char *name)
{
	const json_t *headers = json_object_get(json_array_get(log, 0), "headers");

	return json_string_value(json_object_get(headers, name)) ?: "(none)";
}

/* The environment and earlier answers change nothing; what was asked for is sent. */
static void test_headers(void **state)
{
	const char *const headers[] = {"Authorization: Bearer abc", NULL};
	const struct vg_client_question question = {
		.url = FILE_URL, .ca = cloud_server.ca, .headers = headers, .etag = "\"1\""};
	json_t *log;

	(void)state;
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	cloud_set("{'.': {'text': 'x', 'headers': {'Set-Cookie': 'a=b'}}}", NULL);
	for (int i = 0; i < 2; i++) {
		struct outcome outcome = {};

		cloud_forget();
		ask(&question, &outcome);
		assert_true(loop_until(&outcome.done, 5000));
		assert_string_equal(outcome.text, "");
		assert_int_equal(outcome.status, 200);
		free(outcome.body);
	}
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	log = cloud_log();
	assert_int_equal(json_array_size(log), 1);
	assert_string_equal(logged_header(log, "Authorization"), "Bearer abc");
	assert_string_equal(logged_header(log, "If-None-Match"), "\"1\"");
	assert_string_equal(logged_header(log, "User-Agent"), "vpcgate/" VG_VERSION);
	assert_string_equal(logged_header(log, "Accept-Encoding"), "gzip");
	assert_string_equal(logged_header(log, "Cookie"), "(none)");
	assert_string_equal(logged_header(log, "Metadata-Flavor"), "(none)");
	json_decref(log);
}

/* Not modified is an answer like others, and has its ETag. */
static void test_etag(void **state)
{
	struct vg_client_question question = {.url = FILE_URL, .ca = cloud_server.ca};
	struct outcome first = {}, second = {};

	(void)state;
	cloud_set(NULL, NULL);
	ask(&question, &first);
	assert_true(loop_until(&first.done, 5000));
	assert_int_equal(first.etag[0], '"');
	question.etag = first.etag;
	ask(&question, &second);
	assert_true(loop_until(&second.done, 5000));
	assert_int_equal(second.status, 304);
	assert_string_equal(second.etag, first.etag);
	free(first.body);
	free(second.body);
}

/* A server that hangs holds up neither other questions nor the end of its own. */
static void test_side_by_side(void **state)
{
	const struct vg_client_question hanging = {
		.url = CLOUD_TLS "/hang", .ca = cloud_server.ca, .timeout_ms = 10000 * slowness()};
	const struct vg_client_question quick = {.url = FILE_URL, .ca = cloud_server.ca};
	struct outcome outcomes[9] = {};
	struct vg_client_call *call;
	const uint64_t start_us = clock_us();

	(void)state;
	cloud_set("{'^/hang': 'hang'}", NULL);
	call = ask(&hanging, &outcomes[0]);
	for (size_t i = 1; i < VG_ARRAY_SIZE(outcomes); i++)
		ask(&quick, &outcomes[i]);
	for (size_t i = 1; i < VG_ARRAY_SIZE(outcomes); i++) {
		assert_true(loop_until(&outcomes[i].done, 5000));
		assert_int_equal(outcomes[i].status, 200);
		free(outcomes[i].body);
	}
	assert_false(outcomes[0].done);
	vg_client_cancel(call);
	assert_false(outcomes[0].done);
	assert_true(clock_us() - start_us < 5000000ULL * slowness());
}

/* Ended after so many runs of the loop: while it connects, shakes hands, waits and reads. */
static void test_cancel_anywhere(void **state)
{
	const struct vg_client_question question = {.url = FILE_URL, .ca = cloud_server.ca};
	struct outcome last = {};
	unsigned runs = 0;

	(void)state;
	cloud_set("{'.': {'delay': 0.005}}", NULL);
	while (!last.done && runs < 200) {
		struct vg_client_call *call;

		vg_client_close(client); /* or else the second one would find an open connection */
		assert_int_equal(open_client(NULL), 0);
		call = ask(&question, &last);
		for (unsigned i = 0; i < runs && !last.done; i++)
			sd_event_run(loop, 10000);
		if (!last.done)
			vg_client_cancel(call);
		runs++;
	}
	assert_true(last.done);
	assert_int_equal(last.status, 200);
	assert_true(runs > 3);
	free(last.body);
}

struct chain {
	struct outcome outcome;
	struct vg_client_call *other;
	struct outcome other_outcome, next_outcome;
};

static void on_first(void *context, const struct vg_client_answer *answer)
{
	const struct vg_client_question next = {.url = FILE_URL, .ca = cloud_server.ca};
	struct chain *chain = context;

	on_done(&chain->outcome, answer);
	vg_client_cancel(chain->other);
	ask(&next, &chain->next_outcome);
}

/* A callback may end another call, even one that is answered as well, and ask again. */
static void test_from_callback(void **state)
{
	const struct vg_client_question question = {.url = FILE_URL, .ca = cloud_server.ca};
	struct vg_client_call *call;
	struct chain chain = {};
	struct vg_diag diag;

	(void)state;
	cloud_set(NULL, NULL);
	chain.other = ask(&question, &chain.other_outcome);
	assert_int_equal(vg_client_ask(client, &question, on_first, &chain, &call, &diag), 0);
	for (int i = 0; i < 20; i++) { /* both answers wait to be read, in any order */
		usleep(10000);
		if (chain.other_outcome.done)
			chain.other = NULL;
		sd_event_run(loop, 10000);
		if (chain.other_outcome.done)
			chain.other = NULL;
	}
	assert_true(loop_until(&chain.next_outcome.done, 5000));
	assert_int_equal(chain.outcome.status, 200);
	assert_int_equal(chain.next_outcome.status, 200);
	free(chain.outcome.body);
	free(chain.other_outcome.body);
	free(chain.next_outcome.body);
}

/* The name server never answers, as behind a firewall. */
static void silence_dns(void)
{
	run("ip link add silent type veth peer name sink && ip link set silent up && "
	    "ip link set sink up && ip address add 203.0.113.1/24 dev silent && "
	    "ip neighbour add " CLOUD_DNS " lladdr 02:00:00:00:00:01 dev silent");
}

static void expect_timeout(const char *url, const char *text)
{
	const struct vg_client_question question = {.url = url, .timeout_ms = 300};
	struct outcome outcome = {};

	ask(&question, &outcome);
	assert_true(loop_until(&outcome.done, 3000));
	assert_int_equal(outcome.error, -EAGAIN);
	if (!strstr(outcome.text, text))
		fail_msg("%s: %s", url, outcome.text);
	free(outcome.body);
}

/* Time-out, cancel and close while a name is looked up: none waits for the resolver. */
static void test_silence(void **state)
{
	const struct vg_client_question question = {.url = "https://hangs.invalid/"};
	struct outcome cancelled = {};
	struct vg_client_call *call;
	uint64_t start_us;

	(void)state;
	silence_dns();
	start_us = clock_us();
	expect_timeout("https://hangs.invalid/", "hangs.invalid: its address can't be found");
	expect_timeout("https://" CLOUD_DNS "/", CLOUD_DNS ": no connection: is there a way to it");
	call = ask(&question, &cancelled);
	loop_for(100);
	vg_client_cancel(call);
	ask(&question, &cancelled);
	loop_for(100);
	vg_client_close(client);
	assert_true(clock_us() - start_us < 2000000ULL * slowness());
	assert_int_equal(open_client(NULL), 0);
	run("ip link delete silent");
	assert_false(cancelled.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_refused, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_ca_unreadable, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_headers, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_etag, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_side_by_side, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_cancel_anywhere, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_from_callback, open_client, close_client),
		cmocka_unit_test_setup_teardown(test_silence, open_client, close_client),
	};

	if (getuid() != 0) {
		puts("needs root");
		return 77;
	}
	return CLOUD_RUN(tests);
}
