/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One remote feed over time: when it is asked for, what becomes of its answers, and what is in force
 * of it. A failure never changes that.
 */
#ifndef VPCGATE_POLL_H
#define VPCGATE_POLL_H

#include "core/config.h"
#include "discovery/discovery.h"
#include "discovery/guard.h"
#include "discovery/store.h"

/* What all polls of a discovery have in common, which outlives them. */
struct vg_poll_common {
	sd_event *event;
	struct vg_cloud *cloud;
	const char *state_folder;
	struct vg_discovery_settings settings; /* owned */
	vg_discovery_changed *changed;	       /* the answer in force of a poll is another one */
	void *context;
};

struct vg_poll {
	const struct vg_poll_common *common;
	struct vg_feed feed;
	struct vg_feed_state state;
	struct vg_saved answer; /* in force, where state.answered */
	struct vg_guard guard;
	int64_t held_read_s;	/* when the server last said what is held */
	uint64_t told_us;	/* since when that is held which was told of last */
	struct vg_fetch *fetch; /* that is under way, or NULL */
	sd_event_source *timer; /* of the next one */
	unsigned failures;	/* since the last answer */
	uint64_t begun_us; /* when it was last asked for; this and the next of CLOCK_BOOTTIME */
	uint64_t saved_us; /* when its answer was last written to disk by this run; or 0 */
	bool begun, wanted;
};

/*
 * Reads what was saved; nothing is asked for yet. `text` is one that vg_feed_parse() takes as a remote
 * feed. -ENOMEM, -EINVAL, or errno of sd-event.
 */
int vg_poll_new(const struct vg_poll_common *common, const char *text, struct vg_poll **ret_poll);
void vg_poll_free(struct vg_poll *poll);

/* Asks at once, and goes on asking from then on. */
void vg_poll_ask(struct vg_poll *poll);

/* The same, after something has changed that an answer depends on: it will be a whole one. */
void vg_poll_ask_anew(struct vg_poll *poll);

/* Believes what is held back; false where nothing is. */
bool vg_poll_accept(struct vg_poll *poll);

#endif
