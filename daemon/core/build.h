/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps of vg_policy_build() that have files of their own. Errors are its own. */
#ifndef VPCGATE_BUILD_H
#define VPCGATE_BUILD_H

#include "core/policy.h"

/* The sets of these names, as a mask. */
int vg_build_named_sets(const struct vg_policy *policy, const struct vg_text_list *names,
			__u64 *ret_sets, struct vg_diag *diag);

/* Services, once there are sets. */
int vg_build_services(const struct vg_config *config, const struct vg_reader *reader,
		      struct vg_policy *policy, struct vg_diag *diag);

/* Once all else is there: refuses feeds whose answers the policy itself would drop. */
int vg_build_check_answers(const struct vg_policy *policy, struct vg_diag *diag);

#endif
