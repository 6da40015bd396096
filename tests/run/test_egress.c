// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The recorder among other classifiers at the egress of a veth in the test's own namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include "core/tables.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "tests/oracle/rig.h"

#define NIC "t0"
#define PRIORITY 1
#define HANDLE 0x7667

static struct vg_rig rig;
static unsigned ifindex;

static void shell(const char *command)
{
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a fixed text */
}

static void publish(void)
{
	static const char yaml[] = "interfaces: [\"t*\"]\ningress: internal\n"
				   "sources:\n  vpc: [10.178.0.0/20]\n";
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	const struct vg_target target = {.ifindex = ifindex, .name = NIC};
	struct vg_diag diag = {0};

	assert_int_equal(vg_config_parse("t.yaml", yaml, strlen(yaml), &config, &diag), 0);
	assert_int_equal(vg_policy_build(config, &vg_file_reader, &policy, &diag), 0);
	policy->replies = (struct vg_replies){true, 7200, 180, 30, 4096};
	assert_int_equal(vg_tables_build(policy, &tables, &diag), 0);
	if (vg_dataplane_publish(rig.dataplane, policy, tables, &target, 1, &diag) < 0)
		fail_msg("%s", diag.text);
}

static void reopen(void)
{
	struct vg_diag diag = {0};

	vg_dataplane_close(rig.dataplane);
	rig.dataplane = NULL;
	if (vg_dataplane_open(rig.dir, &rig.dataplane, &diag) < 0)
		fail_msg("%s", diag.text);
}

static bool record(void)
{
	struct vg_diag diag = {0};
	bool adopted = false;

	if (vg_dataplane_record(rig.dataplane, ifindex, NIC, &adopted, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_true(vg_dataplane_is_recorded(ifindex));
	return adopted;
}

/* Id of the program at a place, or 0. */
static __u32 program_at(enum bpf_tc_attach_point point, __u32 priority, __u32 handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = priority, .handle = handle);

	return bpf_tc_query(&hook, &opts) < 0 ? 0 : opts.prog_id;
}

static __u32 at_egress(__u32 priority, __u32 handle)
{
	return program_at(BPF_TC_EGRESS, priority, handle);
}

/* Somebody else's classifier. */
static __u32 attach_other(__u32 priority, __u32 handle)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = priority, .handle = handle);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "other", "GPL", pass,
					       VG_ARRAY_SIZE(pass), NULL);

	assert_true(fd >= 0);
	opts.prog_fd = fd;
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	return opts.prog_id;
}

static void test_takes_its_place_and_leaves_it(void **state)
{
	struct vg_diag diag = {0};
	__u32 id;

	(void)state;
	publish();
	assert_false(vg_dataplane_is_recorded(ifindex));
	assert_false(record());
	id = at_egress(PRIORITY, HANDLE);
	assert_int_not_equal(id, 0);
	assert_true(record());
	reopen();
	publish();
	assert_true(record());
	assert_int_equal(at_egress(PRIORITY, HANDLE), id);
	assert_int_equal(program_at(BPF_TC_INGRESS, PRIORITY, HANDLE), 0);
	assert_int_equal(vg_dataplane_unrecord(ifindex, NIC, &diag), 0);
	assert_false(vg_dataplane_is_recorded(ifindex));
	assert_int_equal(vg_dataplane_unrecord(ifindex, NIC, &diag), -ENOENT);
}

/* In each place that it would take itself; theirs stays, the same program. */
static void test_beside_others(void **state)
{
	static const struct {
		__u32 others[2][2]; /* priority and handle */
		__u32 priority, handle;
	} cases[] = {
		{{{1, 1}, {2, 1}}, 1, HANDLE},
		{{{1, HANDLE}, {7, HANDLE}}, 1, HANDLE + 1},
		{{{1, HANDLE}, {1, HANDLE + 1}}, 1, HANDLE + 2},
	};
	struct vg_diag diag = {0};

	(void)state;
	publish();
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		__u32 ids[2];

		shell("tc qdisc add dev " NIC " clsact");
		for (int k = 0; k < 2; k++)
			ids[k] = attach_other(cases[i].others[k][0], cases[i].others[k][1]);
		assert_false(record());
		assert_true(record());
		assert_int_not_equal(at_egress(cases[i].priority, cases[i].handle), 0);
		assert_int_equal(vg_dataplane_unrecord(ifindex, NIC, &diag), 0);
		assert_int_equal(at_egress(cases[i].priority, cases[i].handle), 0);
		for (int k = 0; k < 2; k++)
			assert_int_equal(at_egress(cases[i].others[k][0], cases[i].others[k][1]),
					 ids[k]);
		shell("tc qdisc del dev " NIC " clsact");
	}
}

