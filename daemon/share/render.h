/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables for a terminal (libsmartcols) and numbers for people. */
#ifndef VPCGATE_RENDER_H
#define VPCGATE_RENDER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct vg_column {
	const char *title;
	bool right;	/* numbers: flush right */
};

/* Prints `rows` * `columns` cells (row by row; NULL is an empty cell) to `out`. -ENOMEM. */
int vg_render_table(FILE *out, const struct vg_column *columns, size_t n_columns,
		    const char *const *cells, size_t n_rows);

/* "1,234,567"; `out` has 32 bytes. Returns `out`. */
const char *vg_render_count(__u64 value, char *out);

#endif
