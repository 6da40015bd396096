/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/feed_report.h"
#include "share/cleanup.h"

#define MINUS " minus " /* between the two feeds of an origin */

const char *vg_feed_health_text(enum vg_feed_health health)
{
#define HEALTH_TEXT(name, text) [VG_FEED_##name] = text,
	static const char *const texts[] = {VG_FEED_HEALTHS(HEALTH_TEXT)};
#undef HEALTH_TEXT

	return texts[health];
}

enum vg_feed_health vg_feed_report_health(const struct vg_feed_report *report)
{
	const struct vg_feed_state *state = report->state;

	if (!state)
		return VG_FEED_FRESH;
	if (*state->held)
		return VG_FEED_HELD;
	if (!state->answered)
		return VG_FEED_UNREAD;
	if (*state->error)
		return VG_FEED_FAILING;
	return state->saved ? VG_FEED_SAVED : VG_FEED_FRESH;
}

uint64_t vg_feed_report_age_s(const struct vg_feed_report *report, time_t now)
{
	return now > report->state->read_s ? (uint64_t)(now - report->state->read_s) : 0;
}

struct vg_feed_report *vg_feed_report_list(const struct vg_discovery *discovery,
					   const struct vg_policy *policy)
{
	struct vg_feed_report *reports = calloc(policy->n_feeds + 1, sizeof(*reports));

	for (size_t i = 0; reports && i < policy->n_feeds; i++) {
		reports[i].feed = policy->feeds[i].text;
		reports[i].state = vg_discovery_state(discovery, reports[i].feed);
	}
	return reports;
}

/* "" is nothing to say. */
static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static json_t *report_json(const struct vg_feed_report *report, time_t now)
{
	const char *health = vg_feed_health_text(vg_feed_report_health(report));
	const struct vg_feed_state *state = report->state;
	json_t *json;

	if (!state)
		return json_pack("{ss ss sn sn sn sn sn sn sn sn sn}", "feed", report->feed,
				 "state", health, "read_s", "age_s", "ranges", "error", "note",
				 "held", "store_error", "answers", "failures");
	json = json_pack("{ss ss ss? ss? ss? ss? sI sI}", "feed", report->feed, "state", health,
			 "error", text_or_null(state->error), "note", text_or_null(state->note),
			 "held", text_or_null(state->held), "store_error",
			 text_or_null(state->store_error), "answers", (json_int_t)state->answers,
			 "failures", (json_int_t)state->failures);
	json_object_set_new(json, "read_s",
			    state->answered ? json_integer(state->read_s) : json_null());
	json_object_set_new(json, "age_s",
			    state->answered
				    ? json_integer((json_int_t)vg_feed_report_age_s(report, now))
				    : json_null());
	json_object_set_new(json, "ranges",
			    state->answered ? json_integer((json_int_t)state->n_ranges)
					    : json_null());
	return json;
}

json_t *vg_feed_report_json(const struct vg_feed_report *reports, size_t n, time_t now)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, report_json(&reports[i], now));
	return array;
}

/* When the feed of that text, `length` bytes of it, was confirmed; 0: it has no answer, or is a file. */
static int64_t confirmed_s(const struct vg_discovery *discovery, const char *text, size_t length)
{
	_cleanup_free_ char *feed = strndup(text, length);
	const struct vg_feed_state *state = feed ? vg_discovery_state(discovery, feed) : NULL;

	return state ? state->read_s : 0;
}

void vg_feed_report_date_origins(const struct vg_discovery *discovery, struct vg_policy *policy)
{
	for (size_t i = 0; i < policy->n_origins; i++) {
		struct vg_origin *origin = &policy->origins[i];
		const char *minus = strstr(origin->text, MINUS);
		int64_t read_s, minus_s;

		if (!origin->feed || !origin->read_s)
			continue;
		if (!minus) {
			origin->read_s = confirmed_s(discovery, origin->text, strlen(origin->text));
			continue;
		}
		read_s = confirmed_s(discovery, origin->text, (size_t)(minus - origin->text));
		minus_s = confirmed_s(discovery, minus + strlen(MINUS),
				      strlen(minus + strlen(MINUS)));
		origin->read_s = read_s < minus_s ? read_s : minus_s;
	}
}
