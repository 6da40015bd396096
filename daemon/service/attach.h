/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NICs of a gate: from what is wanted to what is attached. Logs what it changes. */
#ifndef VPCGATE_ATTACH_H
#define VPCGATE_ATTACH_H

#include "service/gate.h"
#include "share/tune.h"

/*
 * Takes over a new list of NICs (a heap array), which the policy in force must know already, and
 * makes it true: unwanted links go, then wanted ones come. Items that are FAILED are left alone.
 * Returns the first refusal.
 */
int vg_attach_settle(struct vg_gate *gate, struct vg_wanted *wanted, size_t n_wanted);

/*
 * Marks a NIC as failed by a negative errno, and says so unless `old` (what it was before, or NULL)
 * said the same. It is tried again after VG_GATE_RETRY_US, but as soon as possible after -EBUSY.
 */
void vg_attach_fail(struct vg_wanted *nic, const struct vg_wanted *old, int error,
		    const char *text);

/*
 * Takes the filter off one NIC, or off all where `interface` is NULL, until the next reload. Says
 * which in `ret_names`, a heap array of `ret_n`, and in `report` what became of their settings.
 * -ENOENT: no NIC of that name is wanted.
 */
int vg_attach_detach(struct vg_gate *gate, const char *interface, char (**ret_names)[VG_NAME_SIZE],
		     size_t *ret_n, const struct vg_tune_report *report, struct vg_diag *diag);

/*
 * From now on, what the operator has detached is wanted again, and what could not be tuned tried. `back`:
 * of a policy on trial, the generation that would come back and be without a filter there; else 0.
 */
void vg_attach_forget_detached(struct vg_gate *gate, __u64 back);

/* That generation has come back. */
void vg_attach_recall_detached(struct vg_gate *gate, __u64 back);

#endif
