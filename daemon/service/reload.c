/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "service/attach.h"
#include "service/reload.h"
#include "share/cleanup.h"
#include "share/log.h"

static void log_policy_stays(const struct vg_gate *gate, const char *what)
{
	vg_log_warn("%s: the policy in force (generation %" PRIu64 ") stays", what,
		    (uint64_t)gate->state.generation);
}

/* ---- the config as it is now ---- */

int vg_reload_refuse(struct vg_gate *gate, int error, const struct vg_diag *diag)
{
	vg_gate_note_refused(gate, error, diag);
	log_policy_stays(gate, "the reload is refused");
	return error;
}

int vg_reload_take(struct vg_gate *gate, char *text, size_t length, enum vg_candidate_files files)
{
	struct vg_diag diag = {0};
	int r;

	vg_candidate_done(&gate->next);
	r = vg_candidate_parse(gate->config_path, text, length, gate->reader, files, &gate->next,
			       &diag);
	return r < 0 ? vg_reload_refuse(gate, r, &diag) : 0;
}

int vg_reload_compile(struct vg_gate *gate, bool again, enum vg_candidate_files files)
{
	struct vg_candidate *next = &gate->next;
	struct vg_diag diag = {0};
	int r = 0;

	if (again)
		r = vg_candidate_build(next, next->config, gate->reader, files, &diag);
	if (r >= 0)
		r = vg_candidate_compile(next, &diag);
	return r < 0 ? vg_reload_refuse(gate, r, &diag) : 0;
}

int vg_reload_publish(struct vg_gate *gate, bool asked, __u64 back)
{
	struct vg_wanted *wanted = NULL;
	struct vg_diag diag = {0}, stale = gate->next.stale;
	size_t n = 0;
	int r;

	r = vg_gate_plan(gate, gate->next.policy, &wanted, &n);
	if (r >= 0)
		r = vg_gate_publish(gate, &gate->next, wanted, n, &diag);
	if (r < 0) {
		free(wanted);
		return vg_reload_refuse(gate, r, &diag);
	}
	gate->reloads_succeeded++;
	gate->reload_error[0] = gate->refresh_error[0] = '\0';
	vg_gate_note_stale(gate, &stale);
	if (asked)
		vg_attach_forget_detached(gate, back);
	else
		vg_attach_recall_detached(gate, back);
	/* A NIC that refuses is a state; the policy is in force on the others. */
	vg_attach_settle(gate, wanted, n);
	return 0;
}

/* ---- the same config, with what files and feeds hold now ---- */

/* The same failure again is no news. */
static int refuse_refresh(struct vg_gate *gate, int error, const struct vg_diag *diag)
{
	char text[VG_GATE_ERROR_SIZE];

	gate->refreshes_failed++;
	vg_gate_describe(diag, error, text);
	if (strcmp(gate->refresh_error, text) == 0)
		return error;
	memcpy(gate->refresh_error, text, sizeof(gate->refresh_error));
	vg_log_err(error, "%s", text);
	log_policy_stays(gate, "ranges have changed, but are not taken over");
	return error;
}

/* Publishes what differs. NICs that refused a moment ago are not tried again because of it. */
static int publish_refreshed(struct vg_gate *gate, struct vg_candidate *candidate,
			     struct vg_diag *diag)
{
	struct vg_wanted *wanted;
	size_t n;
	int r;

	r = vg_candidate_compile(candidate, diag);
	if (r >= 0)
		r = vg_gate_plan(gate, candidate->policy, &wanted, &n);
	if (r < 0)
		return r;
	vg_gate_keep_failed(gate, wanted, n);
	r = vg_gate_publish(gate, candidate, wanted, n, diag);
	if (r < 0)
		free(wanted);
	else
		vg_attach_settle(gate, wanted, n);
	return r;
}

int vg_reload_refresh(struct vg_gate *gate)
{
	_cleanup_(vg_candidate_done) struct vg_candidate candidate = {};
	struct vg_policy *old = gate->policy;
	struct vg_diag diag = {0}, stale = {0};
	int r;

	r = vg_candidate_build(&candidate, gate->config, gate->reader, VG_CANDIDATE_LENIENT, &diag);
	if (r < 0)
		return refuse_refresh(gate, r, &diag);
	stale = candidate.stale;
	if (vg_candidate_equal(candidate.policy, old)) {
		/* What it says of its origins may be newer. */
		gate->policy = candidate.policy;
		candidate.policy = old;
		r = 0;
	} else {
		r = publish_refreshed(gate, &candidate, &diag);
		if (r < 0)
			return refuse_refresh(gate, r, &diag);
		gate->refreshes_succeeded++;
		r = 1;
	}
	vg_gate_note_stale(gate, &stale);
	gate->refresh_error[0] = '\0';
	return r;
}
