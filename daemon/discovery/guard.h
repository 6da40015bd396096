/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is an answer to be believed? One that takes away too much of what is in force is held back until it
 * has stayed the same for some time: servers answer wrongly for a while more often than networks lose
 * most of their ranges. Pure: time is the caller's.
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

/* What is held back, if anything. All zeroes is an empty one; ends with vg_guard_done(). */
struct vg_guard {
	bool holds;
	struct vg_listing held; /* sorted */
	uint64_t since_us;	/* when it first came */
	char reason[VG_GUARD_REASON_SIZE];
};

enum vg_guard_verdict { VG_GUARD_BELIEVED, VG_GUARD_HELD };

/*
 * Judges a listing by what is in force (NULL: nothing yet), both sorted. Times are of a clock that
 * nobody sets. Where it is believed nothing is held any more; else `guard` has a copy of it, and why.
 * Returns an enum vg_guard_verdict, or -ENOMEM.
 */
int vg_guard_judge(struct vg_guard *guard, const struct vg_guard_rules *rules,
		   const struct vg_listing *in_force, const struct vg_listing *fresh,
		   uint64_t now_us);

/* Lets go of what is held. */
void vg_guard_done(struct vg_guard *guard);

#endif
