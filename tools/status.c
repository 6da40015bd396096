/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* status: the daemon's answer, or what the pins tell without it, in the same shape. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/explain.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/tune.h"
#include "tools/vpcgate.h"

/* What is found below the bpffs folder. */
struct pins {
	struct vg_state state;
	struct vg_link_info *links;
	size_t n_links;
	struct vg_tuned *tuned;
	size_t n_tuned;
	struct vg_counters *counters;
};

static void pins_done(struct pins *pins)
{
	free(pins->links);
	free(pins->tuned);
	vg_counters_free(pins->counters);
}

static int read_pins(const char *dir, struct pins *pins, struct vg_diag *diag)
{
	int r = vg_dataplane_state(dir, &pins->state, diag);

	if (r == 0)
		r = vg_dataplane_links(dir, &pins->links, &pins->n_links, diag);
	if (r == 0)
		r = vg_counters_read(dir, &pins->counters, diag);
	/* What isn't known of settings is no reason to tell nothing of the filter. */
	if (r == 0)
		vg_tuned_list(dir, &pins->tuned, &pins->n_tuned, NULL);
	return r;
}

/* Rates are the daemon's to know. */
static json_t *total_to_json(const struct vg_counters *counters, const char *interface,
			     enum vg_verdict verdict)
{
	struct vg_count total = {};

	for (size_t i = 0; i < counters->n; i++) {
		const struct vg_counter *c = &counters->items[i];

		if (c->verdict != verdict || strcmp(c->interface, interface) != 0)
			continue;
		total.packets += c->count.packets;
		total.bytes += c->count.bytes;
	}
	return json_pack("{sI sI sn}", "packets", (json_int_t)total.packets, "bytes",
			 (json_int_t)total.bytes, "packets_per_second");
}

static json_t *link_to_json(const struct vg_link_info *link, const struct pins *pins)
{
	const struct vg_counters *counters = pins->counters;
	const char *mode = link->mode == VG_ATTACH_INHERIT ? NULL : vg_attach_mode_text(link->mode);

	return json_pack("{ss ss? sI ss ss? sn sb sI sn sn s[] so so so so}", "name", link->name,
			 "known_as",
			 strcmp(link->known_as, link->name) != 0 ? link->known_as : NULL, "ifindex",
			 (json_int_t)link->ifindex, "state", link->ifindex ? "attached" : "absent",
			 "mode", mode, "ingress", "recorder",
			 link->ifindex && vg_dataplane_is_recorded(link->ifindex), "program_id",
			 (json_int_t)link->program_id, "lost", "reason", "obstacles", "tuned",
			 vg_tune_json(pins->tuned, pins->n_tuned, link->ifindex), "pass",
			 total_to_json(counters, link->name, VG_VERDICT_PASS), "drop",
			 total_to_json(counters, link->name, VG_VERDICT_DROP), "would_drop",
			 total_to_json(counters, link->name, VG_VERDICT_WOULD_DROP));
}

static json_t *pins_to_json(const struct pins *pins)
{
	const struct vg_state *state = &pins->state;
	json_t *interfaces = json_array();
	char hint[160];

	for (size_t i = 0; i < pins->n_links; i++)
		json_array_append_new(interfaces, link_to_json(&pins->links[i], pins));
	snprintf(hint, sizeof(hint),
		 "vpcgated is not running: the filter of generation %llu stays in force; start it "
		 "with `systemctl start vpcgated`",
		 (unsigned long long)state->generation);
	return json_pack("{sn s{sI sI ss ss} so s[s]}", "daemon", "policy", "generation",
			 (json_int_t)state->generation, "published_s",
			 (json_int_t)state->published_s, "enforcement",
			 state->monitor ? "monitor" : "enforce", "config", state->config,
			 "interfaces", interfaces, "hints", hint);
}

static bool is_in_force(const struct pins *pins)
{
	if (!pins->state.generation)
		return false;
	for (size_t i = 0; i < pins->n_links; i++) {
		if (pins->links[i].ifindex)
			return true;
	}
	return false;
}

static enum vg_exit status_of_pins(const struct vg_cli *cli, json_t **ret_status)
{
	_cleanup_(pins_done) struct pins pins = {};
	struct vg_diag diag = {};
	int r;

	r = read_pins(cli->bpffs, &pins, &diag);
	if (r == -EPERM || r == -EACCES || (r < 0 && r != -ENOENT))
		return vg_cli_pin_error(cli, r, &diag);
	if (r < 0 || !is_in_force(&pins))
		return vg_cli_error("vpcgated is not running and no filter is in force; start it "
				    "with `systemctl start vpcgated`");
	*ret_status = pins_to_json(&pins);
	return VG_EXIT_DONE;
}

enum vg_exit vg_cli_status(const struct vg_cli *cli)
{
	json_auto_t *status = NULL;
	struct vg_diag diag = {};
	const int r = vg_cli_ask(cli, "status", NULL, &status, &diag);

	if (vg_cli_no_daemon(r)) {
		const enum vg_exit result = status_of_pins(cli, &status);

		if (result != VG_EXIT_DONE)
			return result;
	} else if (r < 0) {
		return vg_cli_ask_error(cli, r, &diag, "");
	}
	if (!cli->json)
		return vg_status_print(status);
	vg_cli_print_json(status, false);
	return VG_EXIT_DONE;
}
