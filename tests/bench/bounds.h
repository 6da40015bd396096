/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the figures must show. */
#ifndef VPCGATE_BENCH_BOUNDS_H
#define VPCGATE_BENCH_BOUNDS_H

#include "tests/bench/report.h"

struct bound {
	const char *text, *unit;
	double limit;
	bool at_least; /* else at most */
	double value;  /* NAN: not measured in this run */
};

#define MAX_BOUNDS 32

/* Fills in the bounds with what the report says. */
size_t bounds_take(const struct report *report, struct bound ret_bounds[MAX_BOUNDS]);

/* Prints those that were measured; false where one is missed. */
bool bounds_print(const struct bound *bounds, size_t n);

const char *bound_state(const struct bound *bound); /* "met", "missed", "not measured" */

#endif
