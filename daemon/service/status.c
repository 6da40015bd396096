/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <time.h>
#include "service/answer.h"
#include "service/hints.h"
#include "share/cleanup.h"
#include "share/nic_settings.h"
#include "share/tune.h"

static json_t *total_json(const struct vg_count *count, double rate)
{
	return json_pack("{sI sI sf}", "packets", (json_int_t)count->packets, "bytes",
			 (json_int_t)count->bytes, "packets_per_second", rate);
}

/* What is in the way of native mode, where it is wanted and isn't there. */
static json_t *obstacles_json(const struct vg_wanted *nic, enum vg_attach_mode wanted)
{
	const bool attached = nic->state == VG_NIC_ATTACHED;
	struct vg_obstacle obstacles[VG_MAX_OBSTACLES];
	json_t *array = json_array();
	struct vg_nic_facts facts;
	size_t n;

	if (!nic->ifindex || wanted == VG_ATTACH_GENERIC ||
	    (attached ? nic->attachment.mode == VG_ATTACH_NATIVE : !nic->attachment.native_error) ||
	    vg_nic_facts_read(nic->ifindex, &facts, NULL) < 0)
		return array;
	facts.refusal = nic->attachment.native_error;
	n = vg_obstacles_find(&facts, obstacles);
	for (size_t i = 0; i < n; i++) {
		const struct vg_nic_change *change = &obstacles[i].change;
		char command[VG_COMMAND_SIZE];

		vg_nic_command(nic->name, change->setting, change->to, command);
		json_array_append_new(array, json_pack("{ss ss?}", "text", obstacles[i].text,
						       "command", *command ? command : NULL));
	}
	return array;
}

static json_t *interface_json(const struct vg_daemon *daemon, const struct vg_wanted *nic,
			      const struct vg_counters *counters)
{
	const struct vg_gate *gate = daemon->gate;
	const struct vg_interface_rule *rule = &gate->policy->rules[nic->rule];
	const bool attached = nic->state == VG_NIC_ATTACHED;
	struct vg_count sums[VG_VERDICT_MAX];
	json_t *totals[VG_VERDICT_MAX];

	vg_rate_sum(counters, nic->name, sums);
	for (size_t v = 0; v < VG_VERDICT_MAX; v++)
		totals[v] = total_json(&sums[v], vg_rate_get(&daemon->rates, nic->name, v));
	return json_pack("{ss ss? sI ss ss? ss sb sb sI sI ss? so so so so so}", "name", nic->name,
			 "known_as", vg_wanted_is_renamed(nic) ? nic->known_as : NULL, "ifindex",
			 (json_int_t)nic->ifindex, "state", vg_nic_state_text(nic->state), "mode",
			 attached ? vg_attach_mode_text(nic->attachment.mode) : NULL, "ingress",
			 vg_ingress_text(rule->ingress), "adopted",
			 attached && nic->attachment.adopted, "recorder", attached && nic->recorded,
			 "program_id", (json_int_t)(attached ? nic->attachment.program_id : 0),
			 "lost", (json_int_t)nic->lost, "reason", *nic->reason ? nic->reason : NULL,
			 "obstacles", obstacles_json(nic, rule->attach), "tuned",
			 vg_tune_json(gate->tuned, gate->n_tuned, nic->ifindex), "pass",
			 totals[VG_VERDICT_PASS], "drop", totals[VG_VERDICT_DROP], "would_drop",
			 totals[VG_VERDICT_WOULD_DROP]);
}

static json_t *interfaces_json(const struct vg_daemon *daemon, const struct vg_counters *counters)
{
	json_t *array = json_array();

	for (size_t i = 0; i < daemon->gate->n_wanted; i++)
		json_array_append_new(array,
				      interface_json(daemon, &daemon->gate->wanted[i], counters));
	return array;
}

static json_t *policy_json(const struct vg_gate *gate)
{
	const struct vg_policy *policy = gate->policy;
	const struct vg_cost *cost = &gate->cost;

	return json_pack("{sI sI ss sI sI sI sI sI sI s{sI sI sI}}", "generation",
			 (json_int_t)gate->state.generation, "published_s",
			 (json_int_t)gate->state.published_s, "enforcement",
			 policy->monitor ? "monitor" : "enforce", "sets",
			 (json_int_t)policy->n_sets, "services", (json_int_t)policy->n_services,
			 "prefixes4", (json_int_t)policy->n_prefixes4, "prefixes6",
			 (json_int_t)policy->n_prefixes6, "table_bytes",
			 (json_int_t)cost->table_bytes, "table_bytes_max",
			 (json_int_t)policy->limits.table_bytes, "publish", "parse_us",
			 (json_int_t)cost->parse_us, "compile_us", (json_int_t)cost->compile_us,
			 "load_us", (json_int_t)cost->load_us);
}

