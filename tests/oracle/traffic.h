/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random frames that aim at the borders of a scenario: prefixes, destinations, ports, lengths. */
#ifndef VPCGATE_TESTS_TRAFFIC_H
#define VPCGATE_TESTS_TRAFFIC_H

#include "tests/oracle/frame.h"
#include "tests/oracle/scenario.h"
#include "tests/oracle/talk.h"

/* At least 14 bytes, the least that BPF_PROG_TEST_RUN takes. */
void vg_traffic_random(struct vg_random *random, const struct vg_scenario *scenario,
		       struct vg_frame *ret_frame);

/* Somebody outside that this host may talk with, and about what. */
void vg_traffic_talk(struct vg_random *random, const struct vg_scenario *scenario,
		     struct vg_talk *ret_talk);

/* Parts of frames: none or more VLAN tags, extension headers, a source, and a fault in a whole one. */
void vg_traffic_tags(struct vg_random *random, struct vg_frame *frame);
void vg_traffic_extensions(struct vg_random *random, struct vg_frame *frame);
struct vg_raw_address vg_traffic_source(struct vg_random *random,
					const struct vg_scenario *scenario, unsigned family);
void vg_traffic_distort(struct vg_random *random, struct vg_frame *frame);

#endif
