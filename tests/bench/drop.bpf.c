// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The least an XDP program can do: what every figure of the benchmark is taken over. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
