/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket: lines in, lines out (share/wire.h), on the event loop and never blocking it. */
#ifndef VPCGATE_CONTROL_H
#define VPCGATE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include "core/diag.h"

/*
 * Connections at once. One more takes the place of the oldest, so that half-open ones lock nobody
 * out; one of whom only may read takes that of no other kind.
 */
#define VG_CONTROL_WRITERS 32
#define VG_CONTROL_READERS 32
#define VG_CONTROL_PER_READER 8 /* of one user */

#define VG_CONTROL_DEADLINE_US 10000000 /* for the request, and for each part of the answer */
#define VG_CONTROL_LONG_US 60000000	/* for all of a long answer */

struct vg_control;

/*
 * Answers one request of `peer`, `length` bytes without the newline: a heap string that ends with a
 * newline, or NULL for no memory. NULL with `ret_later`: vg_control_answer() will follow with that
 * ticket, within VG_CONTROL_DEADLINE_US; others are served meanwhile. Only for writers.
 */
struct vg_control_handler {
	char *(*answer)(void *context, const struct ucred *peer, uint64_t ticket,
			const char *request, size_t length, bool *ret_later);
	void *context;
	/*
	 * Does the answer take long to make? Then write() is called for it, in a child process that
	 * may wait for whoever reads it, while the daemon goes on. NULL: no answer does.
	 */
	bool (*is_long)(void *context, const char *request, size_t length);
	void (*write)(void *context, const char *request, size_t length, FILE *out);
};

/* May this peer change anything? Root may, and whoever the daemon runs as. */
bool vg_control_may_write(const struct ucred *peer);

/* Listens on `path` (service/listener.h); `diag` has the text of every failure. */
int vg_control_open(sd_event *event, const char *path, const struct vg_control_handler *handler,
		    struct vg_control **ret_control, struct vg_diag *diag);

/* Answers a request that was left for later; it may be gone. Takes over the heap string, or NULL. */
void vg_control_answer(struct vg_control *control, uint64_t ticket, char *answer);

/* Removes the socket too. Connections are closed whatever they wait for. */
void vg_control_close(struct vg_control *control);

#endif
