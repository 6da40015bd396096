// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sending side, under BPF_PROG_TEST_RUN with live frames: each gets the next of the sources and
 * leaves by the NIC in question, in bursts.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include "tests/bench/flood/send.h"

/* Looks at the clock before a burst leaves too early all the same: some ten milliseconds. */
#define PATIENCE 500000

struct flood_settings settings;
__be32 sources[FLOOD_MAX_SOURCES];

static long is_due(__u32 index, void *context)
{
	(void)index;
	(void)context;
	return bpf_ktime_get_ns() >= settings.due_ns;
}

static __always_inline void await_burst(void)
{
	if (settings.left == 0) {
		bpf_loop(PATIENCE, is_due, NULL, 0);
		settings.due_ns = bpf_ktime_get_ns() + settings.interval_ns;
		settings.left = settings.burst;
	}
	settings.left--;
}

static __always_inline __be32 next_source(void)
{
	const __be32 source = sources[settings.next & (FLOOD_MAX_SOURCES - 1)];

	settings.next = settings.next + 1 < settings.n_sources ? settings.next + 1 : 0;
	return source;
}

/* The checksum of the header with that source (RFC 1624). */
static __always_inline __sum16 check_of(__be32 source)
{
	__u32 sum = (__u16)~settings.check + (source & 0xffff) + (source >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

SEC("xdp")
int flood_send(struct xdp_md *ctx)
{
	struct iphdr *ip;

	await_burst();
	/* So that the frame begins where a NIC would put it, with a cache line. */
	if (bpf_xdp_adjust_head(ctx, FLOOD_LEAD))
		return XDP_ABORTED;
	ip = (void *)(unsigned long)ctx->data + ETH_HLEN;
	if ((void *)(ip + 1) > (void *)(unsigned long)ctx->data_end)
		return XDP_ABORTED;
	/* Written even if it is the same again: the receiver must not find the line in its cache. */
	ip->saddr = next_source();
	ip->check = check_of(ip->saddr);
	return bpf_redirect(settings.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
