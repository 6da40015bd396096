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
	bool right; /* numbers: flush right */
	/* Where given: the colour of a cell by name ("red"), or NULL for none. */
	const char *(*colour)(const char *cell);
};

/*
 * Prints `rows` * `columns` cells (row by row; NULL is an empty cell) to `out`, or nothing
 * at all without rows. -ENOMEM.
 */
int vg_render_table(FILE *out, const struct vg_column *columns, size_t n_columns,
		    const char *const *cells, size_t n_rows);

/* "1,234,567"; `out` has 32 bytes. Returns `out`. */
const char *vg_render_count(__u64 value, char *out);

#define VG_RENDER_SIZE 32 /* bytes of every `out` here */

/* "640 B", "1.5 KiB", "12.0 MiB". */
const char *vg_render_bytes(__u64 bytes, char *out);

/* The two largest units: "45 s", "2 min 5 s", "3 h 12 min", "12 d 4 h". */
const char *vg_render_duration(__u64 seconds, char *out);

/* A rate: "0", "0.4", "12.5", and whole from 100: "1,234". Negative is 0. */
const char *vg_render_rate(double per_second, char *out);

/* Columns of the terminal that `out` is, or 0. */
unsigned vg_render_width(FILE *out);

/*
 * Prints `lead` and `text`, wrapped between words to `width` columns (0: not at all), each further
 * line indented by the length of `lead`. A longer word stays whole.
 */
void vg_render_paragraph(FILE *out, const char *lead, const char *text, unsigned width);

/* True where `out` is a terminal and NO_COLOR is not set (no-color.org). */
bool vg_render_colours(FILE *out);

/* Escape sequence that starts a colour of that name, or ends all with NULL; "" where none apply. */
const char *vg_render_colour(FILE *out, const char *name);

/* The colour of "pass", "drop" or "would-drop" in either case; NULL for other text. */
const char *vg_render_verdict_colour(const char *verdict);

#endif
