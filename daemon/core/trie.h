/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Builder of the compiled multibit trie that the datapath walks (layout: vpcgate/abi.h): two bytes
 * at the root, then a byte a level, runs of bytes that all prefixes below share compressed into one
 * entry, leaves pushed down. One builder for IPv4, IPv6, sources and destinations.
 */
#ifndef VPCGATE_TRIE_H
#define VPCGATE_TRIE_H

#include <stddef.h>
#include "core/prefix.h"
#include "vpcgate/abi.h"

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

/* What an address amounts to once all its routes are merged. */
struct vg_trie_class {
	__u64 sets;
	__u16 flags;
	__u16 source; /* VG_TRIE_NO_SOURCE where `sets` is 0 */
};
#define VG_TRIE_NO_SOURCE 0xffff

/* Classes of one or more tries, each combination once. Element 0 is "in no route". */
struct vg_classes {
	struct vg_trie_class *items;
	size_t n, allocated;
	__u32 *buckets;
	size_t n_buckets;
};

struct vg_trie {
	struct vg_trie_root *root;
	struct vg_trie_node *nodes;
	size_t n_nodes, nodes_allocated;
	struct vg_trie_skip *skips;
	size_t n_skips, skips_allocated;
};

/* Owns its fields; all zeroes is a valid empty object to _done. -ENOMEM. */
int vg_classes_init(struct vg_classes *classes);
void vg_classes_done(struct vg_classes *classes);

/*
 * Builds a trie of `routes`, which it sorts; all are of one family. Leaves index `classes`, to which
 * new ones are added. -E2BIG: more than VG_MAX_CLASSES combinations; -ENOMEM.
 */
int vg_trie_build(struct vg_route *routes, size_t n, struct vg_classes *classes,
		  struct vg_trie *ret_trie);
void vg_trie_done(struct vg_trie *trie);

#endif
