/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs that change a frame's source share with the benchmark. */
#ifndef VPCGATE_BENCH_RANDOM_H
#define VPCGATE_BENCH_RANDOM_H

#include <linux/types.h>

#define BENCH_SOURCES 262144 /* a power of two */

/* In wire order; an IPv4 address is in the upper half of the first word. */
struct bench_source {
	__u64 hi_be, lo_be;
};

#endif
