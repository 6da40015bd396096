/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <microhttpd.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include "service/answer.h"
#include "service/choice.h"
#include "service/daemon.h"
#include "service/metrics.h"
#include "service/record.h"
#include "share/cleanup.h"
#include "share/log.h"

#define TIMER_ACCURACY_US 100000
/* What somebody takes away is to be back within a second. */
#define WATCH_INTERVAL_US 500000
/* Of time that the loop does nothing else; a quarter of a million flows take some six steps. */
#define SWEEP_INTERVAL_US 5000000
#define SWEEP_STEP_US 10000
#define HISTORY_INTERVAL_US (VG_RECORD_RETRY_S * UINT64_C(1000000))

void vg_daemon_notify(struct vg_daemon *daemon, const char *state)
{
	const struct vg_gate *gate = daemon->gate;
	char status[sizeof(daemon->status)];

	snprintf(status, sizeof(status),
		 "generation %" PRIu64 ", %s: %zu of %zu interfaces filtered",
		 (uint64_t)gate->state.generation, gate->policy->monitor ? "monitor" : "enforce",
		 vg_gate_attached(gate), gate->n_wanted);
	if (!state && strcmp(status, daemon->status) == 0)
		return;
	memcpy(daemon->status, status, sizeof(status));
	sd_notifyf(0, "%s\nSTATUS=%s", state ?: "", status);
}

/* ---- exporter ---- */

static unsigned page_metrics(void *context, char **ret_text, size_t *ret_length)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *counters = NULL;
	const struct vg_daemon *daemon = context;
	const struct vg_gate *gate = daemon->gate;
	_cleanup_free_ struct vg_feed_report *feeds =
		vg_feed_report_list(daemon->discovery, gate->policy);
	struct vg_flow_stats flows;
	struct vg_diag diag = {0};
	int r;

	r = feeds ? vg_counters_read(gate->bpffs, &counters, &diag) : -ENOMEM;
	if (r >= 0)
		r = vg_metrics_format(
			&(struct vg_metrics){
				.policy = gate->policy,
				.cost = &gate->cost,
				.counters = counters,
				.wanted = gate->wanted,
				.n_wanted = gate->n_wanted,
				.tuned = gate->tuned,
				.n_tuned = gate->n_tuned,
				.flows = vg_gate_flows(gate, &flows),
				.feeds = feeds,
				.n_feeds = gate->policy->n_feeds,
				.generation = gate->state.generation,
				.published_s = gate->state.published_s,
				.reloads_succeeded = gate->reloads_succeeded,
				.reloads_failed = gate->reloads_failed,
				.refreshes_succeeded = gate->refreshes_succeeded,
				.refreshes_failed = gate->refreshes_failed,
				.on_trial = vg_history_waiting(&daemon->history),
				.in_force = vg_config_file_is_in_force(daemon->gate) > 0,
			},
			ret_text, ret_length);
	if (r >= 0)
		return MHD_HTTP_OK;
	r = asprintf(ret_text, "%s\n", *diag.text ? diag.text : strerror(-r));
	if (r < 0)
		*ret_text = NULL;
	else
		*ret_length = r;
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static unsigned page_ready(void *context, char **ret_text, size_t *ret_length)
{
	const struct vg_daemon *daemon = context;
	const struct vg_gate *gate = daemon->gate;
	const struct vg_feed *unanswered =
		vg_discovery_unanswered(daemon->discovery, gate->policy, NULL);
	const bool ready = vg_gate_attached(gate) == gate->n_wanted && !unanswered;
	FILE *out = open_memstream(ret_text, ret_length);

	if (!out)
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	if (ready)
		fputs("ready\n", out);
	for (size_t i = 0; i < gate->n_wanted; i++) {
		const struct vg_wanted *nic = &gate->wanted[i];

		if (nic->state != VG_NIC_ATTACHED)
			fprintf(out, "%s: %s\n", nic->name,
				*nic->reason ? nic->reason : vg_nic_state_text(nic->state));
	}
	if (unanswered)
		fprintf(out, "%s: has not answered yet\n", unanswered->text);
	if (fclose(out) != 0)
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

void vg_daemon_update_exporter(struct vg_daemon *daemon)
{
	const struct vg_policy *policy = daemon->gate->policy;

	vg_serving_move(&daemon->serving, policy->exporter ? policy->exporter_address : NULL,
			policy->exporter_port);
}

static int open_serving(struct vg_daemon *daemon, const struct vg_daemon_options *options)
{
	const struct vg_exporter_pages pages = {page_metrics, page_ready, daemon};

	return vg_serving_open(daemon->event, options->outside, &pages, &daemon->serving);
}

/* ---- events ---- */

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	const struct vg_daemon *daemon = context;
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);

	vg_log_info("%s: the daemon ends, the filter stays in force",
		    info->ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	if (waiting)
		vg_log_warn("generation %llu is on trial: until the next start nothing brings "
			    "generation %llu back",
			    waiting->generation, waiting->trial.back);
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct vg_change change = {.cause = VG_CAUSE_RELOAD};

	(void)source;
	vg_change_set_actor(&change, info->ssi_uid, (pid_t)info->ssi_pid, NULL);
	vg_apply_change(context, &change, NULL);
	return 0;
}

