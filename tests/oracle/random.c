/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/random.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__u64 vg_random_next(struct vg_random *random)
{
	__u64 z;

	random->state += 0x9e3779b97f4a7c15ULL;
	z = random->state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void vg_random_init(struct vg_random *random, __u64 seed, __u64 stream)
{
	random->state = stream;
	random->state = seed ^ vg_random_next(random);
}

__u32 vg_random_below(struct vg_random *random, __u32 n)
{
	return (__u32)(((vg_random_next(random) >> 32) * n) >> 32);
}

__u32 vg_random_between(struct vg_random *random, __u32 low, __u32 high)
{
	return low + vg_random_below(random, high - low + 1);
}

bool vg_random_chance(struct vg_random *random, unsigned percent)
{
	return vg_random_below(random, 100) < percent;
}

void vg_random_fill(struct vg_random *random, __u8 *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (__u8)vg_random_next(random);
}

__u64 vg_random_seed(const char *text)
{
	struct timespec now;

	if (!text)
		text = getenv("VG_SEED");
	if (text && *text)
		return strtoull(text, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return ((__u64)now.tv_sec << 20) ^ (__u64)now.tv_nsec ^ (__u64)getpid();
}
