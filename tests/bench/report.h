/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the benchmark has found: printed row by row as tables in Markdown, kept for the bounds, and
 * written as JSON in the end.
 */
#ifndef VPCGATE_BENCH_REPORT_H
#define VPCGATE_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include "tests/bench/measure.h"

#define MAX_LABELS 3
#define MAX_FIGURES 6

/* Columns: labels, then figures, then how many times the second figure is the third, if wanted. */
struct table {
	const char *name, *title;
	const char *labels[MAX_LABELS];	  /* up to the first NULL */
	const char *figures[MAX_FIGURES]; /* likewise */
	const char *keys[MAX_FIGURES];	  /* the figures' names in the JSON */
	bool ratio;
};

struct row {
	const struct table *table;
	char labels[MAX_LABELS][32];
	struct figure figures[MAX_FIGURES];
	size_t prefixes;
	struct effort effort;
};

struct report {
	struct row *rows;
	size_t n;
};

/* Prints the head of a table, then each row that is added. */
void report_begin(const struct table *table);
void report_add(struct report *report, const struct row *row);

/* The median of a figure in the row with these labels; NAN where it wasn't measured. */
double report_median(const struct report *report, const char *table,
		     const char *const labels[MAX_LABELS], size_t figure);

/* A line on the machine, and the JSON: machine, rows, bounds. */
void report_print_machine(void);
struct bound;
void report_write(const struct report *report, const struct bound *bounds, size_t n);
void report_done(struct report *report);

#endif
