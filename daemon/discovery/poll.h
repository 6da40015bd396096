/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One remote feed over time: when it is asked for, what becomes of its answers, and what is in force
 * of it. A failure never changes that.
 */
#ifndef VPCGATE_POLL_H
#define VPCGATE_POLL_H

#include "core/config.h"
#include "discovery/answers.h"
#include "discovery/discovery.h"
#include "discovery/hold.h"

/* What the polls of one policy have in common, which outlives them. */
struct vg_poll_common {
	sd_event *event;
	struct vg_cloud *cloud;
	const char *state_folder;
	const struct vg_cloud_nics *machine;   /* all that this machine has, as far as known */
	struct vg_discovery_settings settings; /* owned */
	vg_discovery_changed *changed;	       /* a poll has an answer that could be published */
	void *context;
};

struct vg_poll {
	const struct vg_poll_common *common;
	struct vg_feed feed;
	struct vg_feed_state state;
	struct vg_answers answers;
	struct vg_poll **larger; /* what it is taken away from, by policies that are wanted */
	size_t n_larger;
	struct vg_hold hold;
	char told[VG_GUARD_REASON_SIZE];    /* what is held back, as last logged */
	struct vg_fetch *fetch;		    /* that is under way, or NULL */
	const struct vg_poll_common *asked; /* whose cloud it uses, or the last one has used */
	sd_event_source *timer;		    /* of the next one */
	unsigned failures;		    /* since the last answer */
	uint64_t begun_us; /* when it was last asked for; this and the next of CLOCK_BOOTTIME */
	uint64_t saved_us; /* when its answer was last written to disk by this run; or 0 */
	bool begun, wanted;
};

/*
 * Reads what was saved; nothing is asked for yet. `aged`: that may be of any time, so that a fresh
 * answer is waited for, and isn't judged by it. `text` is one that vg_feed_parse() takes as a remote
 * feed. -ENOMEM, -EINVAL, or errno of sd-event.
 */
int vg_poll_new(const struct vg_poll_common *common, const char *text, bool aged,
		struct vg_poll **ret_poll);
void vg_poll_free(struct vg_poll *poll);

/* It is taken away from what that one holds. -ENOMEM. */
int vg_poll_take_from(struct vg_poll *poll, struct vg_poll *larger);

/* Asks at once, and goes on asking from then on. */
void vg_poll_ask(struct vg_poll *poll);

/* The same, after something has changed that an answer depends on: it will be a whole one. */
void vg_poll_ask_anew(struct vg_poll *poll);

/* What is shown has come into force, and is saved. */
void vg_poll_published(struct vg_poll *poll);
/* Hides an answer that has not come into force. */
void vg_poll_set_aside(struct vg_poll *poll);
/* Shows what was set aside; false where nothing was. */
bool vg_poll_show(struct vg_poll *poll);
/* What is shown can't come into force: it is forgotten, and asked for again at its time. */
void vg_poll_refuse(struct vg_poll *poll, const char *reason);

/* Believes what is held back; false where nothing is, or there is no memory. */
bool vg_poll_accept(struct vg_poll *poll);

#endif
