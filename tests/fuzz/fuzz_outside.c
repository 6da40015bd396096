/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer's entry: any bytes as what comes from the other side of the socket between vpcgated and
 * vpcgate-outside, in two parts. Whatever they are, they are a question or an answer that is allowed,
 * or refused, and nothing leaks.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "discovery/question.h"
#include "share/cleanup.h"
#include "share/listening.h"

#define MAX_BYTES 4096

static void expect(bool condition)
{
	if (!condition)
		abort();
}

static int receive(int fd, struct vg_bytes *message)
{
	int r;

	do {
		r = vg_message_receive(fd, MAX_BYTES, message, NULL);
		expect(message->length <= MAX_BYTES + sizeof(struct vg_message_head));
	} while (r == -EAGAIN && message->length < sizeof(struct vg_message_head));
	return r;
}

/* The message of `data`, cut at `cut`; false: it isn't whole, or refused. */
static bool is_received(const uint8_t *data, size_t size, size_t cut, struct vg_bytes *message)
{
	int ends[2], r;

	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	expect(write(ends[1], data, cut) == (ssize_t)cut);
	r = cut ? vg_message_receive(ends[0], MAX_BYTES, message, NULL) : -EAGAIN;
	expect(write(ends[1], data + cut, size - cut) == (ssize_t)(size - cut));
	close(ends[1]);
	while (r == -EAGAIN)
		r = receive(ends[0], message);
	close(ends[0]);
	return r == 0;
}

/* What was taken is said in the same way again. */
static void judge_question(const struct vg_bytes *bytes)
{
	const char *headers[VG_QUESTION_MAX_HEADERS + 1];
	struct vg_fields fields = vg_message_fields(bytes);
	_cleanup_(vg_message_done) struct vg_message again = {};
	struct vg_client_question question;

	if (vg_question_take(&fields, &question, headers) < 0)
		return;
	question.metadata = false;
	vg_message_begin(&again);
	vg_question_put(&again, &question);
	expect(vg_message_end(&again) == 0 && again.bytes.length == bytes->length);
}

static void judge_answer(const struct vg_bytes *bytes)
{
	struct vg_fields fields = vg_message_fields(bytes);
	_cleanup_(vg_message_done) struct vg_message again = {};
	struct vg_client_answer answer;

	if (vg_answer_take(&fields, &answer) < 0)
		return;
	expect(answer.error ? *answer.text && !answer.length : !*answer.text);
	vg_message_begin(&again);
	vg_answer_put(&again, &answer);
	expect(vg_message_end(&again) == 0 && again.bytes.length == bytes->length &&
	       memcmp(again.bytes.data, bytes->data, bytes->length) == 0);
}

static void judge_listening(const struct vg_bytes *bytes)
{
	struct vg_fields fields = vg_message_fields(bytes);
	const char *address;
	unsigned port;

	if (vg_listening_take(&fields, &address, &port) >= 0)
		expect(strlen(address) < MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says where the rest is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(vg_bytes_done) struct vg_bytes message = {};
	size_t cut;

	if (!size)
		return 0;
	cut = *data < size - 1 ? *data : size - 1;
	if (!is_received(data + 1, size - 1, cut, &message))
		return 0;
	judge_question(&message);
	judge_answer(&message);
	judge_listening(&message);
	return 0;
}
