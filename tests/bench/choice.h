/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which cases of the benchmark to run. */
#ifndef VPCGATE_BENCH_CHOICE_H
#define VPCGATE_BENCH_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

struct choice {
	const char *only; /* names, comma-separated; NULL: all */
	size_t sizes[16], n_sizes; /* none: all */
};

bool choice_has(const char *list, const char *name);
bool choice_size(const struct choice *choice, size_t size);
void choice_parse(int argc, char **argv, struct choice *ret_choice);

#endif
