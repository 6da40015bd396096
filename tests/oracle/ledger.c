/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "share/cleanup.h"

int vg_ledger_init(struct vg_ledger *ledger, struct vg_rig *rig)
{
	*ledger = (struct vg_ledger){.rig = rig};
	ledger->service_slots = calloc(VG_MAX_SERVICES, sizeof(ledger->service_slots[0]));
	if (!ledger->service_slots)
		return -ENOMEM;
	for (size_t i = 0; i < VG_SCENARIO_RULES; i++) {
		struct vg_ledger_nic *nic = &ledger->nics[i];

		nic->services = calloc(VG_MAX_SERVICES, sizeof(nic->services[0]));
		if (!nic->services)
			return -ENOMEM;
	}
	return 0;
}

void vg_ledger_done(struct vg_ledger *ledger)
{
	for (size_t i = 0; i < VG_SCENARIO_RULES; i++)
		free(ledger->nics[i].services);
	free(ledger->service_slots);
}

const char *vg_ledger_set(const struct vg_ledger *ledger, int set)
{
	return set < 0 ? "none" : ledger->scenario->sets[set].name;
}

const char *vg_ledger_service(const struct vg_ledger *ledger, int service)
{
	if (service >= (int)ledger->scenario->n_services)
		return "one of an earlier policy";
	return service < 0 ? "none" : ledger->scenario->services[service].name;
}

/* ---- publishing ---- */

static void random_targets(struct vg_ledger *ledger, struct vg_random *random)
{
	const size_t n = ledger->scenario->n_rules;
	const size_t own = vg_random_below(random, (__u32)n + 1);

	for (size_t i = 0; i < n; i++) {
		struct vg_target *target = &ledger->targets[i];

		*target = (struct vg_target){.ifindex = i == own ? 1 : 4242 + (unsigned)i};
		snprintf(target->name, sizeof(target->name), "t%u", (unsigned)i);
		target->rule = vg_random_chance(random, 70) ? i : vg_random_below(random, (__u32)n);
	}
	ledger->judged_as = own < n ? own : 0;
}

static int find_slot(const struct vg_ledger *ledger, unsigned first, unsigned n, const char *name,
		     unsigned *ret_slot)
{
	const int slot = vg_rig_slot(ledger->rig, first, n, name);

	if (slot < 0) {
		fprintf(stderr, "'%s' has no counter slot\n", name);
		return slot;
	}
	*ret_slot = (unsigned)slot;
	return 0;
}

/* The slots that the scenario's names were given. */
static int find_slots(struct vg_ledger *ledger)
{
	const struct vg_scenario *scenario = ledger->scenario;
	int r = 0;

	for (size_t i = 0; r == 0 && i < scenario->n_rules; i++) {
		r = find_slot(ledger, VG_LABEL_INTERFACE, VG_MAX_INTERFACES,
			      ledger->targets[i].name, &ledger->nics[i].slot);
		ledger->nics[i].known = true;
	}
	for (size_t i = 0; r == 0 && i < scenario->n_sets; i++)
		r = find_slot(ledger, VG_LABEL_SOURCE, VG_MAX_SOURCES, scenario->sets[i].name,
			      &ledger->set_slots[i]);
	for (size_t i = 0; r == 0 && i < scenario->n_services; i++)
		r = find_slot(ledger, VG_LABEL_SERVICE, VG_MAX_SERVICES, scenario->services[i].name,
			      &ledger->service_slots[i]);
	return r;
}

int vg_ledger_publish(struct vg_ledger *ledger, struct vg_random *random,
		      const struct vg_scenario *scenario, struct vg_policy **ret_policy)
{
	_cleanup_free_ char *yaml = NULL;
	struct vg_policy *policy;
	size_t length;
	int r;

	ledger->scenario = scenario;
	random_targets(ledger, random);
	yaml = vg_scenario_render(scenario, &length);
	if (!yaml)
		return -ENOMEM;
	r = vg_rig_publish(ledger->rig, yaml, length, ledger->targets, scenario->n_rules, &policy);
	if (r < 0) {
		fprintf(stderr, "%s\nrefused\n", yaml);
		return r;
	}
	r = find_slots(ledger);
	if (r < 0)
		vg_policy_free(policy);
	else
		*ret_policy = policy;
	return r;
}

struct vg_gate vg_ledger_gate(const struct vg_ledger *ledger, struct vg_memory *memory, __u32 now_s)
{
	return (struct vg_gate){
		.scenario = ledger->scenario,
		.rule = ledger->targets[ledger->judged_as].rule,
		.nic = (unsigned)ledger->judged_as,
		.from = -1,
		.memory = memory,
		.now_s = now_s,
	};
}

/* ---- the books ---- */

void vg_ledger_expect(struct vg_ledger *ledger, const struct vg_judgement *judgement, size_t length)
{
	struct vg_ledger_nic *nic = &ledger->nics[ledger->judged_as];
	const unsigned source =
		judgement->set < 0 ? VG_SOURCE_NONE : ledger->set_slots[judgement->set];
	struct vg_count *count = &nic->counters.count[vg_oracle_row(judgement)][source];

	count->packets++;
	count->bytes += length;
	if (judgement->service < 0)
		return;
	count = &nic->services[ledger->service_slots[judgement->service]].count[judgement->verdict];
	count->packets++;
	count->bytes += length;
}

