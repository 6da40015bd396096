/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include "service/entry.c"
#include "service/history.c"
#include "share/file.h"
#include "tests/unit/remove_folder.h"

#define BOOT "11111111-2222-4333-8444-555555555555"

struct rig {
	char state[64];
	struct vg_history history;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	vg_log_init(VG_LOG_ERR, VG_LOG_TEXT);
	strcpy(rig->state, "/tmp/vpcgate-history.XXXXXX");
	assert_non_null(mkdtemp(rig->state));
	assert_int_equal(vg_history_open(rig->state, &rig->history), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vg_history_close(&rig->history);
	assert_int_equal(remove_folder(rig->state), 0);
	free(rig);
	return 0;
}

static void reopen(struct rig *rig)
{
	vg_history_close(&rig->history);
	assert_int_equal(vg_history_open(rig->state, &rig->history), 0);
}

/* An entry with this config; on trial where there is a generation to go `back` to. */
static void add(struct rig *rig, __u64 generation, const char *config, __u64 restores, __u64 back)
{
	struct vg_entry entry = {.generation = generation,
				 .cause = restores ? VG_CAUSE_ROLLBACK : VG_CAUSE_APPLY,
				 .restores = restores};
	struct vg_diag diag = {0};

	if (back)
		entry.trial = (struct vg_trial){.given = true,
						.duration_s = 60,
						.deadline_us = 5,
						.boot_id = BOOT,
						.back = back};
	if (vg_history_add(&rig->history, &entry, config, strlen(config), &diag) < 0)
		fail_msg("%s", diag.text);
}

static void expect_generations(const struct rig *rig, const char *expected)
{
	char text[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < rig->history.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llu", i ? " " : "",
				      rig->history.entries[i].generation);
	assert_string_equal(text, expected);
}

static void what_is_written_is_read(void **state)
{
	static const char config[] = "ingress: all\n# \"quoted\"\n";
	struct rig *rig = *state;
	struct vg_entry entry = {
		.generation = 41,
		.time_s = 1795000000,
		.cause = VG_CAUSE_APPLY,
		.actor = {true, 1000, 4711, "vpcgate", "alice"},
		.file = strdup("/root/new.yaml"),
		.trial = {true, false, 60, 160000000, BOOT, 40},
		.changes = json_pack("{s[]}", "sets"),
	};
	const struct vg_entry *got;
	_cleanup_free_ char *text = NULL;
	size_t length;

	assert_int_equal(vg_history_add(&rig->history, &entry, config, strlen(config), NULL), 0);
	assert_null(entry.file);
	reopen(rig);
	got = vg_history_waiting(&rig->history);
	assert_non_null(got);
	assert_int_equal(got->generation, 41);
	assert_int_equal(got->time_s, 1795000000);
	assert_int_equal(got->cause, VG_CAUSE_APPLY);
	assert_true(got->actor.known);
	assert_int_equal(got->actor.uid, 1000);
	assert_int_equal(got->actor.pid, 4711);
	assert_string_equal(got->actor.comm, "vpcgate");
	assert_string_equal(got->actor.login, "alice");
	assert_string_equal(got->file, "/root/new.yaml");
	assert_int_equal(got->restores, 0);
	assert_int_equal(got->trial.duration_s, 60);
	assert_int_equal(got->trial.deadline_us, 160000000);
	assert_int_equal(got->trial.back, 40);
	assert_string_equal(got->trial.boot_id, BOOT);
	assert_true(json_is_array(json_object_get(got->changes, "sets")));
	assert_int_equal(vg_history_read(&rig->history, got, &text, &length, NULL), 0);
	assert_int_equal(length, strlen(config));
	assert_string_equal(text, config);
	assert_true(vg_entry_holds(got, config, strlen(config)));
	assert_false(vg_entry_holds(got, config, strlen(config) - 1));
}

static void confirmed_is_on_disk(void **state)
{
	struct rig *rig = *state;
	_cleanup_free_ char *text = NULL;
	size_t length;

	add(rig, 1, "a", 0, 0);
	assert_null(vg_history_waiting(&rig->history));
	add(rig, 2, "b", 0, 1);
	assert_non_null(vg_history_waiting(&rig->history));
	assert_int_equal(vg_history_confirm(&rig->history, NULL), 0);
	assert_null(vg_history_waiting(&rig->history));
	reopen(rig);
	assert_null(vg_history_waiting(&rig->history));
	assert_int_equal(vg_history_read(&rig->history, vg_history_newest(&rig->history), &text,
					 &length, NULL),
			 0);
	assert_string_equal(text, "b");
}

static void the_last_ones_are_kept(void **state)
{
	struct rig *rig = *state;
	char config[16];

	for (unsigned i = 1; i <= 15; i++) {
		snprintf(config, sizeof(config), "%u", i);
		add(rig, i, config, 0, 0);
	}
	expect_generations(rig, "5 6 7 8 9 10 11 12 13 14 15");
	reopen(rig);
	expect_generations(rig, "5 6 7 8 9 10 11 12 13 14 15");
	vg_history_drop(&rig->history);
	reopen(rig);
	expect_generations(rig, "5 6 7 8 9 10 11 12 13 14");
}

static void what_a_trial_goes_back_to_stays(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 1; i <= 15; i++)
		add(rig, i, "x", 0, i > 2 ? 2 : 0);
	expect_generations(rig, "2 6 7 8 9 10 11 12 13 14 15");
	reopen(rig);
	expect_generations(rig, "2 6 7 8 9 10 11 12 13 14 15");
}

