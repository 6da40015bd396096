/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_BENCH_LPM_TABLE_H
#define VPCGATE_BENCH_LPM_TABLE_H

#include "tests/bench/prefixes.h"

/* Adds prefixes of one class to an LPM trie of their family. Ends the program where it fails. */
void lpm_fill(int map_fd, const struct prefixes *prefixes);

#endif
