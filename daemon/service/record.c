/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <time.h>
#include "service/daemon.h"
#include "service/record.h"
#include "share/cleanup.h"
#include "share/log.h"

/* A file of which nobody can tell the name: it is another than the config all the same. */
#define NAMELESS "(no name)"

static bool is_in_force(const struct vg_history *history, const struct vg_gate *gate)
{
	const struct vg_entry *newest = vg_history_newest(history);

	return newest && vg_entry_holds(newest, gate->text, gate->length);
}

static json_t *changes_between(const struct vg_policy *before, const struct vg_policy *after)
{
	struct vg_changes changes;
	json_t *json;

	if (!before || vg_changes_find(before, after, &changes) < 0)
		return NULL;
	json = vg_entry_changes(&changes);
	vg_changes_done(&changes);
	return json;
}

static int add(struct vg_history *history, struct vg_entry *entry, const char *text, size_t length,
	       struct vg_diag *diag)
{
	int r;

	entry->time_s = time(NULL);
	r = vg_history_add(history, entry, text, length, diag);
	vg_entry_done(entry);
	return r;
}

/* What nobody can lose in memory goes on; a disk that is full may have room again. */
static void warn_of_unsaved(const struct vg_history *history)
{
	if (*history->error)
		vg_log_warn("%s; it is kept in memory, and tried again every %d s", history->error,
			    VG_RECORD_RETRY_S);
}

void vg_record_again(struct vg_daemon *daemon)
{
	struct vg_history *history = &daemon->history;

	if (*history->error && vg_history_save(history) == 0)
		vg_log_info("the history is on disk again");
}

/* There may have been no memory for it when it came into force. */
static int add_in_force(struct vg_daemon *daemon, struct vg_diag *diag)
{
	struct vg_entry entry = {
		.generation = daemon->gate->state.generation,
		.cause = VG_CAUSE_START,
	};

	if (is_in_force(&daemon->history, daemon->gate))
		return 0;
	return add(&daemon->history, &entry, daemon->gate->text, daemon->gate->length, diag);
}

static void begin_trial(const struct vg_daemon *daemon, unsigned seconds, struct vg_trial *trial)
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	struct vg_moment now;

	vg_confirm_now(&daemon->confirm, &now);
	*trial = (struct vg_trial){
		.given = true,
		.duration_s = seconds,
		.deadline_us = now.boot_us + seconds * 1000000ULL,
		/* One trial after the other: the last that was for good comes back. */
		.back = waiting ? waiting->trial.back
				: vg_history_newest(&daemon->history)->generation,
	};
	memcpy(trial->boot_id, now.boot_id, sizeof(trial->boot_id));
}

int vg_record_change(struct vg_daemon *daemon, const struct vg_change *change, struct vg_diag *diag)
{
	const struct vg_gate *gate = daemon->gate;
	const struct vg_candidate *next = &gate->next;
	const struct vg_entry *newest = vg_history_newest(&daemon->history);
	struct vg_entry entry = {
		.generation = gate->state.generation + 1,
		.cause = change->cause,
		.actor = change->actor,
		.restores = change->restores,
	};
	int r;

	if (!change->confirm_s && !change->restores && newest &&
	    vg_entry_holds(newest, next->text, next->length))
		return 0;
	r = add_in_force(daemon, diag);
	if (r >= 0) {
		if (change->confirm_s)
			begin_trial(daemon, change->confirm_s, &entry.trial);
		if (*change->staged)
			entry.file = strdup(*change->file ? change->file : NAMELESS);
		entry.changes = changes_between(gate->policy, next->policy);
		r = add(&daemon->history, &entry, next->text, next->length, diag);
	}
	if (r < 0 && change->confirm_s)
		return r;
	if (r < 0)
		vg_log_warn("%s; the change goes on without being in it", diag->text);
	else
		warn_of_unsaved(&daemon->history);
	return r >= 0;
}

/* What the config that was in force before would come to now. */
static json_t *changes_since(const struct vg_daemon *daemon, const struct vg_entry *before)
{
	_cleanup_(vg_candidate_done) struct vg_candidate former = {};
	const struct vg_reader reader = vg_change_spectator(daemon, false);
	const struct vg_gate *gate = daemon->gate;
	char *text;
	size_t length;

	if (!before || vg_history_read(&daemon->history, before, &text, &length, NULL) < 0 ||
	    vg_candidate_parse(gate->config_path, text, length, &reader, VG_CANDIDATE_STRICT,
			       &former, NULL) < 0)
		return NULL;
	return changes_between(former.policy, gate->policy);
}

void vg_record_start(struct vg_daemon *daemon, __u64 back)
{
	const struct vg_gate *gate = daemon->gate;
	struct vg_entry entry = {
		.generation = gate->state.generation,
		.cause = back ? VG_CAUSE_RETURN : VG_CAUSE_START,
		.restores = back,
	};
	struct vg_diag diag = {0};

	if (!back && is_in_force(&daemon->history, gate))
		return;
	entry.changes = changes_since(daemon, vg_history_newest(&daemon->history));
	if (add(&daemon->history, &entry, gate->text, gate->length, &diag) < 0)
		vg_log_warn("%s; `vpcgate rollback` won't know this config", diag.text);
	else
		warn_of_unsaved(&daemon->history);
}
