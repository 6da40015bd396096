/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The compiled tables of a policy as the maps of its program. */
#ifndef VPCGATE_TABLE_MAPS_H
#define VPCGATE_TABLE_MAPS_H

#include "core/tables.h"
#include "bpf/policy.skel.h"

/* A map and what goes into it: `bytes`, an element's worth after another. */
struct vg_table_map {
	struct bpf_map *map;
	const void *memory;
	size_t bytes;
	__u32 step;	/* bytes for one element */
	__u32 element;	/* bytes of an element, `step` or more */
	__u32 elements; /* at least 1 */
};

#define VG_N_TABLE_MAPS 6

/* `out` refers to `tables` and `admission`. */
void vg_table_maps_list(const struct policy_bpf *skeleton, const struct vg_tables *tables,
			const struct vg_admission *admission,
			struct vg_table_map out[VG_N_TABLE_MAPS]);

/* Before the program is loaded: gives the maps their sizes. Errors are libbpf's. */
int vg_table_maps_size(const struct vg_table_map maps[VG_N_TABLE_MAPS]);

/* After that: fills them. Errors are mmap()'s. */
int vg_table_maps_fill(const struct vg_table_map maps[VG_N_TABLE_MAPS]);

#endif
