/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a running daemon does when the operator, a file or a feed has something new. A config that
 * names feeds without any answer waits for them before it comes into force, while everything else
 * goes on.
 */
#ifndef VPCGATE_APPLY_H
#define VPCGATE_APPLY_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "core/diag.h"
#include "service/change.h"
#include "service/control.h"

/* For the first answers of feeds; then a start goes on without them, and a reload is refused. */
#define VG_APPLY_WAIT_US 5000000

struct vg_daemon;

struct vg_apply {
	bool pending;		 /* the gate's next policy waits for answers */
	bool changed;		 /* while it did, ranges of the policy in force have changed */
	bool again;		 /* a reload was asked for before the start was over */
	struct vg_change change; /* the last one that was asked for */
	size_t accepted;	 /* answers that were held back, and that it believed */
	sd_event_source *deadline, *watch, *retry;
	struct vg_applicant {
		uint64_t ticket;
		size_t accepted; /* answers that it believed */
	} waiting[VG_CONTROL_WRITERS];
	size_t n_waiting;
};

int vg_apply_open(struct vg_daemon *daemon);
void vg_apply_close(struct vg_daemon *daemon);

/*
 * Before the gate's start: runs the loop until the feeds of its policy have answered, but not for
 * long. -ECANCELED: the daemon is to end.
 */
int vg_apply_wait_for_answers(struct vg_daemon *daemon);
/* Right after the start: from now on, changes are taken over. */
void vg_apply_started(struct vg_daemon *daemon);

/*
 * Puts another config in force, or the same one as it is now. -EINPROGRESS: it waits for answers. Other
 * failures are refusals; `diag`, which may be NULL, says why.
 */
int vg_apply_change(struct vg_daemon *daemon, const struct vg_change *change, struct vg_diag *diag);
/* Whoever asked for a reload that is in progress gets its answer when that ends. */
void vg_apply_wait(struct vg_daemon *daemon, const struct vg_applicant *applicant);

/* Ranges may have changed (vg_discovery_changed). */
void vg_apply_changed(void *daemon);

#endif
