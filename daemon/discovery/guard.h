/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is an answer to be believed? Servers answer wrongly for a while more often than networks lose most of
 * their ranges. So what an answer adds counts at once; but if it takes away too much of what answers
 * said before, those ranges are kept until answers have lacked them for some time. Pure: time is the
 * caller's.
 *
 * A loss is measured by what was believed over that same time, not by the last answer alone: a server
 * that loses half of its ranges each minute is held back as well.
 */
#ifndef VPCGATE_GUARD_H
#define VPCGATE_GUARD_H

#include <stdint.h>
#include "core/listing.h"

#define VG_GUARD_REASON_SIZE 384

struct vg_guard_rules {
	unsigned max_shrink_percent; /* of the ranges for one use that may go at once */
	uint64_t shrink_after_us;    /* how long a larger loss must last until it is believed */
	bool may_be_empty;	     /* the feed may rightly have no ranges */
};

/* Ranges that answers lack, and since when. By vg_listed_compare(). */
struct vg_missed {
	struct vg_missed_range {
		struct vg_listed range;
		uint64_t since_us;
	} * items;
	size_t n;
};

/* What is remembered of answers. All zeroes is an empty one; ends with vg_guard_done(). */
struct vg_guard {
	bool holds; /* something is kept that the last answer lacks, or an empty answer is refused */
	char reason[VG_GUARD_REASON_SIZE];
	uint64_t first_us, last_us; /* when the first, and the last of what is kept was missed */
	struct vg_missed missed;    /* what isn't in force of it was let go */
};

enum vg_guard_verdict { VG_GUARD_BELIEVED, VG_GUARD_HELD };

/*
 * Judges an answer by what is in force (NULL: nothing yet), both sorted, and adds to it what is to be
 * kept of that. Times are of a clock that nobody sets. Returns an enum vg_guard_verdict: with
 * VG_GUARD_HELD `guard` says why; an answer without any range is then left as it is where nothing is in
 * force, and not to be used. -ENOMEM; -E2BIG: the answer and what is kept are too many.
 */
int vg_guard_judge(struct vg_guard *guard, const struct vg_guard_rules *rules,
		   const struct vg_listing *in_force, struct vg_listing *fresh, uint64_t now_us);

/* What the last answer was: what is in force (or NULL) without what is kept. -ENOMEM. */
int vg_guard_without(const struct vg_guard *guard, const struct vg_listing *in_force,
		     struct vg_listing *ret_listing);

/* Forgets everything. */
void vg_guard_done(struct vg_guard *guard);

#endif
