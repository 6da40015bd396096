/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include "service/answer.h"
#include "service/change.h"
#include "service/daemon.h"
#include "service/record.h"
#include "service/reload.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/render.h"

#define ACCURACY_US 10000

/* ---- the start ---- */

static bool is_ending(const struct vg_daemon *daemon)
{
	int code;

	return sd_event_get_exit_code(daemon->event, &code) != -ENODATA;
}

/* Whether or not there are answers then. */
static int run_loop_for_answers(struct vg_daemon *daemon)
{
	const struct vg_policy *policy = daemon->gate->next.policy;
	const uint64_t end_us = vg_gate_now_us() + VG_APPLY_WAIT_US;

	while (vg_discovery_is_waiting(daemon->discovery, policy, NULL)) {
		const uint64_t now_us = vg_gate_now_us();
		int r;

		if (now_us >= end_us)
			break;
		r = sd_event_run(daemon->event, end_us - now_us);
		if (r < 0)
			return vg_log_err(r, "the event loop failed: %s", strerror(-r));
		if (is_ending(daemon))
			return -ECANCELED;
	}
	return 0;
}

/*
 * As in a start: without the answers, if the config is refused with them. Which of them is to blame is
 * looked at once there is a policy in force.
 */
static void take_answers(struct vg_daemon *daemon)
{
	struct vg_gate *gate = daemon->gate;
	struct vg_candidate answered = {0}, *next = &gate->next;
	struct vg_diag diag = {0};
	char text[VG_GATE_ERROR_SIZE];
	int r;

	r = vg_candidate_build(&answered, next->config, gate->reader, VG_CANDIDATE_LENIENT, &diag);
	if (r >= 0)
		r = vg_candidate_compile(&answered, &diag);
	if (r < 0) {
		vg_candidate_done(&answered);
		vg_log_warn("%s; the start goes on without what feeds have answered",
			    vg_gate_describe(&diag, r, text));
		vg_discovery_set_aside(daemon->discovery);
		return;
	}
	answered.config = VG_TAKE_PTR(next->config);
	answered.text = VG_TAKE_PTR(next->text);
	answered.length = next->length;
	vg_candidate_done(next);
	*next = answered;
}

int vg_apply_wait_for_answers(struct vg_daemon *daemon)
{
	struct vg_gate *gate = daemon->gate;
	struct vg_diag diag = {0};
	char text[VG_GATE_ERROR_SIZE];
	int r;

	r = vg_asking_next(daemon, &diag);
	if (r >= 0 && !vg_discovery_is_waiting(daemon->discovery, gate->next.policy, NULL))
		return 0;
	if (r >= 0) {
		vg_log_info("waiting for the first answers of feeds, for up to %d s",
			    VG_APPLY_WAIT_US / 1000000);
		r = run_loop_for_answers(daemon);
		if (r < 0)
			return r;
		take_answers(daemon);
	}
	return r < 0 ? vg_log_err(r, "%s", vg_gate_describe(&diag, r, text)) : 0;
}

static void log_feed(const struct vg_feed *feed, const struct vg_feed_state *state)
{
	const time_t now = time(NULL);
	char age[VG_RENDER_SIZE];

	if (!state->answered)
		vg_log_warn(
			"%s has not answered so far: until it does, its ranges stay closed, and "
			"what may be for a service `to` them passes only if that admits it, too",
			feed->text);
	else if (state->saved)
		vg_log_info("%s: %zu ranges of %s ago are in force until it answers", feed->text,
			    state->n_ranges,
			    vg_render_duration(now > state->read_s ? now - state->read_s : 0, age));
}

static void published(struct vg_daemon *daemon)
{
	vg_discovery_published(daemon->discovery, vg_history_waiting(&daemon->history));
}

/* Shows the answers that were set aside, one after the other. */
static void refresh_each(struct vg_daemon *daemon)
{
	while (vg_discovery_show_next(daemon->discovery)) {
		if (vg_reload_refresh(daemon->gate) >= 0)
			published(daemon);
		else
			vg_discovery_refuse(daemon->discovery, daemon->gate->refresh_error);
	}
}

void vg_apply_started(struct vg_daemon *daemon)
{
	const struct vg_policy *policy = daemon->gate->policy;

	daemon->started = true;
	published(daemon);
	for (size_t i = 0; i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		const struct vg_feed_state *state =
			vg_discovery_state(daemon->discovery, feed->text);

		if (state)
			log_feed(feed, state);
	}
	refresh_each(daemon);
	vg_asking_in_force(daemon);
	if (daemon->apply.again)
		vg_apply_change(daemon, &daemon->apply.change, NULL);
}

/* ---- reloads ---- */

