/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the feeds of a policy are, for `status`, hints and metrics. */
#ifndef VPCGATE_FEED_REPORT_H
#define VPCGATE_FEED_REPORT_H

#include <jansson.h>
#include <time.h>
#include "discovery/discovery.h"

/* X(constant, text of the control socket), in the order in which they are looked for */
#define VG_FEED_HEALTHS(X)    \
	X(FRESH, "fresh")     \
	X(HELD, "held")       \
	X(UNREAD, "unread")   \
	X(FAILING, "failing") \
	X(SAVED, "saved")

#define VG_FEED_HEALTH_ENUM(name, text) VG_FEED_##name,
enum vg_feed_health { VG_FEED_HEALTHS(VG_FEED_HEALTH_ENUM) VG_FEED_HEALTH_MAX };
#undef VG_FEED_HEALTH_ENUM

const char *vg_feed_health_text(enum vg_feed_health health);

struct vg_feed_report {
	const char *feed;		   /* its text */
	const struct vg_feed_state *state; /* NULL: it is a file */
};

/* What matters most about a feed. Files are read together with the policy, and always fresh. */
enum vg_feed_health vg_feed_report_health(const struct vg_feed_report *report);

/* Seconds since the answer in force was confirmed; a clock that was set back makes it 0. */
uint64_t vg_feed_report_age_s(const struct vg_feed_report *report, time_t now);

/* One for each feed of the policy, in its order: a heap array, or NULL for no memory. */
struct vg_feed_report *vg_feed_report_list(const struct vg_discovery *discovery,
					   const struct vg_policy *policy);

/* The member "feeds" of `status` (share/wire.h). */
json_t *vg_feed_report_json(const struct vg_feed_report *reports, size_t n, time_t now);

/* Gives the origins of a policy the times at which their feeds were confirmed since it was built. */
void vg_feed_report_date_origins(const struct vg_discovery *discovery, struct vg_policy *policy);

#endif
