/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs that change a frame's source share with the benchmark. */
#ifndef VPCGATE_BENCH_RANDOM_H
#define VPCGATE_BENCH_RANDOM_H

#include <linux/types.h>

#define BENCH_SOURCES 262144 /* a power of two */

/*
 * In wire order, and no more of an address than prefixes tell apart, so that the list takes little of
 * the cache: of an IPv6 address its upper half, the prefixes being /64s at the longest.
 */
union bench_sources {
	__be32 four[BENCH_SOURCES];
	__be64 six[BENCH_SOURCES];
};

#endif