/* A feed that the policy in force waits for as well is no reason: nothing gets worse. */
static int refuse_unanswered(struct vg_daemon *daemon)
{
	struct vg_gate *gate = daemon->gate;
	const struct vg_feed *feed =
		vg_discovery_unanswered(daemon->discovery, gate->next.policy, gate->policy);
	const struct vg_feed_state *state;
	struct vg_diag diag = {0};
	int r;

	if (!feed)
		return 0;
	state = vg_discovery_state(daemon->discovery, feed->text);
	if (*state->held)
		r = vg_diag_set(&diag, EAGAIN, gate->config_path, feed->at,
				"'%.64s' has no answer that can be believed: %s", feed->text,
				state->held);
	else if (*state->error)
		r = vg_diag_set(&diag, EAGAIN, gate->config_path, feed->at,
				"'%.64s' has no answer: %s", feed->text, state->error);
	else
		r = vg_diag_set(&diag, EAGAIN, gate->config_path, feed->at,
				"'%.64s' has not answered within %d s: try again later", feed->text,
				VG_APPLY_WAIT_US / 1000000);
	return vg_reload_refuse(gate, r, &diag);
}

static int describe(const struct vg_gate *gate, int error, struct vg_diag *diag)
{
	static const struct vg_position nowhere;

	return error < 0 ? vg_diag_set(diag, -error, NULL, nowhere, "%s", gate->reload_error) : 0;
}

static void answer_waiting(struct vg_daemon *daemon, int result)
{
	struct vg_apply *apply = &daemon->apply;
	struct vg_diag diag = {0};

	describe(daemon->gate, result, &diag);
	for (size_t i = 0; i < apply->n_waiting; i++)
		vg_control_answer(daemon->control, apply->waiting[i].ticket,
				  vg_answer_applied(daemon, apply->waiting[i].accepted, result,
						    &diag));
	apply->n_waiting = 0;
}

static void stop_waiting(struct vg_apply *apply)
{
	apply->pending = false;
	sd_event_source_set_enabled(apply->deadline, SD_EVENT_OFF);
	sd_event_source_set_enabled(apply->watch, SD_EVENT_OFF);
}

/* What comes back takes feeds as they are. */
static bool is_return(const struct vg_change *change)
{
	return change->cause == VG_CAUSE_RETURN;
}

/* Nobody is there who could mend a file. */
static enum vg_candidate_files files_of(const struct vg_change *change)
{
	return is_return(change) ? VG_CANDIDATE_LENIENT : VG_CANDIDATE_STRICT;
}

static int record_and_publish(struct vg_daemon *daemon)
{
	const struct vg_change *change = &daemon->apply.change;
	const struct vg_entry *waiting;
	struct vg_diag diag = {0};
	int recorded, r;

	recorded = vg_record_change(daemon, change, &diag);
	if (recorded < 0)
		return vg_reload_refuse(daemon->gate, recorded, &diag);
	waiting = vg_history_waiting(&daemon->history);
	if (is_return(change))
		r = vg_reload_publish(daemon->gate, false, change->restores);
	else
		r = vg_reload_publish(daemon->gate, true, waiting ? waiting->trial.back : 0);
	if (r < 0 && recorded)
		vg_history_drop(&daemon->history);
	else if (r >= 0)
		vg_confirm_arm(daemon);
	return r;
}

/* `result` is that of what came before. `waited`: answers may have come since the config was read. */
static int finish(struct vg_daemon *daemon, int result, bool waited)
{
	struct vg_apply *apply = &daemon->apply;

	stop_waiting(apply);
	if (result >= 0 && !is_return(&apply->change))
		result = refuse_unanswered(daemon);
	if (result >= 0)
		result = vg_reload_compile(daemon->gate, waited, files_of(&apply->change));
	if (result >= 0)
		result = record_and_publish(daemon);
	if (result >= 0) {
		published(daemon);
		vg_daemon_update_exporter(daemon);
	}
	vg_asking_in_force(daemon);
	answer_waiting(daemon, result);
	vg_daemon_notify(daemon, "READY=1");
	if (apply->changed)
		vg_apply_changed(daemon);
	return result;
}

/* Whoever asks again meanwhile doesn't make those wait longer that have asked before. */
static void start_waiting(struct vg_apply *apply)
{
	if (apply->pending)
		return;
	apply->pending = true;
	sd_event_source_set_time_relative(apply->deadline, VG_APPLY_WAIT_US);
	sd_event_source_set_enabled(apply->deadline, SD_EVENT_ONESHOT);
	sd_event_source_set_enabled(apply->watch, SD_EVENT_ON);
}

/* Makes the gate's next policy of it. */
static int take_next(struct vg_daemon *daemon, const struct vg_change *change)
{
	struct vg_gate *gate = daemon->gate;
	struct vg_diag wrong = {0};
	char *text = NULL;
	size_t length = 0;
	int r;

	r = vg_change_allow(daemon, change, &wrong);
	if (r >= 0)
		r = vg_change_read(daemon, change, &text, &length, &wrong);
	if (r < 0)
		return vg_reload_refuse(gate, r, &wrong);
	r = vg_reload_take(gate, text, length, files_of(change));
	if (r < 0)
		return r;
	r = vg_asking_next(daemon, &wrong);
	if (r < 0)
		return vg_reload_refuse(gate, r, &wrong);
	/* What a refused config came with is not believed. */
	if (change->accept_shrink)
		daemon->apply.accepted = vg_discovery_accept(daemon->discovery);
	return 0;
}

