/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Conversations that this host's side has opened, as a growing list. */
#ifndef VPCGATE_SEEDLIST_H
#define VPCGATE_SEEDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include "core/prefix.h"
#include "vpcgate/abi.h"

/*
 * By the tuple of the replies on the wire, as vg_flow_key4 has it, but in host byte order: ICMP echo
 * has remote_port 0 and the identifier as local_port, protocols without ports have both 0.
 */
struct vg_seed {
	int family; /* 4 or 6, of both addresses */
	int protocol;
	struct vg_address remote, local;
	unsigned remote_port, local_port;
	enum vg_flow_state state; /* NEW: no reply yet; OPEN: established; CLOSING: FIN was sent */
};

struct vg_seeds {
	struct vg_seed *seeds;
	size_t n, capacity;
	bool full; /* some were left out, since there are VG_MAX_FLOWS */
};

/* By family, then as a number. */
int vg_seeds_compare_addresses(const struct vg_address *a, const struct vg_address *b);

/* -ENOMEM. Leaves out what is past VG_MAX_FLOWS and says so in `full`. */
int vg_seeds_add(struct vg_seeds *seeds, const struct vg_seed *seed);

/* Sorts, and of seeds with the same tuple keeps the one whose flow lives longest. */
void vg_seeds_unique(struct vg_seeds *seeds);

void vg_seeds_done(struct vg_seeds *seeds);

#endif
