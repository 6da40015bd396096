/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/oracle.h"

#include <string.h>

#include "tests/oracle/dissect.h"
#include "tests/oracle/replies.h"

/* An address or prefix of the design's text; parsed once a process. */
struct known {
	const char *text;
	struct vg_raw_prefix prefix;
	bool parsed;
};

static bool is_in(struct known *known, const struct vg_raw_address *address)
{
	if (!known->parsed) {
		known->prefix = vg_raw_prefix(known->text);
		known->parsed = true;
	}
	return vg_raw_contains(&known->prefix, address);
}

static bool is_in_any(struct known *known, size_t n, const struct vg_raw_address *address)
{
	for (size_t i = 0; i < n; i++)
		if (is_in(&known[i], address))
			return true;
	return false;
}

static struct known link_local6 = {.text = "fe80::/10"};
static struct known unspecified6 = {.text = "::/128"};

/* Which sets the source is in, and the longest prefix; the first set wins a tie. */
static void find_sets(const struct vg_scenario *scenario, struct vg_judgement *judgement)
{
	for (size_t i = 0; i < scenario->n_sets; i++) {
		const struct vg_scenario_set *set = &scenario->sets[i];

		for (size_t j = 0; j < set->n; j++) {
			const struct vg_raw_prefix *prefix = &set->prefixes[j];

			if (!vg_raw_contains(prefix, &judgement->seen.source))
				continue;
			judgement->sets |= 1ULL << i;
			if (judgement->set < 0 || prefix->length > judgement->prefix.length) {
				judgement->set = (int)i;
				judgement->prefix = *prefix;
			}
		}
	}
}

/* ICMPv6 that IPv6 can't live without; `::` may send nothing else. */
static bool is_discovery(const struct vg_judgement *judgement)
{
	const struct vg_seen *seen = &judgement->seen;
	const bool unspecified = is_in(&unspecified6, &seen->source);
	const bool link_local = is_in(&link_local6, &seen->source);
	const int type = seen->icmp_type;

	if (seen->source.family != 6 || seen->protocol != 58)
		return false;
	if (type >= 133 && type <= 137)
		return seen->hop_limit == 255 && (link_local || unspecified || judgement->sets);
	if ((type >= 130 && type <= 132) || type == 143)
		return link_local || unspecified;
	return false;
}

static bool is_martian(const struct vg_judgement *judgement)
{
	static struct known never[] = {
		{.text = "127.0.0.0/8"}, {.text = "224.0.0.0/4"}, {.text = "255.255.255.255/32"},
		{.text = "0.0.0.0/8"},	 {.text = "::1/128"},	  {.text = "ff00::/8"},
	};
	static struct known reserved = {.text = "240.0.0.0/4"};
	const struct vg_raw_address *source = &judgement->seen.source;

	if (is_in_any(never, sizeof(never) / sizeof(never[0]), source))
		return true;
	if (is_in(&reserved, source))
		return judgement->sets == 0;
	return is_in(&unspecified6, source) && !is_discovery(judgement);
}

static bool is_metadata(const struct vg_raw_address *address)
{
	static struct known metadata[] = {
		{.text = "169.254.169.254/32"},
		{.text = "fd20:ce::254/128"},
	};

	return is_in_any(metadata, sizeof(metadata) / sizeof(metadata[0]), address);
}

static bool is_essential(const struct vg_judgement *judgement)
{
	static struct known dhcp4[] = {
		{.text = "10.0.0.0/8"},
		{.text = "172.16.0.0/12"},
		{.text = "192.168.0.0/16"},
		{.text = "169.254.0.0/16"},
	};
	const struct vg_seen *seen = &judgement->seen;
	const bool udp = seen->protocol == 17;

	if (is_metadata(&seen->source))
		return true;
	if (udp && seen->source_port == 67 && seen->port == 68 &&
	    is_in_any(dhcp4, sizeof(dhcp4) / sizeof(dhcp4[0]), &seen->source))
		return true;
	if (udp && seen->source_port == 547 && seen->port == 546 &&
	    is_in(&link_local6, &seen->source))
		return true;
	return is_discovery(judgement);
}

