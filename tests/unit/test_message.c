/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages between vpcgated and vpcgate-outside, whole, cut anywhere, and made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "discovery/question.h"
#include "share/cleanup.h"
#include "share/listening.h"

static int ends[2];

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int teardown(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static const struct vg_client_question whole_question = {
	.url = "https://example.com/x",
	.headers = (const char *const[]){"Authorization: Bearer abc", "A: b", NULL},
	.etag = "\"1\"",
	.ca = "/ca.pem",
	.ca_text = "-----BEGIN",
	.timeout_ms = 700,
	.metadata = true,
};

static const struct vg_client_answer whole_answer = {
	.text = "",
	.status = 200,
	.body = "a\0b",
	.length = 3,
	.etag = "\"2\"",
	.redirect_host = "elsewhere",
	.retry_after_s = 7,
};

static struct vg_message question_message(void)
{
	struct vg_message message;

	vg_message_begin(&message);
	vg_question_put(&message, &whole_question);
	assert_int_equal(vg_message_end(&message), 0);
	return message;
}

static struct vg_message answer_message(const struct vg_client_answer *answer)
{
	struct vg_message message;

	vg_message_begin(&message);
	vg_answer_put(&message, answer);
	assert_int_equal(vg_message_end(&message), 0);
	return message;
}

/* What is read of bytes that are the fields of a message, in a buffer of just their size. */
static int read_question(const void *bytes, size_t length, struct vg_client_question *question)
{
	static const char *headers[VG_QUESTION_MAX_HEADERS + 1];
	static char *copy;
	struct vg_fields fields;

	free(copy);
	copy = malloc(length ?: 1);
	memcpy(copy, bytes, length);
	fields = (struct vg_fields){copy, length, false};
	return vg_question_take(&fields, question, headers);
}

static int read_answer(const void *bytes, size_t length, struct vg_client_answer *answer)
{
	static char *copy;
	struct vg_fields fields;

	free(copy);
	copy = malloc(length ?: 1);
	memcpy(copy, bytes, length);
	fields = (struct vg_fields){copy, length, false};
	return vg_answer_take(&fields, answer);
}

static void question_comes_back(void **state)
{
	struct vg_message message = question_message();
	struct vg_client_question question;

	(void)state;
	assert_int_equal(read_question(message.bytes.data + sizeof(struct vg_message_head),
				       message.bytes.length - sizeof(struct vg_message_head),
				       &question),
			 0);
	assert_string_equal(question.url, whole_question.url);
	assert_string_equal(question.headers[0], "Authorization: Bearer abc");
	assert_string_equal(question.headers[1], "A: b");
	assert_null(question.headers[2]);
	assert_string_equal(question.etag, "\"1\"");
	assert_string_equal(question.ca, "/ca.pem");
	assert_string_equal(question.ca_text, "-----BEGIN");
	assert_int_equal(question.timeout_ms, 700);
	assert_true(question.metadata);
	vg_message_done(&message);
}

static void answer_comes_back(void **state)
{
	struct vg_message message = answer_message(&whole_answer);
	struct vg_client_answer answer;

	(void)state;
	assert_int_equal(read_answer(message.bytes.data + sizeof(struct vg_message_head),
				     message.bytes.length - sizeof(struct vg_message_head),
				     &answer),
			 0);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.length, 3);
	assert_memory_equal(answer.body, "a\0b", 4);
	assert_string_equal(answer.etag, "\"2\"");
	assert_string_equal(answer.redirect_host, "elsewhere");
	assert_int_equal(answer.retry_after_s, 7);
	vg_message_done(&message);
}

/* Cut anywhere, with a byte more, or with each length larger than it is. */
static void nothing_else_is_taken(void **state)
{
	struct vg_message messages[2] = {question_message(), answer_message(&whole_answer)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *bytes = messages[i].bytes.data + sizeof(struct vg_message_head);
		const size_t length = messages[i].bytes.length - sizeof(struct vg_message_head);

		for (size_t cut = 0; cut <= length + 1; cut++) {
			struct vg_client_question question;
			struct vg_client_answer answer;
			const int r = i ? read_answer(bytes, cut, &answer)
					: read_question(bytes, cut, &question);

			if (r != (cut == length ? 0 : -EPROTO))
				fail_msg("%zu of %zu bytes of message %zu: %d", cut, length, i, r);
		}
		vg_message_done(&messages[i]);
	}
}

