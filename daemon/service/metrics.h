/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Prometheus text format, version 0.0.4. Pure. */
#ifndef VPCGATE_METRICS_H
#define VPCGATE_METRICS_H

#include "core/policy.h"
#include "dataplane/dataplane.h"
#include "service/cost.h"
#include "service/feed_report.h"
#include "service/wanted.h"

#define VG_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct vg_metrics {
	const struct vg_policy *policy;
	const struct vg_cost *cost; /* of its last publish */
	const struct vg_counters *counters;
	const struct vg_wanted *wanted;
	size_t n_wanted;
	const struct vg_tuned *tuned;
	size_t n_tuned;
	const struct vg_flow_stats *flows; /* NULL: replies are not tracked */
	const struct vg_feed_report *feeds;
	size_t n_feeds;
	__u64 generation;
	__u64 published_s;
	__u64 reloads_succeeded, reloads_failed;
	__u64 refreshes_succeeded, refreshes_failed;
	bool in_force; /* what the config file holds now */
	bool on_trial;
};

/* `ret_text` is a heap string of `ret_length` bytes. -ENOMEM. */
int vg_metrics_format(const struct vg_metrics *metrics, char **ret_text, size_t *ret_length);

#endif
