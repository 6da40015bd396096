/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The conversations that this host and those behind it had open before the filter was attached, so
 * that it cuts none of them.
 */
#ifndef VPCGATE_SEED_H
#define VPCGATE_SEED_H

#include <stdbool.h>
#include <stddef.h>
#include "core/diag.h"
#include "core/policy.h"
#include "service/seedlist.h"

/*
 * From the sockets of this network namespace, and from nf_conntrack where it is loaded, which knows
 * the pods too; `ret_conntrack` says whether it answered. `ifindexes` are the NICs to be filtered.
 * `ret_seeds` is a heap array without duplicates, of at most VG_MAX_FLOWS. A source that can't be
 * read is survived: `ret_warning` then says what was missed; its text is empty otherwise. -ENOMEM.
 */
int vg_seed_collect(const unsigned *ifindexes, size_t n, struct vg_seed **ret_seeds, size_t *ret_n,
		    bool *ret_conntrack, struct vg_diag *ret_warning);

/*
 * Would its replies be dropped without a flow, at a NIC under that rule of the policy? Others need
 * none: they pass anyway, or never. As slow as vg_explain(): a scan over all of the prefixes.
 */
bool vg_seed_is_wanted(const struct vg_policy *policy, size_t rule, const struct vg_seed *seed);

#endif
