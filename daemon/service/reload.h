/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Other policies while the gate runs: of the config as it is now, where the operator asks for that, and
 * of the same config where files and feeds hold other ranges. Both log what becomes of it.
 */
#ifndef VPCGATE_RELOAD_H
#define VPCGATE_RELOAD_H

#include "service/gate.h"

/*
 * Makes the gate's next policy of a text, a heap string that is taken over in any case, as though it
 * was the config's. Where that is refused there is none, and `reload_error` says why.
 */
int vg_reload_take(struct vg_gate *gate, char *text, size_t length, enum vg_candidate_files files);

/* Compiles the next policy. `again`: feeds may have answered since it was read. As above. */
int vg_reload_compile(struct vg_gate *gate, bool again, enum vg_candidate_files files);

/*
 * Puts the next policy, which is compiled, in force. `asked`: by somebody, so that NICs that were
 * detached are wanted again; else it is one that comes back after a trial. `back`: that which does, or
 * would; 0: it is asked for without a trial. A failure is a refusal. Either way there is no next policy
 * any more.
 */
int vg_reload_publish(struct vg_gate *gate, bool asked, __u64 back);

/* Refuses the next policy, if there is one. Returns `error`. */
int vg_reload_refuse(struct vg_gate *gate, int error, const struct vg_diag *diag);

/*
 * Puts the policy in force that the config in force comes to by now. Returns whether it is another one.
 * On failure nothing changes, and `refresh_error` says why.
 */
int vg_reload_refresh(struct vg_gate *gate);

#endif
