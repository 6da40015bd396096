/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The oracle's own judgement of replies, related errors and fragments, for oracle.c. */
#ifndef VPCGATE_TESTS_REPLIES_H
#define VPCGATE_TESTS_REPLIES_H

#include "tests/oracle/oracle.h"

/* Does a frame that rows 7 and 8 refuse belong to a flow? What it does to the flow is done then. */
bool vg_reply_passes(const struct vg_gate *gate, size_t length, struct vg_judgement *judgement);

/* Row 10, for a frame that is `outcome` without it. Holds without any flows, too. */
enum vg_outcome vg_related(const struct vg_gate *gate, const __u8 *frame, size_t length,
			   const struct vg_judgement *judgement, enum vg_outcome outcome);

/* Is a fragment refused for what it is, or decided by its first one? Then `ret_outcome` is set. */
bool vg_fragment_decides(const struct vg_gate *gate, struct vg_judgement *judgement,
			 enum vg_outcome *ret_outcome);

/*
 * A first fragment was judged: `outcome`, and the service of `judgement`. `unknown` has what any
 * frame between the same addresses gets whose L4 is unknown.
 */
void vg_fragment_remember(const struct vg_gate *gate, const struct vg_judgement *judgement,
			  enum vg_outcome outcome, const struct vg_judgement *unknown);

#endif
