/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/large.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (2u << 20)

void *vg_large_alloc(size_t n, size_t size)
{
	void *memory;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	if (bytes < HUGE_PAGE)
		return malloc(bytes ?: 1);
	memory = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
	if (memory)
		madvise(memory, bytes, MADV_HUGEPAGE); /* no more than a wish */
	return memory;
}
