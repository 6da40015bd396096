/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What it took to put a policy in force. */
#ifndef VPCGATE_COST_H
#define VPCGATE_COST_H

#include <stddef.h>
#include <stdint.h>

/*
 * CPU time of the daemon's main thread, the kernel's work for it included. `parse` is 0 where only the
 * NICs have changed.
 */
struct vg_cost {
	uint64_t parse_us;   /* from the config's text, and the files it names, to a policy */
	uint64_t compile_us; /* to its tables */
	uint64_t load_us;    /* to the program in force with them */
	size_t table_bytes;
};

#endif
