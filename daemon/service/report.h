/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The history, for whoever asks over the control socket. */
#ifndef VPCGATE_REPORT_H
#define VPCGATE_REPORT_H

#include "service/daemon.h"

/*
 * The answer to `history` (share/wire.h): all entries, or, where `generation` isn't 0, the one that it
 * was of, with its config. -ENOENT: no such generation is kept; `diag` says so, or why it can't be read.
 */
int vg_report_history(const struct vg_daemon *daemon, __u64 generation, json_t **ret_json,
		      struct vg_diag *diag);

#endif
