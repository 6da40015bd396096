/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of prefixes and of addresses, one a line. Ends the program where they can't be read. */
#ifndef VPCGATE_FLOOD_ADDRESSES_H
#define VPCGATE_FLOOD_ADDRESSES_H

#include <linux/types.h>
#include "tests/bench/prefixes.h"

/* IPv4 alone. prefixes_done() frees them. */
void addresses_read_prefixes(const char *path, struct prefixes *ret_prefixes);
/* On the heap. */
__be32 *addresses_read(const char *path, size_t *ret_n);

/* To standard output: `n` addresses that no prefix contains, the same ones each time. */
void addresses_print_outside(const struct prefixes *prefixes, size_t n);

#endif
