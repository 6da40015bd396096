/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The independent judge: what the design says about one frame under one policy, by plain reading
 * and linear scans. It shares no code with the datapath or with daemon/core, only outcome names.
 */
#ifndef VPCGATE_TESTS_ORACLE_H
#define VPCGATE_TESTS_ORACLE_H

#include "tests/oracle/scenario.h"
#include "vpcgate/verdict.h"

/* What a frame says. -1: unknown, or not there. */
struct vg_seen {
	struct vg_raw_address source, destination;
	int protocol;
	int source_port, port;
	int icmp_type; /* first byte of protocol 58, whatever the family */
	int hop_limit; /* IPv4: time to live */
};

struct vg_judgement {
	enum vg_outcome outcome;
	enum vg_verdict verdict;
	int set;		     /* counted, or -1 */
	struct vg_raw_prefix prefix; /* why it is counted there; only with a set */
	__u64 sets;		     /* bit i: set i contains the source */
	int service;		     /* counted, or -1 */
	bool ip;		     /* a sound IP header was found, `seen` is filled in */
	struct vg_seen seen;
};

void vg_oracle_judge(const struct vg_scenario *scenario, size_t rule, const __u8 *frame,
		     size_t length, struct vg_judgement *ret_judgement);

const char *vg_oracle_outcome(enum vg_outcome outcome);
const char *vg_oracle_verdict(enum vg_verdict verdict);

/* The counter row that DESIGN and vpcgate/verdict.h give a judgement. */
unsigned vg_oracle_row(const struct vg_judgement *judgement);

#endif
