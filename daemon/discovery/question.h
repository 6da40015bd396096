/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Questions of the client and their answers: what is allowed, and how they are written as messages. */
#ifndef VPCGATE_QUESTION_H
#define VPCGATE_QUESTION_H

#include "discovery/client.h"
#include "share/message.h"

#define VG_QUESTION_MAX_HEADERS 8
#define VG_QUESTION_MAX_BYTES (VG_CLIENT_MAX_CA_BYTES + (128u << 10)) /* as a message */
#define VG_ANSWER_MAX_BYTES (VG_CLIENT_MAX_BYTES + (128u << 10))

/* May it be asked? `ret_host`, on the heap, is who is asked. Errors as vg_client_ask(). */
int vg_question_check(const struct vg_client_question *question, char **ret_host,
		      struct vg_diag *diag);

void vg_question_put(struct vg_message *message, const struct vg_client_question *question);
/* Texts are the message's; `headers` has room for VG_QUESTION_MAX_HEADERS and a NULL. -EPROTO. */
int vg_question_take(struct vg_fields *fields, struct vg_client_question *ret_question,
		     const char **headers);

void vg_answer_put(struct vg_message *message, const struct vg_client_answer *answer);
/*
 * Texts are the message's; `host` is not among them. -EPROTO: also where it is none that a client may
 * give, by what client.h says.
 */
int vg_answer_take(struct vg_fields *fields, struct vg_client_answer *ret_answer);

#endif