/*
 * How well a service matches whose longest `to` around the destination is that long, -1 for none:
 * longest `to` first (none is less than any), then port, then protocol. -1: it is for another L4.
 */
static int rank_by_to(const struct vg_scenario_service *service, const struct vg_seen *seen, int to)
{
	if (service->protocol >= 0 && service->protocol != seen->protocol)
		return -1;
	if (service->port && service->port != seen->port)
		return -1;
	return (to + 1) * 4 + (service->port ? 2 : 0) + (service->protocol >= 0 ? 1 : 0);
}

/* -1: it doesn't match. */
static int service_rank(const struct vg_scenario_service *service, const struct vg_seen *seen)
{
	int to = -1;

	for (size_t i = 0; i < service->n_to; i++)
		if (vg_raw_contains(&service->to[i], &seen->destination) &&
		    service->to[i].length > to)
			to = service->to[i].length;
	if ((service->n_to || service->unread) && to < 0)
		return -1;
	return rank_by_to(service, seen, to);
}

static int find_service(const struct vg_scenario *scenario, const struct vg_seen *seen)
{
	int best = -1, best_rank = -1;

	for (size_t i = 0; i < scenario->n_services; i++) {
		const int rank = service_rank(&scenario->services[i], seen);

		if (rank > best_rank) {
			best_rank = rank;
			best = (int)i;
		}
	}
	return best;
}

static bool setting_admits(enum vg_scenario_ingress ingress, const char *set)
{
	if (strcmp(set, "vpc") == 0 || strcmp(set, "shared-vpc") == 0)
		return true;
	return ingress == VG_SCENARIO_INTERNAL_LB &&
	       (strcmp(set, "load-balancer") == 0 || strcmp(set, "health-check") == 0 ||
		strcmp(set, "regional-proxy") == 0);
}

/* What a service (or -1, none) admits: all, or some sets. */
struct admits {
	bool all;
	__u64 sets;
};

static struct admits admits_of(const struct vg_scenario *scenario, size_t rule, int number)
{
	enum vg_scenario_ingress ingress = scenario->rules[rule];
	struct admits admits = {.sets = scenario->also_admit};

	if (ingress == VG_SCENARIO_INHERIT)
		ingress = scenario->ingress;
	if (number >= 0) {
		const struct vg_scenario_service *service = &scenario->services[number];

		if (service->ingress != VG_SCENARIO_INHERIT)
			ingress = service->ingress;
		if (service->has_also_admit)
			admits.sets = service->also_admit;
	}
	admits.all = ingress == VG_SCENARIO_ALL;
	for (size_t i = 0; i < scenario->n_sets; i++)
		if (setting_admits(ingress, scenario->sets[i].name))
			admits.sets |= 1ULL << i;
	return admits;
}

/* What both admit. */
static struct admits admits_both(const struct admits *a, const struct admits *b)
{
	return (struct admits){
		.all = a->all && b->all,
		.sets = (a->all ? ~0ULL : a->sets) & (b->all ? ~0ULL : b->sets),
	};
}

/*
 * The frame could be for a service whose feed has not answered, if that named the frame's very
 * destination: unless what is known matches better all the same, the service has to admit it, too.
 */
static struct admits admits_unread(const struct vg_gate *gate, const struct vg_seen *seen,
				   int found)
{
	const struct vg_scenario *scenario = gate->scenario;
	struct admits admits = {.all = true};

	for (size_t i = 0; i < scenario->n_services; i++) {
		const struct vg_scenario_service *service = &scenario->services[i];
		const int to = (int)vg_raw_bits(&seen->destination);
		const int rank = rank_by_to(service, seen, to);
		struct admits one;

		if (!service->unread || rank < 0)
			continue;
		if (found >= 0 && service_rank(&scenario->services[found], seen) > rank)
			continue;
		one = admits_of(scenario, gate->rule, (int)i);
		admits = admits_both(&admits, &one);
	}
	return admits;
}

