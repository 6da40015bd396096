/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include "service/hints.h"
#include "share/cleanup.h"
#include "share/render.h"

#define LOAD_BALANCER "load-balancer"
#define HEALTH_CHECK "health-check"
#define NEARLY_FULL_PERCENT 90
#define LOST_RECENTLY_S 3600

static void add(json_t *array, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(json_t *array, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	else
		json_array_append_new(array, json_string(text));
}

static void hint_nic(json_t *array, const struct vg_wanted *nic)
{
	switch (nic->state) {
	case VG_NIC_ABSENT:
		add(array, "%s is absent: it is filtered as soon as it appears", nic->name);
		break;
	case VG_NIC_FAILED:
	case VG_NIC_DETACHED:
		add(array, "%s is not filtered: %s", nic->name, nic->reason);
		break;
	default:
		if (*nic->reason)
			add(array, "%s is filtered in %s mode: %s", nic->name,
			    vg_attach_mode_text(nic->attachment.mode), nic->reason);
	}
	if (nic->state == VG_NIC_ATTACHED && vg_wanted_is_renamed(nic))
		add(array,
		    "%s was called %s, and stays filtered by the rule of that name: name it as it is "
		    "called now in `interfaces`",
		    nic->name, nic->known_as);
	if (nic->state == VG_NIC_ATTACHED && *nic->unrecorded)
		add(array, "%s has no recorder of replies: %s", nic->name, nic->unrecorded);
}

/* "its 12 ranges of 3 h 12 min ago". */
static void format_answer(const struct vg_feed_report *report, time_t now, char *out, size_t size)
{
	char count[VG_RENDER_SIZE], age[VG_RENDER_SIZE];
	const size_t n = report->state->n_ranges;

	snprintf(out, size, "its %s range%s of %s ago", vg_render_count(n, count),
		 n == 1 ? "" : "s", vg_render_duration(vg_feed_report_age_s(report, now), age));
}

static void hint_feed(json_t *array, const struct vg_feed_report *report, time_t now)
{
	const struct vg_feed_state *state = report->state;
	char answer[128];

	if (!state)
		return;
	format_answer(report, now, answer, sizeof(answer));
	switch (vg_feed_report_health(report)) {
	case VG_FEED_HELD:
		add(array, "%s: %s", report->feed, state->held);
		break;
	case VG_FEED_UNREAD:
		add(array, "%s has not answered so far, and gives no ranges until it does%s%s",
		    report->feed, *state->error ? ": " : "", state->error);
		break;
	case VG_FEED_FAILING:
		add(array, "%s: %s; %s stay in force", report->feed, state->error, answer);
		break;
	case VG_FEED_SAVED:
		add(array, "%s has not answered since the start: %s, read from disk, are in force",
		    report->feed, answer);
		break;
	default:
		break;
	}
	if (*state->note)
		add(array, "%s: %s", report->feed, state->note);
	if (*state->store_error)
		add(array, "%s: %s", report->feed, state->store_error);
}

/* What waits for a feed more than ranges do. */
static void hint_unread(json_t *array, const struct vg_policy *policy)
{
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct vg_service *service = &policy->services[i];

		if (service->unread)
			add(array,
			    "the destinations of service %s are not known before %s has answered: "
			    "until then, what may be for it passes only if the service admits it as "
			    "well",
			    service->name, service->unread->text);
	}
}

static void hint_flows(json_t *array, const struct vg_flow_stats *flows)
{
	const __u64 more = 2 * flows->max < VG_MAX_FLOWS ? 2 * flows->max : VG_MAX_FLOWS;
	const bool nearly_full = flows->fullest >= flows->max / 100 * NEARLY_FULL_PERCENT;
	char fullest[32], max[32], lost[32];

	if (flows->max >= VG_MAX_FLOWS || (!nearly_full && flows->lost_s >= LOST_RECENTLY_S))
		return;
	vg_render_count(flows->fullest, fullest);
	vg_render_count(flows->max, max);
	if (nearly_full)
		add(array,
		    "the table of flows is nearly full (%s of %s): raise `replies: {max-flows: %llu}`",
		    fullest, max, (unsigned long long)more);
	else
		add(array,
		    "within the last hour flows were pushed out of their table, or found no place "
		    "there (%s so far): raise `replies: {max-flows: %llu}`",
		    vg_render_count(flows->evicted + flows->full, lost), (unsigned long long)more);
}

/* Whether a frame from `set` can still be refused on this rule, and by what. */
struct refusal {
	bool by_interface;
	int service; /* the first service that refuses it, or -1 */
	enum vg_ingress ingress;
};

static bool admits(const struct vg_effective *effective, int set)
{
	return effective->open || effective->sets >> set & 1;
}

static bool find_refusal(const struct vg_policy *policy, size_t rule, int set,
			 struct refusal *ret_refusal)
{
	struct vg_effective effective = vg_policy_effective(policy, rule, -1);

	if (!admits(&effective, set)) {
		*ret_refusal = (struct refusal){true, -1, effective.ingress};
		return true;
	}
	for (size_t i = 0; i < policy->n_services; i++) {
		effective = vg_policy_effective(policy, rule, i);
		if (admits(&effective, set))
			continue;
		*ret_refusal = (struct refusal){false, i, effective.ingress};
		return true;
	}
	return false;
}

