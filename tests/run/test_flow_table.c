// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables of flows over the life of a daemon: kept, moved to another size, seeded, swept. */
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
#include "dataplane/flow_move.c"
#include "dataplane/sweep.c"
#include "share/cleanup.h"
#include "share/file.h"
#include "tests/oracle/rig.h"
#include "vpcgate/flow.h"

#define ROOM 4096
#define FORTNIGHT_S (14 * 86400)

static struct vg_rig rig;

static const char base[] = "interfaces: [\"t*\"]\ningress: internal\n"
			   "sources:\n  vpc: [10.178.0.0/20]\n";

/* 0 flows: `replies: off`. */
static int publish(unsigned max_flows)
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

static void publish_ok(unsigned max_flows)
{
	assert_int_equal(publish(max_flows), 0);
}

static void reopen(void)
{
	struct vg_diag diag = {0};

	vg_dataplane_close(rig.dataplane);
	rig.dataplane = NULL;
	if (vg_dataplane_open(rig.dir, &rig.dataplane, &diag) < 0)
		fail_msg("%s", diag.text);
}

static int pinned(const char *name)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/%s", rig.dir, name) > 0);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

static __u32 room_of(const char *name)
{
	_cleanup_close_ int fd = pinned(name);
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	return info.max_entries;
}

static __u32 now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* As the recorder would have added it, `ago_s` before. */
static void add4(unsigned number, unsigned ago_s)
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

static struct vg_flow_info *read_flows(size_t *n)
{
	struct vg_flow_info *flows = NULL;
	struct vg_diag diag = {0};
	__u32 now = 0;

