/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy in force as the daemon would have it, in a folder of its own on the rig's bpffs. */
#ifndef VPCGATE_BENCH_GATE_H
#define VPCGATE_BENCH_GATE_H

#include "dataplane/dataplane.h"
#include "tests/bench/prefixes.h"

#define SERVICE_PORT 20000 /* TCP port of the first service; the others follow */
#define FLOWS 100000	   /* open where replies are tracked and it says so */

#define GATE_SETS 16  /* at most */
#define GATE_LEAST 20 /* prefixes of each set */

struct gate_wish {
	const struct prefixes *prefixes;
	/*
	 * That they are dealt out to, every other one being admitted; 0: one. In one set, neighbours are one
	 * interval of the table, and so are nested prefixes.
	 */
	unsigned sets;
	unsigned services; /* to the same sources as everything else */
	bool track;
};

/* What a step of publishing took: this process's CPU time, and time by the clock. */
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

/* These end the program where they fail. */
void gate_open(const struct gate_wish *wish, struct gate *ret_gate);
void gate_close(struct gate *gate);

/* Flows that this host has open, half of them of each family; the first is HOSTx to OUTSIDEx. */
void gate_seed(struct gate *gate, size_t n);

/* A pinned map or program, to be closed by the caller. */
int gate_pin(const struct gate *gate, const char *name);

/* Counter slots of the policy's sets. */
void gate_source_slots(const struct gate *gate, __u8 slots[VG_MAX_POLICY_SETS]);

#endif
