/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps the feeds of a policy up to date: asks again and again, judges each answer before anybody sees
 * it, remembers the last good one, on disk too, and tells when one has changed.
 */
#ifndef VPCGATE_DISCOVERY_H
#define VPCGATE_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "core/policy.h"
#include "discovery/fetch.h"

/* Changes within this time are told as one. */
#define VG_DISCOVERY_INTERVAL_US 1000000

struct vg_discovery;

/*
 * How a remote feed is. Texts are "" where there is nothing to say. The answer in force is the last one
 * that was believed: a fresh one, or the saved one after a start.
 */
struct vg_feed_state {
	bool answered;	/* there is an answer in force */
	bool saved;	/* it is that of an earlier run, read from disk */
	bool waiting;	/* there is none, but one may be on its way */
	int64_t read_s; /* when it was last confirmed, seconds since 1970; 0: never */
	size_t n_ranges;
	uint64_t answers, failures;	  /* since the start */
	char error[VG_FETCH_REASON_SIZE]; /* why the last question failed */
	char note[VG_FETCH_REASON_SIZE];  /* what the answer leaves out */
	char held[VG_FETCH_REASON_SIZE]; /* why a newer answer isn't believed yet, and until when */
	char store_error[VG_DIAG_TEXT_SIZE]; /* a saved answer that couldn't be used, or written */
};

/*
 * What feeds say has changed, or a file. Once a policy with it is in force,
 * vg_discovery_published() is to be called. Called from the event loop.
 */
typedef void vg_discovery_changed(void *context);

/*
 * `state_folder` and `outside` (as vg_client_open() has it) must outlive it. `machine`: all NICs that are known, filtered or not, copied; answers
 * that were saved on a machine with others aren't used. -ENOMEM, or errno of inotify and sd-event.
 */
int vg_discovery_open(sd_event *event, const char *state_folder, const char *outside,
		      const struct vg_cloud_nics *machine, vg_discovery_changed *changed,
		      void *context, struct vg_discovery **ret_discovery);
void vg_discovery_close(struct vg_discovery *discovery);

/*
 * The feeds of the policy in force are those that are wanted from now on, asked for with its settings
 * and for those NICs; others are forgotten, but for what is saved. -ENOMEM, or what vg_client_open()
 * returns; `diag` says what.
 */
int vg_discovery_want(struct vg_discovery *discovery, const struct vg_policy *in_force,
		      const struct vg_cloud_nics *nics, struct vg_diag *diag);
/*
 * Those of a policy that is to follow are wanted, too: what only it has is asked for with its settings
 * and NICs, and what has failed last time is asked for again. Nothing else changes for the policy in
 * force, which may be NULL. Errors as above.
 */
int vg_discovery_want_next(struct vg_discovery *discovery, const struct vg_policy *in_force,
			   const struct vg_policy *next, const struct vg_cloud_nics *nics,
			   struct vg_diag *diag);

/*
 * Is there a remote feed in `policy`, but not in `except` (or NULL), that has no answer, fresh or saved,
 * and may still get one soon?
 */
bool vg_discovery_is_waiting(const struct vg_discovery *discovery, const struct vg_policy *policy,
			     const struct vg_policy *except);
/* The first remote feed in `policy`, but not in `except` (or NULL), that has no answer, or NULL. */
const struct vg_feed *vg_discovery_unanswered(const struct vg_discovery *discovery,
					      const struct vg_policy *policy,
					      const struct vg_policy *except);

/*
 * Reads files, and knows what feeds have answered: what was saved, too, of a feed that nobody has
 * wanted so far. Valid as long as the discovery.
 */
const struct vg_reader *vg_discovery_reader(const struct vg_discovery *discovery);

/*
 * A policy with all that the reader gave is in force now. Answers are saved from then on. `on_trial`:
 * files of the former one may still be needed.
 */
void vg_discovery_published(struct vg_discovery *discovery, bool on_trial);
/*
 * No such policy could come into force. To find the answer that is to blame, all that have not come
 * into force are set aside, and then shown one after the other: each is either published or refused.
 * vg_discovery_show_next() returns false where none is left.
 */
void vg_discovery_set_aside(struct vg_discovery *discovery);
bool vg_discovery_show_next(struct vg_discovery *discovery);
void vg_discovery_refuse(struct vg_discovery *discovery, const char *reason);

/* Believes all answers that are held back. Returns how many. */
size_t vg_discovery_accept(struct vg_discovery *discovery);
/* As a reader's `answer`, with the discovery: as if they were believed. Valid until the next call. */
int vg_discovery_if_accepted(void *discovery, const char *feed,
			     const struct vg_listing **ret_listing, __s64 *ret_read_s);

/* Of the remote feed with that text; NULL where it is neither wanted nor was read. */
const struct vg_feed_state *vg_discovery_state(const struct vg_discovery *discovery,
					       const char *feed);

#endif