/* Rows 7, 8, 11 and 12. */
static enum vg_outcome verdict_of(const struct admits *admits, __u64 sets)
{
	if (admits->all)
		return VG_PASS_OPEN;
	if (admits->sets & sets)
		return VG_PASS_ADMITTED;
	return sets ? VG_DROP_NOT_ADMITTED : VG_DROP_UNLISTED;
}

/* What may pass so far, by what is known and by all that there is. */
struct trial {
	struct admits known, all;
};

/* One thing that the L4 is, or may be: what all that were tried admit is admitted. Its service. */
static int try_l4(const struct vg_gate *gate, const struct vg_judgement *judgement, int protocol,
		  int port, struct trial *trial)
{
	struct vg_seen seen = judgement->seen;
	struct admits known, unread;
	int found;

	seen.protocol = protocol;
	seen.port = port;
	found = find_service(gate->scenario, &seen);
	known = admits_of(gate->scenario, gate->rule, found);
	unread = admits_unread(gate, &seen, found);
	trial->known = admits_both(&trial->known, &known);
	trial->all = admits_both(&trial->all, &known);
	trial->all = admits_both(&trial->all, &unread);
	return found;
}

static enum vg_outcome verdict_of_trial(const struct trial *trial, struct vg_judgement *judgement)
{
	const enum vg_outcome outcome = verdict_of(&trial->all, judgement->sets);

	judgement->unread = outcome != verdict_of(&trial->known, judgement->sets);
	return outcome;
}

/*
 * Finds the service and gives the verdict. Where the L4 is hidden, every protocol is tried, with each
 * port that a service names and with none of these; the frame is counted for a service only if it
 * can't be for another.
 */
static enum vg_outcome admission(const struct vg_gate *gate, struct vg_judgement *judgement)
{
	const struct vg_scenario *scenario = gate->scenario;
	struct trial trial = {.known = {.all = true}, .all = {.all = true}};
	const struct vg_seen *seen = &judgement->seen;

	if (seen->protocol >= 0) {
		judgement->service = try_l4(gate, judgement, seen->protocol, seen->port, &trial);
		return verdict_of_trial(&trial, judgement);
	}
	judgement->service = try_l4(gate, judgement, 256, -1, &trial);
	for (size_t i = 0; i < scenario->n_services; i++) {
		const struct vg_scenario_service *s = &scenario->services[i];

		if (s->protocol < 0)
			continue;
		if (try_l4(gate, judgement, s->protocol, -1, &trial) != judgement->service)
			judgement->service = -1;
		if (s->port &&
		    try_l4(gate, judgement, s->protocol, s->port, &trial) != judgement->service)
			judgement->service = -1;
	}
	return verdict_of_trial(&trial, judgement);
}

bool vg_oracle_admits(const struct vg_scenario *scenario, size_t rule,
		      const struct vg_raw_address *address)
{
	const struct admits admits = admits_of(scenario, rule, -1);
	struct vg_judgement judgement = {.set = -1, .seen = {.source = *address}};

	find_sets(scenario, &judgement);
	return admits.sets & judgement.sets;
}

enum vg_outcome vg_oracle_answer(const struct vg_gate *gate, const struct vg_tuple *tuple)
{
	struct vg_judgement judgement = {
		.set = -1,
		.seen = {.source = tuple->remote,
			 .destination = tuple->local,
			 .protocol = tuple->protocol,
			 .source_port = -1,
			 .port = -1,
			 .icmp_type = -1,
			 .hop_limit = -1},
	};

	if (tuple->protocol == 6 || tuple->protocol == 17 || tuple->protocol == 132)
		judgement.seen.port = tuple->local_port;
	find_sets(gate->scenario, &judgement);
	if (is_martian(&judgement))
		return VG_DROP_MARTIAN;
	if (is_metadata(&tuple->remote))
		return VG_PASS_ESSENTIAL;
	return admission(gate, &judgement);
}

