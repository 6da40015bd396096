/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the feeds of one policy are asked: whom, and for which NICs. The policy in force has a side of its
 * own, and so has the one that is to follow.
 */
#ifndef VPCGATE_SIDE_H
#define VPCGATE_SIDE_H

#include "discovery/poll.h"

/* Ends with vg_side_done(). */
struct vg_side {
	struct vg_poll_common common; /* cloud and settings are owned */
	struct vg_cloud_nics nics;    /* owned */
	bool configured;	      /* the cloud knows settings and NICs */
};

/* May answers be others with these than those that it was told? */
bool vg_side_differs(const struct vg_side *side, const struct vg_discovery_settings *settings,
		     const struct vg_cloud_nics *nics);

/* From now on it asks so; both are copied. -ENOMEM, or what vg_cloud_configure() returns: as before. */
int vg_side_configure(struct vg_side *side, const struct vg_discovery_settings *settings,
		      const struct vg_cloud_nics *nics);

void vg_side_done(struct vg_side *side);

/* -ENOMEM. The copy's `macs` are the caller's. */
int vg_cloud_nics_copy(const struct vg_cloud_nics *nics, struct vg_cloud_nics *ret_copy);

#endif
