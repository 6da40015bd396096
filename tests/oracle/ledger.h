/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Publishes scenarios through the rig, and keeps the books: every counter as it must be. */
#ifndef VPCGATE_TESTS_LEDGER_H
#define VPCGATE_TESTS_LEDGER_H

#include "tests/oracle/oracle.h"
#include "tests/oracle/rig.h"

struct vg_ledger_nic {
	bool known; /* published once, so that it has a slot */
	unsigned slot;
	struct vg_interface_counters counters; /* as they must be */
	struct vg_service_counters *services;  /* VG_MAX_SERVICES of them, as they must be */
};

struct vg_ledger {
	struct vg_rig *rig;			     /* borrowed */
	const struct vg_scenario *scenario;	     /* the one in force, borrowed */
	struct vg_target targets[VG_SCENARIO_RULES]; /* t0, t1, ... */
	struct vg_ledger_nic nics[VG_SCENARIO_RULES];
	size_t judged_as; /* the target that frames of ifindex 1 belong to */
	unsigned set_slots[VG_SCENARIO_SETS];
	unsigned *service_slots; /* VG_MAX_SERVICES of them */
};

/* -ENOMEM. */
int vg_ledger_init(struct vg_ledger *ledger, struct vg_rig *rig);
void vg_ledger_done(struct vg_ledger *ledger);

/*
 * Frames run with ifindex 1 (loopback, where BPF_PROG_TEST_RUN puts them): that is one of the
 * targets, or none and so the first. What fails is told on standard error. The policy is the
 * caller's; the scenario must outlive the next publish.
 */
int vg_ledger_publish(struct vg_ledger *ledger, struct vg_random *random,
		      const struct vg_scenario *scenario, struct vg_policy **ret_policy);

/* The gate of the frames that come. */
struct vg_gate vg_ledger_gate(const struct vg_ledger *ledger, struct vg_memory *memory,
			      __u32 now_s);

/* A frame of that judgement was run: the books change. */
void vg_ledger_expect(struct vg_ledger *ledger, const struct vg_judgement *judgement,
		      size_t length);

/* -EBADMSG where the datapath counted otherwise, which is told on standard error. */
int vg_ledger_check_interface(const struct vg_ledger *ledger);
int vg_ledger_check_service(const struct vg_ledger *ledger, int service);
int vg_ledger_check_all(const struct vg_ledger *ledger);

/* Makes the books say what the counters say. */
int vg_ledger_resync(struct vg_ledger *ledger);

/* The scenario's names; "none" for -1. */
const char *vg_ledger_set(const struct vg_ledger *ledger, int set);
const char *vg_ledger_service(const struct vg_ledger *ledger, int service);

/* The scenario's config, a frame in hexadecimal digits, and what is expected of it. */
void vg_ledger_print_config(const struct vg_ledger *ledger);
void vg_ledger_print_frame(const __u8 *frame, size_t length);
void vg_ledger_print_judgement(const struct vg_ledger *ledger,
			       const struct vg_judgement *judgement);

#endif
