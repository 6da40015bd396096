/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which NICs a policy wants filtered, given those that there are. Pure. */
#ifndef VPCGATE_WANTED_H
#define VPCGATE_WANTED_H

#include <stdint.h>
#include <string.h>
#include "core/policy.h"
#include "dataplane/dataplane.h"
#include "service/nic.h"

/* X(constant, text of the control socket) */
#define VG_NIC_STATES(X)        \
	X(ABSENT, "absent")     \
	X(ATTACHED, "attached") \
	X(FAILED, "failed")     \
	X(DETACHED, "detached")

#define VG_NIC_STATE_ENUM(name, text) VG_NIC_##name,
enum vg_nic_state { VG_NIC_STATES(VG_NIC_STATE_ENUM) VG_NIC_MAX };
#undef VG_NIC_STATE_ENUM

const char *vg_nic_state_text(enum vg_nic_state state);

/* A NIC that the policy wants filtered and how far that has come. */
struct vg_wanted {
	char name[VG_NAME_SIZE];    /* the rule's pattern, cut to fit, where no NIC matches it */
	char known_as[IF_NAMESIZE]; /* the name that the rule matched; "" where absent */
	unsigned ifindex;	    /* 0: absent */
	char mac[18];		    /* as struct vg_nic_link has it */
	unsigned mtu;		    /* the same */
	bool surplus;		    /* there are more NICs than can be filtered */
	bool oversize;		    /* attached, with an MTU of which not all meets the program */
	size_t rule;
	enum vg_nic_state state;
	struct vg_attachment attachment;    /* where attached */
	bool fresh;			    /* attached only now, and not filtered before */
	bool recorded;			    /* flows that leave by it are recorded */
	char unrecorded[VG_DIAG_TEXT_SIZE]; /* why not, where they should be; else "" */
	char reason[VG_DIAG_TEXT_SIZE];	    /* why failed, detached or generic; else "" */
	uint64_t retry_us; /* failed: not tried again before this time (CLOCK_MONOTONIC) */
	__u64 lost;	   /* how often somebody took the filter off since the daemon started */
};

/*
 * One item for each link that a rule matches (the first rule wins; a glob never matches a loopback
 * device) and one for each rule that no link matches, all of them ABSENT for now: in rule order,
 * then by ifindex. A NIC that is filtered and was given a name which no rule matches follows the rule
 * of the name that it is known as. `ret_wanted` is a heap array of `ret_n`.
 */
int vg_wanted_plan(const struct vg_policy *policy, const struct vg_nic_link *links, size_t n_links,
		   const struct vg_link_info *filtered, size_t n_filtered,
		   struct vg_wanted **ret_wanted, size_t *ret_n);

/* The item of that name, or NULL. */
struct vg_wanted *vg_wanted_find(struct vg_wanted *wanted, size_t n, const char *name);

/* What was wanted of this NIC before: the item of its number, else that of its name, else NULL. */
struct vg_wanted *vg_wanted_before(struct vg_wanted *old, size_t n_old,
				   const struct vg_wanted *nic);

/* Is it called otherwise than when a rule matched its name? */
static inline bool vg_wanted_is_renamed(const struct vg_wanted *nic)
{
	return nic->ifindex && strcmp(nic->known_as, nic->name) != 0;
}

#endif
