// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flows that this host has opened: the tables and their filter, seeded and read. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"
#include "vpcgate/flow.h"

__u32 vg_flow_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u32)now.tv_sec;
}

/* As the datapath has it: a packet may have come since `now_s` was taken. */
bool vg_flow_is_over(const struct vg_flow *flow, __u32 now_s)
{
	return (__s32)(now_s - flow->seen_s) >= (__s32)flow->lifetime_s;
}

/* Is it over, and can't even be revived by this host's next packet? See VG_FLOW_REVIVAL_S. */
bool vg_flow_is_gone(const void *key, size_t key_size, const struct vg_flow *flow, __u32 now_s)
{
	const union vg_flow_key *k = key;
	const bool v4 = key_size == sizeof(k->v4);
	struct vg_flow revivable = *flow;

	if ((v4 ? k->v4.protocol : k->v6.protocol) == IPPROTO_TCP && flow->state == VG_FLOW_OPEN)
		revivable.lifetime_s += VG_FLOW_REVIVAL_S;
	return vg_flow_is_over(&revivable, now_s);
}

__u64 vg_flow_hash(const void *key, size_t key_size)
{
	return key_size == sizeof(struct vg_flow_key4) ? vg_flow_hash4(key) : vg_flow_hash6(key);
}

__u32 vg_map_room(int fd)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.max_entries;
}

static size_t key_size_of(int table)
{
	return table ? sizeof(struct vg_flow_key6) : sizeof(struct vg_flow_key4);
}

/* ---- a walk over one table ---- */

int vg_flow_walk_open(int fd, int table, struct vg_flow_walk *ret_walk)
{
	struct vg_flow_walk walk = {.fd = fd, .key_size = key_size_of(table)};

	walk.keys = calloc(VG_FLOW_BATCH, walk.key_size);
	walk.flows = calloc(VG_FLOW_BATCH, sizeof(*walk.flows));
	if (!walk.keys || !walk.flows) {
		vg_flow_walk_done(&walk);
		return -ENOMEM;
	}
	*ret_walk = walk;
	return 0;
}

void vg_flow_walk_done(struct vg_flow_walk *walk)
{
	free(walk->keys);
	free(walk->flows);
	*walk = (struct vg_flow_walk){.fd = -1};
}

/*
 * Sees each flow that is there all the while exactly once: the kernel goes from bucket to bucket.
 * Reading marks no flow as recently used.
 */
int vg_flow_walk_next(struct vg_flow_walk *walk)
{
	__u32 next = 0, n = VG_FLOW_BATCH;
	int r;

	walk->n = 0;
	if (walk->ended)
		return 0;
	r = bpf_map_lookup_batch(walk->fd, walk->started ? &walk->token : NULL, &next, walk->keys,
				 walk->flows, &n, NULL);
	if (r < 0 && r != -ENOENT)
		return r;
	walk->started = true;
	walk->ended = r == -ENOENT;
	walk->token = next;
	walk->n = n;
	return n > 0 || !walk->ended;
}

/* ---- the filter ---- */

int vg_filter_open(int fd, struct vg_filter *ret_filter)
{
	const __u32 entries = vg_map_room(fd);
	const size_t bytes = entries * sizeof(__u64);
	void *memory;

	if (entries < VG_FILTER_ENTRIES(VG_FLOWS_OFF))
		return -EINVAL;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*ret_filter = (struct vg_filter){memory, bytes, (entries - 1) / 2};
	return 0;
}

void vg_filter_done(struct vg_filter *filter)
{
	if (filter->words)
		munmap(filter->words, filter->bytes);
	*filter = (struct vg_filter){0};
}

void vg_filter_set(const struct vg_filter *filter, __u32 half, __u64 hash)
{
	__atomic_fetch_or(&filter->words[vg_filter_word(hash, filter->half_words, half)],
			  vg_filter_bit(hash), __ATOMIC_RELAXED);
}

