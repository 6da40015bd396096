/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which feeds are asked, and for which NICs. */
#ifndef VPCGATE_ASKING_H
#define VPCGATE_ASKING_H

#include <stddef.h>
#include "core/diag.h"

struct vg_daemon;

/* All zeroes at first. */
struct vg_asking {
	char (*macs)[18]; /* of the NICs that answers are asked for */
	size_t n_macs;
};

/* Those of the policy that waits for answers, besides those of the one in force. */
int vg_asking_next(struct vg_daemon *daemon, struct vg_diag *diag);
/* Those of the policy in force, and no others. Failures are logged. */
void vg_asking_in_force(struct vg_daemon *daemon);
/* The same, if other NICs are filtered now. */
void vg_asking_renew(struct vg_daemon *daemon);
void vg_asking_close(struct vg_asking *asking);

#endif
