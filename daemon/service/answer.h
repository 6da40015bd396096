/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests of the control socket and their answers (share/wire.h). */
#ifndef VPCGATE_ANSWER_H
#define VPCGATE_ANSWER_H

#include <jansson.h>
#include "service/daemon.h"

/* A heap string that ends with a newline, whatever the request was; NULL: no memory. */
char *vg_answer(struct vg_daemon *daemon, const char *request, size_t length);

/* The answer to `status`. Without counters, `diag` says why; -ENOMEM. */
int vg_status_json(const struct vg_daemon *daemon, json_t **ret_json, struct vg_diag *diag);

#endif
