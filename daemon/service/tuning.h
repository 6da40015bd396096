/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `tune: yes`: which NICs of a gate are changed for native mode, and when that is put back. */
#ifndef VPCGATE_TUNING_SERVICE_H
#define VPCGATE_TUNING_SERVICE_H

#include "service/gate.h"
#include "share/tune.h"

/* Where it is told unless somebody else wants to know: the log. */
extern const struct vg_tune_report vg_tuning_log;

/*
 * vg_dataplane_attach() by the NIC's rule; with `tune: yes`, what keeps a driver from native mode is
 * changed before. Where that was for nothing, the NIC is not touched again before the next reload;
 * vg_tuning_settle() puts it back.
 */
int vg_tuning_attach(struct vg_gate *gate, struct vg_wanted *nic, struct vg_diag *diag);

/* Was a NIC changed, or to be changed, for nothing? */
bool vg_tuning_has_failed(const struct vg_gate *gate, unsigned ifindex);

/*
 * A NIC that is attached in native mode, which was `old` a moment ago (NULL: not attached): has somebody
 * given it an MTU with which its driver keeps frames from the program? That is put right with
 * `tune: yes`, else it becomes the NIC's reason, and is logged.
 */
void vg_tuning_watch(struct vg_gate *gate, struct vg_wanted *nic, const struct vg_wanted *old);

/*
 * Puts back what was changed on NICs that are not wanted, have failed or were detached; also where the
 * rule has no `tune` by now, but not before the NIC is detached. What the kernel refuses to put back is not tried again before the next reload
 * or detach.
 */
void vg_tuning_settle(struct vg_gate *gate, const struct vg_tune_report *report);

/* From now on a NIC (0: each) on which it failed is tried again. */
void vg_tuning_retry(struct vg_gate *gate, unsigned ifindex);

#endif
