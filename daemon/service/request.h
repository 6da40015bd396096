/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A request of the control socket (share/wire.h), checked. Pure. */
#ifndef VPCGATE_REQUEST_H
#define VPCGATE_REQUEST_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>
#include "core/diag.h"

enum vg_command {
	VG_COMMAND_STATUS,
	VG_COMMAND_CHECK,
	VG_COMMAND_RANGES,
	VG_COMMAND_DETACH,
	VG_COMMAND_APPLY,
	VG_COMMAND_CONFIRM,
	VG_COMMAND_ROLLBACK,
	VG_COMMAND_HISTORY,
	VG_COMMAND_MAX
};

#define VG_REQUEST_TEXT_MAX 255 /* bytes of an argument */

/* Arguments that were not given are NULL; all texts belong to `json`. */
struct vg_request {
	enum vg_command command;
	const char *address, *to, *port, *interface, *set, *staged, *file, *login, *session;
	bool accept_shrink, dry_run;
	__u64 confirm_s, generation; /* 0: not given */
	json_t *json;
};

/* -EINVAL: not a request, `diag` says why; `ret_request` is untouched then. */
int vg_request_parse(const char *text, size_t length, struct vg_request *ret_request,
		     struct vg_diag *diag);
/* The command's name; valid forever. */
const char *vg_request_name(const struct vg_request *request);
/* Does it change anything? Then it is for those who may write (service/control.h). */
bool vg_request_writes(const struct vg_request *request);
void vg_request_done(struct vg_request *request);

#endif
