/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random frames that aim at the borders of a scenario: prefixes, destinations, ports, lengths. */
#ifndef VPCGATE_TESTS_TRAFFIC_H
#define VPCGATE_TESTS_TRAFFIC_H

#include "tests/oracle/frame.h"
#include "tests/oracle/scenario.h"

/* At least 14 bytes, the least that BPF_PROG_TEST_RUN takes. */
void vg_traffic_random(struct vg_random *random, const struct vg_scenario *scenario,
		       struct vg_frame *ret_frame);

#endif
