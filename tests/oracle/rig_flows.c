/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/rig_flows.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "share/cleanup.h"
#include "vpcgate/flow.h"

#define MAX_CPUS 1024
#define RECENT_MAX 1024 /* as in bpf/maps.h */

static int open_pin(const struct vg_rig *rig, const char *name, int *ret_fd)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-fd));
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

static int map_filter(const struct vg_rig *rig, struct vg_rig_flows *flows)
{
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	void *memory;
	int r;

	r = open_pin(rig, "flow_filter", &fd);
	if (r < 0)
		return r;
	r = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (r < 0)
		return r;
	flows->filter_size = (size_t)info.max_entries * info.value_size;
	memory = mmap(NULL, flows->filter_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	flows->filter = memory;
	return 0;
}

int vg_rig_flows_open(const struct vg_rig *rig, struct vg_rig_flows *ret_flows)
{
	struct vg_rig_flows flows = VG_RIG_FLOWS_NONE;
	int r;

	if (rig->cpus > MAX_CPUS)
		return -E2BIG;
	flows.cpu = rig->cpu;
	flows.cpus = rig->cpus;
	r = open_pin(rig, "flows4", &flows.flow_fds[0]);
	if (r == 0)
		r = open_pin(rig, "flows6", &flows.flow_fds[1]);
	if (r == 0)
		r = open_pin(rig, "refused", &flows.refused_fd);
	if (r == 0)
		r = open_pin(rig, "fragments", &flows.fragments_fd);
	if (r == 0)
		r = open_pin(rig, "flow_counters", &flows.counters_fd);
	if (r == 0)
		r = open_pin(rig, "egress", &flows.egress_fd);
	if (r == 0)
		r = vg_rig_open_recent(rig, &flows.recent_fd);
	if (r == 0 || r == -ENOENT)
		r = map_filter(rig, &flows);
	if (r < 0)
		vg_rig_flows_close(&flows);
	else
		*ret_flows = flows;
	return r;
}

void vg_rig_flows_close(struct vg_rig_flows *flows)
{
	vg_close_p(&flows->flow_fds[0]);
	vg_close_p(&flows->flow_fds[1]);
	vg_close_p(&flows->refused_fd);
	vg_close_p(&flows->fragments_fd);
	vg_close_p(&flows->counters_fd);
	vg_close_p(&flows->recent_fd);
	vg_close_p(&flows->egress_fd);
	if (flows->filter)
		munmap(flows->filter, flows->filter_size);
	*flows = (struct vg_rig_flows)VG_RIG_FLOWS_NONE;
}

/* ---- keys ---- */

union flow_key {
	struct vg_flow_key4 v4;
	struct vg_flow_key6 v6;
};

static void make_key(const struct vg_tuple *tuple, union flow_key *key)
{
	const __be16 remote_port = htons((__u16)tuple->remote_port);
	const __be16 local_port = htons((__u16)tuple->local_port);

	memset(key, 0, sizeof(*key));
	if (tuple->remote.family == 4) {
		memcpy(&key->v4.remote, tuple->remote.bytes, 4);
		memcpy(&key->v4.local, tuple->local.bytes, 4);
		key->v4.remote_port = remote_port;
		key->v4.local_port = local_port;
		key->v4.protocol = (__u8)tuple->protocol;
	} else {
		memcpy(key->v6.remote, tuple->remote.bytes, 16);
		memcpy(key->v6.local, tuple->local.bytes, 16);
		key->v6.remote_port = remote_port;
		key->v6.local_port = local_port;
		key->v6.protocol = (__u8)tuple->protocol;
	}
}

static int flow_fd(const struct vg_rig_flows *flows, const struct vg_tuple *tuple)
{
	return flows->flow_fds[tuple->remote.family == 6];
}

static __u64 hash_of(const struct vg_tuple *tuple)
{
	union flow_key key;

	make_key(tuple, &key);
	return tuple->remote.family == 4 ? vg_flow_hash4(&key.v4) : vg_flow_hash6(&key.v6);
}

static void make_fragment_key(const struct vg_fragment_name *name, unsigned slot,
			      struct vg_fragment_key *key)
{
	*key = (struct vg_fragment_key){
		.id = name->source.family == 4 ? htons((__u16)name->id) : htonl(name->id),
		.protocol = name->protocol < 0 ? 0 : (__u8)name->protocol,
		.family = name->source.family,
		.nic = (__u16)slot,
	};
	memcpy(key->source, name->source.bytes, 16);
	memcpy(key->destination, name->destination.bytes, 16);
}

/* ---- flows ---- */

int vg_rig_send(const struct vg_rig_flows *flows, const void *frame, size_t length, unsigned from)
{
	struct __sk_buff ctx = {.ifindex = 1, .ingress_ifindex = from};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (__u32)length,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	const int r = bpf_prog_test_run_opts(flows->egress_fd, &opts);

	return r < 0 ? r : (int)opts.retval;
}

int vg_rig_flow_get(const struct vg_rig_flows *flows, const struct vg_tuple *tuple,
		    struct vg_flow *ret_flow)
{
	union flow_key key;

	make_key(tuple, &key);
	return bpf_map_lookup_elem(flow_fd(flows, tuple), &key, ret_flow);
}

int vg_rig_flow_put(const struct vg_rig_flows *flows, const struct vg_tuple *tuple,
		    const struct vg_flow *flow)
{
	union flow_key key;

	make_key(tuple, &key);
	return bpf_map_update_elem(flow_fd(flows, tuple), &key, flow, BPF_EXIST);
}

int vg_rig_flow_delete(const struct vg_rig_flows *flows, const struct vg_tuple *tuple)
{
	union flow_key key;

	make_key(tuple, &key);
	return bpf_map_delete_elem(flow_fd(flows, tuple), &key);
}

bool vg_rig_flows_are_empty(const struct vg_rig_flows *flows)
{
	char key[sizeof(struct vg_fragment_key)];

	_Static_assert(sizeof(union flow_key) <= sizeof(key), "keys of flows fit");
	return bpf_map_get_next_key(flows->flow_fds[0], NULL, key) == -ENOENT &&
	       bpf_map_get_next_key(flows->flow_fds[1], NULL, key) == -ENOENT &&
	       bpf_map_get_next_key(flows->fragments_fd, NULL, key) == -ENOENT;
}

static int clear_map(int fd)
{
	char key[sizeof(struct vg_fragment_key)];
	int r;

	while (bpf_map_get_next_key(fd, NULL, key) == 0) {
		r = bpf_map_delete_elem(fd, key);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int clear_refused(int fd)
{
	_cleanup_free_ struct vg_refused *zeroes = calloc(VG_REFUSED_MAX, sizeof(*zeroes));
	_cleanup_free_ __u32 *keys = calloc(VG_REFUSED_MAX, sizeof(*keys));
	__u32 n = VG_REFUSED_MAX;

	if (!zeroes || !keys)
		return -ENOMEM;
	for (__u32 i = 0; i < n; i++)
		keys[i] = i;
	return bpf_map_update_batch(fd, keys, zeroes, &n, NULL);
}

int vg_rig_flows_clear(const struct vg_rig_flows *flows)
{
	int r;

	r = clear_map(flows->flow_fds[0]);
	if (r == 0)
		r = clear_map(flows->flow_fds[1]);
	if (r == 0)
		r = clear_map(flows->fragments_fd);
	return r < 0 ? r : clear_refused(flows->refused_fd);
}

void vg_rig_filter_clear(const struct vg_rig_flows *flows, unsigned half)
{
	memset(flows->filter, 0, flows->filter_size);
	flows->filter[0] = half;
}

int vg_rig_forget_sent(const struct vg_rig_flows *flows, const struct vg_tuple *tuple)
{
	static const __u64 zeroes[MAX_CPUS];
	const __u32 key = hash_of(tuple) % RECENT_MAX;

	return flows->recent_fd < 0 ? 0
				    : bpf_map_update_elem(flows->recent_fd, &key, zeroes, BPF_ANY);
}

/* ---- notes ---- */

__u64 vg_rig_note_place(const struct vg_tuple *tuple)
{
	return hash_of(tuple) % VG_REFUSED_MAX;
}

int vg_rig_note_put(const struct vg_rig_flows *flows, const struct vg_tuple *tuple, __u32 seen_s)
{
	const __u64 hash = hash_of(tuple);
	const __u32 key = hash % VG_REFUSED_MAX;
	const struct vg_refused note = {.tag = (__u32)(hash >> 32), .seen_s = seen_s};

	return bpf_map_update_elem(flows->refused_fd, &key, &note, BPF_ANY);
}

int vg_rig_note_get(const struct vg_rig_flows *flows, const struct vg_tuple *tuple,
		    __u32 *ret_seen_s)
{
	const __u64 hash = hash_of(tuple);
	const __u32 key = hash % VG_REFUSED_MAX;
	struct vg_refused note;
	int r;

	r = bpf_map_lookup_elem(flows->refused_fd, &key, &note);
	if (r < 0)
		return r;
	*ret_seen_s = note.tag == (__u32)(hash >> 32) ? note.seen_s : 0;
	return 0;
}

/* ---- fragments and counters ---- */

int vg_rig_fragment_get(const struct vg_rig_flows *flows, const struct vg_fragment_name *name,
			unsigned slot, struct vg_fragment *ret_fragment)
{
	struct vg_fragment_key key;

	make_fragment_key(name, slot, &key);
	return bpf_map_lookup_elem(flows->fragments_fd, &key, ret_fragment);
}

int vg_rig_fragment_put(const struct vg_rig_flows *flows, const struct vg_fragment_name *name,
			unsigned slot, const struct vg_fragment *fragment)
{
	struct vg_fragment_key key;

	make_fragment_key(name, slot, &key);
	return bpf_map_update_elem(flows->fragments_fd, &key, fragment, BPF_EXIST);
}

int vg_rig_fragment_delete(const struct vg_rig_flows *flows, const struct vg_fragment_name *name,
			   unsigned slot)
{
	struct vg_fragment_key key;

	make_fragment_key(name, slot, &key);
	return bpf_map_delete_elem(flows->fragments_fd, &key);
}

int vg_rig_flow_counters(const struct vg_rig_flows *flows, __u64 ret_values[VG_FLOW_COUNTER_MAX])
{
	static __u64 values[VG_FLOW_COUNTER_MAX * MAX_CPUS];
	__u32 keys[VG_FLOW_COUNTER_MAX], n = VG_FLOW_COUNTER_MAX, token;
	int r;

	/* One call for all; -ENOENT says that there are no more. */
	r = bpf_map_lookup_batch(flows->counters_fd, NULL, &token, keys, values, &n, NULL);
	if (r < 0 && r != -ENOENT)
		return r;
	for (__u32 i = 0; i < n; i++)
		ret_values[keys[i]] = values[i * flows->cpus + flows->cpu];
	return 0;
}
