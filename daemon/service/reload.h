/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Other policies while the gate runs: of the config as it is now, where the operator asks for that, and
 * of the same config where files and feeds hold other ranges. Both log what becomes of it.
 */
#ifndef VPCGATE_RELOAD_H
#define VPCGATE_RELOAD_H

#include "service/gate.h"

/*
 * Reads the config again, into the gate's next policy. Where that is refused there is none, and
 * `reload_error` says why.
 */
int vg_reload_read(struct vg_gate *gate);

/*
 * Puts the next policy in force. `again`: feeds may have answered since it was read. A failure is a
 * refusal. Either way there is no next policy any more.
 */
int vg_reload_publish(struct vg_gate *gate, bool again);

/* Refuses the next policy, if there is one. Returns `error`. */
int vg_reload_refuse(struct vg_gate *gate, int error, const struct vg_diag *diag);

/*
 * Puts the policy in force that the config in force comes to by now. Returns whether it is another one.
 * On failure nothing changes, and `refresh_error` says why.
 */
int vg_reload_refresh(struct vg_gate *gate);

#endif
