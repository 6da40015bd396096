// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables of flows over the life of a daemon: kept, and moved to another size. */
#include "dataplane/flow_move.c"
#include "tests/run/flow_rig.h"

#define FORTNIGHT_S (14 * 86400)

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
	const __u32 start_s = now_s();
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
		assert_true(now_s() - flows[i].flow.seen_s <= ROOM + 2 * (now_s() - start_s) + 1);
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

/* A packet that follows a reset leads back to OPEN, a second later here. */
static void reset_then_sent(int from, int to, unsigned number)
{
	const struct vg_flow_key4 key = key4(number);
	struct vg_flow flow;

	put(from, number, VG_FLOW_CLOSED, 100);
	flow = get(from, number);
	flow.seen_s++;
	flow.state = VG_FLOW_OPEN;
	assert_int_equal(bpf_map_update_elem(to, &key, &flow, BPF_ANY), 0);
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
	reset_then_sent(from[0], to[0], 6);    /* reset here, then sent from there */
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
	assert_int_equal(get(to[0], 6).state, VG_FLOW_OPEN);
	close(from[0]);
	close(from[1]);
	close(to[0]);
	close(filter);
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
		TEST(test_changes_during_a_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
