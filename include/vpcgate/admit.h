/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a setting admits a source, for the datapath and for what is worked out before. */
#ifndef VPCGATE_ADMIT_H
#define VPCGATE_ADMIT_H

#include "vpcgate/abi.h"

/* Rows 7, 8, 11 and 12 of the verdict table, for a source that is in `sets`; `open`: ingress is `all`. */
static inline __u32 vg_admit(__u32 open, __u64 admitted, __u64 sets)
{
	if (open)
		return VG_PASS_OPEN;
	if (sets & admitted)
		return VG_PASS_ADMITTED;
	return sets ? VG_DROP_NOT_ADMITTED : VG_DROP_UNLISTED;
}

/* Where a frame is counted. */
static inline __u32 vg_cell(__u32 outcome, __u32 source, __u32 monitor)
{
	const __u32 dropped = outcome >= VG_DROP_FIRST;

	return (dropped && monitor ? VG_ROW_WOULD_DROP(outcome) : outcome) * VG_MAX_SOURCES +
	       source;
}

/* Fills in what follows from the setting of a frame for no service. `class` has its sets and source. */
static inline void vg_class_admit(struct vg_class *class, const struct vg_admission *rule,
				  __u32 monitor)
{
	const __u32 outcome = vg_admit(rule->open, rule->sets, class->sets);

	class->pass = outcome < VG_DROP_FIRST;
	class->cell = vg_cell(outcome, class->source, monitor);
	class->refused = vg_cell(vg_admit(0, 0, class->sets), class->source, monitor);
}

#endif
