// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is remembered of changed settings: the pinned map, whole, foreign and full. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include "share/cleanup.h"
#include "tests/oracle/rig.h"

static struct vg_rig rig;

static const struct vg_tuned queues = {7, "ens4", {VG_NIC_QUEUES, {4, 3}, {2, 1}}};
static const struct vg_tuned mtu = {7, "ens4", {VG_NIC_MTU, {8896, 0}, {2032, 0}}};
static const struct vg_tuned other = {3, "fifteen-letters", {VG_NIC_LRO, {1, 0}, {0, 0}}};

static void put(const struct vg_tuned *tuned)
{
	struct vg_diag diag = {0};

	if (vg_tuned_put(rig.dir, tuned, &diag) < 0)
		fail_msg("%s", diag.text);
}

static void expect(const struct vg_tuned *const *expected, size_t n_expected)
{
	_cleanup_free_ struct vg_tuned *list = NULL;
	struct vg_diag diag = {0};
	size_t n = 99;

	if (vg_tuned_list(rig.dir, &list, &n, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(n, n_expected);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(&list[i], expected[i], sizeof(list[i]));
}

static bool is_pinned(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/tuned", rig.dir);
	return access(path, F_OK) == 0;
}

static void remembers_and_forgets(void **state)
{
	const struct vg_tuned again = {7, "ens9", {VG_NIC_QUEUES, {4, 3}, {1, 1}}};
	const struct vg_tuned *const all[] = {&other, &queues, &mtu};
	const struct vg_tuned *const changed[] = {&other, &again, &mtu};
	const struct vg_tuned *const fewer[] = {&other, &mtu};

	(void)state;
	expect(NULL, 0);
	assert_false(is_pinned());
	put(&mtu);
	put(&queues);
	put(&other);
	expect(all, 3);
	put(&again);
	expect(changed, 3);
	assert_int_equal(vg_tuned_drop(rig.dir, &queues, NULL), 0);
	assert_int_equal(vg_tuned_drop(rig.dir, &queues, NULL), 0);
	expect(fewer, 2);
}

/* The numbers of its NICs mean others. */
static void another_namespace(void **state)
{
	const struct vg_tuned *const here[] = {&other};

	(void)state;
	put(&queues);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	expect(NULL, 0);
	put(&other);
	expect(here, 1);
}

static void in_another_form(void **state)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "other", 16, 40, 4, NULL);
	_cleanup_free_ struct vg_tuned *list = NULL;
	struct vg_diag diag = {0};
	char path[256];
	size_t n = 99;

	(void)state;
	snprintf(path, sizeof(path), "%s/tuned", rig.dir);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(vg_tuned_list(rig.dir, &list, &n, &diag), -EPROTO);
	assert_non_null(strstr(diag.text, path));
	assert_int_equal(vg_tuned_put(rig.dir, &mtu, &diag), -EPROTO);
	assert_int_equal(n, 99);
}

/* Values that this version has no words for are left out. */
static void with_settings_of_later_versions(void **state)
{
	const struct vg_tuned later = {7, "ens4", {VG_NIC_SETTING_MAX, {1, 0}, {0, 0}}};
	const struct vg_tuned *const known[] = {&mtu};

	(void)state;
	put(&later);
	put(&mtu);
	expect(known, 1);
}

static void is_full(void **state)
{
	struct vg_tuned tuned = mtu;
	struct vg_diag diag = {0};

	(void)state;
	for (tuned.ifindex = 1; tuned.ifindex <= VG_MAX_TUNED; tuned.ifindex++)
		put(&tuned);
	assert_int_equal(vg_tuned_put(rig.dir, &tuned, &diag), -E2BIG);
}

static void goes_with_the_folder(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	put(&mtu);
	assert_true(is_pinned());
	if (vg_dataplane_remove(rig.dir, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_false(is_pinned());
	assert_int_equal(vg_tuned_put(rig.dir, &mtu, &diag), -ENOENT);
	expect(NULL, 0);
}

static int setup(void **state)
{
	(void)state;
	return vg_rig_open(&rig) < 0 ? -1 : 0;
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
		TEST(remembers_and_forgets),
		TEST(another_namespace),
		TEST(in_another_form),
		TEST(with_settings_of_later_versions),
		TEST(is_full),
		TEST(goes_with_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