/* ---- counters ---- */

int vg_flow_totals_add(const struct vg_dataplane *dp, __u64 seeded, __u64 swept)
{
	struct vg_flow_totals totals;
	__u32 key = 0;
	int r;

	if (!seeded && !swept)
		return 0;
	r = bpf_map_lookup_elem(dp->fds[VG_PIN_FLOW_TOTALS], &key, &totals);
	if (r < 0)
		return r;
	totals.seeded += seeded;
	totals.swept += swept;
	return bpf_map_update_elem(dp->fds[VG_PIN_FLOW_TOTALS], &key, &totals, BPF_ANY);
}

/* ---- seed ---- */

bool vg_dataplane_tracks(const struct vg_dataplane *dp)
{
	return vg_map_room(dp->fds[VG_PIN_FLOWS4]) != VG_FLOWS_OFF;
}

/* The words of an address in network byte order; IPv4 in the first. */
static void address_words(const struct vg_address *address, __be32 words[4])
{
	words[0] = htonl(address->hi >> 32);
	words[1] = htonl(address->hi & UINT32_MAX);
	words[2] = htonl(address->lo >> 32);
	words[3] = htonl(address->lo & UINT32_MAX);
}

/* The table's number. */
static int make_key(const struct vg_flow_info *info, union vg_flow_key *ret_key)
{
	__be32 remote[4], local[4];

	address_words(&info->remote, remote);
	address_words(&info->local, local);
	memset(ret_key, 0, sizeof(*ret_key));
	if (info->remote.family == 4) {
		ret_key->v4 = (struct vg_flow_key4){.remote = remote[0],
						    .local = local[0],
						    .remote_port = htons(info->remote_port),
						    .local_port = htons(info->local_port),
						    .protocol = info->protocol};
		return 0;
	}
	ret_key->v6.remote_port = htons(info->remote_port);
	ret_key->v6.local_port = htons(info->local_port);
	ret_key->v6.protocol = info->protocol;
	memcpy(ret_key->v6.remote, remote, sizeof(remote));
	memcpy(ret_key->v6.local, local, sizeof(local));
	return 1;
}

static __u32 lifetime_of(const struct vg_replies *replies, unsigned protocol, unsigned state)
{
	switch (protocol) {
	case IPPROTO_TCP:
		if (state == VG_FLOW_NEW)
			return VG_FLOW_TCP_NEW_S;
		return state == VG_FLOW_OPEN ? replies->tcp_s : VG_FLOW_TCP_CLOSING_S;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return replies->icmp_s;
	default:
		return replies->udp_s;
	}
}

/* Adds a flow, also in place of one that is over. -EEXIST: it is there and isn't. */
static int seed_one(int fd, const union vg_flow_key *key, const struct vg_flow *flow)
{
	struct vg_flow there;
	const int r = bpf_map_update_elem(fd, key, flow, BPF_NOEXIST);

	if (r != -EEXIST || bpf_map_lookup_elem(fd, key, &there) < 0 ||
	    !vg_flow_is_over(&there, flow->seen_s))
		return r;
	return bpf_map_update_elem(fd, key, flow, BPF_ANY);
}

