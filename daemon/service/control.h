/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket: lines in, lines out (share/wire.h), on the event loop and never blocking it. */
#ifndef VPCGATE_CONTROL_H
#define VPCGATE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "core/diag.h"

#define VG_CONTROL_CONNECTIONS 16	/* one more takes the place of the oldest */
#define VG_CONTROL_DEADLINE_US 10000000 /* for the request, and for each part of the answer */

struct vg_control;

/*
 * Answers one request, `length` bytes without the newline: a heap string that ends with a newline,
 * or NULL for no memory. NULL with `ret_later`: vg_control_answer() will follow with that ticket, within
 * VG_CONTROL_DEADLINE_US; others are served meanwhile.
 */
struct vg_control_handler {
	char *(*answer)(void *context, uint64_t ticket, const char *request, size_t length,
			bool *ret_later);
	void *context;
};

/*
 * Listens on `path`, mode 0660: a socket that nobody listens on any more is replaced, a missing
 * folder is made. -EADDRINUSE: somebody listens there; `diag` has the text of every failure.
 */
int vg_control_open(sd_event *event, const char *path, const struct vg_control_handler *handler,
		    struct vg_control **ret_control, struct vg_diag *diag);

/* Answers a request that was left for later; it may be gone. Takes over the heap string, or NULL. */
void vg_control_answer(struct vg_control *control, uint64_t ticket, char *answer);

/* Removes the socket too. Connections are closed whatever they wait for. */
void vg_control_close(struct vg_control *control);

#endif
