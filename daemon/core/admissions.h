/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rows that the admission table has for each rule: row 0 for no service, one for each service
 * behind it, then mixes, which admit what several of those admit.
 */
#ifndef VPCGATE_ADMISSIONS_H
#define VPCGATE_ADMISSIONS_H

#include "core/policy.h"

/* Rows of one rule: those of all services, and a mix for each destination. */
#define VG_MAX_ADMISSIONS 16384

struct vg_admissions {
	size_t n_rules;
	struct vg_effective *effective; /* n_rules a row; behind the last, the mix that is made */
	__u16 *service;			/* which is counted, by row: its index, or VG_NO_SERVICE */
	size_t n;			/* rows */
	__u16 *buckets;			/* rows by hash; VG_MAX_ADMISSIONS: free */
};

/* No service and the services. Owns its fields; all zeroes is a valid object to _done. -ENOMEM. */
int vg_admissions_init(struct vg_admissions *admissions, const struct vg_policy *policy);
void vg_admissions_done(struct vg_admissions *admissions);

/*
 * A mix begins as some row, admits no more than each row that it is tightened by, and ends as a row
 * which counts frames for `service`: perhaps one that is there already. If it were one more than
 * VG_MAX_ADMISSIONS, a row that admits nobody stands for it.
 */
void vg_admissions_begin(struct vg_admissions *admissions, __u16 row);
void vg_admissions_tighten(struct vg_admissions *admissions, __u16 row);
__u16 vg_admissions_end(struct vg_admissions *admissions, __u16 service);

#endif
