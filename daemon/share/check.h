/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a frame and why, as JSON: of the daemon, and of the CLI with --config. */
#ifndef VPCGATE_CHECK_H
#define VPCGATE_CHECK_H

#include <jansson.h>
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

#endif
