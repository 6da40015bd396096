/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sets of a policy while ranges are put into them. */
#ifndef VPCGATE_FILLING_H
#define VPCGATE_FILLING_H

#include "core/lines.h"
#include "core/policy.h"

struct vg_filling {
	struct vg_policy *policy;
	const struct vg_reader *reader;
	struct vg_diag *diag;
	size_t allocated4[VG_MAX_POLICY_SETS], allocated6[VG_MAX_POLICY_SETS];
	const char *feed; /* whose ranges come now, for messages; NULL: the config's own */
	bool implicit;	  /* nothing in the config asks for them: the limits don't count them */
};

/* Begins another set, which has to be a new one. There must be room for it. */
void vg_filling_begin_set(struct vg_filling *filling, const char *name);

/* -E2BIG: over the limit of all sets together; -ENOMEM. */
int vg_filling_add(struct vg_filling *filling, size_t set, const struct vg_prefix *prefix,
		   unsigned origin, const struct vg_place *place);

/* The index of the origin of that text and page, which is new or was there. -ENOMEM. */
int vg_filling_origin(struct vg_filling *filling, const char *text, const char *page,
		      unsigned *ret_origin);
/* That a set has an entry of that origin. -ENOMEM. */
int vg_filling_note(struct vg_filling *filling, size_t set, unsigned origin);

#endif