/* As after a kill between the new one's file and the end of the oldest. */
static void one_too_many_is_forgotten(void **state)
{
	char oldest[PATH_MAX], aside[PATH_MAX];
	struct rig *rig = *state;

	for (unsigned i = 1; i <= 11; i++)
		add(rig, i, "x", 0, 0);
	snprintf(oldest, sizeof(oldest), "%s/1.policy", rig->history.folder);
	snprintf(aside, sizeof(aside), "%s/aside", rig->history.folder);
	assert_int_equal(rename(oldest, aside), 0);
	add(rig, 12, "x", 0, 0);
	assert_int_equal(rename(aside, oldest), 0);
	reopen(rig);
	expect_generations(rig, "2 3 4 5 6 7 8 9 10 11 12");
	assert_int_equal(access(oldest, F_OK), -1);
	add(rig, 13, "x", 0, 0);
	expect_generations(rig, "3 4 5 6 7 8 9 10 11 12 13");
}

static void what_just_came_back_stays(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 1; i <= 11; i++)
		add(rig, i, "x", 0, i > 1 ? 1 : 0);
	add(rig, 12, "x", 1, 0);
	expect_generations(rig, "1 3 4 5 6 7 8 9 10 11 12");
}

/* A file where the folder is to be. */
static void no_folder(struct rig *rig, bool there)
{
	char aside[PATH_MAX];

	snprintf(aside, sizeof(aside), "%s.aside", rig->history.folder);
	if (there) {
		assert_int_equal(rename(rig->history.folder, aside), 0);
		assert_int_equal(close(creat(rig->history.folder, 0600)), 0);
	} else {
		assert_int_equal(unlink(rig->history.folder), 0);
		assert_int_equal(rename(aside, rig->history.folder), 0);
	}
}

static void what_cant_be_written_is_kept(void **state)
{
	struct vg_entry trial = {.generation = 5, .trial = {true, false, 60, 5, BOOT, 4}};
	struct rig *rig = *state;
	_cleanup_free_ char *text = NULL;
	struct vg_diag diag = {0};
	size_t length;

	add(rig, 1, "a", 0, 0);
	add(rig, 2, "b", 0, 1);
	no_folder(rig, true);
	add(rig, 3, "a", 1, 0);
	assert_null(vg_history_waiting(&rig->history));
	assert_non_null(strstr(rig->history.error, "make room there"));
	add(rig, 4, "c", 0, 0);
	expect_generations(rig, "1 2 3 4");
	assert_int_equal(vg_history_read(&rig->history, vg_history_newest(&rig->history), &text,
					 &length, NULL),
			 0);
	assert_string_equal(text, "c");
	/* A trial that a kill would make one for good doesn't begin. */
	assert_true(vg_history_add(&rig->history, &trial, "d", 1, &diag) < 0);
	assert_non_null(strstr(diag.text, "make room there"));
	expect_generations(rig, "1 2 3 4");
	assert_true(vg_history_save(&rig->history) < 0);
	no_folder(rig, false);
	assert_int_equal(vg_history_save(&rig->history), 0);
	assert_string_equal(rig->history.error, "");
	reopen(rig);
	expect_generations(rig, "1 2 3 4");
	assert_int_equal(vg_history_newest(&rig->history)->follows, 3);
}