static void a_text_has_no_nul(void **state)
{
	struct vg_message message;
	struct vg_fields fields;
	size_t length;

	(void)state;
	vg_message_begin(&message);
	vg_message_put_bytes(&message, "a\0b", 3);
	assert_int_equal(vg_message_end(&message), 0);
	fields = vg_message_fields(&message.bytes);
	assert_non_null(vg_fields_bytes(&fields, &length));
	assert_int_equal(vg_fields_end(&fields), 0);
	fields = vg_message_fields(&message.bytes);
	assert_null(vg_fields_text(&fields));
	assert_int_equal(vg_fields_end(&fields), -EPROTO);
	vg_message_done(&message);
}

static const struct {
	const char *name;
	struct vg_client_answer answer;
} lies[] = {
	{"no status", {.text = ""}},
	{"a status that is none", {.text = "", .status = 70000}},
	{"no text", {.status = 200}},
	{"a text without an error", {.text = "well", .status = 200}},
	{"an error without a text", {.error = -EAGAIN, .text = ""}},
	{"an error with a status", {.error = -EAGAIN, .text = "x", .status = 200}},
	{"an error with a body", {.error = -EAGAIN, .text = "x", .body = "x", .length = 1}},
	{"another error", {.error = -EPERM, .text = "x"}},
	{"no negative error", {.error = 1, .text = "x"}},
	{"a text of two lines", {.error = -EAGAIN, .text = "x\nemergency: all is lost"}},
	{"a text for the terminal", {.error = -EAGAIN, .text = "\33[2J"}},
	{"years to wait", {.text = "", .status = 503, .retry_after_s = 86401}},
};

static void lies_are_seen(void **state)
{
	char long_text[VG_DIAG_TEXT_SIZE + 1];
	const struct vg_client_answer wordy = {.error = -EAGAIN, .text = long_text};

	(void)state;
	memset(long_text, 'x', VG_DIAG_TEXT_SIZE);
	long_text[VG_DIAG_TEXT_SIZE] = '\0';
	for (size_t i = 0; i <= VG_ARRAY_SIZE(lies); i++) {
		const bool last = i == VG_ARRAY_SIZE(lies);
		struct vg_message message = answer_message(last ? &wordy : &lies[i].answer);
		struct vg_fields fields = vg_message_fields(&message.bytes);
		struct vg_client_answer answer;

		if (vg_answer_take(&fields, &answer) != -EPROTO)
			fail_msg("%s is taken", last ? "a long text" : lies[i].name);
		vg_message_done(&message);
	}
}

/* Random bytes, and messages in which some are: nothing is read where there is nothing. */
static void random_bytes(void **state)
{
	struct vg_message message = answer_message(&whole_answer);
	struct vg_message other = question_message();
	const unsigned seed = (unsigned)getpid();

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 100000; i++) {
		const struct vg_bytes *source = i & 1 ? &message.bytes : &other.bytes;
		const size_t length = source->length - sizeof(struct vg_message_head);
		struct vg_client_question question;
		struct vg_client_answer answer = {};
		char bytes[256];

		assert_true(length <= sizeof(bytes));
		memcpy(bytes, source->data + sizeof(struct vg_message_head), length);
		for (int n = random() % 4; n >= 0; n--)
			bytes[(size_t)random() % length] = (char)(random() >> 8);
		read_question(bytes, length, &question);
		if (read_answer(bytes, length, &answer) == 0)
			assert_int_equal(answer.body[answer.length], '\0');
	}
	vg_message_done(&message);
	vg_message_done(&other);
}

/* Byte by byte: not before the last one, whatever comes behind it. */
static void a_message_comes_in_pieces(void **state)
{
	struct vg_message message = question_message();
	struct vg_bytes in = {};

	(void)state;
	for (size_t i = 0; i < message.bytes.length; i++) {
		assert_int_equal(write(ends[0], message.bytes.data + i, 1), 1);
		assert_int_equal(vg_message_receive(ends[1], 4096, &in, NULL),
				 i + 1 < message.bytes.length ? -EAGAIN : 0);
	}
	assert_int_equal(in.length, message.bytes.length);
	assert_memory_equal(in.data, message.bytes.data, in.length);
	vg_bytes_done(&in);
	vg_message_done(&message);
}

/* More than a socket takes at once. */
static void a_message_may_be_large(void **state)
{
	struct vg_message message;
	struct vg_bytes in = {};
	char *body = calloc(1, 4 << 20);
	size_t sent = 0;
	int sending, r = -EAGAIN;

	(void)state;
	vg_message_begin(&message);
	vg_message_put_bytes(&message, body, 4 << 20);
	assert_int_equal(vg_message_end(&message), 0);
	do {
		sending = vg_message_send(ends[0], &message, &sent, -1);
		assert_true(sending == 0 || sending == -EAGAIN);
		while (r == -EAGAIN && in.length < sent)
			r = vg_message_receive(ends[1], 5 << 20, &in, NULL);
	} while (sending == -EAGAIN);
	assert_int_equal(r, 0);
	assert_int_equal(in.length, message.bytes.length);
	vg_bytes_done(&in);
	vg_message_done(&message);
	free(body);
}

