/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <string.h>
#include "core/explain.h"
#include "share/cleanup.h"

/* clang-format off */
#define PREFIX4(a, b, c, d, length) \
	{{.hi = (a) * (1ULL << 56) + (b) * (1ULL << 48) + (c) * (1ULL << 40) + (d) * (1ULL << 32), \
	  .family = 4}, length}
#define PREFIX6(first, last, length) {{(__u64)(first) << 48, last, 6}, length}
/* clang-format on */

#define HOP_LIMIT_OF_NEIGHBOURS 255 /* a router would have lowered it (RFC 4861) */

#define DHCP4_SERVER_PORT 67
#define DHCP4_CLIENT_PORT 68
#define DHCP6_SERVER_PORT 547
#define DHCP6_CLIENT_PORT 546

/* Can't be a sender, whatever the sets say. */
static const struct vg_prefix martians[] = {
	PREFIX4(0, 0, 0, 0, 8),		 PREFIX4(127, 0, 0, 0, 8), PREFIX4(224, 0, 0, 0, 4),
	PREFIX4(255, 255, 255, 255, 32), PREFIX6(0, 1, 128),	   PREFIX6(0xff00, 0, 8),
};

/* Can't be a sender unless a set lists it: some VPCs use it as private space. */
static const struct vg_prefix reserved4 = PREFIX4(240, 0, 0, 0, 4);

static const struct vg_prefix metadata[] = {
	PREFIX4(169, 254, 169, 254, 32),
	{{0xfd20ULL << 48 | 0xceULL << 32, 0x254, 6}, 128},
};

/* Private and link-local. */
static const struct vg_prefix dhcp4_servers[] = {
	PREFIX4(10, 0, 0, 0, 8),
	PREFIX4(172, 16, 0, 0, 12),
	PREFIX4(192, 168, 0, 0, 16),
	PREFIX4(169, 254, 0, 0, 16),
};

static const struct vg_prefix link_local6 = PREFIX6(0xfe80, 0, 10);
static const struct vg_prefix unspecified6 = PREFIX6(0, 0, 128);

static bool any_contains(const struct vg_prefix *prefixes, size_t n,
			 const struct vg_address *address)
{
	for (size_t i = 0; i < n; i++) {
		if (vg_prefix_contains(&prefixes[i], address))
			return true;
	}
	return false;
}

/* All sets that hold the source; the longest prefix is counted, of ties the first in the file. */
static void find_sets(const struct vg_policy *policy, const struct vg_address *source,
		      struct vg_answer *answer)
{
	for (size_t i = 0; i < policy->n_sets; i++) {
		const struct vg_set *set = &policy->sets[i];

		for (size_t j = 0; j < vg_set_size(set); j++) {
			const struct vg_range range = vg_set_range(set, j);

			if (!vg_prefix_contains(&range.prefix, source))
				continue;
			answer->sets |= 1ULL << i;
			if (answer->has_prefix && range.prefix.length <= answer->prefix.length)
				continue;
			answer->has_prefix = true;
			answer->prefix = range.prefix;
			answer->origin = range.origin;
			answer->set = (int)i;
		}
	}
}

/* Neighbour and router discovery that no router has forwarded. */
static bool is_ndp(const struct vg_question *question)
{
	return question->source.family == 6 && question->protocol == IPPROTO_ICMPV6 &&
	       question->icmp_type >= 133 && question->icmp_type <= 137 &&
	       question->hop_limit == HOP_LIMIT_OF_NEIGHBOURS;
}

/* Multicast listener discovery, versions 1 and 2. */
static bool is_mld(const struct vg_question *question)
{
	return question->source.family == 6 && question->protocol == IPPROTO_ICMPV6 &&
	       ((question->icmp_type >= 130 && question->icmp_type <= 132) ||
		question->icmp_type == 143);
}

