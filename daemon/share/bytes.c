/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "share/bytes.h"

#define FIRST_BYTES 16384

/* Not realloc(), which would leave a copy behind. */
int vg_bytes_reserve(struct vg_bytes *bytes, size_t more)
{
	const size_t needed = bytes->length + more + 1;
	struct vg_bytes larger = {.length = bytes->length, .allocated = bytes->allocated};

	if (needed <= bytes->allocated)
		return 0;
	if (!larger.allocated)
		larger.allocated = FIRST_BYTES;
	while (larger.allocated < needed)
		larger.allocated *= 2;
	larger.data = malloc(larger.allocated);
	if (!larger.data)
		return -ENOMEM;
	if (bytes->length)
		memcpy(larger.data, bytes->data, bytes->length);
	larger.data[larger.length] = '\0';
	vg_bytes_done(bytes);
	*bytes = larger;
	return 0;
}

int vg_bytes_add(struct vg_bytes *bytes, const void *data, size_t length)
{
	if (vg_bytes_reserve(bytes, length) < 0)
		return -ENOMEM;
	if (length)
		memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
	bytes->data[bytes->length] = '\0';
	return 0;
}

void vg_bytes_done(struct vg_bytes *bytes)
{
	if (bytes->data)
		explicit_bzero(bytes->data, bytes->allocated);
	free(bytes->data);
	*bytes = (struct vg_bytes){};
}
