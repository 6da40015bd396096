/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters: pinned, shared by every generation; one store into this CPU's copy a frame. */
#ifndef VPCGATE_BPF_COUNTERS_H
#define VPCGATE_BPF_COUNTERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "vpcgate/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VG_MAX_INTERFACES);
	__type(key, __u32);
	__type(value, struct vg_interface_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VG_MAX_INTERFACES *VG_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct vg_service_counters);
} service_counters SEC(".maps");

static __always_inline void vg_add(struct vg_count *count, __u32 bytes)
{
	count->packets++;
	count->bytes += bytes;
}

static __always_inline void vg_count_frame(__u32 slot, __u32 row, __u32 source, __u32 bytes)
{
	struct vg_interface_counters *c = bpf_map_lookup_elem(&counters, &slot);

	if (c && row < VG_ROW_MAX && source < VG_MAX_SOURCES)
		vg_add(&c->count[row][source], bytes);
}

static __always_inline void vg_count_service(__u32 slot, __u32 service, __u32 verdict, __u32 bytes)
{
	const __u32 key = slot * VG_MAX_SERVICES + service;
	struct vg_service_counters *c = bpf_map_lookup_elem(&service_counters, &key);

	if (c && verdict < VG_VERDICT_MAX)
		vg_add(&c->count[verdict], bytes);
}

#endif
