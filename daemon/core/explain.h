/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a frame would pass or be dropped, in the operator's words. A plain scan over the policy, not
 * over the compiled tables; it agrees with the datapath on every frame, which the tests show.
 */
#ifndef VPCGATE_EXPLAIN_H
#define VPCGATE_EXPLAIN_H

#include "core/policy.h"

/* The L4 of a frame that can't be told: it is judged by the strictest that it may be for. */
#define VG_PROTOCOL_HIDDEN (-2)

/* An IP frame as far as a verdict depends on it. */
struct vg_question {
	struct vg_address source;
	bool has_destination;
	struct vg_address destination; /* the same family as the source */
	int protocol;	 /* or VG_PROTOCOL_ANY: one that no service names; or VG_PROTOCOL_HIDDEN */
	int source_port; /* -1: unknown */
	int port;	 /* destination port; -1: unknown */
	int icmp_type;	 /* ICMPv6; -1: unknown */
	int hop_limit;	 /* -1: unknown */
	size_t rule;	 /* of the interface */
};

struct vg_answer {
	enum vg_outcome outcome;
	int set; /* counted set, or -1 */
	bool has_prefix;
	struct vg_prefix prefix;       /* the longest that contains the source */
	unsigned origin;	       /* of that prefix, where it belongs to a set */
	__u64 sets;		       /* all sets that contain the source */
	int service;		       /* the one that decided, or -1 */
	struct vg_effective effective; /* of that, and of those whose destinations are unknown */
};

void vg_explain(const struct vg_policy *policy, const struct vg_question *question,
		struct vg_answer *ret_answer);

/*
 * Is a frame held to service `i` as well, since that may turn out to be the one for it, once the
 * feed that is its `unread` has answered? Then what the other decides is admitted only if it is here.
 */
bool vg_explain_is_held_to(const struct vg_policy *policy, const struct vg_question *question,
			   size_t i);

const char *vg_outcome_text(enum vg_outcome outcome);	     /* "not-admitted" */
enum vg_verdict vg_outcome_verdict(enum vg_outcome outcome); /* pass or drop */
const char *vg_verdict_text(enum vg_verdict verdict);	     /* "would-drop" */

/* The outcome and verdict that a counter row stands for. */
enum vg_outcome vg_row_outcome(unsigned row);
enum vg_verdict vg_row_verdict(unsigned row);

#endif
