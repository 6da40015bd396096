/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which known word was meant by one that is not known. */
#ifndef VPCGATE_NEAREST_H
#define VPCGATE_NEAREST_H

/*
 * How many single-character insertions, deletions, replacements and swaps of neighbours make `a`
 * into `b`. Only the first 64 bytes of each count.
 */
unsigned vg_edit_distance(const char *a, const char *b);

#endif
