/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy's sources as an LPM trie holds them: each prefix once, with all that holds for it. */
#ifndef VPCGATE_BENCH_LPM_ENTRIES_H
#define VPCGATE_BENCH_LPM_ENTRIES_H

#include "core/policy.h"

struct lpm_entry {
	struct vg_prefix prefix;
	struct vg_class class; /* of an address for which this is the longest prefix */
};

/*
 * `slots` are the counter slots of the policy's sets. The entries of one family are on the heap.
 * Ends the program where memory lacks.
 */
struct lpm_entry *lpm_entries_make(const struct vg_policy *policy, const __u8 *slots, int family,
				   size_t *ret_n);

#endif
