/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tables that say which service a frame is for, and what that admits. */
#ifndef VPCGATE_MATCH_H
#define VPCGATE_MATCH_H

#include "core/tables.h"

/* Fills in all of `tables` but the sources. -ENOMEM; -E2BIG: too many destinations. */
int vg_match_build(const struct vg_policy *policy, struct vg_tables *tables);

#endif
