// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The reference that vpcgate is measured against: the same header checks, class and counter, with
 * the kernel's LPM tries, one a family, in place of the compiled table. No tail call.
 */
#include <linux/bpf.h>
#include <linux/in6.h>
#include <bpf/bpf_helpers.h>
#include "bpf/counters.h"
#include "bpf/ethernet.h"
#include "bpf/ip.h"
#include "bpf/packet.h"
#include "tests/bench/lpm.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, VG_MAX_PREFIXES4);
	__type(key, struct bench_key4);
	__type(value, struct vg_class);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, VG_MAX_PREFIXES6);
	__type(key, struct bench_key6);
	__type(value, struct vg_class);
} lpm6 SEC(".maps");

static __always_inline const struct vg_class *lookup4(const struct iphdr *ip)
{
	const struct bench_key4 key = {.prefixlen = 32, .addr_be = ip->saddr};

	return bpf_map_lookup_elem(&lpm4, &key);
}

static __always_inline const struct vg_class *lookup6(const struct ipv6hdr *ip)
{
	const struct bench_key6 key = {.prefixlen = 128, .addr = ip->saddr};

	return bpf_map_lookup_elem(&lpm6, &key);
}

SEC("xdp")
int bench_lpm(struct xdp_md *ctx)
{
	struct vg_packet p = {
		.ctx = ctx,
		.pos = (void *)(unsigned long)ctx->data,
		.end = (void *)(unsigned long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
	};
	const struct vg_class *class = NULL;
	const struct ipv6hdr *ip6;
	const struct iphdr *ip4;
	__u32 outcome, source = VG_SOURCE_NONE;
	__be16 ethertype;

	outcome = vg_parse_ethernet(&p, &ethertype);
	if (outcome == VG_CONTINUE && ethertype == bpf_htons(ETH_P_IP)) {
		ip4 = vg_parse_ip4(&p);
		class = ip4 ? lookup4(ip4) : NULL;
		outcome = ip4 ? VG_DROP_UNLISTED : VG_DROP_MALFORMED;
	} else if (outcome == VG_CONTINUE) {
		ip6 = vg_parse_ip6(&p);
		class = ip6 ? lookup6(ip6) : NULL;
		outcome = ip6 ? VG_DROP_UNLISTED : VG_DROP_MALFORMED;
	}
	if (class) {
		source = class->source;
		outcome = class->sets & 1 ? VG_PASS_ADMITTED : VG_DROP_NOT_ADMITTED;
	}
	vg_count_frame(0, outcome, source, p.length);
	return outcome < VG_DROP_FIRST ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
