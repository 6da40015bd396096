/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy in force, in a folder of its own, as the daemon would have it. */
#ifndef VPCGATE_BENCH_GATE_H
#define VPCGATE_BENCH_GATE_H

#include <stdbool.h>
#include "dataplane/dataplane.h"
#include "tests/bench/prefixes.h"

struct gate_wish {
	const struct prefixes *prefixes; /* all that is admitted */
	unsigned services;
	bool track;
};

/* What it took to publish: CPU time and time by the clock, in ms. */
struct gate_step {
	double cpu_ms, clock_ms;
};

struct gate {
	char dir[64];
	struct vg_dataplane *dataplane;
	struct vg_policy *policy;
	int entry_fd, egress_fd;
	bool frags;
	struct gate_step parse, compile, load;
	size_t table_bytes;
};

/* Ends the program where it fails. */
void gate_open(const struct gate_wish *wish, struct gate *ret_gate);
void gate_close(struct gate *gate);

#endif
