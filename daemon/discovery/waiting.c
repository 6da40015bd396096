/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which feeds of a policy have no answer yet. */
#include <string.h>
#include "discovery/discovery.h"

static bool has_feed(const struct vg_policy *policy, const char *text)
{
	for (size_t i = 0; policy && i < policy->n_feeds; i++) {
		if (strcmp(policy->feeds[i].text, text) == 0)
			return true;
	}
	return false;
}

const struct vg_feed *vg_discovery_unanswered(const struct vg_discovery *discovery,
					      const struct vg_policy *policy,
					      const struct vg_policy *except)
{
	for (size_t i = 0; i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		const struct vg_feed_state *state = vg_discovery_state(discovery, feed->text);

		if (state && !state->answered && !has_feed(except, feed->text))
			return feed;
	}
	return NULL;
}

bool vg_discovery_is_waiting(const struct vg_discovery *discovery, const struct vg_policy *policy,
			     const struct vg_policy *except)
{
	for (size_t i = 0; i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		const struct vg_feed_state *state = vg_discovery_state(discovery, feed->text);

		if (state && state->waiting && !has_feed(except, feed->text))
			return true;
	}
	return false;
}
