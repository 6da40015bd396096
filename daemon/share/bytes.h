/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that grow and may hold an access token: no copy is left behind in memory that was freed. */
#ifndef VPCGATE_BYTES_H
#define VPCGATE_BYTES_H

#include <stddef.h>

struct vg_bytes {
	char *data; /* NUL-terminated behind `length`; NULL as long as there was never room for any */
	size_t length, allocated;
};

/* Room for `more` bytes and a NUL behind them. -ENOMEM: nothing has changed. */
int vg_bytes_reserve(struct vg_bytes *bytes, size_t more);
int vg_bytes_add(struct vg_bytes *bytes, const void *data, size_t length);
/* Wipes and frees. */
void vg_bytes_done(struct vg_bytes *bytes);

#endif
