/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Answers about a policy as JSON: the daemon's over the socket and the CLI's own with --config. */
#ifndef VPCGATE_CHECK_H
#define VPCGATE_CHECK_H

#include <jansson.h>
#include <stdio.h>
#include "core/policy.h"

/* What `vpcgate check` was asked, as text. NULL: not given. */
struct vg_check {
	const char *address;
	const char *to;
	const char *port; /* "tcp/443", "udp/53", "sctp/1", or a protocol alone: "icmp", "47" */
	const char *interface; /* default: the policy's first rule */
};

/*
 * {"address", "to", "port", "interface", "verdict": "pass" | "drop" | "would-drop", "reason",
 *  "prefix": text or null, "origin": text or null, "source": counted set or null, "sets": [names],
 *  "service": name or null, "ingress", "admits": [names], "notes": [text]}
 * "notes" say what was left open, such as services that would decide otherwise for another port.
 * -EINVAL: bad input, `diag` says which and what would be right.
 */
int vg_check_json(const struct vg_policy *policy, const struct vg_check *check, json_t **ret_json,
		  struct vg_diag *diag);

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
