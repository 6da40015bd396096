/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the history. A config is in it before it comes into force, so that whatever happens then, the
 * next start knows. Where it can't be written, the filter goes on, and what is missing is written once that
 * is possible; a trial doesn't begin.
 */
#ifndef VPCGATE_RECORD_H
#define VPCGATE_RECORD_H

#include "service/change.h"

#define VG_RECORD_RETRY_S 10

struct vg_daemon;

/*
 * The gate's next policy is about to come into force. A config that is in force already is no news,
 * but for a trial. On failure, which only a trial has, `diag` says why. Returns whether there is an
 * entry now.
 */
int vg_record_change(struct vg_daemon *daemon, const struct vg_change *change,
		     struct vg_diag *diag);
/* Writes what couldn't be written before, if it can be now. */
void vg_record_again(struct vg_daemon *daemon);
/* The start is over. `back`: with the config of that generation, since a trial had ended; or 0. */
void vg_record_start(struct vg_daemon *daemon, __u64 back);

#endif