	if (vg_flows_read(rig.dir, &flows, n, &now, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_true(now_s() - now <= 1);
	return flows;
}

static size_t count(void)
{
	size_t n = 0;

	free(read_flows(&n));
	return n;
}

/* Number of the flow of add4(). */
static unsigned number_of(const struct vg_flow_info *info)
{
	return (unsigned)(info->remote.hi >> 32) - 0xcb000000;
}

static struct vg_address address(const char *text)
{
	struct vg_address parsed = {0};

	assert_int_equal(vg_address_parse(text, &parsed), 0);
	return parsed;
}

static bool is_same(const struct vg_address *a, const struct vg_address *b)
{
	return a->family == b->family && a->hi == b->hi && a->lo == b->lo;
}

static struct vg_flow_info tuple(const char *remote, unsigned remote_port, const char *local,
				 unsigned local_port, unsigned protocol)
{
	return (struct vg_flow_info){.remote = address(remote),
				     .local = address(local),
				     .remote_port = remote_port,
				     .local_port = local_port,
				     .protocol = protocol,
				     .flow = {.state = VG_FLOW_OPEN}};
}

static size_t seed(const struct vg_flow_info *flows, size_t n)
{
	struct vg_diag diag = {0};
	size_t added = 0;

	if (vg_dataplane_seed(rig.dataplane, flows, n, &added, &diag) < 0)
		fail_msg("%s", diag.text);
	return added;
}

static void sweep(void)
{
	struct vg_diag diag = {0};
	int r;

	do
		r = vg_dataplane_sweep(rig.dataplane, 1000, &diag);
	while (r > 0);
	if (r < 0)
		fail_msg("%s", diag.text);
}

static struct vg_flow_stats stats(void)
{
	struct vg_flow_stats out = {0};

	assert_int_equal(vg_dataplane_flow_stats(rig.dataplane, &out), 0);
	assert_int_equal(out.opened, out.open + out.expired + out.evicted);
	return out;
}

/* The pinned filter: is this flow's bit set in the half in use, as the datapath would look? */
static bool in_filter(const void *key, bool ipv6)
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

static __u64 bits_in_use(void)
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

static struct vg_flow_key4 key4(unsigned number)
{
	return (struct vg_flow_key4){.remote = htonl(0xcb000000 + number),
				     .local = htonl(0x0ab20001),
				     .remote_port = htons(443),
				     .local_port = htons(40000),
				     .protocol = 6};
}

static bool filtered4(unsigned number)
{
	const struct vg_flow_key4 key = key4(number);

	return in_filter(&key, false);
}

static bool has_recorder(void)
{
	_cleanup_close_ int fd = pinned("recorders");
	__u32 key = 0, id = 0;

	return bpf_map_lookup_elem(fd, &key, &id) == 0;
}

static void test_off_has_no_tables(void **state)
{
	struct vg_flow_stats none;
	struct vg_flow_info *flows;
	struct vg_diag diag = {0};
	size_t n, added;
	__u32 now;

	(void)state;
	publish_ok(0);
	assert_int_equal(room_of("flows4"), VG_FLOWS_OFF);
	assert_false(has_recorder());
	assert_false(vg_dataplane_tracks(rig.dataplane));
	assert_int_equal(vg_flows_read(rig.dir, &flows, &n, &now, &diag), -ENODATA);
	assert_int_equal(vg_dataplane_flow_stats(rig.dataplane, &none), -ENODATA);
	assert_int_equal(vg_dataplane_seed(rig.dataplane, NULL, 0, &added, &diag), -ENODATA);
	assert_int_equal(vg_dataplane_sweep(rig.dataplane, 0, &diag), 0);
}

static void test_sizes_follow_the_policy(void **state)
{
	(void)state;
	publish_ok(5000);
	assert_int_equal(room_of("flows4"), 5000);
	assert_int_equal(room_of("flows6"), 5000);
	assert_int_equal(room_of("flow_filter"), VG_FILTER_ENTRIES(8192));
	assert_true(has_recorder());
	assert_int_equal(stats().max, 5000);
}

static void test_flows_outlive_reload_and_restart(void **state)
{
	size_t n;
	struct vg_flow_info *flows;

	(void)state;
	publish_ok(ROOM);
	add4(7, 100);
	publish_ok(ROOM);
	assert_int_equal(count(), 1);
	reopen();
	publish_ok(ROOM);
	flows = read_flows(&n);
	assert_int_equal(n, 1);
	assert_int_equal(number_of(flows), 7);
	assert_int_equal(flows->remote_port, 443);
	assert_int_equal(flows->local_port, 40000);
	assert_int_equal(flows->protocol, 6);
	assert_int_equal(flows->flow.state, VG_FLOW_OPEN);
	free(flows);
}

/* The egress program must jump through the recorders that are pinned. */
static void test_egress_of_other_recorders(void **state)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct vg_state before, after;
	struct vg_diag diag;

	(void)state;
	publish_ok(ROOM);
	assert_int_equal(vg_dataplane_state(rig.dir, &before, &diag), 0);
	assert_true(asprintf(&path, "%s/recorders", rig.dir) > 0);
	assert_int_equal(unlink(path), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "recorders", 4, 4, 1, NULL);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	reopen();
	publish_ok(ROOM);
	assert_true(has_recorder());
	assert_int_equal(vg_dataplane_state(rig.dir, &after, &diag), 0);
	assert_int_equal(after.generation, 1);
}

static void test_growing_moves_all(void **state)
{
	(void)state;
	publish_ok(ROOM);
	for (unsigned i = 0; i < 1000; i++)
		add4(i, i);
	add4(1000, FORTNIGHT_S);
	publish_ok(4 * ROOM);
	assert_int_equal(room_of("flows4"), 4 * ROOM);
	assert_int_equal(count(), 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(filtered4(i));
	publish_ok(4 * ROOM);
	assert_int_equal(count(), 1000);
}

/* The kernel keeps up to 128 entries a CPU free, so that a full table holds fewer than its room. */
static void test_shrinking_keeps_those_seen_last(void **state)
{
	struct vg_flow_info *flows;
	size_t n;

	(void)state;
	publish_ok(2 * ROOM);
	for (unsigned i = 0; i < ROOM + ROOM / 2; i++)
		add4(i, (i * 7919u) % (ROOM + ROOM / 2)); /* in no order; 7919 is a prime */
	publish_ok(ROOM);
	flows = read_flows(&n);
	assert_in_range(n, ROOM - 2 * 128 * rig.cpus, ROOM);
	for (size_t i = 0; i < n; i++) {
		assert_true(now_s() - flows[i].flow.seen_s <= ROOM + 1);
		assert_true(filtered4(number_of(&flows[i])));
	}
	free(flows);
	publish_ok(ROOM);
}

static void test_off_and_on_forgets(void **state)
{
	(void)state;
	publish_ok(ROOM);
	add4(1, 0);
	publish_ok(0);
	assert_false(has_recorder());
	publish_ok(ROOM);
	assert_int_equal(count(), 0);
	assert_false(filtered4(1));
}

/* What can't be had leaves all as it was. */
static void test_failure_keeps_the_policy(void **state)
{
	struct vg_state before, after;
	struct vg_diag diag;

	(void)state;
	publish_ok(ROOM);
	add4(1, 0);
	assert_int_equal(vg_dataplane_state(rig.dir, &before, &diag), 0);
	assert_true(publish(UINT32_MAX / 2) < 0);
	assert_int_equal(vg_dataplane_state(rig.dir, &after, &diag), 0);
	assert_int_equal(after.generation, before.generation);
	assert_int_equal(room_of("flows4"), ROOM);
	assert_int_equal(count(), 1);
	assert_true(has_recorder());
}

static void test_seed(void **state)
{
	struct vg_flow_info flows[] = {
		tuple("203.0.113.7", 443, "10.178.0.2", 40000, 6),
		tuple("2001:db8::7", 53, "fd20::2", 5353, 17),
		tuple("203.0.113.8", 0, "10.178.0.2", 77, 1),
		tuple("203.0.113.9", 443, "10.178.0.2", 40001, 6),
	};
	static const struct vg_flow_key6 key = {.remote = {0}, .local_port = 0, .protocol = 17};
	struct vg_flow_key6 dns = key;
	struct vg_flow_info *seen;
	size_t n;

	(void)state;
	flows[3].flow.state = VG_FLOW_NEW;
	publish_ok(ROOM);
	assert_int_equal(seed(flows, 3), 3);
	assert_int_equal(seed(flows, 4), 1);
	assert_int_equal(stats().opened, 4);
	assert_int_equal(stats().open, 4);
	inet_pton(AF_INET6, "2001:db8::7", dns.remote);
	inet_pton(AF_INET6, "fd20::2", dns.local);
	dns.remote_port = htons(53);
	dns.local_port = htons(5353);
	assert_true(in_filter(&dns, true));
	sweep();
	assert_true(in_filter(&dns, true));
	seen = read_flows(&n);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		const struct vg_flow *flow = &seen[i].flow;

		if (seen[i].protocol == 17) {
			assert_int_equal(flow->lifetime_s, 180);
			assert_true(is_same(&seen[i].remote, &flows[1].remote));
			assert_true(is_same(&seen[i].local, &flows[1].local));
			assert_int_equal(seen[i].remote_port, 53);
		} else if (seen[i].protocol == 1) {
			assert_int_equal(flow->lifetime_s, 30);
			assert_int_equal(seen[i].local_port, 77);
		} else if (seen[i].local_port == 40000) {
			assert_int_equal(flow->lifetime_s, 7200);
			assert_int_equal(flow->state, VG_FLOW_OPEN);
		} else {
			assert_int_equal(flow->lifetime_s, VG_FLOW_TCP_NEW_S);
			assert_int_equal(flow->state, VG_FLOW_NEW);
		}
	}
	free(seen);
}

static void test_sweep_removes_what_is_over(void **state)
{
	static const struct vg_flow_info some = {.protocol = 0};
	struct vg_flow_info flows[1000];

	(void)state;
	publish_ok(ROOM);
	for (unsigned i = 0; i < 1000; i++) {
		flows[i] = some;
		flows[i].remote = address("203.0.0.0");
		flows[i].remote.hi += (__u64)i << 32;
		flows[i].local = address("10.178.0.1");
		flows[i].remote_port = 443;
		flows[i].local_port = 40000;
		flows[i].protocol = 6;
		flows[i].flow.state = VG_FLOW_OPEN;
	}
	assert_int_equal(seed(flows, 1000), 1000);
	for (unsigned i = 0; i < 600; i++)
		add4(i, i % 2 ? 7200 : 7190);
	sweep();
	assert_int_equal(count(), 700);
	assert_int_equal(stats().expired, 300);
	assert_int_equal(stats().open, 700);
	assert_int_equal(stats().evicted, 0);
	assert_int_equal(stats().fullest, 700);
	assert_int_equal(stats().lost_s, UINT32_MAX);
	for (unsigned i = 0; i < 1000; i++)
		if (i >= 600 || i % 2 == 0)
			assert_true(filtered4(i));
	/* Few of 65,536 bits are left that no flow needs. */
	assert_in_range(bits_in_use(), 600, 700);
	sweep();
	assert_int_equal(stats().expired, 300);
	for (unsigned i = 600; i < 1000; i++)
		assert_true(filtered4(i));
}

/* It was over when it was read, and has been opened again since, by its own tuple or in its place. */
static void test_a_flow_opened_again_during_the_sweep(void **state)
{
	const struct vg_flow_key4 key = key4(3);
	_cleanup_close_ int fd = -1;
	struct vg_flow flow;
	__u64 swept = 0;

	(void)state;
	publish_ok(ROOM);
	fd = pinned("flows4");
	add4(3, 10);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &flow), 0);
	assert_true(sweep_one(fd, &key, now_s(), &swept));
	assert_int_equal(swept, 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &flow), 0);
	add4(3, 7200);
	assert_false(sweep_one(fd, &key, now_s(), &swept));
	assert_false(sweep_one(fd, &key, now_s(), &swept));
	assert_int_equal(swept, 1);
	assert_int_equal(count(), 0);
}

