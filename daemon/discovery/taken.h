/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guard of feeds that are taken away from others (google:goog minus google:cloud): what such an
 * answer adds is what the difference loses. It is held back as a whole where that is too much, measured
 * by addresses, since taking a part of each of a few large ranges may be little. Pure: time is the
 * caller's.
 */
#ifndef VPCGATE_TAKEN_H
#define VPCGATE_TAKEN_H

#include "discovery/guard.h"

/* All zeroes is an empty one; ends with vg_taken_done(). */
struct vg_taken {
	bool holds;
	char reason[VG_GUARD_REASON_SIZE];
	uint64_t since_us;	   /* when it was first held back */
	struct vg_listing settled; /* what was in force about as long ago as a loss has to last */
	uint64_t settled_us;	   /* when it became that; 0: there is none */
};

/*
 * Judges an answer, which is to be taken from `whole` instead of what is in force. Returns an
 * enum vg_guard_verdict, with the reason where it is held back; -E2BIG, -ENOMEM.
 */
int vg_taken_judge(struct vg_taken *taken, const struct vg_guard_rules *rules,
		   const struct vg_listing *whole, const struct vg_listing *in_force,
		   const struct vg_listing *fresh, uint64_t now_us);

void vg_taken_done(struct vg_taken *taken);

#endif
