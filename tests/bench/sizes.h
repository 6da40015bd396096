/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The numbers of prefixes that the benchmark goes through, for each family up to its limit. */
#ifndef VPCGATE_BENCH_SIZES_H
#define VPCGATE_BENCH_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include "vpcgate/abi.h"

static const struct size {
	const char *name;
	size_t n;
	bool ip4, ip6;
} sizes[] = {
	{"20", 20, true, true},
	{"1k", 1000, true, true},
	{"10k", 10000, true, true},
	{"100k", 100000, true, true},
	{"250k", VG_MAX_PREFIXES6, false, true},
	{"1M", VG_MAX_PREFIXES4, true, false},
};

static inline bool size_is_for(const struct size *size, int family)
{
	return family == 4 ? size->ip4 : size->ip6;
}

#endif
