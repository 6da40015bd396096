/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The policy of a gate once more, with the kernel's LPM tries in place of the compiled table: the
 * same program, settings, services, counters and flows.
 */
#ifndef VPCGATE_BENCH_REFERENCE_H
#define VPCGATE_BENCH_REFERENCE_H

#include "tests/bench/gate.h"

struct lpm_bpf;

struct reference {
	struct lpm_bpf *skeleton;
	int entry_fd; /* of the skeleton */
};

/* Ends the program where it fails. The gate stays open for as long as the reference. */
void reference_open(const struct gate *gate, struct reference *ret_reference);
void reference_close(struct reference *reference);

#endif
