/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The feeds of a policy while it is built: which there are, and what they hold. */
#ifndef VPCGATE_FEEDS_H
#define VPCGATE_FEEDS_H

#include "core/lines.h"
#include "core/policy.h"

/*
 * The feed that `text` is, among those of `policy`: it is added where it is new, and stays where it
 * is. -ENOENT: it is none; -EINVAL; -E2BIG: there are VG_MAX_FEEDS others; -ENOMEM.
 */
int vg_feeds_find(struct vg_policy *policy, const char *text, const struct vg_place *place,
		  const struct vg_feed **ret_feed, struct vg_diag *diag);

/* What a feed holds: not to be copied. Ends with vg_holding_done(). */
struct vg_holding {
	const struct vg_listing *listing; /* `own`, or the reader's; an empty one while unread */
	struct vg_listing own;
	bool subnets; /* of a file: it is one of subnets or NICs, though it may have none */
	bool unread;
	__s64 read_s; /* as struct vg_origin has it */
};

/* Reads a file, or takes the last answer. `place` is the entry's. Errors as vg_policy_build(). */
int vg_feeds_read(const struct vg_reader *reader, const struct vg_feed *feed,
		  const struct vg_place *place, struct vg_holding *ret_holding,
		  struct vg_diag *diag);
/* The same for a file that is known to be JSON. */
int vg_feeds_read_json(const struct vg_reader *reader, const struct vg_feed *feed,
		       const struct vg_place *place, struct vg_holding *ret_holding,
		       struct vg_diag *diag);
void vg_holding_done(struct vg_holding *holding);

/* For a text of lines, which has no scopes: -EINVAL where some are asked for. */
int vg_feeds_refuse_parameters(const struct vg_feed *feed, const struct vg_place *place,
			       struct vg_diag *diag);

#endif
