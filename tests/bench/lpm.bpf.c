// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The reference that vpcgate is measured against: its own policy program, with the kernel's LPM
 * tries in place of the compiled table, behind an entry program of the same kind.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "tests/bench/lpm.h"
#include "vpcgate/abi.h"

/* This file stands in place of that header. */
#define VPCGATE_BPF_LOOKUP_H

/* Userspace sets max_entries. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct bench_key4);
	__type(value, struct vg_class);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct bench_key6);
	__type(value, struct vg_class);
} lpm6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lpm_programs SEC(".maps");

static const struct vg_class unlisted = {
	.cell = VG_DROP_UNLISTED * VG_MAX_SOURCES,
	.refused = VG_DROP_UNLISTED * VG_MAX_SOURCES,
};

static __always_inline const struct vg_class *vg_class_of4(const __be32 *address)
{
	const struct bench_key4 key = {.prefixlen = 32, .address_be = *address};
	const struct vg_class *class = bpf_map_lookup_elem(&lpm4, &key);

	return class ?: &unlisted;
}

static __always_inline const struct vg_class *vg_class_of6(const struct in6_addr *address)
{
	const struct bench_key6 key = {.prefixlen = 128, .address = *address};
	const struct vg_class *class = bpf_map_lookup_elem(&lpm6, &key);

	return class ?: &unlisted;
}

/* There is no root and nothing below it. */
static __always_inline bool vg_root_class4(const __be32 *address, const struct vg_class **ret_class)
{
	*ret_class = vg_class_of4(address);
	return true;
}

static __always_inline bool vg_root_class6(const struct in6_addr *address,
					   const struct vg_class **ret_class)
{
	*ret_class = vg_class_of6(address);
	return true;
}

#define vg_class_below4 vg_class_of4
#define vg_class_below6 vg_class_of6

#include "bpf/policy.bpf.c"

SEC("xdp")
int lpm_entry(struct xdp_md *ctx)
{
	bpf_tail_call_static(ctx, &lpm_programs, VG_PROGRAM_POLICY);
	return XDP_DROP;
}
