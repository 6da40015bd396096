/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "service/config_file.c"
#include "tests/unit/remove_folder.h"
#include "tests/unit/write_text.h"

#define IN_FORCE "ingress: internal\n"
#define AS_LONG "ingress: external\n"

struct rig {
	char folder[32];
	char path[64], other[64];
	struct vg_gate gate;
};

static int build(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	strcpy(rig->folder, "/tmp/vpcgate-unit.XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/config", rig->folder);
	snprintf(rig->other, sizeof(rig->other), "%s/other", rig->folder);
	rig->gate.config_path = rig->path;
	rig->gate.state.generation = 7;
	rig->gate.text = strdup(IN_FORCE);
	rig->gate.length = strlen(IN_FORCE);
	write_text(rig->path, IN_FORCE);
	*state = rig;
	return 0;
}

static int clear(void **state)
{
	struct rig *rig = *state;

	remove_folder(rig->folder);
	free(rig->gate.text);
	free(rig);
	return 0;
}

static void it_is_until_it_is_written_to(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
	write_text(rig->path, AS_LONG);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 0);
	write_text(rig->path, "");
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 0);
	write_text(rig->path, IN_FORCE);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
}

static void another_file_takes_its_place(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
	write_text(rig->other, AS_LONG);
	assert_int_equal(rename(rig->other, rig->path), 0);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 0);
}

/* As Kubernetes does it with a ConfigMap. */
static void a_link_is_followed(void **state)
{
	struct rig *rig = *state;

	write_text(rig->other, AS_LONG);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
	assert_int_equal(unlink(rig->path), 0);
	assert_int_equal(symlink(rig->other, rig->path), 0);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 0);
	write_text(rig->other, IN_FORCE);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
}

static void another_policy_is_in_force(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
	memcpy(rig->gate.text, AS_LONG, strlen(AS_LONG));
	rig->gate.state.generation++;
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 0);
}

/* It is read again each time: that may pass. */
static void it_cannot_be_read(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(unlink(rig->path), 0);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), -ENOENT);
	assert_int_equal(mkdir(rig->path, 0700), 0);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), -EISDIR);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), -EISDIR);
	assert_int_equal(rmdir(rig->path), 0);
	write_text(rig->path, IN_FORCE);
	assert_int_equal(vg_config_file_is_in_force(&rig->gate), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, build, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_until_it_is_written_to),
		TEST(another_file_takes_its_place),
		TEST(a_link_is_followed),
		TEST(another_policy_is_in_force),
		TEST(it_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
