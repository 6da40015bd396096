/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What runs: the policy in force, the kernel side and the NICs. Every change of the filter goes
 * through here, and is logged here.
 */
#ifndef VPCGATE_GATE_H
#define VPCGATE_GATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/policy.h"
#include "core/tables.h"
#include "dataplane/dataplane.h"
#include "service/cost.h"
#include "service/wanted.h"

/* A NIC that can't be attached is tried again at a link event, but not more often than this. */
#define VG_GATE_RETRY_US 5000000

/* FILE:LINE:COLUMN: text */
#define VG_GATE_ERROR_SIZE (VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE + 32)

struct vg_gate {
	const char *config_path; /* borrowed */
	const char *bpffs;	 /* borrowed */
	struct vg_policy *policy;
	struct vg_tables *tables; /* until they are published: they may be large */
	struct vg_cost cost;	  /* of the last publish */
	struct vg_dataplane *dataplane;
	struct vg_wanted *wanted;
	size_t n_wanted;
	struct vg_target published[VG_MAX_INTERFACES]; /* NICs that the policy in force knows */
	size_t n_published;
	bool seed_all;	       /* a policy was published: what is open may need flows on all NICs */
	struct vg_state state; /* of the last publish */
	char (*detached)[VG_NAME_SIZE]; /* by the operator, until a reload */
	size_t n_detached;
	bool detached_all;
	__u64 reloads_succeeded, reloads_failed;
	char reload_error[VG_GATE_ERROR_SIZE]; /* of the last reload; "" if it succeeded */
	time_t reload_error_s;
};

/*
 * Reads the config, then opens the kernel side; nothing is changed yet, and nothing at all where the
 * config is refused. Logs what fails. Both paths must outlive the gate.
 */
int vg_gate_open(const char *config_path, const char *bpffs, struct vg_gate **ret_gate);

/* Frees the memory; what is attached stays attached. */
void vg_gate_close(struct vg_gate *gate);

/*
 * Publishes and attaches. A NIC that doesn't exist is a state; one that refuses is an error, after
 * which every NIC that this start has attached is detached again.
 */
int vg_gate_start(struct vg_gate *gate);

/* Reads the config again. On failure nothing changes, and `reload_error` says why. */
int vg_gate_reload(struct vg_gate *gate);

/*
 * Brings the NICs in line with the links that there are now. `ret_retry_us` is when to call again
 * for NICs that refused (CLOCK_MONOTONIC), or 0.
 */
int vg_gate_reconcile(struct vg_gate *gate, uint64_t *ret_retry_us);

/* Fills in `flows` and returns it, or NULL where replies are not tracked. */
const struct vg_flow_stats *vg_gate_flows(const struct vg_gate *gate, struct vg_flow_stats *flows);

size_t vg_gate_attached(const struct vg_gate *gate);

uint64_t vg_gate_now_us(void); /* CLOCK_MONOTONIC */

/* The text of a failure, whether or not whoever failed has found words for it. Returns `out`. */
const char *vg_gate_describe(const struct vg_diag *diag, int error, char out[VG_GATE_ERROR_SIZE]);

#endif
