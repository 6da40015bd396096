/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The source sets of a policy: from a config's entries, Google's lists and files to ranges. */
#ifndef VPCGATE_SOURCES_H
#define VPCGATE_SOURCES_H

#include "core/policy.h"

/*
 * Fills in the sets, origins and prefix counts of `policy`, which has none yet; what was filled in
 * before a failure is left to vg_policy_free(). Errors as vg_policy_build().
 */
int vg_sources_build(const struct vg_config *config, const struct vg_reader *reader,
		     struct vg_policy *policy, struct vg_diag *diag);

#endif