/* It didn't come into force: nothing is missing then. */
static void what_is_dropped_is_not_missed(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, "a", 0, 0);
	no_folder(rig, true);
	add(rig, 2, "b", 0, 0);
	assert_string_not_equal(rig->history.error, "");
	vg_history_drop(&rig->history);
	assert_string_equal(rig->history.error, "");
	no_folder(rig, false);
	expect_generations(rig, "1");
}

static void generations_are_found(void **state)
{
	static const struct {
		__u64 generation, found;
	} cases[] = {{1, 0}, {2, 0}, {3, 3}, {4, 3}, {6, 3}, {7, 7}, {100, 7}},
	  rest[] = {{3, 3}, {4, 0}, {7, 0}, {8, 0}, {9, 9}, {10, 9}};
	_cleanup_free_ char *missing = NULL;
	struct rig *rig = *state;

	add(rig, 3, "a", 0, 0);
	add(rig, 7, "b", 0, 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_entry *entry = vg_history_find(&rig->history, cases[i].generation);

		if ((entry ? entry->generation : 0) != cases[i].found)
			fail_msg("%llu", cases[i].generation);
	}
	/* Whose config was in force then, nobody knows where one is missing. */
	add(rig, 9, "c", 0, 0);
	assert_int_equal(path_of(&rig->history, 7, &missing), 0);
	assert_int_equal(unlink(missing), 0);
	reopen(rig);
	for (size_t i = 0; i < VG_ARRAY_SIZE(rest); i++) {
		const struct vg_entry *entry = vg_history_find(&rig->history, rest[i].generation);

		if ((entry ? entry->generation : 0) != rest[i].found)
			fail_msg("without 7: %llu", rest[i].generation);
	}
}

/* Each case is a history: a letter a config, which is of a trial with '?', of a confirmed one with '!'. */
static void the_way_back(void **state)
{
	static const struct {
		const char *name, *configs;
		__u64 restores[6];
		__u64 before;
	} cases[] = {
		{"nothing", "", {0}, 0},
		{"one", "a", {0}, 0},
		{"two", "ab", {0}, 1},
		{"the same twice", "abb", {0}, 1},
		{"nothing else", "aa", {0}, 0},
		{"after a rollback", "aba", {0, 0, 1}, 0},
		{"after a rollback, one further", "abcb", {0, 0, 0, 2}, 1},
		{"and another config then", "abcbd", {0, 0, 0, 2}, 4},
		{"a trial that was refused", "ab?a", {0, 0, 1}, 0},
		{"between others", "abc?b", {0, 0, 0, 2}, 1},
		{"a trial that goes on", "ab?", {0}, 1},
		{"a trial that was confirmed", "ab!c", {0}, 2},
		{"to what was refused, since asked for", "ab?ab", {0, 0, 1, 2}, 1},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const char *c = cases[i].configs;
		const struct vg_entry *before;
		char config[2] = "";

		for (unsigned n = 0; *c; n++) {
			const char sign = c[1];

			config[0] = *c;
			c += sign == '?' || sign == '!' ? 2 : 1;
			add(rig, n + 1, config, cases[i].restores[n],
			    sign == '?' || sign == '!' ? n : 0);
			if (sign == '!')
				assert_int_equal(vg_history_confirm(&rig->history, NULL), 0);
		}
		before = vg_history_before(&rig->history);
		if ((before ? before->generation : 0) != cases[i].before)
			fail_msg("%s: %llu", cases[i].name, before ? before->generation : 0);
		while (rig->history.n)
			vg_history_drop(&rig->history);
	}
}

static bool refuses(const struct rig *rig, const char *config)
{
	return vg_history_refuses(&rig->history, config, strlen(config));
}

