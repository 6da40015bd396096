/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory for large arrays that live for a moment. */
#ifndef VPCGATE_LARGE_H
#define VPCGATE_LARGE_H

#include <stddef.h>

/*
 * `n` elements of `size` bytes, not zeroed, to be freed by free(); NULL without memory. Asks for huge
 * pages: to touch fresh memory page by page takes longer than what is then done with it.
 */
void *vg_large_alloc(size_t n, size_t size);

#endif
