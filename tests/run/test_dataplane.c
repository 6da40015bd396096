// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pins, links and counter slots over the life of a daemon, on a veth of the test's own namespace. */
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
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include "core/explain.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "tests/oracle/rig.h"

/* A NIC with a dot in its name, as VLAN NICs have. */
#define NIC "t0.7"

static struct vg_rig rig;
static struct vg_target target = {.name = NIC};

static const char base[] = "interfaces: [\"t*\"]\n"
			   "ingress: internal\n"
			   "sources:\n"
			   "  vpc: [10.178.0.0/20]\n";

static void shell(const char *command)
{
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a fixed text */
}

static void publish(const char *yaml)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;

	assert_int_equal(vg_rig_publish(&rig, yaml, strlen(yaml), &target, 1, &policy), 0);
}

static void reopen(void)
{
	struct vg_diag diag = {0};

	vg_dataplane_close(rig.dataplane);
	rig.dataplane = NULL;
	if (vg_dataplane_open(rig.dir, &rig.dataplane, &diag) < 0)
		fail_msg("%s", diag.text);
}

static struct vg_attachment attach(void)
{
	struct vg_attachment attachment = {0};
	struct vg_diag diag = {0};

	if (vg_dataplane_attach(rig.dataplane, target.ifindex, NIC, NIC, VG_ATTACH_AUTO,
				&attachment, &diag) < 0)
		fail_msg("%s", diag.text);
	return attachment;
}

static __u32 attached_program(void)
{
	__u32 id = 0;

	assert_int_equal(bpf_xdp_query_id(target.ifindex, 0, &id), 0);
	return id;
}

/* One frame from an address in no set, or in `source`'s, counted by name. */
static __u64 packets(enum vg_outcome outcome, const char *source)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *counters = NULL;
	struct vg_diag diag = {0};

	if (vg_counters_read(rig.dir, &counters, &diag) < 0)
		fail_msg("%s", diag.text);
	for (size_t i = 0; i < counters->n; i++)
		if (counters->items[i].outcome == outcome &&
		    strcmp(counters->items[i].source, source) == 0)
			return counters->items[i].count.packets;
	return 0;
}

static void send_from(const char *source_bytes)
{
	__u8 frame[60] = {[12] = 8, [14] = 0x45, [17] = 40, [22] = 64, [23] = 6};

	memcpy(frame + 26, source_bytes, 4);
	assert_true(vg_dataplane_test_run(rig.dataplane, frame, sizeof(frame), 0, 1, NULL) >= 0);
}

static void test_adopts_its_pins(void **state)
{
	__u32 id;

	(void)state;
	publish(base);
	assert_false(attach().adopted);
	id = attached_program();
	assert_int_not_equal(id, 0);
	send_from("\x0a\xb2\x00\x09");
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), 1);

	reopen();
	publish(base);
	assert_true(attach().adopted);
	assert_int_equal(attached_program(), id);
	send_from("\x0a\xb2\x00\x09");
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), 2);
}

static void write_state(const struct vg_state *written)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	__u32 key = 0;

	assert_true(asprintf(&path, "%s/state", rig.dir) > 0);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_update_elem(fd, &key, written, BPF_ANY), 0);
}

/* The link stays and changes its program in one step: there is no moment without a filter. */
static void test_replaces_another_version(void **state)
{
	struct vg_state pinned;
	struct vg_diag diag;
	__u32 before, after;

	(void)state;
	publish(base);
	attach();
	before = attached_program();
	assert_int_equal(vg_dataplane_state(rig.dir, &pinned, &diag), 0);
	pinned.abi_version++;
	write_state(&pinned);
	assert_int_equal(vg_dataplane_state(rig.dir, &pinned, &diag), -EPROTO);

	reopen();
	assert_int_equal(attached_program(), before);
	publish(base);
	after = attached_program();
	assert_int_not_equal(after, before);
	assert_true(attach().adopted);
	assert_int_equal(attached_program(), after);
	assert_int_equal(vg_dataplane_state(rig.dir, &pinned, &diag), 0);
	assert_int_equal(pinned.generation, 1);
}

