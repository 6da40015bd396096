/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <string.h>
#include "core/explain.h"
#include "share/check.h"
#include "share/cleanup.h"

#define MAX_NOTES 16
#define NOTE_SIZE 256

static const struct vg_position nowhere;

#define REFUSE(diag, error, ...) vg_diag_set(diag, error, NULL, nowhere, __VA_ARGS__)

/* Digits alone, 1 to 65535. */
static int parse_port_number(const char *text, int *ret_port)
{
	int port = 0;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
		return -EINVAL;
	for (; *text; text++)
		port = port * 10 + (*text - '0');
	if (port < 1 || port > 65535)
		return -EINVAL;
	*ret_port = port;
	return 0;
}

static int parse_port(const char *text, struct vg_question *question, struct vg_diag *diag)
{
	const char *slash = strchr(text, '/');
	char protocol[16];
	size_t length = slash ? (size_t)(slash - text) : strlen(text);

	if (length >= sizeof(protocol))
		length = sizeof(protocol) - 1;
	memcpy(protocol, text, length);
	protocol[length] = '\0';
	if (vg_protocol_parse(protocol, &question->protocol) < 0) {
		int port;

		if (!slash && parse_port_number(text, &port) == 0)
			return REFUSE(diag, EINVAL,
				      "'%s' has no protocol; write tcp/%s, udp/%s or sctp/%s", text,
				      text, text, text);
		return REFUSE(
			diag, EINVAL,
			"'%s' is not a port; write tcp/443, or a protocol alone as in icmp or 47",
			text);
	}
	if (!slash)
		return 0;
	if (!vg_protocol_has_ports(question->protocol))
		return REFUSE(diag, EINVAL, "%s has no ports; write %s alone", protocol, protocol);
	if (parse_port_number(slash + 1, &question->port) < 0)
		return REFUSE(diag, EINVAL, "'%s' is not a port number; it is one from 1 to 65535",
			      slash + 1);
	return 0;
}

static int parse_rule(const struct vg_policy *policy, const char *interface, size_t *ret_rule,
		      struct vg_diag *diag)
{
	int rule;

	if (!policy->n_rules)
		return REFUSE(diag, EINVAL, "the policy filters no interface");
	if (!interface) {
		*ret_rule = 0;
		return 0;
	}
	rule = vg_policy_rule(policy, interface);
	if (rule < 0)
		return REFUSE(
			diag, EINVAL,
			"'%s' is not filtered: `interfaces` of %s has no item that matches it",
			interface, policy->path);
	*ret_rule = rule;
	return 0;
}

static int parse_question(const struct vg_policy *policy, const struct vg_check *check,
			  struct vg_question *question, struct vg_diag *diag)
{
	*question = (struct vg_question){
		.protocol = VG_PROTOCOL_ANY,
		.source_port = -1,
		.port = -1,
		.icmp_type = -1,
		.hop_limit = -1,
	};
	if (vg_address_parse(check->address, &question->source) < 0)
		return REFUSE(diag, EINVAL,
			      "'%s' is not an address; write one such as 192.0.2.1 or 2001:db8::1",
			      check->address);
	if (check->to) {
		if (vg_address_parse(check->to, &question->destination) < 0)
			return REFUSE(
				diag, EINVAL,
				"'%s' is not a destination address; write one such as 192.0.2.1",
				check->to);
		if (question->destination.family != question->source.family)
			return REFUSE(diag, EINVAL,
				      "%s and %s are not of one family; both are IPv4 or both IPv6",
				      check->address, check->to);
		question->has_destination = true;
	}
	if (check->port) {
		int r = parse_port(check->port, question, diag);

		if (r < 0)
			return r;
	}
	return parse_rule(policy, check->interface, &question->rule, diag);
}

static enum vg_verdict verdict_of(const struct vg_policy *policy, const struct vg_answer *answer)
{
	enum vg_verdict verdict = vg_outcome_verdict(answer->outcome);

	return verdict == VG_VERDICT_DROP && policy->monitor ? VG_VERDICT_WOULD_DROP : verdict;
}

static json_t *set_names(const struct vg_policy *policy, __u64 sets)
{
	json_t *names = json_array();

	for (size_t i = 0; i < policy->n_sets; i++)
		if (sets >> i & 1)
			json_array_append_new(names, json_string(policy->sets[i].name));
	return names;
}

