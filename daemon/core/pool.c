// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define LEAST_ELEMENT 2048 /* VG_POOL_SLACK, and room for something */
#define POOL_LEAST 1048576 /* bytes allocated at first */

void *vg_pool_at(const struct vg_trie *trie, __u32 entry)
{
	return &trie->pool[(size_t)(entry & VG_ENTRY_PLACE) * VG_POOL_UNIT];
}

/*
 * Where `size` bytes fit: nothing that is read at once lies across two cache lines, and nothing at all
 * across two pages.
 */
static size_t pool_fit(size_t at, size_t size)
{
	const size_t line_end = (at / CACHE_LINE + 1) * CACHE_LINE;

	if (at % CACHE_LINE && at + size > line_end)
		at = line_end;
	return at % VG_POOL_PAGE + size <= VG_POOL_ROOM ? at
							: (at / VG_POOL_PAGE + 1) * VG_POOL_PAGE;
}

int vg_pool_take(struct vg_trie *trie, size_t size, __u32 kind, __u32 *ret_entry)
{
	const size_t at = pool_fit(trie->pool_bytes, size);
	const size_t end = (at + size + VG_POOL_UNIT - 1) / VG_POOL_UNIT * VG_POOL_UNIT;

	if (end > (size_t)VG_POOL_MAX_PAGES * VG_POOL_PAGE)
		return -ENOMEM;
	if (end > trie->pool_allocated) {
		const size_t wanted = end < POOL_LEAST ? POOL_LEAST : 2 * end;
		unsigned char *larger = realloc(trie->pool, wanted);

		if (!larger)
			return -ENOMEM;
		trie->pool = larger;
		trie->pool_allocated = wanted;
	}
	memset(&trie->pool[trie->pool_bytes], 0, end - trie->pool_bytes);
	trie->pool_bytes = end;
	*ret_entry = kind << VG_ENTRY_KIND_SHIFT | (__u32)(at / VG_POOL_UNIT);
	return 0;
}

/*
 * A power of two: of an offset that was compared as 32 bits, older verifiers (6.1) know 64 bits of no
 * other bound than the bits that it may have.
 */
struct vg_pool_shape vg_pool_shape(const struct vg_trie *trie)
{
	const __u32 pages = (trie->pool_bytes + VG_POOL_PAGE - 1) / VG_POOL_PAGE;
	__u32 element = pages > 1 ? VG_POOL_PAGE : LEAST_ELEMENT;

	while (element < VG_POOL_PAGE && element - VG_POOL_SLACK < trie->pool_bytes)
		element *= 2;
	return (struct vg_pool_shape){
		.pages = pages ? pages : 1,
		.element = element,
		.last = element - VG_POOL_SLACK,
	};
}
