// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that a NIC keeps for as long as it is filtered, and the maps that outlive a policy.
 * They jump into the policy in force, so that a new policy is one write to `programs` and one to
 * `recorders`, and the driver never sees a change.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "bpf/counters.h"
#include "bpf/state.h"
#include "vpcgate/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} recorders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vg_flow_totals);
} flow_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vg_state);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VG_LABEL_MAX);
	__type(key, __u32);
	__type(value, struct vg_label);
} labels SEC(".maps");

SEC("xdp")
int vpcgate_entry(struct xdp_md *ctx)
{
	bpf_tail_call_static(ctx, &programs, VG_PROGRAM_POLICY);
	/* No policy: the daemon publishes before it attaches, so this NIC was not left open by us. */
	return XDP_DROP;
}

/* At egress, as a classifier beside others: whatever happens, the next one has the last word. */
SEC("tc")
int vpcgate_egress(struct __sk_buff *skb)
{
	bpf_tail_call_static(skb, &recorders, VG_PROGRAM_RECORDER);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
