/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets per second by interface and verdict, from two readings of the counters. Pure. */
#ifndef VPCGATE_RATE_H
#define VPCGATE_RATE_H

#include <stdint.h>
#include "dataplane/dataplane.h"

/* How often the daemon takes a reading. */
#define VG_RATE_INTERVAL_US 10000000

struct vg_rate_reading {
	char interface[VG_NAME_SIZE];
	__u64 packets[VG_VERDICT_MAX];
	double per_second[VG_VERDICT_MAX];
};

/* All zeroes is a valid object without a reading; it owns no memory. */
struct vg_rates {
	struct vg_rate_reading readings[VG_MAX_INTERFACES];
	size_t n;
	uint64_t taken_us; /* 0: never */
};

/* Sums of all counters of one interface. */
void vg_rate_sum(const struct vg_counters *counters, const char *interface,
		 struct vg_count ret_sums[VG_VERDICT_MAX]);

/* Takes a reading at `now_us`; rates are 0 for an interface until its second one. */
void vg_rate_update(struct vg_rates *rates, const struct vg_counters *counters, uint64_t now_us);

double vg_rate_get(const struct vg_rates *rates, const char *interface, enum vg_verdict verdict);

#endif
