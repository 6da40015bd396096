/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a client makes of a vpcgate-outside that is absent, hangs, ends, lies or never stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "discovery/question.h"
#include "share/cleanup.h"
#include "share/outside.h"

struct rig {
	sd_event *event;
	char folder[32], socket[64];
	int listening, peer;
	struct vg_client *client;
	struct vg_client_call *call;
	bool done;
	int error;
	unsigned status;
	char text[VG_DIAG_TEXT_SIZE];
};

static void on_done(void *context, const struct vg_client_answer *answer)
{
	struct rig *rig = context;

	assert_false(rig->done);
	rig->done = true;
	rig->error = answer->error;
	rig->status = answer->status;
	snprintf(rig->text, sizeof(rig->text), "%s", answer->text);
	assert_string_equal(answer->host, "example.com");
	assert_int_equal(answer->body[answer->length], '\0');
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct vg_diag diag;

	strcpy(rig->folder, "/tmp/vpcgate-outside.XXXXXX");
	if (!mkdtemp(rig->folder))
		return -1;
	snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->folder);
	strcpy(address.sun_path, rig->socket);
	rig->listening = socket(AF_UNIX, SOCK_STREAM, 0);
	rig->peer = -1;
	if (bind(rig->listening, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(rig->listening, 1) < 0 || sd_event_new(&rig->event) < 0 ||
	    vg_client_open(rig->event, rig->socket, &rig->client, &diag) < 0)
		return -1;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vg_client_close(rig->client);
	sd_event_unref(rig->event);
	close(rig->listening);
	if (rig->peer >= 0)
		close(rig->peer);
	unlink(rig->socket);
	rmdir(rig->folder);
	free(rig);
	return 0;
}

static void ask(struct rig *rig)
{
	const struct vg_client_question question = {.url = "https://example.com/", .timeout_ms = 1};
	struct vg_diag diag = {};

	assert_int_equal(vg_client_ask(rig->client, &question, on_done, rig, &rig->call, &diag), 0);
	assert_false(rig->done);
}

/* As vpcgate-outside: takes the question. */
static void take(struct rig *rig)
{
	struct vg_bytes question = {};

	ask(rig);
	sd_event_run(rig->event, 1000000);
	rig->peer = accept(rig->listening, NULL, NULL);
	assert_true(rig->peer >= 0);
	assert_int_equal(vg_message_receive(rig->peer, 4096, &question, NULL), -EAGAIN);
	assert_int_equal(vg_message_receive(rig->peer, 4096, &question, NULL), 0);
	vg_bytes_done(&question);
}

static void expect(struct rig *rig, int error, const char *text)
{
	for (int i = 0; !rig->done && i < 1000; i++)
		sd_event_run(rig->event, 10000);
	if (!rig->done)
		fail_msg("no end, where '%s' should be", text);
	if (rig->error != error || !strstr(rig->text, text))
		fail_msg("%d '%s' is not %d '%s'", rig->error, rig->text, error, text);
}

static void absent(void **state)
{
	struct rig *rig = *state;

	unlink(rig->socket);
	ask(rig);
	expect(rig, -EAGAIN,
	       "example.com: vpcgate-outside, which asks for this daemon, can't be "
	       "reached on /tmp/vpcgate-outside.");
	assert_non_null(strstr(rig->text, "systemctl start vpcgate-outside.socket"));
}

/* Nobody accepts: what doesn't fit waits for nothing. */
static void busy(void **state)
{
	struct rig *rig = *state;
	struct rig others[2] = {*rig, *rig};

	ask(&others[0]);
	ask(&others[1]);
	ask(rig);
	expect(rig, -EAGAIN, "takes no more questions");
}

static void hangs(void **state)
{
	struct rig *rig = *state;

	take(rig);
	expect(rig, -EAGAIN, "vpcgate-outside doesn't answer");
}

static void ends(void **state)
{
	struct rig *rig = *state;

	take(rig);
	close(VG_TAKE_FD(rig->peer));
	expect(rig, -EAGAIN, "ended before it had answered");
}

static void ends_in_the_middle(void **state)
{
	const struct vg_message_head head = {VG_MESSAGE_VERSION, 1000};
	struct rig *rig = *state;

	take(rig);
	assert_int_equal(write(rig->peer, &head, sizeof(head)), sizeof(head));
	close(VG_TAKE_FD(rig->peer));
	expect(rig, -EAGAIN, "ended before it had answered");
}

static void says(struct rig *rig, const void *bytes, size_t length)
{
	take(rig);
	assert_int_equal(write(rig->peer, bytes, length), length);
}

static void is_of_another_version(void **state)
{
	const struct vg_message_head head = {VG_MESSAGE_VERSION + 1, 0};

	says(*state, &head, sizeof(head));
	expect(*state, -EPROTO, "is of another version than this daemon: restart both");
}

static void announces_too_much(void **state)
{
	const struct vg_message_head head = {VG_MESSAGE_VERSION, UINT32_MAX};

	says(*state, &head, sizeof(head));
	expect(*state, -EPROTO, "makes no sense");
}

static void says_nothing(void **state)
{
	const struct vg_message_head head = {VG_MESSAGE_VERSION, 0};

	says(*state, &head, sizeof(head));
	expect(*state, -EPROTO, "makes no sense");
}

/* As much as an answer may have, byte after byte of nonsense, and then more. */
static void never_stops(void **state)
{
	const struct vg_message_head head = {VG_MESSAGE_VERSION, VG_ANSWER_MAX_BYTES};
	static const char flood[65536];
	struct rig *rig = *state;
	size_t sent = 0;

	says(rig, &head, sizeof(head));
	while (!rig->done && sent < 2 * (size_t)VG_ANSWER_MAX_BYTES) {
		const ssize_t n =
			send(rig->peer, flood, sizeof(flood), MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		sd_event_run(rig->event, 1000);
	}
	expect(rig, -EPROTO, "makes no sense");
	assert_true(sent <= VG_ANSWER_MAX_BYTES + 4 * sizeof(flood) + (1 << 20));
}

static void descriptor_that_nobody_wants(void **state)
{
	const struct vg_client_answer answer = {.text = "", .status = 200, .body = ""};
	struct rig *rig = *state;
	struct vg_message message;
	size_t sent = 0;
	int free_fd;

	take(rig);
	free_fd = dup(0);
	close(free_fd);
	vg_message_begin(&message);
	vg_answer_put(&message, &answer);
	assert_int_equal(vg_message_end(&message), 0);
	assert_int_equal(vg_message_send(rig->peer, &message, &sent, 0), 0);
	vg_message_done(&message);
	expect(rig, 0, "");
	assert_int_equal(rig->status, 200);
	close(VG_TAKE_FD(rig->peer));
	assert_true(dup(0) <= free_fd);
}

static void cancelled(void **state)
{
	struct rig *rig = *state;
	char byte;

	take(rig);
	vg_client_cancel(rig->call);
	assert_int_equal(recv(rig->peer, &byte, 1, MSG_DONTWAIT), 0);
	assert_false(rig->done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(absent, setup, teardown),
		cmocka_unit_test_setup_teardown(busy, setup, teardown),
		cmocka_unit_test_setup_teardown(hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(ends, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(is_of_another_version, setup, teardown),
		cmocka_unit_test_setup_teardown(announces_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(says_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(never_stops, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptor_that_nobody_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelled, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
