// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flows that are over leave their table, the filter is built anew, and what came of all is counted. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

/* The counters of the recorder and ours together. */
struct counts {
	__u64 opened, expired, full;
};

static int read_counts(const struct vg_dataplane *dp, struct counts *ret_counts)
{
	const int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ __u64 *values = cpus > 0 ? calloc(cpus, sizeof(*values)) : NULL;
	__u64 sums[VG_FLOW_COUNTER_MAX] = {0};
	struct vg_flow_totals totals;
	__u32 key = 0;
	int r;

	if (!values)
		return -ENOMEM;
	r = bpf_map_lookup_elem(dp->fds[VG_PIN_FLOW_TOTALS], &key, &totals);
	for (; r >= 0 && key < VG_FLOW_COUNTER_MAX; key++) {
		r = bpf_map_lookup_elem(dp->fds[VG_PIN_FLOW_COUNTERS], &key, values);
		for (int cpu = 0; r >= 0 && cpu < cpus; cpu++)
			sums[key] += values[cpu];
	}
	if (r < 0)
		return r;
	*ret_counts = (struct counts){.opened = sums[VG_FLOW_OPENED] + totals.seeded,
				      .expired = sums[VG_FLOW_EXPIRED] + totals.swept,
				      .full = sums[VG_FLOW_FULL]};
	return 0;
}

int vg_dataplane_flow_stats(const struct vg_dataplane *dp, struct vg_flow_stats *ret_stats)
{
	const __u64 max = dp->replies.max_flows;
	struct counts counts;
	__u64 gone, open;
	int r;

	if (!dp->replies.track)
		return -ENODATA;
	r = read_counts(dp, &counts);
	if (r < 0)
		return r;
	/* What is evicted shows at the next sweep; until then it counts as open. */
	gone = counts.expired + dp->evicted;
	open = counts.opened > gone ? counts.opened - gone : 0;
	if (open > VG_FLOW_FAMILIES * max)
		open = VG_FLOW_FAMILIES * max;
	*ret_stats = (struct vg_flow_stats){
		.open = open,
		.max = max,
		.fullest = dp->fullest,
		.opened = counts.opened,
		.expired = counts.expired,
		.evicted = counts.opened > counts.expired + open
				   ? counts.opened - counts.expired - open
				   : 0,
		.full = counts.full,
		.lost_s = dp->lost_at_s ? vg_flow_now_s() - dp->lost_at_s : UINT32_MAX,
	};
	return 0;
}

/* ---- sweep ---- */

void vg_sweep_cancel(struct vg_dataplane *dp)
{
	vg_flow_walk_done(&dp->sweep.walk);
	vg_filter_done(&dp->sweep.filter);
	dp->sweep.active = false;
}

static void filter_clear(const struct vg_filter *filter, __u32 half)
{
	memset(filter->words + 1 + (size_t)half * filter->half_words, 0,
	       filter->half_words * sizeof(__u64));
}

static int sweep_begin(struct vg_dataplane *dp)
{
	struct vg_sweep *sweep = &dp->sweep;
	struct counts counts;
	int r;

	*sweep = (struct vg_sweep){.active = true, .walk.fd = -1};
	/* Before the walk: what is opened meanwhile must not look evicted. */
	r = read_counts(dp, &counts);
	if (r >= 0)
		r = vg_flow_walk_open(dp->fds[VG_PIN_FLOWS4], 0, &sweep->walk);
	if (r >= 0)
		r = vg_filter_open(dp->fds[VG_PIN_FLOW_FILTER], &sweep->filter);
	if (r < 0)
		return r;
	sweep->opened = counts.opened;
	sweep->half = !sweep->filter.words[0];
	filter_clear(&sweep->filter, sweep->half);
	return 0;
}

/*
 * Takes out a flow that was over when it was read. It may have been opened again since: then it
 * goes back, unless the recorder has already missed it and opened it once more. False: it is gone.
 */
static bool sweep_one(const struct vg_flow_walk *walk, const void *key, __u32 now_s, __u64 *swept)
{
	struct vg_flow flow;

	if (bpf_map_lookup_and_delete_elem(walk->fd, key, &flow) < 0)
		return false;
	if (!vg_flow_is_gone(key, walk->key_size, &flow, now_s) &&
	    bpf_map_update_elem(walk->fd, key, &flow, BPF_NOEXIST) != -EEXIST)
		return true;
	(*swept)++;
	return false;
}

