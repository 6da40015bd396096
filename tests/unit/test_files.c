/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <time.h>
#include "discovery/files.c"
#include "tests/unit/remove_folder.h"

#define PATIENCE_US 3000000

/* A folder of its own, which is the current one too. */
struct rig {
	char folder[32], before[PATH_MAX];
	sd_event *event;
	struct vg_files *files;
	unsigned changes;
};

static void on_changed(void *context)
{
	struct rig *rig = context;

	rig->changes++;
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	strcpy(rig->folder, "/tmp/vpcgate-files-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	assert_non_null(getcwd(rig->before, sizeof(rig->before)));
	assert_int_equal(chdir(rig->folder), 0);
	assert_true(sd_event_new(&rig->event) >= 0);
	assert_int_equal(vg_files_open(rig->event, on_changed, rig, &rig->files), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vg_files_close(rig->files);
	sd_event_unref(rig->event);
	assert_int_equal(chdir(rig->before), 0);
	remove_folder(rig->folder);
	free(rig);
	return 0;
}

/* One command of the shell, in the folder. */
static void run(const char *command)
{
	if (system(command) != 0) /* NOLINT(cert-env33-c): the commands are those below */
		fail_msg("'%s' failed", command);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Until there was a change, or for `for_us`. */
static void loop(struct rig *rig, uint64_t for_us)
{
	const uint64_t end_us = now_us() + for_us;

	while (!rig->changes && now_us() < end_us)
		assert_true(sd_event_run(rig->event, 20000) >= 0);
}

/* The file at `path`, relative or not, is read now and of interest from now on. */
static void read_now(struct rig *rig, const char *path)
{
	assert_int_equal(vg_files_reading(rig->files, path), 0);
	assert_int_equal(vg_files_want(rig->files, &path, 1), 0);
	assert_int_equal(rig->changes, 0);
}

static void changes_are_noticed(void **state)
{
	static const struct {
		const char *name, *before, *path, *change;
	} cases[] = {
		{"written in place", "echo 1 >f", "f", "echo 22 >f"},
		{"written with the same length", "echo 1 >f", "f", "echo 2 >f"},
		{"appended to", "echo 1 >f", "f", "echo 2 >>f"},
		{"replaced by a rename", "echo 1 >f; echo 2 >g", "f", "mv g f"},
		{"removed", "echo 1 >f", "f", "rm f"},
		{"made", "true", "f", "echo 1 >f"},
		{"moved there from elsewhere", "mkdir d; echo 1 >d/g", "f", "mv d/g f"},
		{"moved away", "mkdir d; echo 1 >f", "f", "mv f d/g"},
		{"renamed to it", "echo 1 >g", "f", "mv g f"},
		{"linked to it", "echo 1 >g", "f", "ln g f"},
		{"access taken", "echo 1 >f", "f", "chmod 0 f"},
		{"in a folder that appears", "true", "a/b/f", "mkdir -p a/b; echo 1 >a/b/f"},
		{"in a folder that is moved there", "mkdir -p x/b; echo 1 >x/b/f", "a/b/f",
		 "mv x a"},
		{"in a folder that is moved away", "mkdir -p a/b; echo 1 >a/b/f", "a/b/f",
		 "mv a x"},
		{"in a folder above that is replaced",
		 "mkdir -p a/b x/b; echo 1 >a/b/f; echo 2 >x/b/f", "a/b/f", "mv a y; mv x a"},
		{"behind a link, in place", "mkdir d; echo 1 >d/g; ln -s d/g f", "f",
		 "echo 22 >d/g"},
		{"a link that leads elsewhere", "echo 1 >g; echo 2 >h; ln -s g f", "f",
		 "ln -sf h f"},
		{"a link that led nowhere", "ln -s d/g f", "f", "mkdir d; echo 1 >d/g"},
		{"a link to a link", "mkdir d e; echo 1 >e/h; ln -s ../e/h d/g; ln -s d/g f", "f",
		 "echo 2 >e/i; mv e/i e/h"},
		{"a whole link, by its whole path",
		 "mkdir d; echo 1 >d/g; ln -s $PWD/d/g f; ln -s $PWD t", "t/f", "echo 22 >d/g"},
		{"as a ConfigMap is updated",
		 "mkdir ..1; echo 1 >..1/list; ln -s ..1 ..data; ln -s ..data/list list", "list",
		 "mkdir ..2; echo 2 >..2/list; ln -s ..2 ..tmp; mv -T ..tmp ..data; rm -r ..1"},
		{"through a folder and back", "mkdir d; echo 1 >f", "d/../f", "echo 2 >f"},
	};
	char path[PATH_MAX];
	struct rig *rig;

	(void)state;
	for (size_t i = 0; i < 2 * VG_ARRAY_SIZE(cases); i++) {
		const size_t c = i / 2;

		setup((void **)&rig);
		snprintf(path, sizeof(path), "%s%s%s", i % 2 ? rig->folder : "", i % 2 ? "/" : "",
			 cases[c].path);
		run(cases[c].before);
		read_now(rig, path);
		run(cases[c].change);
		loop(rig, PATIENCE_US);
		if (!rig->changes)
			fail_msg("%s: nothing was noticed of %s", cases[c].name, path);
		teardown((void **)&rig);
	}
}

/* Of the kernel, not those that are believed to be there. */
static size_t count_watches(const struct rig *rig)
{
	char path[64], line[256];
	_cleanup_fclose_ FILE *file = NULL;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", rig->files->fd);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		n += strncmp(line, "inotify ", 8) == 0;
	return n;
}

/* A second update is noticed as the first one was, and what is gone isn't watched for ever. */
static void changes_are_noticed_again(void **state)
{
	struct rig *rig = *state;
	char command[160];

	run("mkdir ..0; echo 0 >..0/list; ln -s ..0 ..data; ln -s ..data/list list");
	read_now(rig, "list");
	for (int i = 1; i <= 5; i++) {
		rig->changes = 0;
		snprintf(command, sizeof(command),
			 "mkdir ..%d; echo %d >..%d/list; ln -s ..%d ..tmp; mv -T ..tmp ..data", i,
			 i, i, i);
		run(command);
		loop(rig, PATIENCE_US);
		if (!rig->changes)
			fail_msg("update %d wasn't noticed", i);
		assert_int_equal(count_watches(rig), 2);
	}
	rig->changes = 0;
	run("echo 22 >..5/list");
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
}

static void what_is_no_change_is_not_told(void **state)
{
	static const struct {
		const char *name, *what;
	} cases[] = {
		{"read", "cat f >/dev/null"},
		{"a neighbour", "echo 1 >g; mv g h; rm h"},
		{"nothing at all", "true"},
	};
	struct rig *rig = *state;

	run("echo 1 >f");
	read_now(rig, "f");
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		run(cases[i].what);
		loop(rig, 2 * VG_FILES_DEBOUNCE_US);
		if (rig->changes)
			fail_msg("%s: a change was told", cases[i].name);
	}
}

/* A writer in several steps is one change, at the end of which the file is whole. */
static void bursts_are_one_change(void **state)
{
	struct rig *rig = *state;

	run("echo 1 >f");
	read_now(rig, "f");
	for (int i = 0; i < 20; i++) {
		run("echo 1 >>f");
		assert_true(sd_event_run(rig->event, 0) >= 0);
	}
	assert_int_equal(rig->changes, 0);
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
	rig->changes = 0;
	loop(rig, 2 * VG_FILES_DEBOUNCE_US);
	assert_int_equal(rig->changes, 0);
}

/* Read twice for one policy, it may have changed in between. */
static void first_reading_counts(void **state)
{
	struct rig *rig = *state;
	const char *path = "f";

	run("echo 1 >f");
	assert_int_equal(vg_files_reading(rig->files, path), 0);
	run("echo 22 >f");
	assert_int_equal(vg_files_reading(rig->files, path), 0);
	assert_int_equal(vg_files_want(rig->files, &path, 1), 0);
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
	run("echo 333 >f");
	assert_int_equal(vg_files_reading(rig->files, path), 0);
	assert_int_equal(vg_files_want(rig->files, &path, 1), 0);
	assert_int_equal(rig->changes, 1);
}

/* Between its reading and the watch on it, a file may change, too. */
static void nothing_is_missed_in_between(void **state)
{
	struct rig *rig = *state;
	const char *path = "f";

	run("echo 1 >f");
	assert_int_equal(vg_files_reading(rig->files, path), 0);
	run("echo 22 >f");
	assert_int_equal(vg_files_want(rig->files, &path, 1), 0);
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
	/* What was told is told once. */
	assert_int_equal(vg_files_want(rig->files, &path, 1), 0);
	assert_int_equal(rig->changes, 1);
}

static void unwanted_files_are_forgotten(void **state)
{
	struct rig *rig = *state;
	const char *const both[] = {"g", "f"}, *const one[] = {"f"};

	run("echo 1 >f; echo 1 >g; mkdir d; echo 1 >d/h");
	assert_int_equal(vg_files_want(rig->files, both, 2), 0);
	assert_int_equal(vg_files_reading(rig->files, "d/h"), 0);
	assert_int_equal(vg_files_want(rig->files, one, 1), 0);
	assert_int_equal(rig->files->n, 1);
	run("echo 22 >g; echo 22 >d/h");
	loop(rig, 2 * VG_FILES_DEBOUNCE_US);
	assert_int_equal(rig->changes, 0);
	assert_int_equal(vg_files_want(rig->files, NULL, 0), 0);
	assert_int_equal(count_watches(rig), 0);
	/* Of interest again: as it is now. */
	assert_int_equal(vg_files_want(rig->files, both, 2), 0);
	assert_int_equal(rig->changes, 0);
	run("echo 333 >g");
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
}

/* What inotify can't see is found by looking. */
static void a_look_needs_no_events(void **state)
{
	struct rig *rig = *state;
	int fd;

	run("mkdir d; echo 1 >f; ln f d/g");
	read_now(rig, "f");
	/* Through another name of the same file, in a folder that is not watched. */
	fd = open("d/g", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "2\n", 2), 2);
	close(fd);
	loop(rig, 2 * VG_FILES_DEBOUNCE_US);
	assert_int_equal(rig->changes, 0);
	vg_files_look(rig->files);
	assert_int_equal(rig->changes, 1);
}

/* A look that has another reason doesn't take what somebody is just writing. */
static void half_done_files_are_waited_for(void **state)
{
	struct rig *rig = *state;
	const uint64_t start_us = now_us();

	run("echo 1 >f");
	read_now(rig, "f");
	loop(rig, 2 * VG_FILES_DEBOUNCE_US);
	assert_true(vg_files_is_settled("f"));
	assert_true(vg_files_is_settled("missing"));
	while (now_us() - start_us < 8 * VG_FILES_DEBOUNCE_US) {
		run("echo 2 >>f");
		assert_false(vg_files_is_settled("f"));
		vg_files_look(rig->files);
		loop(rig, VG_FILES_DEBOUNCE_US / 4);
		assert_int_equal(rig->changes, 0);
	}
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
	/* But not for ever. */
	rig->changes = 0;
	run("echo 3 >>f");
	vg_files_look(rig->files);
	assert_int_equal(rig->changes, 0);
	rig->files->items[0].unsettled_us -= VG_FILES_PATIENCE_US;
	run("echo 4 >>f");
	vg_files_look(rig->files);
	assert_int_equal(rig->changes, 1);
	assert_int_equal(rig->files->items[0].unsettled_us, 0);
}

static void endless_links_are_survived(void **state)
{
	struct rig *rig = *state;
	char deep[3000];

	run("ln -s f g; ln -s g f");
	memset(deep, 'd', sizeof(deep) - 1);
	for (size_t i = 200; i < sizeof(deep); i += 200)
		deep[i] = '/';
	deep[sizeof(deep) - 1] = '\0';
	read_now(rig, "f");
	read_now(rig, deep);
	read_now(rig, "f");
	assert_false(rig->files->told_limit);
	run("rm f; echo 1 >f");
	loop(rig, PATIENCE_US);
	assert_int_equal(rig->changes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_noticed),
		cmocka_unit_test_setup_teardown(changes_are_noticed_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_change_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(bursts_are_one_change, setup, teardown),
		cmocka_unit_test_setup_teardown(first_reading_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_missed_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(unwanted_files_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(a_look_needs_no_events, setup, teardown),
		cmocka_unit_test_setup_teardown(half_done_files_are_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(endless_links_are_survived, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
