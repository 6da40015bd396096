/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service/connections.h"
#include "service/preview.h"
#include "share/cleanup.h"

static const struct vg_position nowhere;

static json_t *refused_json(const struct vg_cut *refused)
{
	const struct vg_socket *socket = &refused->socket;
	char remote[VG_PREFIX_TEXT_SIZE], local[VG_PREFIX_TEXT_SIZE];

	return json_pack("{ss sI ss sI sb ss ss ss?}", "remote",
			 vg_address_format(&socket->remote, remote), "remote_port",
			 (json_int_t)socket->remote_port, "local",
			 vg_address_format(&socket->local, local), "local_port",
			 (json_int_t)socket->local_port, "inbound", refused->inbound, "interface",
			 refused->interface, "reason", vg_outcome_text(refused->outcome), "service",
			 *refused->service ? refused->service : NULL);
}

/* Null where the kernel can't tell. */
static json_t *connections_json(const struct vg_regime *now, const struct vg_regime *then)
{
	_cleanup_free_ struct vg_connections *connections = calloc(1, sizeof(*connections));
	json_t *list;

	if (!connections || vg_connections_judge(now, then, connections) < 0)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < connections->n_refused && i < VG_CONNECTIONS_LISTED; i++)
		json_array_append_new(list, refused_json(&connections->refused[i]));
	return json_pack("{sI sI sI so}", "open", (json_int_t)connections->n, "unjudged",
			 (json_int_t)connections->n_unjudged, "refused",
			 (json_int_t)connections->n_refused, "list", list);
}

static int parse_session(const char *text, struct vg_socket *ret_socket)
{
	char remote[VG_PREFIX_TEXT_SIZE], local[VG_PREFIX_TEXT_SIZE];
	struct vg_socket socket = {0};

	if (sscanf(text, "%63s %5u %63s %5u", remote, &socket.remote_port, local,
		   &socket.local_port) != 4 ||
	    vg_address_parse(remote, &socket.remote) < 0 ||
	    vg_address_parse(local, &socket.local) < 0 ||
	    socket.remote.family != socket.local.family)
		return -EINVAL;
	*ret_socket = socket;
	return 0;
}

/* How it would be refused, or null. */
static int judge_session(const struct vg_regime *now, const struct vg_regime *then,
			 const char *session, json_t **ret_json, struct vg_diag *diag)
{
	struct vg_cut refused;
	struct vg_socket socket;
	int r = 0;

	if (session && parse_session(session, &socket) < 0)
		return vg_diag_set(diag, EINVAL, NULL, nowhere,
				   "'%.128s' is no session: write REMOTE PORT LOCAL PORT", session);
	if (session && vg_socket_is_outside(&socket))
		r = vg_connections_judge_one(now, then, &socket, &refused);
	*ret_json = r > 0 ? refused_json(&refused) : json_null();
	return r < 0 ? r : 0;
}

static bool admits(const struct vg_policy *policy, size_t rule, const char *set)
{
	const struct vg_effective effective = vg_policy_effective(policy, rule, -1);
	const int index = vg_policy_set(policy, set);

	return effective.open || (index >= 0 && effective.sets >> index & 1);
}

/* Packets that have passed so far, by the interface's own setting, and would not then. */
static json_t *sources_json(const struct vg_counters *counters, const struct vg_regime *now,
			    const struct vg_regime *then)
{
	json_t *array = json_array();

	for (size_t i = 0; i < counters->n && !then->policy->monitor; i++) {
		const struct vg_counter *c = &counters->items[i];
		const int before = vg_policy_rule(now->policy, c->interface);
		const int after = vg_policy_rule(then->policy, c->interface);

		if ((c->outcome != VG_PASS_ADMITTED && c->outcome != VG_PASS_OPEN) || before < 0 ||
		    after < 0 || !admits(now->policy, (size_t)before, c->source) ||
		    admits(then->policy, (size_t)after, c->source))
			continue;
		json_array_append_new(array, json_pack("{ss ss? sI}", "interface", c->interface,
						       "source", *c->source ? c->source : NULL,
						       "packets", (json_int_t)c->count.packets));
	}
	return array;
}

static int preview(const struct vg_daemon *daemon, const struct vg_regime *now,
		   const struct vg_regime *then, const char *session, json_t **ret_json,
		   struct vg_diag *diag)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *counters = NULL;
	const struct vg_feed *unanswered =
		vg_discovery_unanswered(daemon->discovery, then->policy, now->policy);
	struct vg_changes changes;
	json_t *own = NULL;
	int r;

	r = judge_session(now, then, session, &own, diag);
	if (r >= 0)
		r = vg_counters_read(daemon->gate->bpffs, &counters, diag);
	if (r >= 0)
		r = vg_changes_find(now->policy, then->policy, &changes);
	if (r < 0) {
		json_decref(own);
		return r;
	}
	*ret_json =
		json_pack("{sI so so so so ss?}", "generation",
			  (json_int_t)daemon->gate->state.generation, "changes",
			  vg_entry_changes(&changes), "session", own, "connections",
			  connections_json(now, then), "sources", sources_json(counters, now, then),
			  "unanswered", unanswered ? unanswered->text : NULL);
	vg_changes_done(&changes);
	return *ret_json ? 0 : -ENOMEM;
}

int vg_preview(const struct vg_daemon *daemon, const struct vg_change *change, const char *session,
	       json_t **ret_json, struct vg_diag *diag)
{
	_cleanup_(vg_candidate_done) struct vg_candidate candidate = {};
	const struct vg_reader reader = vg_change_spectator(daemon, change->accept_shrink);
	const struct vg_gate *gate = daemon->gate;
	const struct vg_regime now = {gate->policy, gate->wanted, gate->n_wanted};
	_cleanup_free_ struct vg_wanted *wanted = NULL;
	struct vg_regime then;
	char *text = NULL;
	size_t length = 0, n = 0;
	int r;

	r = vg_change_read(daemon, change, &text, &length, diag);
	if (r >= 0)
		r = vg_candidate_parse(gate->config_path, text, length, &reader,
				       VG_CANDIDATE_STRICT, &candidate, diag);
	if (r >= 0)
		r = vg_candidate_compile(&candidate, diag);
	if (r >= 0)
		r = vg_gate_plan(gate, candidate.policy, &wanted, &n);
	if (r < 0)
		return r;
	then = (struct vg_regime){candidate.policy, wanted, n};
	return preview(daemon, &now, &then, session, ret_json, diag);
}
