/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "core/url.h"
#include "discovery/question.h"
#include "share/cleanup.h"

static const struct vg_position nowhere;

static bool is_plain(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; c && *c; c++) {
		if (*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

/* https://, or http:// too to the metadata server. */
int vg_question_check(const struct vg_client_question *question, char **ret_host,
		      struct vg_diag *diag)
{
	const char *const *headers = question->headers;
	bool plain = is_plain(question->etag);
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_url url;
	int r;

	r = vg_url_parse(question->url, question->metadata, &url, wrong, sizeof(wrong));
	if (r < 0)
		return vg_diag_set(diag, -r, NULL, nowhere, "%s", wrong);
	for (size_t i = 0; headers && headers[i]; i++)
		plain = plain && is_plain(headers[i]);
	if (!plain)
		return vg_diag_set(diag, EINVAL, NULL, nowhere,
				   "a header for %.*s holds a control character",
				   (int)url.host_length, url.host);
	*ret_host = strndup(url.host, url.host_length);
	return *ret_host ? 0 : -ENOMEM;
}

void vg_question_put(struct vg_message *message, const struct vg_client_question *question)
{
	const char *const *headers = question->headers;
	uint32_t n = 0;

	while (headers && headers[n])
		n++;
	vg_message_put_text(message, question->url);
	vg_message_put_number(message, question->metadata);
	vg_message_put_number(message, question->timeout_ms);
	vg_message_put_text(message, question->etag);
	vg_message_put_text(message, question->ca);
	vg_message_put_text(message, question->ca_text);
	vg_message_put_number(message, n);
	for (uint32_t i = 0; i < n; i++)
		vg_message_put_text(message, headers[i]);
}

int vg_question_take(struct vg_fields *fields, struct vg_client_question *ret_question,
		     const char **headers)
{
	struct vg_client_question question = {.headers = headers};
	uint32_t n;

	question.url = vg_fields_text(fields);
	question.metadata = vg_fields_number(fields) != 0;
	question.timeout_ms = vg_fields_number(fields);
	question.etag = vg_fields_text(fields);
	question.ca = vg_fields_text(fields);
	question.ca_text = vg_fields_text(fields);
	n = vg_fields_number(fields);
	if (!question.url || n > VG_QUESTION_MAX_HEADERS ||
	    question.timeout_ms > VG_CLIENT_MAX_TIMEOUT_MS)
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++) {
		headers[i] = vg_fields_text(fields);
		if (!headers[i])
			return -EPROTO;
	}
	headers[n] = NULL;
	if (vg_fields_end(fields) < 0)
		return -EPROTO;
	*ret_question = question;
	return 0;
}

void vg_answer_put(struct vg_message *message, const struct vg_client_answer *answer)
{
	vg_message_put_number(message, (uint32_t)-answer->error);
	vg_message_put_text(message, answer->text);
	vg_message_put_number(message, answer->status);
	vg_message_put_number(message, answer->retry_after_s);
	vg_message_put_text(message, answer->etag);
	vg_message_put_text(message, answer->redirect_host);
	vg_message_put_bytes(message, answer->body ?: "", answer->length);
}

static bool is_error(uint32_t error)
{
	return error == EAGAIN || error == EPROTO || error == EINVAL || error == ENOMEM;
}

/* Texts of errors go to logs and terminals. */
static bool is_sensible(const struct vg_client_answer *answer)
{
	if (!answer->text || strlen(answer->text) >= VG_DIAG_TEXT_SIZE || !is_plain(answer->text))
		return false;
	if (answer->length > VG_CLIENT_MAX_BYTES ||
	    answer->retry_after_s > VG_CLIENT_MAX_RETRY_AFTER_S)
		return false;
	if (answer->error)
		return *answer->text && !answer->status && !answer->length;
	return !*answer->text && answer->status >= 100 && answer->status <= 999;
}

int vg_answer_take(struct vg_fields *fields, struct vg_client_answer *ret_answer)
{
	const uint32_t error = vg_fields_number(fields);
	struct vg_client_answer answer = {};

	if (error && !is_error(error))
		return -EPROTO;
	answer.error = -(int)error;
	answer.text = vg_fields_text(fields);
	answer.status = vg_fields_number(fields);
	answer.retry_after_s = vg_fields_number(fields);
	answer.etag = vg_fields_text(fields);
	answer.redirect_host = vg_fields_text(fields);
	answer.body = vg_fields_bytes(fields, &answer.length);
	if (vg_fields_end(fields) < 0 || !is_sensible(&answer))
		return -EPROTO;
	*ret_answer = answer;
	return 0;
}
