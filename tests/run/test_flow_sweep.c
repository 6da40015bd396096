// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flows that are seeded, and swept once they are over. */
#include "dataplane/sweep.c"
#include "tests/run/flow_rig.h"

/* The age at which an OPEN flow of TCP's can't even be revived. */
#define GONE_S (7200 + VG_FLOW_REVIVAL_S)

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
		add4(i, i % 2 ? GONE_S : GONE_S - 10);
	sweep();
	/* Those that are over but may still be revived are in the table, and not in the list. */
	assert_int_equal(count(), 400);
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
	struct vg_flow_walk walk = {.key_size = sizeof(key)};
	_cleanup_close_ int fd = -1;
	struct vg_flow flow;
	__u64 swept = 0;

	(void)state;
	publish_ok(ROOM);
	fd = pinned("flows4");
	walk.fd = fd;
	add4(3, 10);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &flow), 0);
	assert_true(sweep_one(&walk, &key, now_s(), &swept));
	assert_int_equal(swept, 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &flow), 0);
	add4(3, GONE_S);
	assert_false(sweep_one(&walk, &key, now_s(), &swept));
	assert_false(sweep_one(&walk, &key, now_s(), &swept));
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* Answers from a server's port are no flows of this host's; what its clients have opened stays. */
static void test_answers_end(void **state)
{
	const struct vg_flow_info flows[] = {
		tuple("203.0.113.7", 4001, "10.178.0.2", 161, 17),
		tuple("2001:db8::7", 4001, "fd20::2", 161, 17),
		tuple("203.0.113.7", 0, "10.178.0.2", 0, 47),
		tuple("203.0.113.7", 53, "10.178.0.2", 32768, 17),
		tuple("203.0.113.7", 53, "10.178.0.2", 60999, 17),
		tuple("203.0.113.7", 443, "10.178.0.2", 161, 6),
		tuple("203.0.113.7", 0, "10.178.0.2", 161, 1),
		tuple("2001:db8::7", 0, "fd20::2", 161, 58),
	};
	struct vg_diag diag;
	size_t n = 0;

	(void)state;
	publish_ok(ROOM);
	assert_int_equal(seed(flows, 8), 8);
	assert_int_equal(vg_dataplane_end_answers(rig.dataplane, 32768, 60999, now_s() + 5, &n,
						  &diag),
			 0);
	assert_int_equal(n, 0);
	assert_int_equal(vg_dataplane_end_answers(rig.dataplane, 32768, 60999, now_s() - 5, &n,
						  &diag),
			 0);
	assert_int_equal(n, 3);
	assert_int_equal(count(), 5);
	assert_int_equal(stats().open, 5);
	assert_int_equal(stats().expired, 3);
	sweep();
	assert_int_equal(stats().evicted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_seed),
		TEST(test_answers_end),
		TEST(test_sweep_removes_what_is_over),
		TEST(test_a_flow_opened_again_during_the_sweep),
		TEST(test_evictions_show),
		TEST(test_resize_cancels_a_sweep),
		TEST(test_a_full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
