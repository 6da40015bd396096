/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `tune: yes`: which settings of a NIC are changed so that its driver runs XDP itself, and the way
 * back. Pure.
 */
#ifndef VPCGATE_TUNING_H
#define VPCGATE_TUNING_H

#include "core/obstacles.h"

/*
 * The changes that take out of the way what is known to be. Returns how many; 0: nothing is, or not all
 * of it can be, so that the rest would be changed for nothing.
 */
size_t vg_tuning_plan(const struct vg_nic_facts *facts,
		      struct vg_nic_change changes[VG_MAX_OBSTACLES]);

/*
 * What to remember of `change` where `earlier`, of the same setting, was made before it: what somebody
 * else has set in between is what has to come back.
 */
struct vg_nic_change vg_tuning_join(const struct vg_nic_change *earlier,
				    const struct vg_nic_change *change);

enum vg_tuning_back {
	VG_TUNING_BACK,	     /* it is as it was set: the value before has to come back */
	VG_TUNING_UNCHANGED, /* the value before is there: it was never changed, or is back */
	VG_TUNING_OTHERS,    /* somebody else has set it since, and it stays so */
};

enum vg_tuning_back vg_tuning_back(const struct vg_nic_change *change, struct vg_nic_value now);

const char *vg_nic_setting_text(enum vg_nic_setting setting); /* "queues", "MTU" */

/* "4 RX, 1 TX", "on", "1500". Returns `out`. */
#define VG_NIC_VALUE_SIZE 32
const char *vg_nic_value_text(enum vg_nic_setting setting, struct vg_nic_value value,
			      char out[VG_NIC_VALUE_SIZE]);

#endif