/* A flow that somebody took out and nobody counted was evicted. */
static void test_evictions_show(void **state)
{
	const struct vg_flow_info flow = tuple("203.0.0.0", 443, "10.178.0.1", 40000, 6);
	const struct vg_flow_key4 key = key4(0);
	_cleanup_close_ int fd = -1;

	(void)state;
	publish_ok(ROOM);
	sweep();
	assert_int_equal(seed(&flow, 1), 1);
	fd = pinned("flows4");
	assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	assert_int_equal(stats().open, 1);
	sweep();
	assert_int_equal(stats().open, 0);
	assert_int_equal(stats().evicted, 1);
	assert_int_not_equal(stats().lost_s, UINT32_MAX);
	reopen();
	publish_ok(ROOM);
	sweep();
	assert_int_equal(stats().evicted, 1);
	assert_int_equal(stats().lost_s, UINT32_MAX);
}

/* Tables as they are while one takes over from the other. */
static int make_table(size_t key_size)
{
	const int fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "flows", key_size,
				      sizeof(struct vg_flow), ROOM, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, unsigned number, enum vg_flow_state flow_state, unsigned ago_s)
{
	const struct vg_flow_key4 key = key4(number);
	const struct vg_flow flow = {.opened_s = now_s() - ago_s,
				     .seen_s = now_s(),
				     .lifetime_s = flow_state == VG_FLOW_OPEN ? 7200 : 120,
				     .packets = ago_s,
				     .state = flow_state};

	assert_int_equal(bpf_map_update_elem(fd, &key, &flow, BPF_ANY), 0);
}