static void on_links_changed(void *context)
{
	struct vg_daemon *daemon = context;
	uint64_t retry_us = 0;
	int r;

	if (!daemon->started)
		return;
	r = vg_gate_reconcile(daemon->gate, &retry_us);
	if (r == -ESTALE) {
		sd_event_exit(daemon->event, r);
		return;
	}
	if (r >= 0 && retry_us)
		vg_nic_watch_again(daemon->watch, retry_us);
	vg_asking_renew(daemon);
	vg_daemon_notify(daemon, NULL);
}

static char *on_request(void *context, const struct ucred *peer, uint64_t ticket,
			const char *request, size_t length, bool *ret_later)
{
	struct vg_daemon *daemon = context;
	char *answer = vg_answer(daemon, peer, ticket, request, length, ret_later);

	if (daemon->started)
		vg_daemon_notify(daemon, NULL);
	return answer;
}

static bool on_is_long(void *context, const char *request, size_t length)
{
	return vg_answer_is_long(context, request, length);
}

static void on_write(void *context, const char *request, size_t length, FILE *out)
{
	vg_answer_write(context, request, length, out);
}

static int on_rate_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *counters = NULL;
	struct vg_daemon *daemon = context;
	struct vg_diag diag = {0};

	(void)time_us;
	if (vg_counters_read(daemon->gate->bpffs, &counters, &diag) < 0)
		vg_log_debug("rates: %s", diag.text);
	else
		vg_rate_update(&daemon->rates, counters, vg_gate_now_us());
	return sd_event_source_set_time_relative(source, VG_RATE_INTERVAL_US);
}

static int on_history_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)time_us;
	vg_record_again(context);
	return sd_event_source_set_time_relative(source, HISTORY_INTERVAL_US);
}

static int on_sweep_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	const struct vg_daemon *daemon = context;
	struct vg_diag diag = {0};
	int r;

	(void)time_us;
	if (!daemon->started)
		return sd_event_source_set_time_relative(source, SWEEP_INTERVAL_US);
	r = vg_dataplane_sweep(daemon->gate->dataplane, SWEEP_STEP_US, &diag);
	if (r < 0)
		vg_log_warn("%s; they are left where they are for now", diag.text);
	return sd_event_source_set_time_relative(source, r > 0 ? 0 : SWEEP_INTERVAL_US);
}

/* ---- life ---- */

/* Somebody may take a link or a pin away behind our back; nothing tells, so that we look. */
static int on_watch_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)time_us;
	on_links_changed(context);
	return sd_event_source_set_time_relative(source, WATCH_INTERVAL_US);
}

static int add_timer(struct vg_daemon *daemon, sd_event_time_handler_t handler)
{
	sd_event_source *timer;
	int r;

	r = sd_event_add_time_relative(daemon->event, &timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US,
				       handler, daemon);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(timer, SD_EVENT_ON);
	if (r >= 0)
		r = sd_event_source_set_floating(timer, true);
	sd_event_source_unref(timer);
	return r;
}

static int add_sources(struct vg_daemon *daemon)
{
	int r;

	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_terminate, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_terminate, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_reload, daemon);
	if (r >= 0)
		r = add_timer(daemon, on_rate_timer);
	if (r >= 0)
		r = add_timer(daemon, on_watch_timer);
	if (r >= 0)
		r = add_timer(daemon, on_sweep_timer);
	if (r >= 0)
		r = add_timer(daemon, on_history_timer);
	return r < 0 ? r : sd_event_set_watchdog(daemon->event, true);
}

static int listen_on(struct vg_daemon *daemon, const char *path)
{
	const struct vg_control_handler handler = {on_request, daemon, on_is_long, on_write};
	struct vg_diag diag = {0};
	int r;

	r = vg_control_open(daemon->event, path, &handler, &daemon->control, &diag);
	return r < 0 ? vg_log_err(r, "%s", diag.text) : 0;
}

