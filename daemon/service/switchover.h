/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversations at a switch of the filter: those that this host has begun go on, those that others
 * have begun don't. Failures are logged and survived.
 */
#ifndef VPCGATE_SWITCHOVER_H
#define VPCGATE_SWITCHOVER_H

#include "dataplane/dataplane.h"
#include "service/wanted.h"

/*
 * Adds flows for what is open already and would be refused by one of the `n` NICs, where the recorder
 * runs already.
 */
void vg_switchover_keep(struct vg_dataplane *dataplane, const struct vg_policy *policy,
			const struct vg_wanted *const *nics, size_t n);

/*
 * While nothing was refused, the answers to those whom the policy refuses have opened flows. Ends
 * those opened since `since_s` that may be such: see vg_dataplane_end_answers().
 */
void vg_switchover_end_answers(struct vg_dataplane *dataplane, __u32 since_s);

#endif
