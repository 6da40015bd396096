/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policies on trial: the newest of the history, until it is confirmed or its time is over. The deadline
 * is on disk, in its entry; whoever starts next counts on.
 */
#ifndef VPCGATE_CONFIRM_H
#define VPCGATE_CONFIRM_H

#include <jansson.h>
#include <systemd/sd-event.h>
#include "core/diag.h"
#include "core/trial.h"

/* What can't come back, as its file is missing, is tried again after this. */
#define VG_CONFIRM_RETRY_US 10000000

struct vg_daemon;

struct vg_confirm {
	sd_event_source *timer; /* CLOCK_BOOTTIME */
	char boot_id[VG_BOOT_ID_SIZE];
	char error[VG_DIAG_TEXT_SIZE]; /* why the former policy can't come back, or "" */
};

int vg_confirm_open(struct vg_daemon *daemon);
void vg_confirm_close(struct vg_daemon *daemon);

void vg_confirm_now(const struct vg_confirm *confirm, struct vg_moment *ret_now);

/* Another policy is in force: sets the timer for the newest entry, or none. */
void vg_confirm_arm(struct vg_daemon *daemon);

/*
 * It stays. `generation`: the one that is meant, or 0. -ENOENT: nothing is on trial; -ESTALE: another one
 * is by now; else the history can't be written. `diag` says so.
 */
int vg_confirm_keep(struct vg_daemon *daemon, __u64 generation, struct vg_diag *diag);

/* {"generation", "back", "duration_s", "left_s", "error": text or null}, or null. */
json_t *vg_confirm_json(const struct vg_daemon *daemon);

/* What an operator should know of it, in one sentence, or NULL. Returns `out` then. */
const char *vg_confirm_hint(const struct vg_daemon *daemon, char *out, size_t size);

#endif
