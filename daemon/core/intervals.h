/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Overlapping routes flattened into the intervals of addresses that they amount to. */
#ifndef VPCGATE_INTERVALS_H
#define VPCGATE_INTERVALS_H

#include <stddef.h>
#include "core/classes.h"
#include "core/prefix.h"

/* A flag of routes alone: VG_CLASS_MARTIAN, but only for addresses that are in no set. */
#define VG_ROUTE_MARTIAN_UNLISTED 0x8000

/*
 * A prefix and what it adds to the addresses inside it: they belong to `sets`, carry `flags`, and
 * take `source` from the longest of their routes that has any sets (ties: the lowest source).
 */
struct vg_route {
	struct vg_prefix prefix;
	__u64 sets;
	__u16 flags; /* enum vg_class_flag */
	__u16 source;
};

/* An address as a number, its first bit on top: IPv4 fills the upper 32 bits. */
typedef unsigned __int128 vg_number;

static inline vg_number vg_number_of(const struct vg_address *address)
{
	return (vg_number)address->hi << 64 | address->lo;
}

/* Addresses from `start` to the next interval's have that class, and the next one has another. */
struct vg_interval {
	vg_number start;
	__u32 class;
};

/* In order; the first starts at 0. Owns its items; all zeroes is a valid empty object to _done. */
struct vg_intervals {
	struct vg_interval *items;
	size_t n;
};

/*
 * Flattens `routes`, all of one family. Classes are added to `classes`. -E2BIG: more than
 * VG_MAX_CLASSES of them; -ENOMEM.
 */
int vg_intervals_build(const struct vg_route *routes, size_t n, struct vg_classes *classes,
		       struct vg_intervals *ret_intervals);
void vg_intervals_done(struct vg_intervals *intervals);

#endif
