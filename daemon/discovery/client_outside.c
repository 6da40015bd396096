/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <sys/queue.h>
#include "discovery/client_ways.h"
#include "discovery/question.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "share/outside.h"

/* What vpcgate-outside may take beyond the time that the server has: it may be started first. */
#define GRACE_MS 5000

static const struct vg_position nowhere;

struct outside_client {
	struct vg_client base;
	sd_event *event;
	char *socket;
	LIST_HEAD(outside_calls, outside_call) calls;
};

struct outside_call {
	struct vg_client_call base;
	LIST_ENTRY(outside_call) entry;
	vg_client_done *done;
	void *context;
	struct vg_outside_call *asked;
	char *host;
};

static void call_free(struct outside_call *call)
{
	vg_outside_cancel(call->asked);
	free(call->host);
	free(call);
}

static void cancel(struct vg_client_call *base)
{
	struct outside_call *call = (struct outside_call *)base;

	LIST_REMOVE(call, entry);
	call_free(call);
}

static void on_answer(void *context, struct vg_outside_answer *outside)
{
	struct vg_client_answer answer = {.error = outside->error, .body = ""};
	struct outside_call *call = context;
	const char *wrong = outside->text;
	struct vg_diag diag = {};

	call->asked = NULL;
	LIST_REMOVE(call, entry);
	if (!answer.error && vg_answer_take(&outside->fields, &answer) < 0) {
		answer.error = -EPROTO;
		wrong = vg_outside_nonsense;
	}
	if (*wrong) {
		vg_diag_set(&diag, -answer.error, NULL, nowhere, "%s: %s", call->host, wrong);
		answer.text = diag.text;
	}
	answer.host = call->host;
	call->done(call->context, &answer);
	call_free(call);
}

/*
 * What vpcgate-outside may not be able to read, being another user; on the heap. NULL: it will find out
 * itself what is wrong with the file.
 */
static char *read_ca(const char *path)
{
	char *text = NULL;
	size_t length = 0;

	if (!path || vg_file_read(path, &text, &length) < 0)
		return NULL;
	if (length <= VG_CLIENT_MAX_CA_BYTES && strlen(text) == length)
		return text;
	free(text);
	return NULL;
}

static int begin(struct outside_client *client, const struct vg_client_question *question,
		 struct outside_call *call)
{
	const unsigned timeout_ms = question->timeout_ms ?: VG_CLIENT_TIMEOUT_MS;
	const struct vg_outside_question outside = {client->socket, timeout_ms + GRACE_MS,
						    VG_ANSWER_MAX_BYTES};
	_cleanup_free_ char *ca_text = read_ca(question->ca);
	struct vg_client_question whole = *question;
	struct vg_message message;

	whole.ca_text = ca_text;
	vg_message_begin(&message);
	vg_message_put_number(&message, VG_OUTSIDE_FETCH);
	vg_question_put(&message, &whole);
	return vg_outside_ask(client->event, &outside, &message, on_answer, call, &call->asked);
}

static const struct vg_client_way outside_way;

static int ask(struct vg_client *base, const struct vg_client_question *question,
	       vg_client_done *done, void *context, struct vg_client_call **ret_call,
	       struct vg_diag *diag)
{
	struct outside_client *client = (struct outside_client *)base;
	struct outside_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	call->base.way = &outside_way;
	call->done = done;
	call->context = context;
	r = vg_question_check(question, &call->host, diag);
	if (r >= 0)
		r = begin(client, question, call);
	if (r < 0) {
		call_free(call);
		return r;
	}
	LIST_INSERT_HEAD(&client->calls, call, entry);
	*ret_call = &call->base;
	return 0;
}

static void outside_close(struct vg_client *base)
{
	struct outside_client *client = (struct outside_client *)base;
	struct outside_call *call, *next;

	for (call = LIST_FIRST(&client->calls); call; call = next) {
		next = LIST_NEXT(call, entry);
		cancel(&call->base);
	}
	sd_event_unref(client->event);
	free(client->socket);
	free(client);
}

static const struct vg_client_way outside_way = {ask, cancel, outside_close};

int vg_client_open_outside(sd_event *event, const char *socket, struct vg_client **ret_client)
{
	struct outside_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->base.way = &outside_way;
	client->event = sd_event_ref(event);
	client->socket = strdup(socket);
	LIST_INIT(&client->calls);
	if (!client->socket) {
		outside_close(&client->base);
		return -ENOMEM;
	}
	*ret_client = &client->base;
	return 0;
}