/* What changed on one NIC, in the counters' own words. */
static void print_counters(const struct vg_ledger *ledger, const struct vg_ledger_nic *nic,
			   const struct vg_interface_counters *now)
{
	for (unsigned row = 0; row < VG_ROW_MAX; row++) {
		for (unsigned slot = 0; slot < VG_MAX_SOURCES; slot++) {
			const struct vg_count *want = &nic->counters.count[row][slot];
			const struct vg_count *got = &now->count[row][slot];
			const char *name = slot == VG_SOURCE_NONE ? "none" : "?";

			for (size_t i = 0; i < ledger->scenario->n_sets; i++)
				if (ledger->set_slots[i] == slot)
					name = ledger->scenario->sets[i].name;
			if (want->packets == got->packets && want->bytes == got->bytes)
				continue;
			fprintf(stderr,
				"NIC slot %u, %s %s, source slot %u (%s): %+" PRId64
				" packets, %+" PRId64 " bytes off\n",
				nic->slot, vg_verdict_text(vg_row_verdict(row)),
				vg_outcome_text(vg_row_outcome(row)), slot, name,
				(int64_t)(got->packets - want->packets),
				(int64_t)(got->bytes - want->bytes));
		}
	}
}

static int check_nic(const struct vg_ledger *ledger, const struct vg_ledger_nic *nic)
{
	static struct vg_interface_counters now;
	const int r = vg_rig_interface(ledger->rig, nic->slot, &now);

	if (r < 0)
		return r;
	if (memcmp(&now, &nic->counters, sizeof(now)) == 0)
		return 0;
	print_counters(ledger, nic, &now);
	return -EBADMSG;
}

static int check_slot(const struct vg_ledger *ledger, const struct vg_ledger_nic *nic,
		      unsigned slot)
{
	struct vg_service_counters now;
	const int r = vg_rig_service(ledger->rig, nic->slot, slot, &now);

	if (r < 0)
		return r;
	if (memcmp(&now, &nic->services[slot], sizeof(now)) == 0)
		return 0;
	for (unsigned verdict = 0; verdict < VG_VERDICT_MAX; verdict++)
		fprintf(stderr, "NIC slot %u, service slot %u, %s: %+" PRId64 " packets off\n",
			nic->slot, slot, vg_oracle_verdict(verdict),
			(int64_t)(now.count[verdict].packets -
				  nic->services[slot].count[verdict].packets));
	return -EBADMSG;
}

int vg_ledger_check_interface(const struct vg_ledger *ledger)
{
	return check_nic(ledger, &ledger->nics[ledger->judged_as]);
}

int vg_ledger_check_service(const struct vg_ledger *ledger, int service)
{
	return check_slot(ledger, &ledger->nics[ledger->judged_as], ledger->service_slots[service]);
}

int vg_ledger_check_all(const struct vg_ledger *ledger)
{
	int r = 0;

	for (size_t i = 0; i < VG_SCENARIO_RULES; i++) {
		const struct vg_ledger_nic *nic = &ledger->nics[i];

		if (!nic->known)
			continue;
		r = check_nic(ledger, nic);
		for (unsigned slot = 0; r == 0 && slot < VG_MAX_SERVICES; slot++)
			r = check_slot(ledger, nic, slot);
		if (r < 0)
			return r;
	}
	return 0;
}

int vg_ledger_resync(struct vg_ledger *ledger)
{
	int r = 0;

	for (size_t i = 0; i < VG_SCENARIO_RULES; i++) {
		struct vg_ledger_nic *nic = &ledger->nics[i];

		if (!nic->known)
			continue;
		r = vg_rig_interface(ledger->rig, nic->slot, &nic->counters);
		for (unsigned slot = 0; r == 0 && slot < VG_MAX_SERVICES; slot++)
			r = vg_rig_service(ledger->rig, nic->slot, slot, &nic->services[slot]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what went wrong ---- */

void vg_ledger_print_config(const struct vg_ledger *ledger)
{
	_cleanup_free_ char *yaml = NULL;
	size_t length;

	yaml = vg_scenario_render(ledger->scenario, &length);
	fprintf(stderr, "%s\njudged as NIC %s, rule t%zu\n", yaml ?: "",
		ledger->targets[ledger->judged_as].name, ledger->targets[ledger->judged_as].rule);
}

void vg_ledger_print_frame(const __u8 *frame, size_t length)
{
	fprintf(stderr, "frame of %zu bytes: ", length);
	for (size_t i = 0; i < length; i++)
		fprintf(stderr, "%02x", frame[i]);
	fprintf(stderr, "\n");
}

void vg_ledger_print_judgement(const struct vg_ledger *ledger, const struct vg_judgement *judgement)
{
	static const char *const parts[] = {
		[VG_SEEN_WHOLE] = "whole", [VG_SEEN_FIRST] = "first", [VG_SEEN_LATER] = "later"};
	const struct vg_seen *seen = &judgement->seen;

	fprintf(stderr, "expected %s %s, source %s, service %s",
		vg_oracle_verdict(judgement->verdict), vg_oracle_outcome(judgement->outcome),
		vg_ledger_set(ledger, judgement->set),
		vg_ledger_service(ledger, judgement->service));
	if (judgement->ip)
		fprintf(stderr,
			" (%s%s%s, protocol %d, ports %d to %d, TCP flags %#x, ICMP type %d, id %d, "
			"hop limit %d)",
			parts[seen->part], seen->cut ? ", cut" : "",
			judgement->followed ? ", followed" : "", seen->protocol, seen->source_port,
			seen->port, (unsigned)seen->tcp_flags, seen->icmp_type, seen->icmp_id,
			seen->hop_limit);
	fprintf(stderr, "\n");
}