static bool is_martian(const struct vg_question *question, const struct vg_answer *answer)
{
	if (any_contains(martians, VG_ARRAY_SIZE(martians), &question->source))
		return true;
	if (vg_prefix_contains(&reserved4, &question->source))
		return !answer->sets;
	if (vg_prefix_contains(&unspecified6, &question->source))
		return !is_ndp(question) && !is_mld(question);
	return false;
}

static bool is_dhcp(const struct vg_question *question)
{
	if (question->protocol != IPPROTO_UDP)
		return false;
	if (question->source.family == 4)
		return question->source_port == DHCP4_SERVER_PORT &&
		       question->port == DHCP4_CLIENT_PORT &&
		       any_contains(dhcp4_servers, VG_ARRAY_SIZE(dhcp4_servers), &question->source);
	return question->source_port == DHCP6_SERVER_PORT && question->port == DHCP6_CLIENT_PORT &&
	       vg_prefix_contains(&link_local6, &question->source);
}

static bool is_essential(const struct vg_question *question, const struct vg_answer *answer)
{
	const bool on_link = vg_prefix_contains(&link_local6, &question->source) ||
			     vg_prefix_contains(&unspecified6, &question->source);

	if (any_contains(metadata, VG_ARRAY_SIZE(metadata), &question->source))
		return true;
	if (is_ndp(question) && (on_link || answer->sets))
		return true;
	return (is_mld(question) && on_link) || is_dhcp(question);
}

static bool matches_l4(const struct vg_service *service, const struct vg_question *question)
{
	return (service->protocol == VG_PROTOCOL_ANY || service->protocol == question->protocol) &&
	       (!service->port || service->port == question->port);
}

/* The longest `to` comes first (no `to` is below 0.0.0.0/0), then a port, then a protocol. */
static int rank(const struct vg_service *service, int to_length)
{
	return (to_length + 1) * 4 + (service->port != 0) * 2 +
	       (service->protocol != VG_PROTOCOL_ANY);
}

/* How well a service matches: -1 not at all, else larger is better. */
static int match(const struct vg_service *service, const struct vg_question *question)
{
	int length = -1;

	if (!matches_l4(service, question))
		return -1;
	for (size_t i = 0; question->has_destination && i < service->n_to; i++) {
		const struct vg_prefix *prefix = &service->to[i];

		if (prefix->length > length && vg_prefix_contains(prefix, &question->destination))
			length = prefix->length;
	}
	return service->has_to && length < 0 ? -1 : rank(service, length);
}

/* How well it would match if a feed that has not answered named the very address; -1 without such. */
static int match_unread(const struct vg_service *service, const struct vg_question *question)
{
	if (!service->unread || !matches_l4(service, question))
		return -1;
	return rank(service, question->source.family == 4 ? 32 : 128);
}

/* The service that matches best, or -1; `ret_rank` is how well. */
static int find_service(const struct vg_policy *policy, const struct vg_question *question,
			int *ret_rank)
{
	int found = -1, best = -1;

	for (size_t i = 0; i < policy->n_services; i++) {
		const int ranked = match(&policy->services[i], question);

		if (ranked > best) {
			best = ranked;
			found = (int)i;
		}
	}
	*ret_rank = best;
	return found;
}

bool vg_explain_is_held_to(const struct vg_policy *policy, const struct vg_question *question,
			   size_t i)
{
	const int unread = match_unread(&policy->services[i], question);
	int best;

	return unread >= 0 && find_service(policy, question, &best) != (int)i && unread >= best;
}

/* The service that decides, and what is admitted: nothing that one with a feed unread may refuse. */
static int find_admission(const struct vg_policy *policy, const struct vg_question *question,
			  struct vg_effective *ret_effective)
{
	int best;
	const int service = find_service(policy, question, &best);

	*ret_effective = vg_policy_effective(policy, question->rule, service);
	for (size_t i = 0; i < policy->n_services; i++) {
		const int unread = match_unread(&policy->services[i], question);
		struct vg_effective effective;

		if (unread < 0 || unread < best)
			continue;
		effective = vg_policy_effective(policy, question->rule, (int)i);
		*ret_effective = vg_policy_stricter(ret_effective, &effective);
	}
	return service;
}