/* A priority belongs to one kind of classifier and one protocol. */
static void test_another_kind_holds_the_priority(void **state)
{
	(void)state;
	publish();
	shell("tc qdisc add dev " NIC " clsact");
	shell("tc filter add dev " NIC " egress prio 1 protocol ip u32 match u32 0 0");
	assert_false(record());
	assert_int_not_equal(at_egress(2, HANDLE), 0);
	assert_true(record());
}

/* Where there is no egress side, the filter would see what comes in. */
static void test_an_ingress_qdisc(void **state)
{
	struct vg_diag diag = {0};
	bool adopted;

	(void)state;
	publish();
	shell("tc qdisc add dev " NIC " ingress");
	assert_int_equal(vg_dataplane_record(rig.dataplane, ifindex, NIC, &adopted, &diag),
			 -ENOTSUP);
	assert_non_null(strstr(diag.text, "`replies: off`"));
	assert_int_equal(program_at(BPF_TC_INGRESS, PRIORITY, HANDLE), 0);
	assert_int_equal(at_egress(PRIORITY, HANDLE), 0);
}

static void test_a_nic_that_is_gone(void **state)
{
	struct vg_diag diag = {0};
	bool adopted;

	(void)state;
	publish();
	shell("ip link del " NIC);
	assert_int_equal(vg_dataplane_record(rig.dataplane, ifindex, NIC, &adopted, &diag),
			 -ENODEV);
	assert_int_equal(vg_dataplane_unrecord(ifindex, NIC, &diag), -ENOENT);
	assert_false(vg_dataplane_is_recorded(ifindex));
}

static void write_version(__u32 version)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct vg_state pinned;
	__u32 key = 0;

	assert_true(asprintf(&path, "%s/state", rig.dir) > 0);
	fd = bpf_obj_get(path);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &pinned), 0);
	pinned.abi_version = version;
	assert_int_equal(bpf_map_update_elem(fd, &key, &pinned, BPF_ANY), 0);
}

static void attach(void)
{
	struct vg_attachment attachment;
	struct vg_diag diag = {0};

	if (vg_dataplane_attach(rig.dataplane, ifindex, NIC, NIC, VG_ATTACH_AUTO, &attachment,
				&diag) < 0)
		fail_msg("%s", diag.text);
}

/* In the same place, by the publish already, as the XDP program is. */
static void test_replaces_another_version(void **state)
{
	__u32 before;

	(void)state;
	publish();
	assert_false(record());
	attach();
	before = at_egress(PRIORITY, HANDLE);
	write_version(VG_ABI_VERSION + 1);
	reopen();
	publish();
	assert_int_not_equal(at_egress(PRIORITY, HANDLE), 0);
	assert_int_not_equal(at_egress(PRIORITY, HANDLE), before);
	assert_true(record());
}

static void test_replaces_one_without_a_link(void **state)
{
	struct vg_diag diag = {0};
	__u32 before;

	(void)state;
	publish();
	assert_false(record());
	before = at_egress(PRIORITY, HANDLE);
	vg_dataplane_close(rig.dataplane);
	rig.dataplane = NULL;
	assert_int_equal(vg_dataplane_remove(rig.dir, &diag), 0);
	reopen();
	publish();
	assert_int_equal(at_egress(PRIORITY, HANDLE), before);
	assert_true(record());
	assert_int_not_equal(at_egress(PRIORITY, HANDLE), before);
}

static void test_detach_takes_both(void **state)
{
	struct vg_diag diag = {0};
	__u32 id = 0;

	(void)state;
	publish();
	record();
	attach();
	assert_int_equal(vg_dataplane_detach(rig.dir, NIC, &diag), 0);
	assert_false(vg_dataplane_is_recorded(ifindex));
	assert_int_equal(bpf_xdp_query_id((int)ifindex, 0, &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(vg_dataplane_detach(rig.dir, NIC, &diag), -ENOENT);
	record();
	assert_int_equal(vg_dataplane_detach(rig.dir, NIC, &diag), 0);
	assert_false(vg_dataplane_is_recorded(ifindex));
	record();
	attach();
	assert_int_equal(vg_dataplane_remove(rig.dir, &diag), 0);
	assert_false(vg_dataplane_is_recorded(ifindex));
}

static int setup(void **state)
{
	(void)state;
	if (vg_rig_open(&rig) < 0)
		return -1;
	shell("ip link add " NIC " type veth peer name t1");
	ifindex = if_nametoindex(NIC);
	return ifindex ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	vg_rig_close(&rig);
	if (if_nametoindex(NIC))
		shell("ip link del " NIC);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_takes_its_place_and_leaves_it),
		TEST(test_beside_others),
		TEST(test_another_kind_holds_the_priority),
		TEST(test_an_ingress_qdisc),
		TEST(test_a_nic_that_is_gone),
		TEST(test_replaces_another_version),
		TEST(test_replaces_one_without_a_link),
		TEST(test_detach_takes_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
