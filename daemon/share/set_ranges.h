/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ranges of sets as JSON: of the daemon, and of the CLI with --config. */
#ifndef VPCGATE_SET_RANGES_H
#define VPCGATE_SET_RANGES_H

#include <jansson.h>
#include <stdio.h>
#include "core/policy.h"

/*
 * {"sets": [{"name", "ranges": [{"prefix", "origin", "page"}],
 *            "origins": [{"origin", "count", "read_s", "unread"}]}]}; only that set where `set` is
 * given. "page" states a range of Google's; the others have none. "origins" are those of the set's
 * entries, though they may give it no ranges: "read_s" is when a server gave them, in seconds since
 * 1970, or null, and "unread" says that it has not yet.
 * -ENOENT: no such set, `diag` lists those there are.
 */
int vg_ranges_json(const struct vg_policy *policy, const char *set, json_t **ret_json,
		   struct vg_diag *diag);

/*
 * The same as text, without the outer braces: a tree of a million ranges takes 700 MB. `head` goes
 * before it, where there is such a set. Errors of `out` are the caller's to see.
 */
int vg_ranges_write(const struct vg_policy *policy, const char *set, const char *head, FILE *out,
		    struct vg_diag *diag);

#endif
