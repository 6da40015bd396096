/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random numbers that a seed repeats, on every machine. */
#ifndef VPCGATE_TESTS_RANDOM_H
#define VPCGATE_TESTS_RANDOM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* splitmix64 (Steele, Lea and Flood, 2014): any state is a good one. */
struct vg_random {
	__u64 state;
};

/* Streams of one seed are independent, so that one of them can be repeated alone. */
void vg_random_init(struct vg_random *random, __u64 seed, __u64 stream);

__u64 vg_random_next(struct vg_random *random);
/* 0 to n - 1; n is at least 1. */
__u32 vg_random_below(struct vg_random *random, __u32 n);
/* low to high, both included. */
__u32 vg_random_between(struct vg_random *random, __u32 low, __u32 high);
bool vg_random_chance(struct vg_random *random, unsigned percent);
void vg_random_fill(struct vg_random *random, __u8 *bytes, size_t n);

/* Element of an array. */
#define VG_RANDOM_PICK(random, array) \
	((array)[vg_random_below((random), sizeof(array) / sizeof((array)[0]))])

/* `text` (which may be NULL), else VG_SEED of the environment, else one from the clock. */
__u64 vg_random_seed(const char *text);

#endif