static void add_note(json_t *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_note(json_t *notes, const char *format, ...)
{
	char text[NOTE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(notes, json_string(text));
}

/*
 * Fills in what the question left open so that a frame to `service` is asked about; no destination
 * where none is known yet. False where the question already says something else, or where nothing was
 * open.
 */
static bool aim_at_service(const struct vg_service *service, const struct vg_question *asked,
			   struct vg_question *question)
{
	bool open = false;

	*question = *asked;
	if (service->protocol != VG_PROTOCOL_ANY && service->protocol != asked->protocol) {
		if (asked->protocol != VG_PROTOCOL_ANY)
			return false;
		question->protocol = service->protocol;
		open = true;
	}
	if (service->port && service->port != asked->port) {
		if (asked->port >= 0)
			return false;
		question->port = service->port;
		open = true;
	}
	if (service->has_to && !asked->has_destination) {
		for (size_t i = 0; i < service->n_to && !question->has_destination; i++) {
			question->destination = service->to[i].address;
			question->has_destination =
				question->destination.family == asked->source.family;
		}
		if (!question->has_destination && !service->unread)
			return false;
		open |= question->has_destination;
	}
	return open;
}

static void note_service(const struct vg_policy *policy, const struct vg_service *service,
			 const struct vg_question *question, const struct vg_answer *answer,
			 json_t *notes)
{
	char to[VG_PREFIX_TEXT_SIZE], protocol[16], aim[128];
	int length = 0;

	aim[0] = '\0';
	if (service->protocol != VG_PROTOCOL_ANY)
		length = snprintf(aim, sizeof(aim), " for %s",
				  vg_protocol_text(service->protocol, protocol));
	if (service->port)
		length += snprintf(aim + length, sizeof(aim) - length, "/%d", service->port);
	if (service->n_to && question->has_destination)
		snprintf(aim + length, sizeof(aim) - length, " to %s",
			 vg_address_format(&question->destination, to));
	add_note(notes, "service %s decides otherwise%s: %s, %s", service->name, aim,
		 vg_verdict_text(verdict_of(policy, answer)), vg_outcome_text(answer->outcome));
}

/* Services that a port, protocol or destination not asked about would lead to. */
static void note_services(const struct vg_policy *policy, const struct vg_question *asked,
			  const struct vg_answer *answer, json_t *notes)
{
	size_t more = 0;

	for (size_t i = 0; i < policy->n_services; i++) {
		struct vg_question question;
		struct vg_answer other;

		if (!aim_at_service(&policy->services[i], asked, &question))
			continue;
		vg_explain(policy, &question, &other);
		if ((other.service != (int)i && !vg_explain_is_held_to(policy, &question, i)) ||
		    vg_outcome_verdict(other.outcome) == vg_outcome_verdict(answer->outcome))
			continue;
		if (json_array_size(notes) < MAX_NOTES)
			note_service(policy, &policy->services[i], &question, &other, notes);
		else
			more++;
	}
	if (more)
		add_note(notes, "%zu more services decide otherwise; ask with --port or --to",
			 more);
}

/* Services that may turn out to be the one that decides. */
static void note_unread(const struct vg_policy *policy, const struct vg_question *question,
			const struct vg_answer *answer, json_t *notes)
{
	const bool by_service = answer->service >= 0;

	if (answer->outcome == VG_DROP_MARTIAN || answer->outcome == VG_PASS_ESSENTIAL)
		return;
	for (size_t i = 0; i < policy->n_services && json_array_size(notes) < MAX_NOTES; i++) {
		const struct vg_service *service = &policy->services[i];

		if (vg_explain_is_held_to(policy, question, i))
			add_note(notes,
				 "the destinations of service %s are not known yet ('%.64s' has "
				 "not answered): judged by the stricter of it and %s%s",
				 service->name, service->unread->text,
				 by_service ? "service " : "the interface",
				 by_service ? policy->services[answer->service].name : "");
	}
}

/* What still passes from a source that is dropped when its L4 isn't known. */
static const struct essential {
	int family, protocol, source_port, port, icmp_type, hop_limit;
	const char *text;
} essentials[] = {
	{4, IPPROTO_UDP, 67, 68, -1, -1, "DHCP answers (udp 67 to 68) pass all the same"},
	{6, IPPROTO_UDP, 547, 546, -1, -1, "DHCPv6 answers (udp 547 to 546) pass all the same"},
	{6, IPPROTO_ICMPV6, -1, -1, 135, 255,
	 "neighbour and router discovery (ICMPv6 133 to 137) pass all the same"},
	{6, IPPROTO_ICMPV6, -1, -1, 131, 1, "MLD (ICMPv6 130 to 132 and 143) passes all the same"},
};

static void note_essentials(const struct vg_policy *policy, const struct vg_question *asked,
			    const struct vg_answer *answer, json_t *notes)
{
	if (vg_outcome_verdict(answer->outcome) == VG_VERDICT_PASS || asked->port >= 0)
		return;
	for (size_t i = 0; i < VG_ARRAY_SIZE(essentials); i++) {
		const struct essential *essential = &essentials[i];
		struct vg_question question = *asked;
		struct vg_answer other;

		if (essential->family != asked->source.family ||
		    (asked->protocol != VG_PROTOCOL_ANY && asked->protocol != essential->protocol))
			continue;
		question.protocol = essential->protocol;
		question.source_port = essential->source_port;
		question.port = essential->port;
		question.icmp_type = essential->icmp_type;
		question.hop_limit = essential->hop_limit;
		vg_explain(policy, &question, &other);
		if (other.outcome == VG_PASS_ESSENTIAL)
			add_note(notes, "%s", essential->text);
	}
}

/* What still passes of a refused source since this host has sent something there. */
static void note_tracked(int protocol, bool is_icmp, json_t *notes)
{
	if (protocol == IPPROTO_TCP)
		add_note(notes, "a reply to a connection that this host opened would pass (reply), "
				"a SYN not");
	else if (is_icmp)
		add_note(notes, "the reply to an echo request of this host would pass (reply)");
	else
		add_note(notes, "a reply to a flow that this host opened would pass (reply)");
}

static void note_replies(const struct vg_policy *policy, const struct vg_question *asked,
			 const struct vg_answer *answer, json_t *notes)
{
	const int icmp = asked->source.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const bool is_icmp = asked->protocol == icmp;

	if (answer->outcome != VG_DROP_NOT_ADMITTED && answer->outcome != VG_DROP_UNLISTED)
		return;
	if (policy->replies.track)
		note_tracked(asked->protocol, is_icmp, notes);
	else
		add_note(notes,
			 "`replies: off`: replies from there to this host's own connections "
			 "%s dropped too",
			 policy->monitor ? "would be" : "are");
	if (is_icmp || (asked->protocol == VG_PROTOCOL_ANY && policy->replies.track))
		add_note(notes,
			 "an ICMP error that quotes a flow which passes would pass (related)");
}

static json_t *make_notes(const struct vg_policy *policy, const struct vg_check *check,
			  const struct vg_question *question, const struct vg_answer *answer)
{
	json_t *notes = json_array();

	if (!check->interface && policy->n_rules > 1)
		add_note(notes, "judged as on '%s', the first of %zu items of `interfaces`",
			 policy->rules[0].pattern, policy->n_rules);
	if (verdict_of(policy, answer) == VG_VERDICT_WOULD_DROP)
		add_note(notes,
			 "`enforcement: monitor`: the frame passes and is counted as would-drop");
	note_unread(policy, question, answer, notes);
	note_services(policy, question, answer, notes);
	note_essentials(policy, question, answer, notes);
	note_replies(policy, question, answer, notes);
	return notes;
}

static void put_text(json_t *json, const char *key, const char *text)
{
	json_object_set_new(json, key, text ? json_string(text) : json_null());
}

static json_t *make_answer(const struct vg_policy *policy, const struct vg_check *check,
			   const struct vg_question *question, const struct vg_answer *answer)
{
	const struct vg_effective *effective = &answer->effective;
	const int set = answer->set, service = answer->service;
	char text[VG_PREFIX_TEXT_SIZE];
	const char *origin = NULL;
	json_t *json = json_object();

	if (answer->has_prefix && set >= 0)
		origin = policy->origins[answer->origin].text;
	put_text(json, "address", vg_address_format(&question->source, text));
	put_text(json, "to", check->to ? vg_address_format(&question->destination, text) : NULL);
	put_text(json, "port", check->port);
	put_text(json, "interface", check->interface ?: policy->rules[0].pattern);
	put_text(json, "verdict", vg_verdict_text(verdict_of(policy, answer)));
	put_text(json, "reason", vg_outcome_text(answer->outcome));
	put_text(json, "prefix",
		 answer->has_prefix ? vg_prefix_format(&answer->prefix, text) : NULL);
	put_text(json, "origin", origin);
	put_text(json, "source", set >= 0 ? policy->sets[set].name : NULL);
	json_object_set_new(json, "sets", set_names(policy, answer->sets));
	put_text(json, "service", service >= 0 ? policy->services[service].name : NULL);
	put_text(json, "ingress", vg_ingress_text(effective->ingress));
	json_object_set_new(json, "admits",
			    set_names(policy, effective->open ? 0 : effective->sets));
	json_object_set_new(json, "notes", make_notes(policy, check, question, answer));
	return json;
}

int vg_check_json(const struct vg_policy *policy, const struct vg_check *check, json_t **ret_json,
		  struct vg_diag *diag)
{
	struct vg_question question;
	struct vg_answer answer;
	json_t *json;
	int r;

	r = parse_question(policy, check, &question, diag);
	if (r < 0)
		return r;
	vg_explain(policy, &question, &answer);
	json = make_answer(policy, check, &question, &answer);
	if (!json)
		return REFUSE(diag, ENOMEM, "no memory for the answer");
	*ret_json = json;
	return 0;
}