/* One at a time: whoever waits for what it asked for must not get another's. */
static int make_way(struct vg_daemon *daemon, const struct vg_change *change, struct vg_diag *diag)
{
	static const struct vg_position nowhere;
	struct vg_apply *apply = &daemon->apply;
	struct vg_diag over = {0};

	if (!apply->pending || (vg_change_is_plain(change) && vg_change_is_plain(&apply->change)))
		return 0;
	if (!is_return(change))
		return vg_diag_set(diag, EBUSY, NULL, nowhere,
				   "another config waits for the answers of feeds, for up to %d s: "
				   "try again then",
				   VG_APPLY_WAIT_US / 1000000);
	vg_diag_set(&over, ECANCELED, NULL, nowhere,
		    "the trial before it is over, and the policy from before that comes back");
	finish(daemon, vg_reload_refuse(daemon->gate, -ECANCELED, &over), false);
	return 0;
}

int vg_apply_change(struct vg_daemon *daemon, const struct vg_change *change, struct vg_diag *diag)
{
	struct vg_apply *apply = &daemon->apply;
	struct vg_gate *gate = daemon->gate;
	int r;

	apply->accepted = 0;
	r = make_way(daemon, change, diag);
	if (r < 0)
		return r;
	apply->change = *change;
	apply->again = !daemon->started;
	if (apply->again)
		return -EINPROGRESS;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, vg_gate_now_us());
	r = take_next(daemon, change);
	if (r >= 0 && !is_return(change) &&
	    vg_discovery_is_waiting(daemon->discovery, gate->next.policy, gate->policy)) {
		start_waiting(apply);
		return -EINPROGRESS;
	}
	return describe(gate, finish(daemon, r, apply->accepted), diag);
}

void vg_apply_wait(struct vg_daemon *daemon, const struct vg_applicant *applicant)
{
	struct vg_apply *apply = &daemon->apply;

	/* Those before it have lost their places among the connections, so that they are gone. */
	if (apply->n_waiting == VG_ARRAY_SIZE(apply->waiting)) {
		apply->n_waiting--;
		memmove(apply->waiting, apply->waiting + 1,
			apply->n_waiting * sizeof(*apply->waiting));
	}
	apply->waiting[apply->n_waiting++] = *applicant;
}

/* After each turn of the loop: has the last answer come? */
static int on_turn(sd_event_source *source, void *context)
{
	struct vg_daemon *daemon = context;
	const struct vg_gate *gate = daemon->gate;

	(void)source;
	if (!vg_discovery_is_waiting(daemon->discovery, gate->next.policy, gate->policy))
		finish(daemon, 0, true);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	finish(context, 0, true);
	return 0;
}

/* ---- refreshes ---- */

/* Where all that has changed can't be taken over, what of it can is. */
static int refresh(struct vg_daemon *daemon)
{
	const int r = vg_reload_refresh(daemon->gate);

	if (r >= 0) {
		published(daemon);
		return r;
	}
	vg_discovery_set_aside(daemon->discovery);
	refresh_each(daemon);
	return r;
}

void vg_apply_changed(void *context)
{
	struct vg_daemon *daemon = context;
	struct vg_apply *apply = &daemon->apply;
	const struct vg_gate *gate = daemon->gate;
	int r;

	apply->changed = apply->pending;
	if (!daemon->started || apply->pending)
		return;
	r = refresh(daemon);
	if (r < 0) {
		/* Not all that can fail tells when it is mended. */
		sd_event_source_set_time_relative(apply->retry, gate->policy->discovery.refresh_s *
									UINT64_C(1000000));
		sd_event_source_set_enabled(apply->retry, SD_EVENT_ONESHOT);
	}
	vg_asking_in_force(daemon);
	vg_daemon_notify(daemon, NULL);
}

static int on_retry(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	vg_apply_changed(context);
	return 0;
}

/* ---- life ---- */

static int add_timer(struct vg_daemon *daemon, sd_event_time_handler_t handler,
		     sd_event_source **ret_timer)
{
	const int r = sd_event_add_time(daemon->event, ret_timer, CLOCK_MONOTONIC, 0, ACCURACY_US,
					handler, daemon);

	return r < 0 ? r : sd_event_source_set_enabled(*ret_timer, SD_EVENT_OFF);
}

int vg_apply_open(struct vg_daemon *daemon)
{
	struct vg_apply *apply = &daemon->apply;
	int r;

	r = add_timer(daemon, on_deadline, &apply->deadline);
	if (r >= 0)
		r = add_timer(daemon, on_retry, &apply->retry);
	if (r >= 0)
		r = sd_event_add_post(daemon->event, &apply->watch, on_turn, daemon);
	return r < 0 ? r : sd_event_source_set_enabled(apply->watch, SD_EVENT_OFF);
}

void vg_apply_close(struct vg_daemon *daemon)
{
	struct vg_apply *apply = &daemon->apply;

	sd_event_source_disable_unref(apply->deadline);
	sd_event_source_disable_unref(apply->retry);
	sd_event_source_disable_unref(apply->watch);
}