/* A folder that lost one of its pins is replaced whole. */
static void test_replaces_half_a_folder(void **state)
{
	_cleanup_free_ char *path = NULL;

	(void)state;
	publish(base);
	attach();
	assert_true(asprintf(&path, "%s/labels", rig.dir) > 0);
	assert_int_equal(unlink(path), 0);
	reopen();
	publish(base);
	assert_true(attach().adopted);
	send_from("\x0a\xb2\x00\x09");
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), 1);
}

static void test_one_daemon_a_folder(void **state)
{
	_cleanup_(vg_dataplane_close_p) struct vg_dataplane *other = NULL;
	struct vg_diag diag = {0};

	(void)state;
	assert_int_equal(vg_dataplane_open(rig.dir, &other, &diag), -EEXIST);
	assert_non_null(strstr(diag.text, "a running vpcgated holds"));
}

static void test_attach_comes_after_publish(void **state)
{
	struct vg_attachment attachment;
	struct vg_diag diag = {0};

	(void)state;
	vg_dataplane_close(rig.dataplane);
	rig.dataplane = NULL;
	assert_int_equal(vg_dataplane_remove(rig.dir, &diag), 0);
	reopen();
	assert_int_equal(vg_dataplane_attach(rig.dataplane, target.ifindex, NIC, NIC,
					     VG_ATTACH_AUTO, &attachment, &diag),
			 -EINVAL);
	assert_int_equal(attached_program(), 0);
}

static void test_detach_and_remove(void **state)
{
	struct vg_diag diag = {0};
	struct stat st;

	(void)state;
	publish(base);
	attach();
	assert_int_equal(vg_dataplane_detach(rig.dir, NIC, &diag), 0);
	assert_int_equal(attached_program(), 0);
	assert_int_equal(vg_dataplane_detach(rig.dir, NIC, &diag), -ENOENT);
	attach();
	assert_int_equal(vg_dataplane_remove(rig.dir, &diag), 0);
	assert_int_equal(attached_program(), 0);
	assert_int_equal(stat(rig.dir, &st), -1);
}

static void test_links_of_a_nic_that_is_gone(void **state)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	struct vg_diag diag = {0};
	size_t n = 0;

	(void)state;
	publish(base);
	attach();
	shell("ip link del " NIC);
	assert_int_equal(vg_dataplane_links(rig.dir, &links, &n, &diag), 0);
	assert_int_equal(n, 1);
	assert_string_equal(links[0].name, NIC);
	assert_int_equal(links[0].ifindex, 0);
	shell("ip link add " NIC " type veth peer name t1");
	target.ifindex = if_nametoindex(NIC);
	publish(base);
	assert_false(attach().adopted);
	assert_int_not_equal(attached_program(), 0);
}

/* A descriptor of a network namespace that nothing else holds. */
static int other_namespace(void)
{
	_cleanup_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int other;

	assert_true(own >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(other >= 0);
	assert_int_equal(setns(own, CLONE_NEWNET), 0);
	return other;
}

/* A NIC of the same name and number as one that has gone to another namespace, with its link. */
static void test_link_that_moved_away(void **state)
{
	_cleanup_close_ int other = other_namespace();
	_cleanup_free_ char *move = NULL;

	(void)state;
	publish(base);
	attach();
	assert_true(asprintf(&move,
			     "ip link set " NIC " netns /proc/%d/fd/%d && "
			     "ip link add " NIC " index %u type veth peer name t2",
			     getpid(), other, target.ifindex) > 0);
	shell(move);
	publish(base);
	assert_false(attach().adopted);
	assert_int_not_equal(attached_program(), 0);
}

/* Everything is removed behind the daemon's back: the next publish makes it again. */
static void test_heals_a_removed_folder(void **state)
{
	_cleanup_free_ char *remove = NULL;
	struct vg_state pinned;
	struct vg_diag diag;

	(void)state;
	publish(base);
	attach();
	assert_true(vg_dataplane_is_pinned(rig.dataplane));
	assert_true(asprintf(&remove, "rm -r %s", rig.dir) > 0);
	shell(remove);
	assert_false(vg_dataplane_is_pinned(rig.dataplane));
	publish(base);
	assert_true(vg_dataplane_is_pinned(rig.dataplane));
	assert_false(attach().adopted);
	assert_int_not_equal(attached_program(), 0);
	assert_int_equal(vg_dataplane_state(rig.dir, &pinned, &diag), 0);
	assert_int_equal(pinned.generation, 2);
}

/* As a crash halfway through the replacement of another version would leave it. */
static void test_entry_of_other_programs(void **state)
{
	_cleanup_free_ char *command = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	(void)state;
	publish(base);
	attach();
	assert_true(asprintf(&path, "%s/programs", rig.dir) > 0);
	assert_true(asprintf(&command, "mv %s %s_old0", path, path) > 0);
	shell(command);
	fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "programs", 4, 4, 1, NULL);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);

	reopen();
	publish(base);
	assert_true(attach().adopted);
	send_from("\x0a\xb2\x00\x09");
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), 1);
	free(path);
	assert_true(asprintf(&path, "%s/programs_old0", rig.dir) > 0);
	assert_int_equal(access(path, F_OK), -1);
}

