/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ends of walks in a packed trie, ranges and turns: the few intervals of a block, searched at once
 * (layout: vpcgate/abi.h).
 */
#ifndef VPCGATE_ENDS_H
#define VPCGATE_ENDS_H

#include "core/trie.h"

#define VG_ADDRESS_BITS 128
#define VG_HALF_BITS 64 /* no step takes bits of both halves */

/*
 * The addresses that share their first `depth` bits with `start`: `class` is the one at `start`, and
 * `n` intervals begin behind it, `first` being the first of them.
 */
struct vg_block {
	vg_number start;
	unsigned depth;
	size_t first, n;
	__u32 class;
};

/* As many bits as a step behind `depth` can tell apart: at most `count`, and within a half. */
unsigned vg_bits_of_step(unsigned depth, unsigned count);

/* The first bits of an address that an interval which begins there depends on. */
unsigned vg_significant_bits(vg_number start);

/*
 * Ends the walk at `block`, of whose intervals `intervals` is the first: 1. Returns 0 where that takes
 * further steps; -ENOMEM.
 */
int vg_ends_build(struct vg_trie *trie, const struct vg_block *block,
		  const struct vg_interval *intervals, __u32 *ret_entry);

#endif
