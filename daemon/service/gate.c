/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "service/attach.h"
#include "service/gate.h"
#include "service/switchover.h"
#include "service/tuning.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/render.h"

uint64_t vg_gate_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000;
}

const char *vg_gate_describe(const struct vg_diag *diag, int error, char out[VG_GATE_ERROR_SIZE])
{
	if (*diag->text)
		vg_diag_format(diag, out, VG_GATE_ERROR_SIZE);
	else
		snprintf(out, VG_GATE_ERROR_SIZE, "%s", strerror(-error));
	return out;
}

void vg_gate_note_stale(struct vg_gate *gate, const struct vg_diag *stale)
{
	char text[VG_GATE_ERROR_SIZE] = "";

	if (*stale->text)
		vg_gate_describe(stale, -EINVAL, text);
	if (*text && strcmp(gate->stale_error, text) != 0) {
		gate->refreshes_failed++;
		vg_log_err(-EINVAL, "%s; what the file held before is in force", text);
	}
	memcpy(gate->stale_error, text, sizeof(gate->stale_error));
}

void vg_gate_note_refused(struct vg_gate *gate, int error, const struct vg_diag *diag)
{
	vg_candidate_done(&gate->next);
	gate->reloads_failed++;
	gate->reload_error_s = time(NULL);
	vg_gate_describe(diag, error, gate->reload_error);
	vg_log_err(error, "%s", gate->reload_error);
}

/* ---- policy ---- */

static uint64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000;
}

static bool knows(const struct vg_gate *gate, const struct vg_wanted *nic)
{
	for (size_t i = 0; i < gate->n_published; i++) {
		const struct vg_target *target = &gate->published[i];

		if (target->ifindex == nic->ifindex && target->rule == nic->rule &&
		    strcmp(target->name, nic->name) == 0)
			return true;
	}
	return false;
}

static void log_generation(const struct vg_gate *gate, const struct vg_policy *policy)
{
	const struct vg_cost *cost = &gate->cost;
	char size[VG_RENDER_SIZE];

	vg_log_info(
		"generation %" PRIu64 " is in force: %zu source sets, %zu IPv4 and %zu IPv6 "
		"prefixes, %zu services, %s; tables %s; CPU time: parse %.3f s, compile %.3f s, "
		"load %.3f s",
		(uint64_t)gate->state.generation, policy->n_sets, policy->n_prefixes4,
		policy->n_prefixes6, policy->n_services, policy->monitor ? "monitor" : "enforce",
		vg_render_bytes(cost->table_bytes, size), cost->parse_us / 1e6,
		cost->compile_us / 1e6, cost->load_us / 1e6);
}

/* `cost` is what the tables took; on success the gate's becomes that and what this takes. */
static int publish(struct vg_gate *gate, const struct vg_policy *policy,
		   const struct vg_tables *tables, const struct vg_cost *cost,
		   const struct vg_wanted *wanted, size_t n_wanted, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_target *targets = calloc(n_wanted + 1, sizeof(*targets));
	const uint64_t start_us = cpu_us();
	const __u32 since_s = vg_flow_now_s();
	struct vg_state before = {0};
	size_t n = 0;
	int r;

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < n_wanted; i++) {
		if (!wanted[i].ifindex || wanted[i].surplus)
			continue;
		targets[n].ifindex = wanted[i].ifindex;
		targets[n].rule = wanted[i].rule;
		memcpy(targets[n].name, wanted[i].name, IF_NAMESIZE);
		n++;
	}
	vg_dataplane_state(gate->bpffs, &before, NULL);
	r = vg_dataplane_publish(gate->dataplane, policy, tables, targets, n, diag);
	if (r < 0)
		return r;
	gate->cost = *cost;
	gate->cost.load_us = cpu_us() - start_us;
	/* Who was admitted, and so had no flow, may need one now. */
	gate->seed_all = policy->replies.track;
	/* The recorder is switched first: until the filter was, it took answers to who isn't admitted now. */
	if (gate->seed_all && !policy->monitor)
		vg_switchover_end_answers(gate->dataplane, before.monitor ? 0 : since_s);
	memcpy(gate->published, targets, n * sizeof(*targets));
	gate->n_published = n;
	r = vg_dataplane_state(gate->bpffs, &gate->state, diag);
	if (r < 0)
		vg_log_warn("the policy is in force, but its state can't be read: %s", diag->text);
	log_generation(gate, policy);
	return 0;
}

