/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy that is in force for some time only, unless somebody confirms it. Its end is told by the
 * clock that counts from the boot (CLOCK_BOOTTIME), which nobody can set, and holds for that boot alone.
 */
#ifndef VPCGATE_TRIAL_H
#define VPCGATE_TRIAL_H

#include <linux/types.h>
#include <stdbool.h>

#define VG_TRIAL_MIN_S 10
#define VG_TRIAL_MAX_S 3600
#define VG_BOOT_ID_SIZE 37 /* as /proc/sys/kernel/random/boot_id has it, and the NUL */

struct vg_trial {
	bool given; /* false: the policy is in force for good, and all else is 0 */
	bool confirmed;
	unsigned duration_s;
	__u64 deadline_us;
	char boot_id[VG_BOOT_ID_SIZE];
	__u64 back; /* the generation that comes back */
};

/* When something happens: CLOCK_BOOTTIME, and of which boot. */
struct vg_moment {
	__u64 boot_us;
	char boot_id[VG_BOOT_ID_SIZE];
};

/*
 * How long it may still wait; 0: it is over, as it is in another boot. Also where more is left than it
 * was given, so that the clocks can't be the same: what is in doubt goes back.
 */
__u64 vg_trial_left_us(const struct vg_trial *trial, const struct vg_moment *now);

/* In another boot than the one it was begun in? */
bool vg_trial_is_of_another_boot(const struct vg_trial *trial, const struct vg_moment *now);

#endif