static struct vg_flow get(int fd, unsigned number)
{
	const struct vg_flow_key4 key = key4(number);
	struct vg_flow flow = {0};

	assert_int_equal(bpf_map_lookup_elem(fd, &key, &flow), 0);
	return flow;
}

/* What happens to flows in either table between the two copies. */
static void test_changes_during_a_move(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	const int from[] = {make_table(sizeof(struct vg_flow_key4)),
			    make_table(sizeof(struct vg_flow_key6))};
	const int to[] = {make_table(sizeof(struct vg_flow_key4)), from[1]};
	const int filter =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "filter", 4, 8, VG_FILTER_ENTRIES(ROOM), &opts);
	struct vg_flow_move move = {0};

	(void)state;
	assert_true(filter >= 0);
	put(from[0], 1, VG_FLOW_OPEN, 100);
	put(from[0], 2, VG_FLOW_OPEN, 100);
	put(from[0], 3, VG_FLOW_CLOSED, 100);
	assert_int_equal(vg_flow_move_begin(from, to, filter, &move), 0);
	put(from[0], 1, VG_FLOW_CLOSING, 100); /* closed here */
	put(to[0], 2, VG_FLOW_CLOSING, 100);   /* closed there */
	put(to[0], 3, VG_FLOW_NEW, 0);	       /* opened again there */
	put(from[0], 4, VG_FLOW_NEW, 0);       /* new here */
	put(to[0], 5, VG_FLOW_NEW, 0);	       /* new there */
	assert_int_equal(vg_flow_move_finish(&move), 0);
	vg_flow_move_done(&move);
	assert_int_equal(get(to[0], 1).state, VG_FLOW_CLOSING);
	assert_int_equal(get(to[0], 1).lifetime_s, 120);
	assert_int_equal(get(to[0], 2).state, VG_FLOW_CLOSING);
	assert_int_equal(get(to[0], 3).state, VG_FLOW_NEW);
	assert_int_equal(get(to[0], 3).packets, 0);
	assert_int_equal(get(to[0], 4).state, VG_FLOW_NEW);
	assert_int_equal(get(to[0], 5).state, VG_FLOW_NEW);
	close(from[0]);
	close(from[1]);
	close(to[0]);
	close(filter);
}

