/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* NICs that the operator has taken the filter off, and that stay so until somebody asks otherwise. */
#ifndef VPCGATE_DETACHED_H
#define VPCGATE_DETACHED_H

#include <stdbool.h>
#include <stddef.h>
#include "service/wanted.h"

/* All zero: none. */
struct vg_detached {
	struct vg_detached_nic {
		char name[VG_NAME_SIZE];
		unsigned ifindex; /* 0: there was none of that name */
	} * nics;		  /* heap */
	size_t n;
	bool all;
};

/* Is that NIC among them? `pattern`: of the rule that wants it. */
bool vg_detached_holds(const struct vg_detached *detached, const struct vg_wanted *nic,
		       const char *pattern);

/* -ENOMEM: it is not among them. */
int vg_detached_add(struct vg_detached *detached, const char *name, unsigned ifindex);

/* Adds those of `from`. -ENOMEM: not all of them. */
int vg_detached_join(struct vg_detached *detached, const struct vg_detached *from);

void vg_detached_clear(struct vg_detached *detached);

#endif
