/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests of the control socket and their answers (share/wire.h). */
#ifndef VPCGATE_ANSWER_H
#define VPCGATE_ANSWER_H

#include <jansson.h>
#include "service/daemon.h"

/*
 * A heap string that ends with a newline, whatever the request was; NULL: no memory, or, with
 * `ret_later`, the answer to that ticket comes when a reload ends.
 */
char *vg_answer(struct vg_daemon *daemon, const struct ucred *peer, uint64_t ticket,
		const char *request, size_t length, bool *ret_later);

/* `ranges`, of which there may be a million (struct vg_control_handler). */
bool vg_answer_is_long(const struct vg_daemon *daemon, const char *request, size_t length);
void vg_answer_write(const struct vg_daemon *daemon, const char *request, size_t length, FILE *out);

/* The answer to `apply`: `result` is that of the reload, and `diag` says why it was refused. */
char *vg_answer_applied(const struct vg_daemon *daemon, size_t accepted, int result,
			const struct vg_diag *diag);

/* The answer to `status`. Without counters, `diag` says why; -ENOMEM. */
int vg_status_json(const struct vg_daemon *daemon, json_t **ret_json, struct vg_diag *diag);

#endif
