/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes settings of NICs for native mode, and puts them back. What is changed is remembered first, so
 * that whoever comes next finds the way back, be it after a crash.
 */
#ifndef VPCGATE_TUNE_H
#define VPCGATE_TUNE_H

#include <jansson.h>
#include "dataplane/dataplane.h"

/* Where each change is told, as a text that names the NIC; `failed`: it could not be made. */
struct vg_tune_report {
	void (*tell)(void *context, bool failed, const char *text);
	void *context;
};

/*
 * Takes out of the way what keeps the driver from native mode, as far as that is known; `refusal` is
 * what it has refused it with, or 0 before it was asked. `dir` is the folder of the pins. Needs
 * CAP_NET_ADMIN. Returns how many settings were changed. Where one can't be, `diag` has the command
 * for it; those before it stay changed, for vg_tune_back().
 */
int vg_tune_apply(const char *dir, unsigned ifindex, const char *name, int refusal,
		  const struct vg_tune_report *report, struct vg_diag *diag);

/*
 * Puts a setting back, if nobody else has set it since, and forgets it. Below 0: the kernel refuses
 * it, and it stays remembered.
 */
int vg_tune_back(const char *dir, const struct vg_tuned *tuned,
		 const struct vg_tune_report *report);

/* Those of one NIC, as in the answer to `status` (share/wire.h). */
json_t *vg_tune_json(const struct vg_tuned *list, size_t n, unsigned ifindex);

#endif
