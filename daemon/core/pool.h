/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pool of a trie: where what lies below the root has its place (layout: vpcgate/abi.h). */
#ifndef VPCGATE_POOL_H
#define VPCGATE_POOL_H

#include "core/trie.h"

/* Takes `size` bytes, all 0, for an entry of that kind (VG_ENTRY_SKIP and on). -ENOMEM. */
int vg_pool_take(struct vg_trie *trie, size_t size, __u32 kind, __u32 *ret_entry);

/* What an entry leads to. Valid until more is taken. */
void *vg_pool_at(const struct vg_trie *trie, __u32 entry);

/* How a pool lies in its map. */
struct vg_pool_shape {
	__u32 pages;   /* elements of the map, at least 1 */
	__u32 element; /* bytes of each */
	__u32 last;    /* as in struct vg_pool */
};
struct vg_pool_shape vg_pool_shape(const struct vg_trie *trie);

#endif
