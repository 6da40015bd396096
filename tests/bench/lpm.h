/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keys of the reference's LPM tries; their values are struct vg_class. */
#ifndef VPCGATE_BENCH_LPM_H
#define VPCGATE_BENCH_LPM_H

#include <linux/in6.h>
#include <linux/types.h>

struct bench_key4 {
	__u32 prefixlen;
	__be32 address_be;
};
_Static_assert(sizeof(struct bench_key4) == 8, "bench_key4 has padding");

struct bench_key6 {
	__u32 prefixlen;
	struct in6_addr address;
};
_Static_assert(sizeof(struct bench_key6) == 20, "bench_key6 has padding");

#endif