int vg_gate_plan(const struct vg_gate *gate, const struct vg_policy *policy,
		 struct vg_wanted **ret_wanted, size_t *ret_n)
{
	_cleanup_free_ struct vg_link_info *filtered = NULL;
	_cleanup_free_ struct vg_nic_link *links = NULL;
	struct vg_diag diag = {0};
	size_t n, n_filtered = 0;
	int r;

	r = vg_nic_list(&links, &n);
	if (r < 0)
		return vg_log_err(r, "can't list the network interfaces: %s", strerror(-r));
	/* Without it one that was renamed would look as if nobody wanted it. */
	r = vg_dataplane_links(gate->bpffs, &filtered, &n_filtered, &diag);
	if (r < 0)
		return vg_log_err(r, "can't list what is filtered: %s", diag.text);
	return vg_wanted_plan(policy, links, n, filtered, n_filtered, ret_wanted, ret_n);
}

/* ---- life ---- */

/* Whatever is pinned goes on filtering while no daemon runs, or this one can't start. */
static void log_filter_stays(const char *bpffs)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	struct vg_state state;
	size_t n = 0;

	if (vg_dataplane_links(bpffs, &links, &n, NULL) >= 0 && n &&
	    vg_dataplane_state(bpffs, &state, NULL) >= 0)
		vg_log_info("the filter in force (generation %" PRIu64 ") stays",
			    (uint64_t)state.generation);
}

static int read_and_compile(struct vg_gate *gate, const char *instead,
			    const struct vg_reader *reader, struct vg_diag *diag)
{
	char *text = instead ? strdup(instead) : NULL;
	int r;

	if (instead && !text)
		return -ENOMEM;
	r = text ? vg_candidate_parse(gate->config_path, text, strlen(text), reader,
				      VG_CANDIDATE_LENIENT, &gate->next, diag)
		 : vg_candidate_read(gate->config_path, reader, VG_CANDIDATE_LENIENT, &gate->next,
				     diag);
	return r < 0 ? r : vg_candidate_compile(&gate->next, diag);
}

/*
 * What servers have said must not keep the filter from starting, which would leave the machine open:
 * if the config is refused with it, as where the tables grow too large, it is tried without.
 */
static int read_for_start(struct vg_gate *gate, const char *instead, struct vg_diag *diag)
{
	struct vg_reader own = *gate->reader;
	struct vg_diag ignored;
	char text[VG_GATE_ERROR_SIZE];
	const int r = read_and_compile(gate, instead, gate->reader, diag);

	if (r >= 0)
		return r;
	own.answer = NULL;
	vg_candidate_done(&gate->next);
	if (read_and_compile(gate, instead, &own, &ignored) < 0)
		return r;
	vg_log_warn("%s; the start goes on without what feeds have answered",
		    vg_gate_describe(diag, r, text));
	return 0;
}

/* Only what is wrong with the file is for people to mend. */
static void refuse(struct vg_gate *gate, const struct vg_choice *choice, int error,
		   const struct vg_diag *diag)
{
	char text[VG_GATE_ERROR_SIZE];

	if (!choice->text) {
		vg_gate_note_refused(gate, error, diag);
		return;
	}
	vg_candidate_done(&gate->next);
	vg_log_err(error, "the config of generation %llu in the history is refused: %s",
		   choice->generation, vg_gate_describe(diag, error, text));
}

