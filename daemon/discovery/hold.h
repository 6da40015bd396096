/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is held back of one feed's answers, by either of its two guards: the loss of ranges (guard.h),
 * and what a feed that is taken away from others would take (taken.h). Pure: time is the caller's.
 */
#ifndef VPCGATE_HOLD_H
#define VPCGATE_HOLD_H

#include "discovery/store.h"
#include "discovery/taken.h"

/* All zeroes: nothing is held. Ends with vg_hold_done(). */
struct vg_hold {
	struct vg_guard guard;
	struct vg_taken taken;
	struct vg_saved whole;	       /* an answer of which nothing comes into force */
	struct vg_listing if_accepted; /* what vg_hold_if_accepted() has made */
};

/*
 * Judges an answer by the one before it (NULL: none that it can be compared with), both sorted, and
 * adds to it what is to be kept of that. `larger`: what the feed is taken away from, or NULL. Returns
 * whether nothing of it may come into force; then vg_hold_keep() is to have it. -ENOMEM, -E2BIG.
 */
int vg_hold_judge(struct vg_hold *hold, const struct vg_guard_rules *rules,
		  const struct vg_listing *larger, const struct vg_listing *old,
		  struct vg_listing *fresh, uint64_t now_us);
/* Takes over what `saved` holds. */
void vg_hold_keep(struct vg_hold *hold, struct vg_saved *saved);

bool vg_hold_holds(const struct vg_hold *hold);
/* Why, or "". */
const char *vg_hold_reason(const struct vg_hold *hold);
/* Since when the first, and the last of what is held back is, by the clock of vg_hold_judge(). */
uint64_t vg_hold_first_us(const struct vg_hold *hold);
uint64_t vg_hold_last_us(const struct vg_hold *hold);

/* What the last answer said, where something is held back; nothing is then. `old` as above. -ENOMEM. */
int vg_hold_accept(struct vg_hold *hold, const struct vg_saved *old, struct vg_saved *ret_saved);
/*
 * What vg_hold_accept() would make the listing; it is held back still. Valid until the next call of any
 * of these. -ENOMEM.
 */
int vg_hold_if_accepted(struct vg_hold *hold, const struct vg_saved *old,
			const struct vg_listing **ret_listing);

void vg_hold_done(struct vg_hold *hold);

#endif