/* A reload to another size in the midst of a sweep. */
static void test_resize_cancels_a_sweep(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	publish_ok(65536);
	for (unsigned i = 0; i < 20000; i++)
		add4(i, 0);
	assert_int_equal(vg_dataplane_sweep(rig.dataplane, 0, &diag), 1);
	publish_ok(32768);
	assert_int_equal(count(), 20000);
	for (unsigned i = 0; i < 20000; i += 97)
		assert_true(filtered4(i));
	sweep();
	assert_int_equal(count(), 20000);
	for (unsigned i = 0; i < 20000; i += 97)
		assert_true(filtered4(i));
}

static double elapsed_ms(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1e3 + (now.tv_nsec - start->tv_nsec) / 1e6;
}

/* Not a promise of time, but one that a full table is swept in bounded steps. */
static void test_a_full_table(void **state)
{
	enum { FLOWS = 250000, MAX = 262144 };
	struct vg_flow_info *flows = calloc(FLOWS, sizeof(*flows));
	struct vg_flow_info one = tuple("203.0.0.0", 443, "10.178.0.1", 40000, 6);
	struct vg_diag diag = {0};
	struct timespec start;
	double longest = 0;
	unsigned steps = 0;
	int r;

	(void)state;
	assert_non_null(flows);
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = one;
		flows[i].remote.hi += (__u64)i << 32;
	}
	publish_ok(MAX);
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(seed(flows, FLOWS), FLOWS);
	print_message("seeded %d flows in %.0f ms\n", FLOWS, elapsed_ms(&start));
	do {
		clock_gettime(CLOCK_MONOTONIC, &start);
		r = vg_dataplane_sweep(rig.dataplane, 10000, &diag);
		if (elapsed_ms(&start) > longest)
			longest = elapsed_ms(&start);
		steps++;
	} while (r > 0);
	assert_int_equal(r, 0);
	print_message("swept them in %u steps of at most %.1f ms\n", steps, longest);
	assert_int_equal(stats().open, FLOWS);
	publish_ok(2 * MAX);
	assert_int_equal(count(), FLOWS);
	free(flows);
}

static int setup(void **state)
{
	(void)state;
	return vg_rig_open(&rig);
}

static int teardown(void **state)
{
	(void)state;
	vg_rig_close(&rig);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_off_has_no_tables),
		TEST(test_sizes_follow_the_policy),
		TEST(test_flows_outlive_reload_and_restart),
		TEST(test_egress_of_other_recorders),
		TEST(test_growing_moves_all),
		TEST(test_shrinking_keeps_those_seen_last),
		TEST(test_off_and_on_forgets),
		TEST(test_failure_keeps_the_policy),
		TEST(test_seed),
		TEST(test_sweep_removes_what_is_over),
		TEST(test_a_flow_opened_again_during_the_sweep),
		TEST(test_evictions_show),
		TEST(test_changes_during_a_move),
		TEST(test_resize_cancels_a_sweep),
		TEST(test_a_full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