/* With what is known of this machine: a NIC may still come. */
static int open_discovery(struct vg_daemon *daemon, const struct vg_daemon_options *options)
{
	_cleanup_free_ struct vg_nic_link *links = NULL;
	_cleanup_free_ char(*macs)[18] = NULL;
	struct vg_cloud_nics machine = {};
	size_t n = 0;
	int r;

	r = vg_nic_list(&links, &n);
	if (r < 0)
		return r;
	macs = machine.macs = calloc(n + 1, sizeof(*macs));
	if (!macs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!links[i].loopback && *links[i].mac)
			memcpy(macs[machine.n++], links[i].mac, sizeof(*macs));
	return vg_discovery_open(daemon->event, options->state, options->outside, &machine,
				 vg_apply_changed, daemon, &daemon->discovery);
}

/* Sources of events come before what they are about, so that no change is missed in between. */
static int open_loop(struct vg_daemon *daemon, const struct vg_daemon_options *options)
{
	int r;

	r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = open_discovery(daemon, options);
	if (r >= 0)
		r = open_serving(daemon, options);
	if (r >= 0)
		r = vg_apply_open(daemon);
	if (r >= 0)
		r = vg_history_open(options->state, &daemon->history);
	if (r >= 0)
		r = vg_confirm_open(daemon);
	if (r >= 0)
		r = add_sources(daemon);
	if (r >= 0)
		r = vg_nic_watch_open(daemon->event, on_links_changed, daemon, &daemon->watch);
	return r < 0 ? vg_log_err(r, "can't set up the event loop: %s", strerror(-r)) : 0;
}

/* With the config, or what the history says is in its place. */
static int open_gate(struct vg_daemon *daemon, const struct vg_daemon_options *options,
		     __u64 *ret_back)
{
	const struct vg_reader *reader = vg_discovery_reader(daemon->discovery);
	const struct vg_entry *newest = vg_history_newest(&daemon->history);
	struct vg_choice choices[VG_CHOICES];
	const struct vg_choice *choice = NULL;
	const size_t n = vg_choice_list(daemon, options->config, options->bpffs, choices);
	int r;

	r = vg_gate_open(options->config, choices, n, options->bpffs, reader, &choice,
			 &daemon->gate);
	if (r >= 0) {
		*ret_back = choice->back;
		if (newest)
			vg_dataplane_count_from(daemon->gate->dataplane, newest->generation);
	}
	for (size_t i = 0; i < n; i++)
		free(choices[i].text);
	return r;
}

/* What may fail without a trace comes first: the socket before the first NIC. */
static int start(struct vg_daemon *daemon, const struct vg_daemon_options *options)
{
	bool on_trial = false;
	__u64 back = 0;
	int r;

	r = open_loop(daemon, options);
	if (r >= 0)
		on_trial = vg_history_waiting(&daemon->history);
	if (r >= 0)
		r = open_gate(daemon, options, &back);
	if (r >= 0)
		r = listen_on(daemon, options->socket);
	if (r >= 0)
		r = vg_apply_wait_for_answers(daemon);
	if (r == -ECANCELED)
		return 0;
	if (r >= 0)
		r = vg_gate_start(daemon->gate, on_trial);
	/* Only a daemon can end the trial: it is to be started again. */
	if (r < 0)
		return on_trial ? -EAGAIN : r;
	vg_record_start(daemon, back);
	vg_confirm_arm(daemon);
	vg_apply_started(daemon);
	vg_daemon_update_exporter(daemon);
	vg_daemon_notify(daemon, "READY=1");
	return 0;
}

int vg_daemon_open(const struct vg_daemon_options *options, struct vg_daemon **ret_daemon)
{
	struct vg_daemon *daemon = calloc(1, sizeof(*daemon));
	int r;

	if (!daemon)
		return vg_log_err(-ENOMEM, "no memory");
	daemon->started_s = time(NULL);
	daemon->socket = options->socket;
	r = start(daemon, options);
	if (r < 0) {
		vg_daemon_close(daemon);
		return r;
	}
	*ret_daemon = daemon;
	return 0;
}

int vg_daemon_run(struct vg_daemon *daemon)
{
	int r = sd_event_loop(daemon->event);

	sd_notify(0, "STOPPING=1");
	if (r == -ESTALE) /* has been logged */
		return r;
	return r < 0 ? vg_log_err(r, "the event loop failed: %s", strerror(-r)) : 0;
}

void vg_daemon_close(struct vg_daemon *daemon)
{
	if (!daemon)
		return;
	vg_control_close(daemon->control);
	vg_serving_close(&daemon->serving);
	vg_nic_watch_close(daemon->watch);
	vg_apply_close(daemon);
	vg_asking_close(&daemon->asking);
	vg_confirm_close(daemon);
	vg_history_close(&daemon->history);
	vg_gate_close(daemon->gate);
	vg_discovery_close(daemon->discovery);
	sd_event_unref(daemon->event);
	free(daemon);
}
