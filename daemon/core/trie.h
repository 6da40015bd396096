/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Builder of the compiled multibit trie that the datapath walks (layout: vpcgate/abi.h): 16 bits at
 * the root, then 8 a level, runs of bits that all of a subtree shares compressed into one compare,
 * leaves pushed down. One builder for IPv4, IPv6, sources and destinations.
 */
#ifndef VPCGATE_TRIE_H
#define VPCGATE_TRIE_H

#include <stddef.h>
#include "core/intervals.h"
#include "vpcgate/abi.h"

struct vg_trie {
	struct vg_trie_root *root;
	unsigned char *pool; /* its pages, one behind the other */
	size_t pool_bytes, pool_allocated;
	bool packed; /* as in struct vg_pool */
};

/*
 * Builds a trie of `routes`, all of one family. Leaves index `classes`, to which new ones are added.
 * -E2BIG: more than VG_MAX_CLASSES combinations; -ENOMEM.
 */
int vg_trie_build(const struct vg_route *routes, size_t n, struct vg_classes *classes,
		  struct vg_trie *ret_trie);
void vg_trie_done(struct vg_trie *trie);

#endif
