/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Short random sequences of events between few addresses and ports, so that packets, answers, errors,
 * fragments and the ends of lifetimes meet.
 */
#ifndef VPCGATE_TESTS_SEQUENCE_H
#define VPCGATE_TESTS_SEQUENCE_H

#include "tests/oracle/memory.h"
#include "tests/oracle/scenario.h"
#include "tests/oracle/talk.h"

enum vg_event_kind {
	VG_EVENT_IN,
	VG_EVENT_OUT,
	VG_EVENT_AGE_FLOW,     /* of the memory: it gets older by `seconds` */
	VG_EVENT_AGE_NOTE,     /* alike */
	VG_EVENT_AGE_FRAGMENT, /* alike */
};

struct vg_event {
	enum vg_event_kind kind;
	struct vg_frame frame; /* of packets */
	int from;	       /* of one that is passed on: the target that it came in by, or -1 */
	size_t index;	       /* of what ages, in its list */
	__u32 seconds;
};

#define VG_SEQUENCE_TALKS 3

struct vg_sequence {
	struct vg_talk talks[VG_SEQUENCE_TALKS]; /* the first is picked most */
	struct vg_frame first;			 /* fragment that came in last */
	bool has_first;
};

/* A policy about the addresses and ports that sequences use. NULL without memory. */
struct vg_scenario *vg_sequence_scenario(struct vg_random *random);

void vg_sequence_begin(struct vg_sequence *sequence, struct vg_random *random);
void vg_sequence_next(struct vg_sequence *sequence, struct vg_random *random,
		      const struct vg_memory *memory, __u32 now_s, struct vg_event *ret_event);

#endif
