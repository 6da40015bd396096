/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The numbers of prefixes that the benchmark goes through. */
#ifndef VPCGATE_BENCH_SIZES_H
#define VPCGATE_BENCH_SIZES_H

#include <stddef.h>
#include "vpcgate/abi.h"

#define BUILT_IN 10 /* room for the prefixes that a policy adds itself, at the limits */

static const struct size {
	const char *name;
	size_t n;
	size_t fill4, fill6; /* prefixes of that family; 0: not for it */
} sizes[] = {
	{"20", 20, 20, 20},
	{"1k", 1000, 1000, 1000},
	{"10k", 10000, 10000, 10000},
	{"100k", 100000, 100000, 100000},
	{"250k", VG_MAX_PREFIXES6, 0, VG_MAX_PREFIXES6 - BUILT_IN},
	{"1M", VG_MAX_PREFIXES4, VG_MAX_PREFIXES4 - BUILT_IN, 0},
};

static inline size_t size_fill(const struct size *size, int family)
{
	return family == 4 ? size->fill4 : size->fill6;
}

#endif