static void sweep_batch(struct vg_sweep *sweep, __u64 *swept)
{
	const struct vg_flow_walk *walk = &sweep->walk;
	const __u32 now_s = vg_flow_now_s();

	for (__u32 i = 0; i < walk->n; i++) {
		const char *key = walk->keys + i * walk->key_size;

		if (vg_flow_is_gone(key, walk->key_size, &walk->flows[i], now_s) &&
		    !sweep_one(walk, key, now_s, swept))
			continue;
		vg_filter_set(&sweep->filter, sweep->half, vg_flow_hash(key, walk->key_size));
		sweep->open[sweep->table]++;
	}
}

/* Every flow has its bit in the half that was built: the datapath looks there from now on. */
static int sweep_end(struct vg_dataplane *dp)
{
	struct vg_sweep *sweep = &dp->sweep;
	const __u64 open = sweep->open[0] + sweep->open[1];
	struct counts counts;
	int r;

	__atomic_store_n(&sweep->filter.words[0], (__u64)sweep->half, __ATOMIC_RELEASE);
	r = read_counts(dp, &counts);
	if (r < 0)
		return r;
	if (sweep->opened > counts.expired + open + dp->evicted)
		dp->evicted = sweep->opened - counts.expired - open;
	if (dp->swept && dp->evicted + counts.full > dp->lost)
		dp->lost_at_s = vg_flow_now_s();
	dp->lost = dp->evicted + counts.full;
	dp->fullest = sweep->open[0] > sweep->open[1] ? sweep->open[0] : sweep->open[1];
	dp->swept = true;
	vg_sweep_cancel(dp);
	return 0;
}

/* 1: more to do, 0: done. */
static int sweep_step(struct vg_dataplane *dp, __u64 *swept)
{
	struct vg_sweep *sweep = &dp->sweep;
	int r = vg_flow_walk_next(&sweep->walk);

	if (r < 0)
		return r;
	if (r > 0) {
		sweep_batch(sweep, swept);
		return 1;
	}
	if (++sweep->table == VG_FLOW_FAMILIES)
		return 0;
	vg_flow_walk_done(&sweep->walk);
	r = vg_flow_walk_open(dp->fds[VG_FLOW_PIN(sweep->table)], sweep->table, &sweep->walk);
	return r < 0 ? r : 1;
}

static __u64 now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int vg_dataplane_sweep(struct vg_dataplane *dp, unsigned budget_us, struct vg_diag *diag)
{
	const __u64 end_us = now_us() + budget_us;
	__u64 swept = 0;
	int r, written;

	if (!dp->replies.track)
		return 0;
	r = dp->sweep.active ? 1 : sweep_begin(dp);
	if (r >= 0)
		do
			r = sweep_step(dp, &swept);
		while (r > 0 && now_us() < end_us);
	written = vg_flow_totals_add(dp, 0, swept);
	if (r == 0)
		r = written < 0 ? written : sweep_end(dp);
	if (r >= 0)
		return r;
	vg_sweep_cancel(dp);
	return vg_dataplane_fail(diag, -r, "can't sweep the flows: %s", strerror(-r));
}

/* ---- answers ---- */

/* The datapath's clock may be a little late, and so a second behind. */
static bool is_answer(const void *key, size_t key_size, const struct vg_flow *flow,
		      unsigned first_port, unsigned last_port, __u32 since_s)
{
	const union vg_flow_key *k = key;
	const bool v4 = key_size == sizeof(k->v4);
	const __u8 protocol = v4 ? k->v4.protocol : k->v6.protocol;
	const unsigned port = ntohs(v4 ? k->v4.local_port : k->v6.local_port);

	return protocol != IPPROTO_TCP && protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6 &&
	       (port < first_port || port > last_port) && (__s32)(flow->opened_s - since_s) >= -1;
}

int vg_dataplane_end_answers(struct vg_dataplane *dp, unsigned first_port, unsigned last_port,
			     __u32 since_s, size_t *ret_n, struct vg_diag *diag)
{
	size_t n = 0;
	int r = 0, written;

	for (int table = 0; r >= 0 && table < VG_FLOW_FAMILIES; table++) {
		_cleanup_(vg_flow_walk_done) struct vg_flow_walk walk = {.fd = -1};

		r = vg_flow_walk_open(dp->fds[VG_FLOW_PIN(table)], table, &walk);
		while (r >= 0 && (r = vg_flow_walk_next(&walk)) > 0) {
			for (__u32 i = 0; i < walk.n; i++) {
				const void *key = walk.keys + i * walk.key_size;

				if (is_answer(key, walk.key_size, &walk.flows[i], first_port,
					      last_port, since_s))
					n += bpf_map_delete_elem(walk.fd, key) >= 0;
			}
		}
	}
	written = vg_flow_totals_add(dp, 0, n);
	if (r >= 0)
		r = written;
	if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't go through the flows: %s", strerror(-r));
	*ret_n = n;
	return 0;
}