static bool is_pinned(const char *name)
{
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", rig.dir, name) > 0);
	return access(path, F_OK) == 0;
}

static void pin_copy(const char *name, const char *copy)
{
	_cleanup_free_ char *from = NULL, *to = NULL;
	_cleanup_close_ int fd = -1;

	assert_true(asprintf(&from, "%s/%s", rig.dir, name) > 0);
	assert_true(asprintf(&to, "%s/%s", rig.dir, copy) > 0);
	fd = bpf_obj_get(from);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, to), 0);
}

/* As a crash between the last pin and what follows would leave it. */
static void test_leftovers_go(void **state)
{
	(void)state;
	publish(base);
	attach();
	pin_copy("programs", "programs_old0");
	pin_copy("recorders", "recorders_old0");
	pin_copy("flows4", "new");
	reopen();
	assert_false(is_pinned("programs_old0") || is_pinned("recorders_old0") || is_pinned("new"));
	assert_true(is_pinned("programs"));
	publish(base);
	assert_true(attach().adopted);
}

static int run_attached(const char *source_bytes)
{
	__u8 frame[60] = {[12] = 8, [14] = 0x45, [17] = 40, [22] = 64, [23] = 6};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(attached_program());

	memcpy(frame + 26, source_bytes, 4);
	assert_true(fd >= 0);
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	return (int)opts.retval;
}

/*
 * A start was killed when the NIC jumped through its array already, but before it had pinned all, and
 * the next one gets no further than its own pins: the NIC's array is still there.
 */
static void test_crash_after_crash(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_free_ char *path = NULL, *odd = NULL;

	(void)state;
	publish(base);
	attach();
	pin_copy("labels", "programs_old0");
	assert_true(asprintf(&odd, "%s/links/odd", rig.dir) > 0);
	assert_int_equal(mkdir(odd, 0700), 0);
	assert_true(asprintf(&path, "%s/state", rig.dir) > 0);
	assert_int_equal(unlink(path), 0);
	reopen();
	assert_true(vg_rig_publish(&rig, base, strlen(base), &target, 1, &policy) < 0);
	/* The kernel empties an array in its own time. */
	usleep(100000);
	assert_int_equal(run_attached("\x0a\xb2\x00\x09"), XDP_PASS);
	assert_int_equal(run_attached("\xcb\x00\x71\x09"), XDP_DROP);

	assert_int_equal(rmdir(odd), 0);
	publish(base);
	assert_true(attach().adopted);
	assert_false(is_pinned("programs_old0") || is_pinned("programs_old1"));
	assert_int_equal(run_attached("\x0a\xb2\x00\x09"), XDP_PASS);
}

/* Counters follow a set's name, whatever its place in the file. */
static void test_slots_are_kept_by_name(void **state)
{
	(void)state;
	publish(base);
	send_from("\x0a\xb2\x00\x09");
	publish("interfaces: [\"t*\"]\ningress: internal\nsources:\n"
		"  office: [203.0.113.0/24]\n  vpc: [10.178.0.0/20]\n");
	send_from("\x0a\xb2\x00\x09");
	send_from("\xcb\x00\x71\x09");
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), 2);
	assert_int_equal(packets(VG_DROP_NOT_ADMITTED, "office"), 1);
	publish(base);
	assert_int_equal(packets(VG_DROP_NOT_ADMITTED, "office"), 1);
}

