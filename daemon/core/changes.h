/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What differs between two policies, for people. */
#ifndef VPCGATE_CHANGES_H
#define VPCGATE_CHANGES_H

#include "core/policy.h"

#define VG_CHANGES_LISTED 20 /* prefixes of a set that are named, in each direction */

/* Prefixes are those that the set holds, wherever they came from; each counts once. */
struct vg_set_change {
	char name[VG_NAME_SIZE];
	bool is_new, is_gone;
	size_t n_added, n_removed;
	struct vg_prefix added[VG_CHANGES_LISTED], removed[VG_CHANGES_LISTED]; /* the first ones */
};

/* A service or a setting. Heap strings; NULL: there is none. */
struct vg_text_change {
	char *name, *before, *after;
};

struct vg_text_changes {
	struct vg_text_change *items;
	size_t n;
};

struct vg_changes {
	struct vg_set_change *sets;
	size_t n_sets;
	struct vg_text_changes services, settings;
};

/* From one policy to the other. -ENOMEM. End with vg_changes_done(). */
int vg_changes_find(const struct vg_policy *before, const struct vg_policy *after,
		    struct vg_changes *ret_changes);
void vg_changes_done(struct vg_changes *changes);

/* The same ranges in the same order, and the same name. */
bool vg_changes_same_set(const struct vg_set *a, const struct vg_set *b);

#endif
