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
#include "dataplane/dataplane.h"
#include "service/candidate.h"
#include "service/config_file.h"
#include "service/detached.h"
#include "service/wanted.h"

/* A NIC that can't be attached is tried again, but not more often than this. */
#define VG_GATE_RETRY_US 5000000

/* FILE:LINE:COLUMN: text */
#define VG_GATE_ERROR_SIZE (VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE + 32)

/* NICs by their numbers. */
struct vg_nic_numbers {
	unsigned items[2 * VG_MAX_INTERFACES];
	size_t n;
};

/* A config that a start may put in force. */
struct vg_choice {
	char *text;	  /* a heap string, or NULL for what the file holds */
	__u64 generation; /* of the history, which it is from; 0: of none */
	__u64 back;	  /* the same, where it comes back after a trial; else 0 */
};

struct vg_gate {
	const char *config_path; /* borrowed, as the next two */
	const char *bpffs;
	const struct vg_reader *reader; /* files, and what feeds have answered */
	struct vg_policy *policy;	/* in force; NULL until the start */
	struct vg_config *config;	/* of that policy */
	char *text;			/* of that config */
	size_t length;
	struct vg_candidate next; /* what is to follow it, if anything */
	struct vg_cost cost;	  /* of the last publish */
	struct vg_dataplane *dataplane;
	struct vg_wanted *wanted;
	size_t n_wanted;
	struct vg_target published[VG_MAX_INTERFACES]; /* NICs that the policy in force knows */
	size_t n_published;
	bool seed_all;	       /* a policy was published: what is open may need flows on all NICs */
	struct vg_state state; /* of the last publish */
	struct vg_detached detached;	 /* by the operator, until a reload */
	struct vg_detached before_trial; /* what was, and is again when the policy comes back */
	__u64 before_trial_of;		 /* of that generation; 0: of none */
	struct vg_tuned *tuned; /* what was changed on NICs for native mode: see service/tuning.h */
	size_t n_tuned;
	struct vg_nic_numbers untunable; /* until a reload: it was for nothing */
	struct vg_nic_numbers stuck;	 /* until a reload: it can't be put back */
	__u64 reloads_succeeded, reloads_failed;
	char reload_error
		[VG_GATE_ERROR_SIZE]; /* of the last reload, or the start; "" if it succeeded */
	time_t reload_error_s;
	struct vg_config_file config_file; /* whether what it holds is in force */
	__u64 refreshes_succeeded, refreshes_failed;
	char refresh_error[VG_GATE_ERROR_SIZE]; /* of the last refresh; "" if it succeeded */
	char stale_error
		[VG_GATE_ERROR_SIZE]; /* of a file whose older contents are in force; or "" */
};

/*
 * Reads the config, then opens the kernel side; nothing is changed yet, and nothing at all where the
 * config is refused. Its policy is the next one. Logs what fails. Paths and reader must outlive the
 * gate. `choices` are tried one after the other; `ret_choice` is the one that was accepted.
 */
int vg_gate_open(const char *config_path, const struct vg_choice *choices, size_t n_choices,
		 const char *bpffs, const struct vg_reader *reader,
		 const struct vg_choice **ret_choice, struct vg_gate **ret_gate);

/* Frees the memory; what is attached stays attached. */
void vg_gate_close(struct vg_gate *gate);

/*
 * Publishes the next policy and attaches. A NIC that doesn't exist is a state, and so is one that refuses
 * where another one is filtered, or the start is `tolerant`. Else that is an error, since nothing is
 * filtered.
 */
int vg_gate_start(struct vg_gate *gate, bool tolerant);

/* The NICs that a policy wants filtered, as links are now: a heap array. Logs what fails. */
int vg_gate_plan(const struct vg_gate *gate, const struct vg_policy *policy,
		 struct vg_wanted **ret_wanted, size_t *ret_n);

/*
 * NICs that refused a moment ago stay as they are; returns when the first of them may be tried again,
 * or 0.
 */
uint64_t vg_gate_keep_failed(struct vg_gate *gate, struct vg_wanted *wanted, size_t n);

/*
 * Puts a compiled candidate in force for the NICs that are there, which vg_attach_settle() then brings
 * in line; the candidate is the gate's then, and empty. On failure nothing has changed.
 */
int vg_gate_publish(struct vg_gate *gate, struct vg_candidate *candidate,
		    const struct vg_wanted *wanted, size_t n_wanted, struct vg_diag *diag);

/*
 * Brings the NICs in line with the links that there are now. `ret_retry_us` is when to call again
 * for NICs that refused (CLOCK_MONOTONIC), or 0. -ESTALE, which has been logged: somebody has
 * removed the folder of the pins, and only a new start can make it again.
 */
int vg_gate_reconcile(struct vg_gate *gate, uint64_t *ret_retry_us);

/* Fills in `flows` and returns it, or NULL where replies are not tracked. */
const struct vg_flow_stats *vg_gate_flows(const struct vg_gate *gate, struct vg_flow_stats *flows);

size_t vg_gate_attached(const struct vg_gate *gate);

uint64_t vg_gate_now_us(void); /* CLOCK_MONOTONIC */

/* What is wrong with a file whose older contents are in force, or nothing. The same again is no news. */
void vg_gate_note_stale(struct vg_gate *gate, const struct vg_diag *stale);

/* There is no next policy: it was refused. Logs why, and keeps that for whoever asks for the status. */
void vg_gate_note_refused(struct vg_gate *gate, int error, const struct vg_diag *diag);

/* The text of a failure, whether or not whoever failed has found words for it. Returns `out`. */
const char *vg_gate_describe(const struct vg_diag *diag, int error, char out[VG_GATE_ERROR_SIZE]);

#endif