int vg_dataplane_seed(struct vg_dataplane *dp, const struct vg_flow_info *flows, size_t n,
		      size_t *ret_added, struct vg_diag *diag)
{
	_cleanup_(vg_filter_done) struct vg_filter filter = {0};
	const __u32 now_s = vg_flow_now_s();
	size_t added = 0;
	int r;

	if (!dp->replies.track)
		return vg_dataplane_fail(diag, ENODATA, "replies are not tracked");
	r = vg_filter_open(dp->fds[VG_PIN_FLOW_FILTER], &filter);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const __u8 state = flows[i].flow.state;
		const struct vg_flow flow = {
			.opened_s = now_s,
			.seen_s = now_s,
			.lifetime_s = lifetime_of(&dp->replies, flows[i].protocol, state),
			.state = state,
		};
		union vg_flow_key key;
		const int table = make_key(&flows[i], &key);
		const __u64 hash = vg_flow_hash(&key, key_size_of(table));

		r = seed_one(dp->fds[VG_FLOW_PIN(table)], &key, &flow);
		added += r >= 0;
		if (r == -EEXIST)
			r = 0;
		for (__u32 half = 0; r >= 0 && half < 2; half++)
			vg_filter_set(&filter, half, hash);
	}
	if (vg_flow_totals_add(dp, added, 0) < 0 || r < 0)
		return vg_dataplane_fail(diag, r < 0 ? -r : EIO,
					 "can't add the flows that are open already: %s",
					 strerror(r < 0 ? -r : EIO));
	*ret_added = added;
	return 0;
}

/* ---- read ---- */

static struct vg_address address_of(int family, const void *bytes)
{
	return vg_address_from_bytes(family, bytes);
}

static struct vg_flow_info info_of(int table, const char *key, const struct vg_flow *flow)
{
	const struct vg_flow_key6 *v6 = (const struct vg_flow_key6 *)key;
	const struct vg_flow_key4 *v4 = (const struct vg_flow_key4 *)key;
	const int family = VG_FLOW_FAMILY(table);

	return (struct vg_flow_info){
		.remote = address_of(family, table ? (const void *)v6->remote : &v4->remote),
		.local = address_of(family, table ? (const void *)v6->local : &v4->local),
		.remote_port = ntohs(table ? v6->remote_port : v4->remote_port),
		.local_port = ntohs(table ? v6->local_port : v4->local_port),
		.protocol = table ? v6->protocol : v4->protocol,
		.flow = *flow,
	};
}

/* Appends the flows of one table that are not over. */
static int read_table(int fd, int table, __u32 now_s, struct vg_flow_info **flows, size_t *n)
{
	_cleanup_(vg_flow_walk_done) struct vg_flow_walk walk = {.fd = -1};
	int r = vg_flow_walk_open(fd, table, &walk);

	while (r >= 0 && (r = vg_flow_walk_next(&walk)) > 0) {
		struct vg_flow_info *grown = reallocarray(*flows, *n + walk.n + 1, sizeof(**flows));

		if (!grown)
			return -ENOMEM;
		*flows = grown;
		for (__u32 i = 0; i < walk.n; i++)
			if (!vg_flow_is_over(&walk.flows[i], now_s))
				grown[(*n)++] = info_of(table, walk.keys + i * walk.key_size,
							&walk.flows[i]);
	}
	return r;
}

int vg_flows_read(const char *dir, struct vg_flow_info **ret_flows, size_t *ret_n, __u32 *ret_now_s,
		  struct vg_diag *diag)
{
	_cleanup_free_ struct vg_flow_info *flows = NULL;
	const __u32 now_s = vg_flow_now_s();
	struct vg_state state;
	size_t n = 0;
	int r = vg_dataplane_state(dir, &state, diag);

	if (r < 0)
		return r;
	for (int table = 0; r >= 0 && table < VG_FLOW_FAMILIES; table++) {
		_cleanup_close_ int fd = -1;
		char path[PATH_MAX];

		vg_pin_path(dir, vg_pin_names[VG_FLOW_PIN(table)], path);
		fd = bpf_obj_get(path);
		if (fd >= 0 && vg_map_room(fd) == VG_FLOWS_OFF)
			return vg_dataplane_fail(diag, ENODATA, "replies are not tracked");
		r = fd < 0 ? fd : read_table(fd, table, now_s, &flows, &n);
	}
	if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't read the flows in %s: %s", dir,
					 strerror(-r));
	*ret_flows = VG_TAKE_PTR(flows);
	*ret_n = n;
	*ret_now_s = now_s;
	return 0;
}
