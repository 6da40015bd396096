/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Before anything is timed: does each program do what it is timed for? Ends the benchmark if not. */
#ifndef VPCGATE_BENCH_VERIFY_H
#define VPCGATE_BENCH_VERIFY_H

#include "tests/bench/gate.h"
#include "tests/oracle/frame.h"

int verify_action(enum vg_outcome outcome); /* XDP_PASS or XDP_DROP */

/*
 * Runs one frame through an entry program of the gate's, or of its reference, and compares verdict
 * and counter. `what` names the case in the message.
 */
void verify_outcome(const struct gate *gate, int entry_fd, const struct vg_frame *frame,
		    enum vg_outcome outcome, const char *what);

/*
 * Runs frames through programs that change their source: each must have another source than those
 * before it, the same one in all programs. The first of them must drop all; the others must judge
 * as the policy says.
 */
void verify_random(const struct gate *gate, const int *fds, size_t n, const struct vg_frame *frame,
		   const char *what);

#endif