static void format_advice(const char *set, const struct refusal *refusal, char *out, size_t size)
{
	const char *where = refusal->by_interface
				    ? "the service that it may reach, or beside `ingress`"
				    : "that service";

	if (strcmp(set, HEALTH_CHECK) == 0)
		snprintf(out, size,
			 "add `also-admit: [" HEALTH_CHECK "]` to the service that is probed");
	else if (strcmp(set, LOAD_BALANCER) == 0 && refusal->ingress == VG_INGRESS_INTERNAL)
		snprintf(
			out, size,
			"set `ingress: %s`, or add `also-admit: [" LOAD_BALANCER
			"]` to %s; if these are "
			"health checks, add `also-admit: [" HEALTH_CHECK
			"]` to the service that is probed "
			"(both come from 35.191.0.0/16 and 130.211.0.0/22 and can't be told apart there: "
			"they are counted under whichever set comes first)",
			vg_ingress_text(VG_INGRESS_INTERNAL_LB), where);
	else
		snprintf(out, size, "add `also-admit: [%s]` to %s", set, where);
}

static void hint_not_admitted(json_t *array, const struct vg_policy *policy, const char *interface,
			      const char *set, const struct refusal *refusal, __u64 packets)
{
	char count[32], advice[512];

	format_advice(set, refusal, advice, sizeof(advice));
	vg_render_count(packets, count);
	if (refusal->by_interface)
		add(array, "%s %s %s time%s on %s: `ingress: %s` does not admit it; %s", set,
		    policy->monitor ? "would have been dropped" : "was dropped", count,
		    packets == 1 ? "" : "s", interface, vg_ingress_text(refusal->ingress), advice);
	else
		add(array,
		    "%s %s %s time%s on %s: service %s (`ingress: %s`) does not admit it; %s", set,
		    policy->monitor ? "would have been dropped" : "was dropped", count,
		    packets == 1 ? "" : "s", interface, policy->services[refusal->service].name,
		    vg_ingress_text(refusal->ingress), advice);
}

/* Packets with this verdict and outcome on an interface, from one set or (NULL) from any. */
static __u64 count_packets(const struct vg_counters *counters, const char *interface,
			   enum vg_verdict verdict, enum vg_outcome outcome, const char *set)
{
	__u64 packets = 0;

	for (size_t i = 0; i < counters->n; i++) {
		const struct vg_counter *counter = &counters->items[i];

		if (counter->verdict == verdict && counter->outcome == outcome &&
		    strcmp(counter->interface, interface) == 0 &&
		    (!set || strcmp(counter->source, set) == 0))
			packets += counter->count.packets;
	}
	return packets;
}

static void hint_drops(json_t *array, const struct vg_hints *hints, const struct vg_wanted *nic)
{
	const struct vg_policy *policy = hints->policy;
	const enum vg_verdict verdict = policy->monitor ? VG_VERDICT_WOULD_DROP : VG_VERDICT_DROP;
	__u64 packets;

	for (size_t i = 0; i < policy->n_sets; i++) {
		const char *set = policy->sets[i].name;
		struct refusal refusal;

		packets = count_packets(hints->counters, nic->name, verdict, VG_DROP_NOT_ADMITTED,
					set);
		if (packets && find_refusal(policy, nic->rule, i, &refusal))
			hint_not_admitted(array, policy, nic->name, set, &refusal, packets);
	}
}

static void hint_monitor(json_t *array, const struct vg_hints *hints)
{
	__u64 packets = 0;
	char count[32];

	for (size_t i = 0; i < hints->n_wanted; i++)
		packets += count_packets(hints->counters, hints->wanted[i].name,
					 VG_VERDICT_WOULD_DROP, VG_DROP_UNLISTED, NULL);
	if (packets)
		add(array,
		    "monitor: %s packet%s from sources in no set would have been dropped; switch with "
		    "`enforcement: enforce`",
		    vg_render_count(packets, count), packets == 1 ? "" : "s");
}

json_t *vg_hints_json(const struct vg_hints *hints)
{
	json_t *array = json_array();

	if (!array)
		return NULL;
	if (hints->confirm_hint)
		add(array, "%s", hints->confirm_hint);
	if (hints->reload_error)
		add(array,
		    "the last reload was refused (%s); the policy in force is generation %" PRIu64,
		    hints->reload_error, (uint64_t)hints->generation);
	if (hints->config && hints->config_error)
		add(array,
		    "%s can't be read (%s): mend that, or the next start fails; `vpcgate history "
		    "%" PRIu64 "` prints what is in force",
		    hints->config, strerror(-hints->config_error), (uint64_t)hints->generation);
	else if (hints->config)
		add(array,
		    "%s is not what is in force: `vpcgate validate` and `vpcgate apply` it, or "
		    "`vpcgate rollback %" PRIu64 "` to write there what is",
		    hints->config, (uint64_t)hints->generation);
	if (hints->refresh_error)
		add(array,
		    "ranges have changed, but are not taken over (%s); the policy in force is "
		    "generation %" PRIu64,
		    hints->refresh_error, (uint64_t)hints->generation);
	if (hints->stale_error)
		add(array, "%s; what the file held before is in force", hints->stale_error);
	if (hints->history_error)
		add(array, "%s", hints->history_error);
	if (hints->exporter_error)
		add(array, "%s", hints->exporter_error);
	for (size_t i = 0; i < hints->n_wanted; i++)
		hint_nic(array, &hints->wanted[i]);
	for (size_t i = 0; i < hints->n_feeds; i++)
		hint_feed(array, &hints->feeds[i], hints->now);
	hint_unread(array, hints->policy);
	for (size_t i = 0; i < hints->n_wanted; i++)
		hint_drops(array, hints, &hints->wanted[i]);
	if (hints->flows)
		hint_flows(array, hints->flows);
	if (hints->policy->monitor)
		hint_monitor(array, hints);
	return array;
}
