/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking vpcgate-outside, which speaks to the internet in place of a vpcgated that can't: a connection
 * each, with a message there and a message back. Whatever it does, or doesn't, ends in an answer or an
 * error within a time, and takes no more memory than an answer may have.
 */
#ifndef VPCGATE_OUTSIDE_H
#define VPCGATE_OUTSIDE_H

#include <systemd/sd-event.h>
#include "share/message.h"

/* The first field of a question. */
enum vg_outside_kind {
	VG_OUTSIDE_FETCH = 1,  /* discovery/question.h */
	VG_OUTSIDE_LISTEN = 2, /* share/listening.h */
};

struct vg_outside_question {
	const char *socket; /* where it listens */
	unsigned timeout_ms;
	size_t max; /* bytes of the answer */
};

struct vg_outside_answer {
	/*
	 * 0: `fields` are those of an answer, not looked at so far. -EAGAIN: it isn't there, ended or
	 * took too long, which passes when it is started again. -EPROTO: no answer, or another
	 * version's. -ENOMEM.
	 */
	int error;
	const char *text; /* with an error: what it is, and what helps */
	struct vg_fields fields;
	int fd; /* that came with it, or -1; taken by writing -1 here, else closed */
};

/* For fields that aren't what they should be. */
extern const char vg_outside_nonsense[];

/*
 * Called once, from the event loop, never from within vg_outside_ask(), unless it is cancelled before.
 * What it points to is gone once it returns.
 */
typedef void vg_outside_done(void *context, struct vg_outside_answer *answer);

struct vg_outside_call;

/* Takes the message over, which is wiped in any case. -ENOMEM, or errno of sd-event. */
int vg_outside_ask(sd_event *event, const struct vg_outside_question *question,
		   struct vg_message *message, vg_outside_done *done, void *context,
		   struct vg_outside_call **ret_call);
void vg_outside_cancel(struct vg_outside_call *call); /* NULL is fine */

#endif
