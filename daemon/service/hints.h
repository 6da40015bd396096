/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an operator should know or change, in sentences that name the setting. Pure. */
#ifndef VPCGATE_HINTS_H
#define VPCGATE_HINTS_H

#include <jansson.h>
#include "core/policy.h"
#include "dataplane/dataplane.h"
#include "service/feed_report.h"
#include "service/wanted.h"

struct vg_hints {
	const struct vg_policy *policy;
	const struct vg_counters *counters;
	const struct vg_wanted *wanted;
	size_t n_wanted;
	const struct vg_flow_stats *flows; /* NULL: replies are not tracked */
	const struct vg_feed_report *feeds;
	size_t n_feeds;
	time_t now;
	__u64 generation;
	const char *reload_error;  /* why the last reload, or the start, was refused, or NULL */
	const char *config;	   /* the file that isn't what is in force, or NULL */
	int config_error;	   /* why it can't be read; 0: it holds something else */
	const char *refresh_error; /* why changed ranges weren't taken over, or NULL */
	const char *
		stale_error; /* what is wrong with a file whose older contents are in force, or NULL */
	const char
		*confirm_hint; /* that a policy is on trial, or what of it needs a hand, or NULL */
	const char *history_error;  /* why the last config isn't in the history, or NULL */
	const char *exporter_error; /* why the exporter does not listen as configured, or NULL */
};

/*
 * An array of sentences, what needs action first. Counters outlive policies: drops that the policy
 * in force would not repeat give no hint.
 */
json_t *vg_hints_json(const struct vg_hints *hints);

#endif
