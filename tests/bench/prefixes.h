/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prefixes with the lengths of the Internet's routing tables, and sources to meet them: the same
 * ones in each run.
 */
#ifndef VPCGATE_BENCH_PREFIXES_H
#define VPCGATE_BENCH_PREFIXES_H

#include <stddef.h>
#include <stdio.h>
#include "core/prefix.h"
#include "tests/oracle/random.h"

struct prefixes {
	int family; /* 4 or 6; 0: both */
	struct vg_prefix *items;
	size_t n;
};

/* Ends the program where memory lacks. */
void prefixes_make(int family, size_t n, struct prefixes *ret_prefixes);
/* 20 of them, half of each family, such as a VPC has. */
void prefixes_standard(struct prefixes *ret_prefixes);
void prefixes_done(struct prefixes *prefixes);

/* One a line, as a `file:` of a config has them: the first one's number, and every so many behind it. */
void prefixes_write(const struct prefixes *prefixes, size_t first, size_t step, FILE *to);

/* An address inside one of the prefixes, or one from where the Internet has its own. */
struct vg_address prefixes_inside(const struct prefixes *prefixes, struct vg_random *random);
struct vg_address prefixes_anywhere(int family, struct vg_random *random);

#endif