/* Where this is false, nothing but row 10 depends on the L4. */
static bool looks_at_l4(const struct vg_gate *gate, const struct vg_judgement *judgement)
{
	const struct admits admits = admits_of(gate->scenario, gate->rule, -1);

	return gate->scenario->n_services > 0 ||
	       (gate->scenario->track && verdict_of(&admits, judgement->sets) >= VG_DROP_FIRST);
}

static enum vg_outcome judge_ip(const struct vg_gate *gate, const __u8 *frame, size_t length,
				struct vg_judgement *judgement)
{
	enum vg_outcome outcome;

	find_sets(gate->scenario, judgement);
	if (is_martian(judgement))
		return VG_DROP_MARTIAN;
	if (is_essential(judgement))
		return VG_PASS_ESSENTIAL;
	if (!looks_at_l4(gate, judgement)) {
		outcome = admission(gate, judgement);
		return vg_related(gate, frame, length, judgement, outcome);
	}
	if (vg_fragment_decides(gate, judgement, &outcome))
		return outcome;
	outcome = admission(gate, judgement);
	if (outcome >= VG_DROP_FIRST && vg_reply_passes(gate, length, judgement))
		outcome = VG_PASS_REPLY;
	if (judgement->seen.part == VG_SEEN_FIRST) {
		struct vg_judgement unknown = *judgement;

		unknown.seen.protocol = -1;
		unknown.seen.port = -1;
		unknown.outcome = admission(gate, &unknown);
		vg_fragment_remember(gate, judgement, outcome, &unknown);
	}
	return vg_related(gate, frame, length, judgement, outcome);
}

void vg_oracle_judge(const struct vg_gate *gate, const __u8 *frame, size_t length,
		     struct vg_judgement *ret_judgement)
{
	const struct vg_scenario *scenario = gate->scenario;
	struct vg_judgement judgement = {.set = -1, .service = -1};

	switch (vg_dissect(frame, length, &judgement.seen)) {
	case VG_DISSECTED_MALFORMED:
		judgement.outcome = VG_DROP_MALFORMED;
		break;
	case VG_DISSECTED_ARP:
		judgement.outcome = VG_PASS_ESSENTIAL;
		break;
	case VG_DISSECTED_NON_IP:
		judgement.outcome = scenario->non_ip_pass ? VG_PASS_NON_IP : VG_DROP_NON_IP;
		break;
	case VG_DISSECTED_IP:
		judgement.ip = true;
		judgement.outcome = judge_ip(gate, frame, length, &judgement);
		break;
	}
	if (judgement.outcome < VG_DROP_FIRST)
		judgement.verdict = VG_VERDICT_PASS;
	else
		judgement.verdict = scenario->monitor ? VG_VERDICT_WOULD_DROP : VG_VERDICT_DROP;
	*ret_judgement = judgement;
}

unsigned vg_oracle_row(const struct vg_judgement *judgement)
{
	if (judgement->verdict == VG_VERDICT_WOULD_DROP)
		return VG_ROW_WOULD_DROP(judgement->outcome);
	return judgement->outcome;
}

const char *vg_oracle_outcome(enum vg_outcome outcome)
{
#define OUTCOME_TEXT(verdict, reason, text) [VG_##verdict##_##reason] = (text),
	static const char *const texts[] = {VG_OUTCOMES(OUTCOME_TEXT)};
#undef OUTCOME_TEXT

	return texts[outcome];
}

const char *vg_oracle_verdict(enum vg_verdict verdict)
{
#define VERDICT_TEXT(verdict, text) [VG_VERDICT_##verdict] = (text),
	static const char *const texts[] = {VG_VERDICTS(VERDICT_TEXT)};
#undef VERDICT_TEXT

	return texts[verdict];
}
