/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "core/trial.h"

bool vg_trial_is_of_another_boot(const struct vg_trial *trial, const struct vg_moment *now)
{
	return strcmp(trial->boot_id, now->boot_id) != 0;
}

__u64 vg_trial_left_us(const struct vg_trial *trial, const struct vg_moment *now)
{
	const __u64 given_us = trial->duration_s * 1000000ULL;

	if (vg_trial_is_of_another_boot(trial, now) || now->boot_us >= trial->deadline_us ||
	    trial->deadline_us - now->boot_us > given_us)
		return 0;
	return trial->deadline_us - now->boot_us;
}