static void publish_set(unsigned number)
{
	_cleanup_free_ char *yaml = NULL;

	assert_true(asprintf(&yaml,
			     "interfaces: [\"t*\"]\ningress: internal\nsources:\n"
			     "  vpc: [10.178.0.0/20]\n  s%u: [203.0.113.0/24]\n",
			     number) > 0);
	publish(yaml);
}

/* With more names over time than slots, a name that isn't used any more gives way, and starts at 0. */
static void test_slots_are_reused(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < VG_MAX_SOURCES + 10; i++) {
		publish_set(i);
		snprintf(name, sizeof(name), "s%u", i);
		assert_int_equal(packets(VG_DROP_NOT_ADMITTED, name), 0);
		send_from("\xcb\x00\x71\x09");
		send_from("\x0a\xb2\x00\x09");
		assert_int_equal(packets(VG_DROP_NOT_ADMITTED, name), 1);
	}
	assert_int_equal(packets(VG_DROP_NOT_ADMITTED, "s0"), 0);
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), VG_MAX_SOURCES + 10);
}

/* A service whose destinations no server has said yet is no service for all destinations. */
static void test_destinations_to_come(void **state)
{
	static const char services[] =
		"services:\n"
		"  - {name: forwarded, to: [gcp:forwarded-ips], ingress: all}\n"
		"  - {name: web, to: [gcp:forwarded-ips], protocol: tcp, port: 80, ingress: all}\n";
	_cleanup_free_ char *yaml = NULL;

	(void)state;
	assert_true(asprintf(&yaml, "%s%s", base, services) > 0);
	publish(yaml);
	send_from("\x0a\xb2\x00\x09");
	send_from("\xcb\x00\x71\x09");
	assert_int_equal(packets(VG_PASS_ADMITTED, "vpc"), 1);
	assert_int_equal(packets(VG_DROP_UNLISTED, ""), 1);
	assert_int_equal(packets(VG_PASS_OPEN, ""), 0);

	/* with one that is known beside it, which this frame is not for */
	free(yaml);
	assert_true(asprintf(&yaml, "%s%s  - {name: known, to: [192.0.2.1], ingress: all}\n", base,
			     services) > 0);
	publish(yaml);
	send_from("\xcb\x00\x71\x09");
	assert_int_equal(packets(VG_DROP_UNLISTED, ""), 2);
	assert_int_equal(packets(VG_PASS_OPEN, ""), 0);
}

static void test_too_many_nics(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_target targets[VG_MAX_INTERFACES + 1];
	struct vg_policy *none = NULL;

	(void)state;
	for (unsigned i = 0; i <= VG_MAX_INTERFACES; i++) {
		targets[i] = (struct vg_target){.ifindex = 100 + i};
		snprintf(targets[i].name, sizeof(targets[i].name), "t%u", i);
	}
	assert_int_equal(vg_rig_publish(&rig, base, strlen(base), targets, VG_MAX_INTERFACES,
					&policy),
			 0);
	assert_int_equal(vg_rig_publish(&rig, base, strlen(base), targets, VG_MAX_INTERFACES + 1,
					&none),
			 -E2BIG);
}

static int setup(void **state)
{
	(void)state;
	if (vg_rig_open(&rig) < 0)
		return -1;
	shell("ip link add " NIC " type veth peer name t1");
	target.ifindex = if_nametoindex(NIC);
	return target.ifindex ? 0 : -1;
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
		TEST(test_adopts_its_pins),
		TEST(test_replaces_another_version),
		TEST(test_replaces_half_a_folder),
		TEST(test_one_daemon_a_folder),
		TEST(test_attach_comes_after_publish),
		TEST(test_detach_and_remove),
		TEST(test_links_of_a_nic_that_is_gone),
		TEST(test_link_that_moved_away),
		TEST(test_heals_a_removed_folder),
		TEST(test_entry_of_other_programs),
		TEST(test_leftovers_go),
		TEST(test_crash_after_crash),
		TEST(test_slots_are_kept_by_name),
		TEST(test_slots_are_reused),
		TEST(test_destinations_to_come),
		TEST(test_too_many_nics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
