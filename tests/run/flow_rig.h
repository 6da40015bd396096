/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A dataplane that tracks replies, and its tables as the pins show them, for tests. */
#ifndef VPCGATE_TESTS_FLOW_RIG_H
#define VPCGATE_TESTS_FLOW_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <time.h>
#include "core/config.h"
#include "core/tables.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "tests/oracle/rig.h"
#include "vpcgate/flow.h"

#define ROOM 4096

static struct vg_rig rig;

static const char base[] = "interfaces: [\"t*\"]\ningress: internal\n"
			   "sources:\n  vpc: [10.178.0.0/20]\n";

/* 0 flows: `replies: off`. */
static inline int publish(unsigned max_flows)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	const struct vg_target target = {.ifindex = 1, .name = "t0"};
	struct vg_diag diag = {0};

	assert_int_equal(vg_config_parse("t.yaml", base, strlen(base), &config, &diag), 0);
	assert_int_equal(vg_policy_build(config, &vg_file_reader, &policy, &diag), 0);
	policy->replies = (struct vg_replies){.track = max_flows,
					      .tcp_s = 7200,
					      .udp_s = 180,
					      .icmp_s = 30,
					      .max_flows = max_flows};
	assert_int_equal(vg_tables_build(policy, &tables, &diag), 0);
	return vg_dataplane_publish(rig.dataplane, policy, tables, &target, 1, &diag);
}

static inline void publish_ok(unsigned max_flows)
{
	assert_int_equal(publish(max_flows), 0);
}

static inline void reopen(void)
{
	struct vg_diag diag = {0};

	vg_dataplane_close(rig.dataplane);
	rig.dataplane = NULL;
	if (vg_dataplane_open(rig.dir, &rig.dataplane, &diag) < 0)
		fail_msg("%s", diag.text);
}

static inline int pinned(const char *name)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/%s", rig.dir, name) > 0);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

static inline __u32 room_of(const char *name)
{
	_cleanup_close_ int fd = pinned(name);
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	return info.max_entries;
}

static inline __u32 now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* As the recorder would have added it, `ago_s` before. */
static inline void add4(unsigned number, unsigned ago_s)
{
	const struct vg_flow_key4 key = {.remote = htonl(0xcb000000 + number),
					 .local = htonl(0x0ab20001),
					 .remote_port = htons(443),
					 .local_port = htons(40000),
					 .protocol = 6};
	const struct vg_flow flow = {.opened_s = now_s() - ago_s,
				     .seen_s = now_s() - ago_s,
				     .lifetime_s = 7200,
				     .state = VG_FLOW_OPEN};
	_cleanup_close_ int fd = pinned("flows4");

	assert_int_equal(bpf_map_update_elem(fd, &key, &flow, BPF_ANY), 0);
}

static inline struct vg_flow_info *read_flows(size_t *n)
{
	struct vg_flow_info *flows = NULL;
	struct vg_diag diag = {0};
	const __u32 before = now_s();
	__u32 now = 0;

	if (vg_flows_read(rig.dir, &flows, n, &now, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_in_range(now, before, now_s());
	return flows;
}

static inline size_t count(void)
{
	size_t n = 0;

	free(read_flows(&n));
	return n;
}

/* Number of the flow of add4(). */
static inline unsigned number_of(const struct vg_flow_info *info)
{
	return (unsigned)(info->remote.hi >> 32) - 0xcb000000;
}

static inline struct vg_address address(const char *text)
{
	struct vg_address parsed = {0};

	assert_int_equal(vg_address_parse(text, &parsed), 0);
	return parsed;
}

static inline bool is_same(const struct vg_address *a, const struct vg_address *b)
{
	return a->family == b->family && a->hi == b->hi && a->lo == b->lo;
}

static inline struct vg_flow_info tuple(const char *remote, unsigned remote_port, const char *local,
					unsigned local_port, unsigned protocol)
{
	return (struct vg_flow_info){.remote = address(remote),
				     .local = address(local),
				     .remote_port = remote_port,
				     .local_port = local_port,
				     .protocol = protocol,
				     .flow = {.state = VG_FLOW_OPEN}};
}

static inline size_t seed(const struct vg_flow_info *flows, size_t n)
{
	struct vg_diag diag = {0};
	size_t added = 0;

	if (vg_dataplane_seed(rig.dataplane, flows, n, &added, &diag) < 0)
		fail_msg("%s", diag.text);
	return added;
}

static inline void sweep(void)
{
	struct vg_diag diag = {0};
	int r;

	do
		r = vg_dataplane_sweep(rig.dataplane, 1000, &diag);
	while (r > 0);
	if (r < 0)
		fail_msg("%s", diag.text);
}

static inline struct vg_flow_stats stats(void)
{
	struct vg_flow_stats out = {0};

	assert_int_equal(vg_dataplane_flow_stats(rig.dataplane, &out), 0);
	assert_int_equal(out.opened, out.open + out.expired + out.evicted);
	return out;
}

/* The pinned filter: is this flow's bit set in the half in use, as the datapath would look? */
static inline bool in_filter(const void *key, bool ipv6)
{
	_cleanup_close_ int fd = pinned("flow_filter");
	const __u32 entries = room_of("flow_filter");
	const __u64 hash = ipv6 ? vg_flow_hash6(key) : vg_flow_hash4(key);
	const __u64 *words = mmap(NULL, entries * 8, PROT_READ, MAP_SHARED, fd, 0);
	bool set;

	assert_ptr_not_equal(words, MAP_FAILED);
	set = words[vg_filter_word(hash, (entries - 1) / 2, words[0])] & vg_filter_bit(hash);
	munmap((void *)words, entries * 8);
	return set;
}

static inline __u64 bits_in_use(void)
{
	_cleanup_close_ int fd = pinned("flow_filter");
	const __u32 entries = room_of("flow_filter"), half = (entries - 1) / 2;
	const __u64 *words = mmap(NULL, entries * 8, PROT_READ, MAP_SHARED, fd, 0);
	__u64 bits = 0;

	assert_ptr_not_equal(words, MAP_FAILED);
	for (__u32 i = 0; i < half; i++)
		bits += __builtin_popcountll(words[1 + words[0] * half + i]);
	munmap((void *)words, entries * 8);
	return bits;
}

static inline struct vg_flow_key4 key4(unsigned number)
{
	return (struct vg_flow_key4){.remote = htonl(0xcb000000 + number),
				     .local = htonl(0x0ab20001),
				     .remote_port = htons(443),
				     .local_port = htons(40000),
				     .protocol = 6};
}

static inline bool filtered4(unsigned number)
{
	const struct vg_flow_key4 key = key4(number);

	return in_filter(&key, false);
}

static inline int setup(void **state)
{
	(void)state;
	return vg_rig_open(&rig);
}

static inline int teardown(void **state)
{
	(void)state;
	vg_rig_close(&rig);
	return 0;
}

#endif