static json_t *reloads_json(const struct vg_gate *gate)
{
	const bool failed = *gate->reload_error;

	return json_pack("{sI sI ss? so}", "succeeded", (json_int_t)gate->reloads_succeeded,
			 "failed", (json_int_t)gate->reloads_failed, "last_error",
			 failed ? gate->reload_error : NULL, "last_error_s",
			 failed ? json_integer(gate->reload_error_s) : json_null());
}

static json_t *refreshes_json(const struct vg_gate *gate)
{
	return json_pack("{sI sI ss? ss?}", "succeeded", (json_int_t)gate->refreshes_succeeded,
			 "failed", (json_int_t)gate->refreshes_failed, "last_error",
			 *gate->refresh_error ? gate->refresh_error : NULL, "damaged_file",
			 *gate->stale_error ? gate->stale_error : NULL);
}

static json_t *flows_json(const struct vg_flow_stats *flows)
{
	if (!flows)
		return json_null();
	return json_pack("{sI sI sI sI sI sI}", "open", (json_int_t)flows->open, "max",
			 (json_int_t)flows->max, "opened", (json_int_t)flows->opened, "expired",
			 (json_int_t)flows->expired, "evicted", (json_int_t)flows->evicted, "full",
			 (json_int_t)flows->full);
}

static json_t *hints_json(const struct vg_daemon *daemon, const struct vg_counters *counters,
			  const struct vg_flow_stats *flows, const struct vg_feed_report *feeds)
{
	const struct vg_gate *gate = daemon->gate;
	const int in_force = vg_config_file_is_in_force(daemon->gate);
	char text[VG_DIAG_TEXT_SIZE];
	const char *confirm = vg_confirm_hint(daemon, text, sizeof(text));

	return vg_hints_json(&(struct vg_hints){
		.policy = gate->policy,
		.counters = counters,
		.wanted = gate->wanted,
		.n_wanted = gate->n_wanted,
		.flows = flows,
		.feeds = feeds,
		.n_feeds = gate->policy->n_feeds,
		.now = time(NULL),
		.generation = gate->state.generation,
		.reload_error = *gate->reload_error ? gate->reload_error : NULL,
		/* What is on trial, or was, has its own hint. */
		.config = confirm || in_force > 0 ? NULL : gate->config_path,
		.config_error = in_force,
		.refresh_error = *gate->refresh_error ? gate->refresh_error : NULL,
		.stale_error = *gate->stale_error ? gate->stale_error : NULL,
		.confirm_hint = confirm,
		.history_error = *daemon->history.error ? daemon->history.error : NULL,
		.exporter_error = *daemon->serving.error ? daemon->serving.error : NULL,
	});
}

int vg_status_json(const struct vg_daemon *daemon, json_t **ret_json, struct vg_diag *diag)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *counters = NULL;
	const struct vg_gate *gate = daemon->gate;
	_cleanup_free_ struct vg_feed_report *feeds =
		vg_feed_report_list(daemon->discovery, gate->policy);
	const struct vg_flow_stats *flows;
	struct vg_flow_stats stats;
	json_t *self;
	int r;

	if (!feeds)
		return -ENOMEM;
	r = vg_counters_read(gate->bpffs, &counters, diag);
	if (r < 0)
		return r;
	flows = vg_gate_flows(gate, &stats);
	self = json_pack("{ss sI sI ss}", "version", VG_VERSION, "pid", (json_int_t)getpid(),
			 "started_s", (json_int_t)daemon->started_s, "config", gate->config_path);
	*ret_json = json_pack("{so so so so ss? so so so so so}", "daemon", self, "policy",
			      policy_json(gate), "reloads", reloads_json(gate), "refreshes",
			      refreshes_json(gate), "exporter",
			      vg_exporter_endpoint(daemon->serving.exporter), "flows",
			      flows_json(flows), "feeds",
			      vg_feed_report_json(feeds, gate->policy->n_feeds, time(NULL)),
			      "interfaces", interfaces_json(daemon, counters), "trial",
			      vg_confirm_json(daemon), "hints",
			      hints_json(daemon, counters, flows, feeds));
	return *ret_json ? 0 : -ENOMEM;
}
