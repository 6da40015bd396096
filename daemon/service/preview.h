/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What another config would do, without putting it in force. */
#ifndef VPCGATE_PREVIEW_H
#define VPCGATE_PREVIEW_H

#include <jansson.h>
#include "service/daemon.h"

/*
 * The answer to `apply` with "dry_run" (share/wire.h). `session`: a connection from outside as sshd
 * writes it, "REMOTE PORT LOCAL PORT", or NULL. Failures are those of a reload; `diag` says why.
 */
int vg_preview(const struct vg_daemon *daemon, const struct vg_change *change, const char *session,
	       json_t **ret_json, struct vg_diag *diag);

#endif
