/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "discovery/copies.c"
#include "tests/unit/remove_folder.h"
#include "tests/unit/write_text.h"

/* A folder with files, and one below it for the copies. */
struct rig {
	char folder[40], state[64];
	char a[64], b[64];
	struct vg_copies *copies;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	strcpy(rig->folder, "/tmp/vpcgate-copies-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->state, sizeof(rig->state), "%s/state", rig->folder);
	snprintf(rig->a, sizeof(rig->a), "%s/a.txt", rig->folder);
	snprintf(rig->b, sizeof(rig->b), "%s/b.txt", rig->folder);
	assert_int_equal(vg_copies_open(rig->state, &rig->copies), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vg_copies_close(rig->copies);
	remove_folder(rig->folder);
	free(rig);
	return 0;
}

/* What would be read now in place of `path`; "": nothing can be. */
static const char *read_text(const struct rig *rig, const char *path)
{
	static char text[64];
	const char *real = NULL;
	FILE *file;

	assert_int_equal(vg_copies_reading(rig->copies, path, &real), 0);
	text[0] = '\0';
	file = fopen(real, "re");
	if (!file)
		return text;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	assert_int_equal(fclose(file), 0);
	return text;
}

static bool fall_back(const struct rig *rig, const char *path)
{
	struct vg_diag diag = {0};

	snprintf(diag.file, sizeof(diag.file), "%s", path);
	return vg_copies_fall_back(rig->copies, &diag);
}

static void good_contents_are_kept(void **state)
{
	struct rig *rig = *state;

	write_text(rig->a, "one");
	vg_copies_begin(rig->copies);
	assert_string_equal(read_text(rig, rig->a), "one");
	/* Not in force so far. */
	assert_false(fall_back(rig, rig->a));
	vg_copies_keep(rig->copies, false);
	vg_copies_begin(rig->copies);
	assert_string_equal(read_text(rig, rig->a), "one");
	/* It is still what it was: something else must be wrong. */
	assert_false(fall_back(rig, rig->a));
	write_text(rig->a, "nonsense");
	vg_copies_begin(rig->copies);
	assert_string_equal(read_text(rig, rig->a), "nonsense");
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "one");
	/* Once is enough. */
	assert_false(fall_back(rig, rig->a));
	/* What stands for a file isn't what it holds now. */
	vg_copies_keep(rig->copies, false);
	write_text(rig->a, "two");
	vg_copies_begin(rig->copies);
	assert_string_equal(read_text(rig, rig->a), "two");
	vg_copies_keep(rig->copies, false);
	assert_int_equal(unlink(rig->a), 0);
	vg_copies_begin(rig->copies);
	assert_string_equal(read_text(rig, rig->a), "");
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "two");
}

/* A message about the config is about the file that was read last. */
static void last_file_is_to_blame(void **state)
{
	struct rig *rig = *state;
	char config[64];

	snprintf(config, sizeof(config), "%s/vpcgate.yaml", rig->folder);
	write_text(config, "config");
	write_text(rig->a, "a");
	write_text(rig->b, "b");
	read_text(rig, config);
	vg_copies_begin(rig->copies);
	assert_false(fall_back(rig, config));
	read_text(rig, rig->a);
	read_text(rig, rig->b);
	vg_copies_keep(rig->copies, false);
	write_text(rig->a, "aa");
	write_text(rig->b, "bb");
	vg_copies_begin(rig->copies);
	read_text(rig, config);
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	read_text(rig, rig->b);
	assert_true(fall_back(rig, config));
	assert_string_equal(read_text(rig, rig->a), "aa");
	assert_string_equal(read_text(rig, rig->b), "b");
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "a");
}

static void copies_outlive_the_daemon(void **state)
{
	struct rig *rig = *state;

	write_text(rig->a, "one");
	write_text(rig->b, "b");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	read_text(rig, rig->b);
	vg_copies_keep(rig->copies, false);
	vg_copies_close(rig->copies);
	assert_int_equal(vg_copies_open(rig->state, &rig->copies), 0);
	write_text(rig->a, "nonsense");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "one");
	read_text(rig, rig->b);
	vg_copies_keep(rig->copies, false);
	/* What no policy reads any more is forgotten. */
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	vg_copies_keep(rig->copies, false);
	vg_copies_begin(rig->copies);
	write_text(rig->b, "bb");
	read_text(rig, rig->b);
	assert_false(fall_back(rig, rig->b));
}

static void a_trial_forgets_no_file(void **state)
{
	struct rig *rig = *state;

	write_text(rig->a, "one");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	vg_copies_keep(rig->copies, false);
	/* What is on trial has none, and what comes back needs it. */
	vg_copies_begin(rig->copies);
	vg_copies_keep(rig->copies, true);
	assert_int_equal(unlink(rig->a), 0);
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "one");
	vg_copies_begin(rig->copies);
	vg_copies_keep(rig->copies, false);
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_false(fall_back(rig, rig->a));
}

static void written_files_are_spared(void **state)
{
	struct rig *rig = *state;

	write_text(rig->a, "one");
	vg_copies_begin(rig->copies);
	assert_false(vg_copies_spare(rig->copies, rig->a));
	read_text(rig, rig->a);
	vg_copies_keep(rig->copies, false);
	write_text(rig->a, "half");
	vg_copies_begin(rig->copies);
	assert_true(vg_copies_spare(rig->copies, rig->a));
	assert_string_equal(read_text(rig, rig->a), "one");
	vg_copies_begin(rig->copies);
	assert_string_equal(read_text(rig, rig->a), "half");
}

/* Between its reading and its copying it has become another one, which nobody has judged. */
static void what_was_not_read_is_not_kept(void **state)
{
	struct rig *rig = *state;

	write_text(rig->a, "one");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	write_text(rig->a, "two");
	vg_copies_keep(rig->copies, false);
	write_text(rig->a, "three");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_false(fall_back(rig, rig->a));
	vg_copies_keep(rig->copies, false);
	assert_int_equal(unlink(rig->a), 0);
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	vg_copies_keep(rig->copies, false);
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "three");
}

/* A full disk, or a link that somebody has laid out, changes nothing else. */
static void keeping_may_fail(void **state)
{
	struct rig *rig = *state;
	_cleanup_free_ char *copy = NULL;

	assert_int_equal(vg_store_path(rig->state, rig->a, "copy", &copy), 0);
	assert_int_equal(mkdir(rig->state, 0700), 0);
	assert_int_equal(symlink(rig->b, copy), 0);
	write_text(rig->b, "b");
	write_text(rig->a, "one");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_false(fall_back(rig, rig->a));
	vg_copies_keep(rig->copies, false);
	write_text(rig->a, "two");
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	assert_true(fall_back(rig, rig->a));
	assert_string_equal(read_text(rig, rig->a), "one");
	assert_string_equal(read_text(rig, rig->b), "b");
	rig->copies->folder = "/proc/nowhere";
	vg_copies_close(rig->copies);
	assert_int_equal(vg_copies_open("/proc/nowhere", &rig->copies), 0);
	vg_copies_begin(rig->copies);
	read_text(rig, rig->a);
	vg_copies_keep(rig->copies, false);
	assert_non_null(strstr(rig->copies->told, "has no copy that could stand for it"));
	assert_false(fall_back(rig, rig->a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_contents_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(last_file_is_to_blame, setup, teardown),
		cmocka_unit_test_setup_teardown(copies_outlive_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(a_trial_forgets_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(written_files_are_spared, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_not_read_is_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(keeping_may_fail, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