/* The first that is accepted. */
static int read_first(struct vg_gate *gate, const struct vg_choice *choices, size_t n,
		      const struct vg_choice **ret_choice)
{
	int r = -EINVAL;

	for (size_t i = 0; i < n; i++) {
		struct vg_diag diag = {0};

		r = read_for_start(gate, choices[i].text, &diag);
		if (r >= 0) {
			if (i)
				vg_log_warn("the config of generation %llu in the history is taken "
					    "in its place",
					    choices[i].generation);
			*ret_choice = &choices[i];
			return r;
		}
		refuse(gate, &choices[i], r, &diag);
	}
	return r;
}

int vg_gate_open(const char *config_path, const struct vg_choice *choices, size_t n_choices,
		 const char *bpffs, const struct vg_reader *reader,
		 const struct vg_choice **ret_choice, struct vg_gate **ret_gate)
{
	struct vg_gate *gate = calloc(1, sizeof(*gate));
	char text[VG_GATE_ERROR_SIZE];
	struct vg_diag diag = {0};
	int r;

	if (!gate)
		return vg_log_err(-ENOMEM, "no memory");
	gate->config_path = config_path;
	gate->bpffs = bpffs;
	gate->reader = reader;
	r = read_first(gate, choices, n_choices, ret_choice);
	if (r >= 0) {
		r = vg_dataplane_open(bpffs, &gate->dataplane, &diag);
		if (r < 0)
			vg_log_err(r, "%s", vg_gate_describe(&diag, r, text));
	}
	if (r < 0) {
		log_filter_stays(bpffs);
		vg_gate_close(gate);
		return r;
	}
	if (!vg_dataplane_has_frags(gate->dataplane))
		vg_log_info(
			"this kernel has no multi-buffer XDP (Linux 5.18): a NIC whose MTU takes more than one buffer is filtered in generic mode");
	*ret_gate = gate;
	return 0;
}

void vg_gate_close(struct vg_gate *gate)
{
	if (!gate)
		return;
	vg_dataplane_close(gate->dataplane);
	vg_candidate_done(&gate->next);
	vg_policy_free(gate->policy);
	vg_config_free(gate->config);
	free(gate->text);
	free(gate->wanted);
	vg_detached_clear(&gate->detached);
	vg_detached_clear(&gate->before_trial);
	free(gate->tuned);
	free(gate);
}

int vg_gate_publish(struct vg_gate *gate, struct vg_candidate *candidate,
		    const struct vg_wanted *wanted, size_t n_wanted, struct vg_diag *diag)
{
	const int r = publish(gate, candidate->policy, candidate->tables, &candidate->cost, wanted,
			      n_wanted, diag);

	if (r < 0)
		return r;
	vg_policy_free(gate->policy);
	gate->policy = VG_TAKE_PTR(candidate->policy);
	if (candidate->config) {
		vg_config_free(gate->config);
		gate->config = VG_TAKE_PTR(candidate->config);
		free(gate->text);
		gate->text = VG_TAKE_PTR(candidate->text);
		gate->length = candidate->length;
	}
	vg_candidate_done(candidate);
	return 0;
}

int vg_gate_start(struct vg_gate *gate, bool tolerant)
{
	struct vg_wanted *wanted;
	char text[VG_GATE_ERROR_SIZE];
	struct vg_diag diag = {0}, stale;
	size_t n;
	int r;

	r = vg_gate_plan(gate, gate->next.policy, &wanted, &n);
	if (r < 0)
		return r;
	stale = gate->next.stale;
	r = vg_candidate_compile(&gate->next, &diag);
	if (r >= 0)
		r = vg_gate_publish(gate, &gate->next, wanted, n, &diag);
	if (r < 0) {
		free(wanted);
		return vg_log_err(r, "%s", vg_gate_describe(&diag, r, text));
	}
	vg_gate_note_stale(gate, &stale);
	r = vg_attach_settle(gate, wanted, n);
	if (r >= 0 || tolerant || vg_gate_attached(gate))
		return 0;
	log_filter_stays(gate->bpffs);
	return r;
}