static void what_was_never_confirmed_is_refused(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, "a", 0, 0);
	add(rig, 2, "b", 0, 1);
	assert_false(refuses(rig, "b"));
	add(rig, 3, "a", 1, 0);
	assert_true(refuses(rig, "b"));
	assert_false(refuses(rig, "a"));
	assert_false(refuses(rig, "c"));
	/* Somebody asked for it, trial or no trial. */
	add(rig, 4, "b", 0, 0);
	assert_false(refuses(rig, "b"));
	add(rig, 5, "a", 0, 0);
	assert_false(refuses(rig, "b"));
}

/* Every byte changed, and every length that it may be cut to: the others are there still. */
static void damaged_files_are_left_out(void **state)
{
	struct rig *rig = *state;
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t length = 0;

	add(rig, 1, "a", 0, 0);
	add(rig, 2, "b", 0, 1);
	assert_int_equal(path_of(&rig->history, 2, &path), 0);
	assert_int_equal(vg_file_read(path, &text, &length), 0);
	for (size_t i = 0; i < 2 * length; i++) {
		FILE *file = fopen(path, "w");

		text[i / 2] ^= 1;
		assert_int_equal(fwrite(text, 1, i % 2 ? length : i / 2, file),
				 i % 2 ? length : i / 2);
		fclose(file);
		text[i / 2] ^= 1;
		reopen(rig);
		expect_generations(rig, "1");
	}
}

static void other_files_are_no_entries(void **state)
{
	static const char *const names[] = {"2.policy.new", "x.policy",	 ".policy",
					    "2.policyx",    "-1.policy", "3.policy"};
	struct rig *rig = *state;
	_cleanup_free_ char *one = NULL;
	char other[256];

	add(rig, 1, "a", 0, 0);
	assert_int_equal(path_of(&rig->history, 1, &one), 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(names); i++) {
		snprintf(other, sizeof(other), "%s/%s", rig->history.folder, names[i]);
		assert_int_equal(link(one, other), 0);
	}
	reopen(rig);
	expect_generations(rig, "1");
}

/* What is whole, but says what no entry says. */
static void nonsense_is_no_entry(void **state)
{
#define ENTRY(rest) "{\"generation\":1,\"cause\":\"apply\",\"by\":null," rest "}\nx"
	static const char *const texts[] = {
		"",
		"x",
		"{}\nx",
		"[]\nx",
		"{\"generation\":0,\"cause\":\"apply\",\"by\":null,\"trial\":null}\nx",
		"{\"generation\":-1,\"cause\":\"apply\",\"by\":null,\"trial\":null}\nx",
		"{\"generation\":1,\"cause\":\"magic\",\"by\":null,\"trial\":null}\nx",
		"{\"generation\":1,\"cause\":\"apply\",\"by\":7,\"trial\":null}\nx",
		"{\"generation\":1,\"cause\":\"apply\",\"by\":null,\"trial\":null}",
		ENTRY("\"trial\":{}"),
		ENTRY("\"trial\":{\"duration_s\":60,\"deadline_us\":1,\"boot_id\":\"x\"}"),
		ENTRY("\"trial\":{\"duration_s\":9999,\"deadline_us\":1,\"boot_id\":\"x\",\"back\":1}"),
		ENTRY("\"trial\":{\"duration_s\":60,\"deadline_us\":1,\"back\":1,\"boot_id\":"
		      "\"0123456789012345678901234567890123456789\"}"),
	};
	struct vg_entry entry = {0};
	const char *config;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(texts); i++)
		if (vg_entry_decode(texts[i], strlen(texts[i]), &entry, &config) != -EBADMSG)
			fail_msg("%s", texts[i]);
	assert_int_equal(vg_entry_decode(ENTRY("\"trial\":null"), strlen(ENTRY("\"trial\":null")),
					 &entry, &config),
			 0);
	assert_string_equal(config, "x");
	vg_entry_done(&entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(confirmed_is_on_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_ones_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_trial_goes_back_to_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(one_too_many_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(what_just_came_back_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cant_be_written_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_dropped_is_not_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(generations_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(the_way_back, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_never_confirmed_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(damaged_files_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(other_files_are_no_entries, setup, teardown),
		cmocka_unit_test(nonsense_is_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
