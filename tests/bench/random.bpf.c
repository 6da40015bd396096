// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Gives a frame without VLAN tags another source each time, and hands it on to the program in
 * question. All that differs from one program to the next is what `target` holds.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include "tests/bench/random.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} target SEC(".maps");

union bench_sources sources;
__u64 state; /* the next of `sources`, or of the uniform ones */

static __always_inline void *source_at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *at = (void *)(unsigned long)ctx->data + ETH_HLEN + offset;

	return at + size > (void *)(unsigned long)ctx->data_end ? NULL : at;
}

/* Knuth's MMIX generator, TAOCP vol. 2, §3.3.4: its upper half is good enough, and cheap. */
SEC("xdp")
int bench_uniform4(struct xdp_md *ctx)
{
	__be32 *at = source_at(ctx, offsetof(struct iphdr, saddr), sizeof(*at));

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	if (at)
		*at = state >> 32;
	bpf_tail_call_static(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int bench_listed4(struct xdp_md *ctx)
{
	__be32 *at = source_at(ctx, offsetof(struct iphdr, saddr), sizeof(*at));

	if (at)
		*at = sources.four[state++ & (BENCH_SOURCES - 1)];
	bpf_tail_call_static(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int bench_listed6(struct xdp_md *ctx)
{
	__be64 *at = source_at(ctx, offsetof(struct ipv6hdr, saddr), sizeof(*at));

	if (at)
		*at = sources.six[state++ & (BENCH_SOURCES - 1)];
	bpf_tail_call_static(ctx, &target, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
