/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The classes that addresses fall into: each combination of sets and flags once. */
#ifndef VPCGATE_CLASSES_H
#define VPCGATE_CLASSES_H

#include <linux/types.h>
#include <stddef.h>
#include "vpcgate/abi.h"

/* What an address amounts to once all its routes are merged. */
struct vg_trie_class {
	__u64 sets;
	__u16 flags;
	__u16 source; /* VG_TRIE_NO_SOURCE where `sets` is 0 */
};
#define VG_TRIE_NO_SOURCE 0xffff

/* Classes of one or more tries. Element 0 is "in no route". */
struct vg_classes {
	struct vg_trie_class *items;
	size_t n, allocated;
	__u32 *buckets;
	size_t n_buckets;
};

/* Owns its fields; all zeroes is a valid empty object to _done. -ENOMEM. */
int vg_classes_init(struct vg_classes *classes);
void vg_classes_done(struct vg_classes *classes);

/* The index of that class, which is new or was there. -E2BIG: VG_MAX_CLASSES others are; -ENOMEM. */
int vg_classes_intern(struct vg_classes *classes, const struct vg_trie_class *class,
		      __u32 *ret_index);

#endif
