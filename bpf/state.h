/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the datapath remembers beside its counters: pinned, shared by every generation. */
#ifndef VPCGATE_BPF_STATE_H
#define VPCGATE_BPF_STATE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "vpcgate/abi.h"

/* Userspace makes the first three larger for policies that track replies. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VG_FLOWS_OFF);
	__type(key, struct vg_flow_key4);
	__type(value, struct vg_flow);
} flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VG_FLOWS_OFF);
	__type(key, struct vg_flow_key6);
	__type(value, struct vg_flow);
} flows6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VG_FILTER_ENTRIES(VG_FLOWS_OFF));
	__type(key, __u32);
	__type(value, __u64);
} flow_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VG_REFUSED_MAX);
	__type(key, __u32);
	__type(value, struct vg_refused);
} refused SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VG_FLOW_COUNTER_MAX);
	__type(key, __u32);
	__type(value, __u64);
} flow_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VG_MAX_FRAGMENTS);
	__type(key, struct vg_fragment_key);
	__type(value, struct vg_fragment);
} fragments SEC(".maps");

#endif