/* Admits no more than the service that this L4 would be for; -1: several have been met. */
static void tighten(const struct vg_policy *policy, struct vg_question question, int protocol,
		    int port, struct vg_answer *answer)
{
	struct vg_effective effective;
	int service;

	question.protocol = protocol;
	question.port = port;
	service = find_admission(policy, &question, &effective);
	answer->effective = vg_policy_stricter(&answer->effective, &effective);
	if (service != answer->service)
		answer->service = -1;
}

/* All that the hidden L4 may be: each protocol and port that a service names, and all others. */
static void explain_hidden(const struct vg_policy *policy, const struct vg_question *question,
			   struct vg_answer *answer)
{
	struct vg_question unnamed = *question;

	unnamed.protocol = VG_PROTOCOL_ANY;
	unnamed.port = -1;
	answer->service = find_admission(policy, &unnamed, &answer->effective);
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct vg_service *service = &policy->services[i];

		if (service->protocol == VG_PROTOCOL_ANY)
			continue;
		tighten(policy, *question, service->protocol, -1, answer);
		if (service->port)
			tighten(policy, *question, service->protocol, service->port, answer);
	}
}

void vg_explain(const struct vg_policy *policy, const struct vg_question *question,
		struct vg_answer *ret_answer)
{
	struct vg_answer answer = {.set = -1, .service = -1};

	find_sets(policy, &question->source, &answer);
	answer.effective = vg_policy_effective(policy, question->rule, -1);
	if (is_martian(question, &answer)) {
		answer.outcome = VG_DROP_MARTIAN;
	} else if (is_essential(question, &answer)) {
		answer.outcome = VG_PASS_ESSENTIAL;
	} else {
		if (question->protocol == VG_PROTOCOL_HIDDEN)
			explain_hidden(policy, question, &answer);
		else
			answer.service = find_admission(policy, question, &answer.effective);
		if (answer.effective.open)
			answer.outcome = VG_PASS_OPEN;
		else if (answer.sets & answer.effective.sets)
			answer.outcome = VG_PASS_ADMITTED;
		else
			answer.outcome = answer.sets ? VG_DROP_NOT_ADMITTED : VG_DROP_UNLISTED;
	}
	*ret_answer = answer;
}

const char *vg_outcome_text(enum vg_outcome outcome)
{
#define OUTCOME_TEXT(verdict, reason, text) [VG_##verdict##_##reason] = text,
	static const char *const texts[] = {VG_OUTCOMES(OUTCOME_TEXT)};
#undef OUTCOME_TEXT

	return texts[outcome];
}

enum vg_verdict vg_outcome_verdict(enum vg_outcome outcome)
{
#define OUTCOME_VERDICT(verdict, reason, text) [VG_##verdict##_##reason] = VG_VERDICT_##verdict,
	static const enum vg_verdict verdicts[] = {VG_OUTCOMES(OUTCOME_VERDICT)};
#undef OUTCOME_VERDICT

	return verdicts[outcome];
}

const char *vg_verdict_text(enum vg_verdict verdict)
{
#define VERDICT_TEXT(name, text) [VG_VERDICT_##name] = text,
	static const char *const texts[] = {VG_VERDICTS(VERDICT_TEXT)};
#undef VERDICT_TEXT

	return texts[verdict];
}

enum vg_outcome vg_row_outcome(unsigned row)
{
	if (row < VG_OUTCOME_MAX)
		return (enum vg_outcome)row;
	return (enum vg_outcome)(row - VG_ROW_WOULD_DROP(VG_DROP_FIRST) + VG_DROP_FIRST);
}

enum vg_verdict vg_row_verdict(unsigned row)
{
	if (row < VG_OUTCOME_MAX)
		return vg_outcome_verdict((enum vg_outcome)row);
	return VG_VERDICT_WOULD_DROP;
}
