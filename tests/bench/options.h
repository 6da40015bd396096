/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Command line of the benchmark. */
#ifndef VPCGATE_BENCH_OPTIONS_H
#define VPCGATE_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_SIZES 16

struct options {
	const char *only;	 /* names of parts, comma-separated; NULL: all */
	size_t sizes[MAX_SIZES]; /* numbers of prefixes; none: all */
	size_t n_sizes;
	bool check; /* a bound that is missed makes the program fail */
};

/* Ends the program where there is nothing to run. */
void options_parse(int argc, char **argv, struct options *ret_options);

bool options_have_part(const struct options *options, const char *name);
bool options_have_size(const struct options *options, size_t size);

#endif