static int receive_head(uint32_t version, uint32_t length, size_t *ret_allocated)
{
	const struct vg_message_head head = {version, length};
	struct vg_bytes in = {};
	int r;

	assert_int_equal(write(ends[0], &head, sizeof(head)), sizeof(head));
	r = vg_message_receive(ends[1], VG_ANSWER_MAX_BYTES, &in, NULL);
	if (r == -EAGAIN)
		r = vg_message_receive(ends[1], VG_ANSWER_MAX_BYTES, &in, NULL);
	*ret_allocated = in.allocated;
	vg_bytes_done(&in);
	return r;
}

static void heads_are_not_believed(void **state)
{
	size_t allocated;

	(void)state;
	assert_int_equal(receive_head(VG_MESSAGE_VERSION, VG_ANSWER_MAX_BYTES, &allocated),
			 -EAGAIN);
	assert_true(allocated < 1 << 20);
	assert_int_equal(receive_head(VG_MESSAGE_VERSION, VG_ANSWER_MAX_BYTES + 1, &allocated),
			 -EPROTO);
	assert_int_equal(receive_head(VG_MESSAGE_VERSION + 1, 0, &allocated), -EPROTONOSUPPORT);
	assert_int_equal(receive_head(VG_MESSAGE_VERSION, 0, &allocated), 0);
}

static size_t open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* One is taken where one is expected; of all others none stays open. */
static void descriptors(void **state)
{
	const size_t before = open_descriptors();
	struct vg_message message = answer_message(&whole_answer);
	struct vg_bytes in = {};
	size_t sent = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(vg_message_send(ends[0], &message, &sent, ends[0]), 0);
	assert_int_equal(vg_message_receive(ends[1], 4096, &in, &fd), -EAGAIN);
	assert_int_equal(vg_message_receive(ends[1], 4096, &in, &fd), 0);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	vg_bytes_done(&in);
	sent = 0;
	assert_int_equal(vg_message_send(ends[0], &message, &sent, ends[0]), 0);
	assert_int_equal(vg_message_receive(ends[1], 4096, &in, NULL), -EAGAIN);
	assert_int_equal(vg_message_receive(ends[1], 4096, &in, NULL), 0);
	vg_bytes_done(&in);
	vg_message_done(&message);
	assert_int_equal(open_descriptors(), before);
}

static void only_what_listens_is_a_listening_socket(void **state)
{
	int fd, other = socket(AF_INET, SOCK_STREAM, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0);
	char name[VG_LISTENING_NAME_SIZE];
	unsigned port;

	(void)state;
	assert_int_equal(vg_listening_open("127.0.0.1", 0, &fd), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(vg_listening_check(fd, "127.0.0.1", 0, name), 0);
	assert_int_equal(sscanf(name, "127.0.0.1:%u", &port), 1);
	assert_int_equal(vg_listening_check(fd, "127.0.0.1", port, name), 0);
	assert_int_equal(vg_listening_check(fd, "127.0.0.1", port ^ 1, name), -EPROTO);
	assert_int_equal(vg_listening_check(fd, "127.0.0.2", port, name), -EPROTO);
	assert_int_equal(vg_listening_check(fd, "::1", port, name), -EPROTO);
	assert_int_equal(vg_listening_check(fd, "nowhere", port, name), -EPROTO);
	assert_int_equal(vg_listening_check(other, "0.0.0.0", 0, name), -EPROTO);
	assert_int_equal(vg_listening_check(datagrams, "0.0.0.0", 0, name), -EPROTO);
	assert_int_equal(vg_listening_check(ends[0], "0.0.0.0", 0, name), -EPROTO);
	assert_int_equal(vg_listening_check(-1, "0.0.0.0", 0, name), -EPROTO);
	close(fd);
	close(other);
	close(datagrams);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_comes_back),
		cmocka_unit_test(answer_comes_back),
		cmocka_unit_test(nothing_else_is_taken),
		cmocka_unit_test(a_text_has_no_nul),
		cmocka_unit_test(lies_are_seen),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test_setup_teardown(a_message_comes_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(a_message_may_be_large, setup, teardown),
		cmocka_unit_test_setup_teardown(heads_are_not_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_listens_is_a_listening_socket, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
