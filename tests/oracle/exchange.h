/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random frames of both directions that have to do with each other: packets and their answers, ICMP
 * errors about them, datagrams in fragments.
 */
#ifndef VPCGATE_TESTS_EXCHANGE_H
#define VPCGATE_TESTS_EXCHANGE_H

#include "tests/oracle/traffic.h"

#define VG_EXCHANGE_TALKS 8
#define VG_EXCHANGE_FIRSTS 6

/* All zeroes at the start. What came last, each list in the order in which places are taken anew. */
struct vg_exchange {
	struct vg_talk talks[VG_EXCHANGE_TALKS];
	struct vg_frame firsts[VG_EXCHANGE_FIRSTS]; /* first fragments that came in */
	unsigned n_talks, n_firsts;		    /* so far: may be more than there is room for */
};

/* Returns true where this host sends the frame, false where it comes in. */
bool vg_exchange_next(struct vg_exchange *exchange, struct vg_random *random,
		      const struct vg_scenario *scenario, struct vg_frame *ret_frame);

/*
 * Fragments of a conversation's packet that comes in or leaves. The first one ends anywhere behind
 * its IP header; a later one of it, made from it, starts anywhere.
 */
void vg_exchange_first(struct vg_random *random, const struct vg_talk *talk, bool out,
		       struct vg_frame *frame);
void vg_exchange_later(struct vg_random *random, const struct vg_frame *first,
		       struct vg_frame *frame);

/* An ICMP error from `source` that quotes a packet of the conversation that left, or nearly so. */
void vg_exchange_error(struct vg_random *random, const struct vg_talk *talk,
		       const struct vg_raw_address *source, struct vg_frame *frame);

#endif
