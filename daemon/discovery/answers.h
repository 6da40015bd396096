/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one feed has answered: what is in force of it, and what is believed and to follow that once a
 * policy with it is in force. Pure.
 */
#ifndef VPCGATE_ANSWERS_H
#define VPCGATE_ANSWERS_H

#include "discovery/fetch.h"
#include "discovery/store.h"

/* An answer that is believed, but not in force yet. */
enum vg_answers_news {
	VG_ANSWERS_NO_NEWS,
	VG_ANSWERS_SHOWN, /* it is what the feed has to say */
	VG_ANSWERS_ASIDE, /* it was shown, and what was made of it could not come into force */
};

/* All zeroes: there is none so far. Ends with vg_answers_done(). */
struct vg_answers {
	struct vg_saved in_force; /* or read from disk, where `any` */
	struct vg_saved fresh;	  /* what is to follow it, unless VG_ANSWERS_NO_NEWS */
	bool any;
	bool aged; /* it is from disk, of a time when nobody may have kept it up to date */
	enum vg_answers_news news;
};

/* What was believed last, or NULL. */
struct vg_saved *vg_answers_latest(struct vg_answers *answers);
/* What the feed has to say: the answer in force, or one that is to follow; NULL: nothing so far. */
const struct vg_saved *vg_answers_shown(const struct vg_answers *answers);

/*
 * What a new answer can be compared with: the latest, if it is of the same NICs in the same networks.
 * NULL: nothing; what another machine was told says nothing of this one.
 */
const struct vg_saved *vg_answers_base(struct vg_answers *answers,
				       const struct vg_fetch_result *result);
/*
 * Adds what could not be seen this time to the new answer, from `base` (or NULL). Returns whether nothing
 * was missing; `ret_usable` as in struct vg_saved. -E2BIG, -ENOMEM.
 */
int vg_answers_supplement(const struct vg_saved *base, struct vg_fetch_result *result,
			  bool *ret_usable);

/*
 * Takes over what `saved` holds, as the latest. Returns whether its ranges are others than those of the
 * one before: then it is shown, and waits to be in force.
 */
bool vg_answers_take(struct vg_answers *answers, struct vg_saved *saved);

/* What is shown has come into force; false where nothing new was. */
bool vg_answers_publish(struct vg_answers *answers);
/* Hides what has not come into force; false where there is nothing like that. */
bool vg_answers_set_aside(struct vg_answers *answers);
/* Shows what was set aside; false where nothing was. */
bool vg_answers_show(struct vg_answers *answers);
/* Forgets what is shown and not in force; false where nothing is. */
bool vg_answers_refuse(struct vg_answers *answers);

void vg_answers_done(struct vg_answers *answers);

#endif
