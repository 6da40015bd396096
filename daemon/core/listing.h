/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A listing: the ranges that one feed held at one time, and what each of them is for. Pure. */
#ifndef VPCGATE_LISTING_H
#define VPCGATE_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include "core/prefix.h"

#define VG_LISTING_MAX_RANGES 250000
#define VG_LISTING_MAX_SCOPES 1024
#define VG_LISTING_NO_SCOPE 0xffff
#define VG_LISTING_ANY_SCOPE "*" /* to vg_listing_keep(): all ranges, of any scope and of none */

/* X(constant, text): what a range is for, which decides the set that it goes to (core/sources.c). */
#define VG_RANGE_USES(X)                    \
	X(ANY, "any")                       \
	X(SUBNET, "subnet")                 \
	X(GLOBAL_PROXY, "global-proxy")     \
	X(REGIONAL_PROXY, "regional-proxy") \
	X(PSC, "psc")

#define VG_RANGE_USE_ENUM(use, text) VG_RANGE_##use,
enum vg_range_use { VG_RANGE_USES(VG_RANGE_USE_ENUM) VG_RANGE_USE_MAX };
#undef VG_RANGE_USE_ENUM

struct vg_listed {
	struct vg_prefix prefix;
	__u8 use;    /* enum vg_range_use */
	__u16 scope; /* index of the region or zone that it was listed under, or VG_LISTING_NO_SCOPE */
};

/* All zeroes is an empty one; ends with vg_listing_done(). */
struct vg_listing {
	struct vg_listed *items;
	size_t n, allocated;
	char **scopes;
	size_t n_scopes;
	bool shared; /* the network belongs to another project than this VM */
};

/*
 * Is the prefix so short that no network's range is: half of all addresses, as those announce who
 * want all traffic, down to an eighth of IPv4's and a 128th of IPv6's? What a server says may not
 * admit so many.
 */
bool vg_listing_is_too_wide(const struct vg_prefix *prefix);

const char *vg_range_use_text(enum vg_range_use use);
/* -EINVAL: no such use. */
int vg_range_use_parse(const char *text, enum vg_range_use *ret_use);

/* -E2BIG: more than VG_LISTING_MAX_RANGES; -ENOMEM. */
int vg_listing_add(struct vg_listing *listing, const struct vg_prefix *prefix,
		   enum vg_range_use use, __u16 scope);
/* The index of a scope of that name, which is new or was there. -E2BIG, -ENOMEM. */
int vg_listing_scope(struct vg_listing *listing, const char *name, __u16 *ret_scope);
/*
 * By family, address, length and use; each once, under the lowest of its scopes. All that compares
 * listings wants them sorted; those that work on sets of addresses don't.
 */
void vg_listing_sort(struct vg_listing *listing);
void vg_listing_done(struct vg_listing *listing);

/* By family, address, length and use: < 0, 0, > 0. */
int vg_listed_compare(const struct vg_listed *a, const struct vg_listed *b);
/* Both sorted: the same ranges for the same uses, of the same network's kind. */
bool vg_listing_equal(const struct vg_listing *a, const struct vg_listing *b);

/* How many ranges of one the other doesn't have, both sorted. */
void vg_listing_count_changes(const struct vg_listing *old, const struct vg_listing *new,
			      size_t *ret_added, size_t *ret_removed);

/*
 * Tells for each of the `old` ranges (`ret_gone` has room for as many) whether `new` doesn't cover it
 * any more, with one range or several, of the same use. A range that was merged with its neighbour
 * isn't gone. -ENOMEM.
 */
int vg_listing_gone(const struct vg_listing *old, const struct vg_listing *new, bool *ret_gone);

/*
 * Adds to `listing` what `old` has under the scopes named, which couldn't be read this time (with
 * VG_LISTING_ANY_SCOPE among them: all that it has), and sorts it. -E2BIG, -ENOMEM: `listing` may hold a
 * part.
 */
int vg_listing_keep(struct vg_listing *listing, const struct vg_listing *old,
		    const char *const *scopes, size_t n_scopes);

/* The addresses of a family that the ranges cover, as a share of all that it has: from 0 to 1. */
double vg_listing_share(const struct vg_listing *disjoint, int family);

/*
 * The addresses of `from` that are not in `minus`, in as few prefixes as say it; uses and scopes
 * are dropped. Sets of addresses, not texts: 8.8.0.0/16 minus 8.8.8.0/24 is eight prefixes.
 * Sorted. -E2BIG: more than VG_LISTING_MAX_RANGES; -ENOMEM.
 */
int vg_listing_subtract(const struct vg_listing *from, const struct vg_listing *minus,
			struct vg_listing *ret_difference);

#endif