/* ---- change ---- */

uint64_t vg_gate_keep_failed(struct vg_gate *gate, struct vg_wanted *wanted, size_t n)
{
	const uint64_t now = vg_gate_now_us();
	uint64_t first_us = 0;

	for (size_t i = 0; i < n; i++) {
		const struct vg_wanted *old =
			vg_wanted_before(gate->wanted, gate->n_wanted, &wanted[i]);

		if (!old || old->state != VG_NIC_FAILED || old->ifindex != wanted[i].ifindex ||
		    strcmp(old->name, wanted[i].name) != 0 || old->retry_us <= now)
			continue;
		wanted[i] = *old;
		if (!first_us || old->retry_us < first_us)
			first_us = old->retry_us;
	}
	return first_us;
}

/* The policy in force, for other NICs. */
static int publish_again(struct vg_gate *gate, const struct vg_wanted *wanted, size_t n,
			 struct vg_diag *diag)
{
	struct vg_candidate candidate = {.policy = gate->policy};
	int r;

	r = vg_candidate_compile(&candidate, diag);
	if (r >= 0)
		r = publish(gate, gate->policy, candidate.tables, &candidate.cost, wanted, n, diag);
	vg_tables_free(candidate.tables);
	return r;
}

/* The policy in force must know a NIC before it is attached. -ESTALE: see vg_gate_reconcile(). */
static int publish_new(struct vg_gate *gate, struct vg_wanted *wanted, size_t n)
{
	char text[VG_GATE_ERROR_SIZE];
	struct vg_diag diag = {0};
	bool needed = !vg_dataplane_is_pinned(gate->dataplane);
	int r;

	if (needed)
		vg_log_warn("somebody removed pins from %s: they are made again", gate->bpffs);
	for (size_t i = 0; i < n; i++)
		needed |= wanted[i].ifindex && !wanted[i].surplus &&
			  wanted[i].state != VG_NIC_FAILED && !knows(gate, &wanted[i]);
	if (!needed)
		return 0;
	r = publish_again(gate, wanted, n, &diag);
	if (r == -ESTALE)
		return vg_log_err(r, "%s; nothing is filtered before a new start makes it again",
				  vg_gate_describe(&diag, r, text));
	for (size_t i = 0; r < 0 && i < n; i++)
		if (wanted[i].ifindex && !knows(gate, &wanted[i]) &&
		    !vg_dataplane_is_attached(gate->dataplane, wanted[i].ifindex, wanted[i].name))
			vg_attach_fail(&wanted[i],
				       vg_wanted_before(gate->wanted, gate->n_wanted, &wanted[i]),
				       r, vg_gate_describe(&diag, r, text));
	return 0;
}

int vg_gate_reconcile(struct vg_gate *gate, uint64_t *ret_retry_us)
{
	struct vg_wanted *wanted;
	uint64_t retry_us;
	size_t n;
	int r;

	r = vg_gate_plan(gate, gate->policy, &wanted, &n);
	if (r < 0)
		return r;
	retry_us = vg_gate_keep_failed(gate, wanted, n);
	r = publish_new(gate, wanted, n);
	if (r < 0) {
		free(wanted);
		return r;
	}
	vg_attach_settle(gate, wanted, n);
	*ret_retry_us = retry_us;
	return 0;
}

const struct vg_flow_stats *vg_gate_flows(const struct vg_gate *gate, struct vg_flow_stats *flows)
{
	return vg_dataplane_flow_stats(gate->dataplane, flows) < 0 ? NULL : flows;
}

size_t vg_gate_attached(const struct vg_gate *gate)
{
	size_t n = 0;

	for (size_t i = 0; i < gate->n_wanted; i++)
		n += gate->wanted[i].state == VG_NIC_ATTACHED;
	return n;
}
