// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flows on their way from the tables in force to those of another size. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

struct entry {
	union vg_flow_key key;
	struct vg_flow flow;
};

struct entries {
	struct entry *items;
	size_t n, allocated;
};

static void entries_done(struct entries *entries)
{
	free(entries->items);
}

static int grow(struct entries *entries, size_t more)
{
	const size_t needed = entries->n + more;
	struct entry *grown;

	if (needed <= entries->allocated)
		return 0;
	entries->allocated = needed > 2 * entries->allocated ? needed : 2 * entries->allocated;
	grown = reallocarray(entries->items, entries->allocated, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	entries->items = grown;
	return 0;
}

static int collect(struct vg_flow_walk *walk, struct entries *entries)
{
	const __u32 now_s = vg_flow_now_s();
	int r;

	while ((r = vg_flow_walk_next(walk)) > 0) {
		r = grow(entries, walk->n);
		if (r < 0)
			return r;
		for (__u32 i = 0; i < walk->n; i++) {
			const void *key = walk->keys + i * walk->key_size;
			struct entry *entry = &entries->items[entries->n];

			if (vg_flow_is_gone(key, walk->key_size, &walk->flows[i], now_s))
				continue;
			memcpy(&entry->key, key, walk->key_size);
			entry->flow = walk->flows[i];
			entries->n++;
		}
	}
	/* For the second walk. */
	walk->started = walk->ended = false;
	return r;
}

static int compare_seen(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const __s32 later = (__s32)(x->flow.seen_s - y->flow.seen_s);

	return later < 0 ? -1 : later > 0;
}

static void set_bits(const struct vg_flow_move *move, __u64 hash)
{
	for (__u32 half = 0; half < 2; half++)
		vg_filter_set(&move->filter, half, hash);
}

/*
 * The longest unseen first, as the table's own order of eviction has them. The walk's buffers, which
 * are not in use, carry a batch a call.
 */
static int insert(const struct vg_flow_move *move, int table, const struct entry *entries, size_t n)
{
	const struct vg_flow_walk *walk = &move->walk[table];

	while (n) {
		__u32 batch = n < VG_FLOW_BATCH ? n : VG_FLOW_BATCH, done = batch;
		int r;

		for (__u32 i = 0; i < batch; i++) {
			memcpy(walk->keys + i * walk->key_size, &entries[i].key, walk->key_size);
			walk->flows[i] = entries[i].flow;
			set_bits(move, vg_flow_hash(&entries[i].key, walk->key_size));
		}
		r = bpf_map_update_batch(move->to[table], walk->keys, walk->flows, &done, NULL);
		if (r < 0)
			return r;
		entries += batch;
		n -= batch;
	}
	return 0;
}

static int move_table(struct vg_flow_move *move, int table)
{
	_cleanup_(entries_done) struct entries entries = {0};
	const __u32 room = vg_map_room(move->to[table]);
	int r = collect(&move->walk[table], &entries);

	if (r < 0)
		return r;
	if (!entries.n)
		return 0;
	qsort(entries.items, entries.n, sizeof(*entries.items), compare_seen);
	if (entries.n <= room)
		return insert(move, table, entries.items, entries.n);
	return insert(move, table, entries.items + entries.n - room, room);
}

int vg_flow_move_begin(const int from[VG_FLOW_FAMILIES], const int to[VG_FLOW_FAMILIES],
		       int filter_fd, struct vg_flow_move *ret_move)
{
	_cleanup_(vg_flow_move_done) struct vg_flow_move move = {.since_s = vg_flow_now_s()};
	int r = vg_filter_open(filter_fd, &move.filter);

	for (int table = 0; r >= 0 && table < VG_FLOW_FAMILIES; table++) {
		move.to[table] = to[table];
		r = vg_flow_walk_open(from[table], table, &move.walk[table]);
		if (r >= 0)
			r = move_table(&move, table);
	}
	if (r < 0)
		return r;
	*ret_move = move;
	move = (struct vg_flow_move){0};
	return 0;
}

/*
 * What has happened to a flow in the old table, with what has happened to it in the new one: the
 * later opening, and of one opening the later packet. Within a second it is the state that is further
 * on, since this host's next packet leads back from there, if it should.
 */
static struct vg_flow merge(const struct vg_flow *old, const struct vg_flow *new)
{
	const __s32 opened_later = (__s32)(old->opened_s - new->opened_s);
	const __s32 seen_later = (__s32)(old->seen_s - new->seen_s);
	struct vg_flow merged = *new;

	if (opened_later)
		return opened_later > 0 ? *old : *new;
	if (seen_later > 0 || (!seen_later && old->state > new->state)) {
		merged.seen_s = old->seen_s;
		merged.state = old->state;
		merged.lifetime_s = old->lifetime_s;
	}
	if (old->packets > new->packets) {
		merged.packets = old->packets;
		merged.bytes = old->bytes;
	}
	return merged;
}

static int finish_one(struct vg_flow_move *move, int table, const void *key,
		      const struct vg_flow *old)
{
	struct vg_flow flow;
	int r;

	r = bpf_map_update_elem(move->to[table], key, old, BPF_NOEXIST);
	if (r == -EEXIST && bpf_map_lookup_elem(move->to[table], key, &flow) >= 0) {
		const struct vg_flow merged = merge(old, &flow);

		r = memcmp(&merged, &flow, sizeof(flow)) == 0
			    ? 0
			    : bpf_map_update_elem(move->to[table], key, &merged, BPF_EXIST);
	}
	set_bits(move, vg_flow_hash(key, move->walk[table].key_size));
	return r;
}

/*
 * A flow that is new, or that has come nearer to its end. One that was only refreshed is not worth
 * the time, during which what opens now has no replies yet. Times are written once a second.
 */
static bool has_changed(const struct vg_flow_move *move, const struct vg_flow *flow)
{
	if ((__s32)(flow->seen_s - move->since_s) < -1)
		return false;
	return flow->state >= VG_FLOW_CLOSING || (__s32)(flow->opened_s - move->since_s) >= -1;
}

static int finish_table(struct vg_flow_move *move, int table)
{
	struct vg_flow_walk *walk = &move->walk[table];
	int r, first = 0;

	while ((r = vg_flow_walk_next(walk)) > 0) {
		for (__u32 i = 0; i < walk->n; i++) {
			if (!has_changed(move, &walk->flows[i]))
				continue;
			r = finish_one(move, table, walk->keys + i * walk->key_size,
				       &walk->flows[i]);
			if (r < 0 && !first)
				first = r;
		}
	}
	return first ?: r;
}

int vg_flow_move_finish(struct vg_flow_move *move)
{
	int first = 0;

	/* Nothing was begun: the tables stay the same. */
	for (int table = 0; move->filter.words && table < VG_FLOW_FAMILIES; table++) {
		const int r = finish_table(move, table);

		if (r < 0 && !first)
			first = r;
	}
	return first;
}

void vg_flow_move_done(struct vg_flow_move *move)
{
	for (int table = 0; table < VG_FLOW_FAMILIES; table++)
		vg_flow_walk_done(&move->walk[table]);
	vg_filter_done(&move->filter);
}
