/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of one policy, filled by userspace before the program is put in force and never edited
 * after that. Those of a fixed size are globals: the datapath reads them without a map lookup.
 */
#ifndef VPCGATE_BPF_MAPS_H
#define VPCGATE_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "vpcgate/abi.h"

const volatile struct vg_settings settings = {};

struct vg_trie_root source4_root, source6_root, to4_root, to6_root;
struct vg_class classes[VG_MAX_CLASSES];
__u16 l4_table[VG_L4_MAX];

/* Userspace sets max_entries; a table that a policy doesn't use has one element. */
#define VG_TABLE(name, element)                    \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, element);            \
	} name SEC(".maps")

/* What lies below a root, in pages: see vpcgate/abi.h. Userspace sets value_size and max_entries. */
#define VG_POOL(name)                              \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__uint(key_size, sizeof(__u32));   \
		__uint(value_size, VG_POOL_SLACK); \
	} name SEC(".maps")

VG_POOL(source4_pool);
VG_POOL(source6_pool);
VG_POOL(to4_pool);
VG_POOL(to6_pool);
VG_TABLE(services, struct vg_page16);
VG_TABLE(admission, struct vg_admission);

/* What the recorder has looked at just now, direct-mapped by hash: see bpf/recorder.h. */
#define VG_RECENT_MAX 1024
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VG_RECENT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");

#endif
