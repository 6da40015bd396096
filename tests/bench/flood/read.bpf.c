// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The honest floor: drops each frame after a look at its source, so that it waits for the frame's bytes. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int bench_read(struct xdp_md *ctx)
{
	const struct iphdr *ip = (void *)(unsigned long)ctx->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(unsigned long)ctx->data_end)
		return XDP_DROP;
	/* No flood comes from 0.0.0.0; what is read must not be for nothing, or clang removes it. */
	return ip->saddr ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
