/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "discovery/store.c"
#include "share/file.h"
#include "tests/unit/remove_folder.h"

#define FEED "gcp:subnets?network=prod"

struct rig {
	char above[32], folder[64];
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	strcpy(rig->above, "/tmp/vpcgate-store-XXXXXX");
	assert_non_null(mkdtemp(rig->above));
	snprintf(rig->folder, sizeof(rig->folder), "%s/state", rig->above);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	chmod(rig->folder, 0700);
	remove_folder(rig->above);
	free(rig);
	return 0;
}

/* `n` ranges in two regions, one without, of each use in turn. */
static struct vg_saved make_saved(size_t n)
{
	struct vg_saved saved = {.read_s = 1795312395,
				 .version = strdup("W/\"abc\\def\""),
				 .identity = strdup("42:01:0a:80:00:02 1/a"),
				 .usable = true};
	__u16 scopes[3] = {[2] = VG_LISTING_NO_SCOPE};

	saved.listing.shared = true;
	assert_int_equal(vg_listing_scope(&saved.listing, "regions/us-central1", &scopes[0]), 0);
	assert_int_equal(vg_listing_scope(&saved.listing, "regions/europe-west9", &scopes[1]), 0);
	for (size_t i = 0; i < n; i++) {
		const bool ipv4 = i % 2 == 0;
		const struct vg_prefix prefix = {
			{ipv4 ? (10ull << 56) + ((__u64)i << 36) : (0xfd20ull << 48) + i, 0,
			 ipv4 ? 4 : 6},
			ipv4 ? 28 : 64};

		assert_int_equal(vg_listing_add(&saved.listing, &prefix, i % VG_RANGE_USE_MAX,
						scopes[i % 3]),
				 0);
	}
	vg_listing_sort(&saved.listing);
	return saved;
}

static void save(const struct rig *rig, size_t n)
{
	_cleanup_(vg_saved_done) struct vg_saved saved = make_saved(n);
	struct vg_diag diag = {0};

	if (vg_store_write(rig->folder, FEED, &saved, &diag) < 0)
		fail_msg("%s", diag.text);
}

static void expect_saved(const struct rig *rig, size_t n)
{
	_cleanup_(vg_saved_done) struct vg_saved expected = make_saved(n), saved = {};
	struct vg_diag diag = {0};

	if (vg_store_read(rig->folder, FEED, &saved, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_true(vg_listing_equal(&saved.listing, &expected.listing));
	assert_int_equal(saved.read_s, expected.read_s);
	assert_string_equal(saved.version, expected.version);
	assert_string_equal(saved.identity, expected.identity);
	assert_int_equal(saved.usable, expected.usable);
	assert_int_equal(saved.listing.n_scopes, 2);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(saved.listing.items[i].scope, expected.listing.items[i].scope);
	assert_string_equal(saved.listing.scopes[1], "regions/europe-west9");
}

static size_t count_files(const struct rig *rig)
{
	char pattern[80];
	glob_t found = {0};
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/*", rig->folder);
	n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

static void what_is_written_is_read(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 250000};
	const struct rig *rig = *state;
	struct stat st;

	for (size_t i = 0; i < VG_ARRAY_SIZE(sizes); i++) {
		save(rig, sizes[i]);
		expect_saved(rig, sizes[i]);
		assert_int_equal(count_files(rig), 1);
	}
	assert_int_equal(stat(rig->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void file_names_tell_feeds_apart(void **state)
{
	static const struct {
		const char *feed, *name;
	} cases[] = {
		{"gcp:subnets", "/s/gcp-subnets-be316622.ranges"},
		{"gcp-subnets", "/s/gcp-subnets-c84f5e10.ranges"},
		{"https://h.example/../a?b=c#scope=x",
		 "/s/https-h.example-..-a-b-c-scope-x-37fd13ba.ranges"},
		{"https://example.com/0123456789/0123456789/0123456789/0123456789/0123456789",
		 "/s/https-example.com-0123456789-0123456789-0123456789-0123456789-0-b5d4e2bd.ranges"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = NULL;

		assert_int_equal(vg_store_path("/s", cases[i].feed, SUFFIX, &path), 0);
		assert_string_equal(path, cases[i].name);
	}
}

static void file_is_for_its_owner(void **state)
{
	const struct rig *rig = *state;
	_cleanup_free_ char *path = NULL;
	struct stat st;

	umask(0);
	save(rig, 1);
	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void nothing_saved(void **state)
{
	const struct rig *rig = *state;
	struct vg_saved saved = {};
	struct vg_diag diag = {0};

	assert_int_equal(vg_store_read(rig->folder, FEED, &saved, &diag), -ENOENT);
	save(rig, 1);
	assert_int_equal(vg_store_read(rig->folder, "gcp:subnets", &saved, &diag), -ENOENT);
	assert_string_equal(diag.text, "");
}

/* ---- damage ---- */

static void put(const char *path, const char *text, size_t length)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
}

#define FIRST_LINE TITLE " crc32 "
#define FIRST_LINE_SIZE (sizeof(FIRST_LINE) + 8) /* with eight digits and the newline */

/* The file with this JSON in it, and the right checksum. */
static void put_json(const char *path, const char *json)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, FIRST_LINE "%08lx\n%s",
			     crc32(0, (const Bytef *)json, strlen(json)), json) > 0);
	put(path, text, strlen(text));
}

static void expect_refused(const char *name, const struct rig *rig, const char *expected)
{
	_cleanup_free_ char *path = NULL;
	struct vg_saved saved = {};
	struct vg_diag diag = {0};
	int r;

	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	r = vg_store_read(rig->folder, FEED, &saved, &diag);
	if (r != -EBADMSG || !strstr(diag.text, expected) || !strstr(diag.text, path))
		fail_msg("%s: %d, '%s'", name, r, diag.text);
	if (saved.listing.items || saved.version)
		fail_msg("%s: something was returned", name);
}

#define HEAD_OF(feed, time) "{\"feed\": \"" feed "\", \"read_s\": " time ", "
#define TEXTS "\"version\": null, \"identity\": null, \"usable\": false, "
#define HEAD HEAD_OF(FEED, "1") TEXTS "\"shared\": false, "
#define EMPTY "\"shared\": false, \"scopes\": [], \"ranges\": []}"

static void damaged_json_is_refused(void **state)
{
	static const struct {
		const char *name, *json, *expected;
	} cases[] = {
		{"no JSON", "hello", "no JSON"},
		{"no object", "[]", "no JSON"},
		{"a member twice", HEAD "\"scopes\": [], \"ranges\": [], \"ranges\": []}",
		 "no JSON"},
		{"another feed", HEAD_OF("gcp:subnets", "1") TEXTS EMPTY,
		 "it is of 'gcp:subnets', not of '" FEED "'"},
		{"no feed", "{}", "it is of '', not of"},
		{"a time before 1970", HEAD_OF(FEED, "-1") TEXTS EMPTY, "\"read_s\" is no time"},
		{"a time as text", HEAD_OF(FEED, "\"1\"") TEXTS EMPTY, "\"read_s\" is no time"},
		{"an identity that is none",
		 HEAD_OF(FEED,
			 "1") "\"version\": null, \"identity\": [], \"usable\": false, " EMPTY,
		 "\"identity\" is no text"},
		{"usable or not",
		 HEAD_OF(FEED, "1") "\"version\": null, \"identity\": null, \"usable\": 1, " EMPTY,
		 "\"usable\" is neither true nor false"},
		{"a version that is none",
		 HEAD_OF(FEED, "1") "\"version\": 2, \"identity\": null, \"usable\": false, " EMPTY,
		 "\"version\" is no text"},
		{"no ranges", HEAD "\"scopes\": []}", "\"ranges\" is missing"},
		{"ranges of another type", HEAD "\"scopes\": [], \"ranges\": {}}", "is missing"},
		{"a scope twice", HEAD "\"scopes\": [\"a\", \"a\"], \"ranges\": []}",
		 "scope 1 is no text, stands there twice"},
		{"a scope that is no text", HEAD "\"scopes\": [7], \"ranges\": []}",
		 "scope 0 is no text"},
		{"no prefix",
		 HEAD "\"scopes\": [], \"ranges\": [[\"10.0.0.0/33\", \"any\", null]]}",
		 "'10.0.0.0/33' is no prefix"},
		{"host bits", HEAD "\"scopes\": [], \"ranges\": [[\"10.0.0.1/8\", \"any\", null]]}",
		 "'10.0.0.1/8' is no prefix"},
		{"a range that is none", HEAD "\"scopes\": [], \"ranges\": [7]}",
		 "'' is no prefix"},
		{"no use", HEAD "\"scopes\": [], \"ranges\": [[\"10.0.0.0/8\", \"all\", null]]}",
		 "'all' is no use of a range"},
		{"a range without a use", HEAD "\"scopes\": [], \"ranges\": [[\"10.0.0.0/8\"]]}",
		 "'' is no use of a range"},
		{"a scope past the end",
		 HEAD "\"scopes\": [\"a\"], \"ranges\": [[\"10.0.0.0/8\", \"any\", 1]]}",
		 "10.0.0.0/8 has a scope that isn't listed"},
		{"a scope before the start",
		 HEAD "\"scopes\": [\"a\"], \"ranges\": [[\"10.0.0.0/8\", \"any\", -1]]}",
		 "10.0.0.0/8 has a scope that isn't listed"},
		{"no scope", HEAD "\"scopes\": [\"a\"], \"ranges\": [[\"10.0.0.0/8\", \"any\"]]}",
		 "10.0.0.0/8 has a scope that isn't listed"},
	};
	const struct rig *rig = *state;
	_cleanup_(vg_saved_done) struct vg_saved saved = {};
	_cleanup_free_ char *path = NULL;

	save(rig, 1);
	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		put_json(path, cases[i].json);
		expect_refused(cases[i].name, rig, cases[i].expected);
	}
	put_json(path, HEAD "\"scopes\": [\"a\"], \"ranges\": [[\"10.0.0.0/8\", \"any\", 0], "
			    "[\"9.0.0.0/8\", \"any\", null]]}");
	assert_int_equal(vg_store_read(rig->folder, FEED, &saved, NULL), 0);
	assert_int_equal(saved.listing.n, 2);
	assert_int_equal(saved.listing.items[0].prefix.address.hi >> 56, 9);
}

static char *read_back(const char *path, size_t *ret_length)
{
	char *text = NULL;

	assert_int_equal(vg_file_read(path, &text, ret_length), 0);
	return text;
}

/* Every byte changed, and every length that it may be cut to. */
static void damaged_bytes_are_refused(void **state)
{
	const struct rig *rig = *state;
	_cleanup_free_ char *path = NULL, *text = NULL;
	char name[64];
	size_t length;

	save(rig, 5);
	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	text = read_back(path, &length);
	for (size_t i = 0; i < length; i++) {
		text[i] ^= 1;
		put(path, text, length);
		text[i] ^= 1;
		snprintf(name, sizeof(name), "byte %zu changed", i);
		expect_refused(name, rig,
			       i < strlen(FIRST_LINE) ? "it doesn't begin with" : "checksum");
		put(path, text, i);
		snprintf(name, sizeof(name), "cut to %zu bytes", i);
		expect_refused(name, rig, i < FIRST_LINE_SIZE ? "it is cut off" : "checksum");
	}
	put(path, text, length);
	expect_saved(rig, 5);
	put(path, "vpcgate ranges 2 crc32 00000000\n{}\n", 35);
	expect_refused("another version", rig, "it doesn't begin with");
}

static void too_many_ranges_are_refused(void **state)
{
	const struct rig *rig = *state;
	_cleanup_free_ char *path = NULL, *json = NULL;
	size_t length;
	FILE *out = open_memstream(&json, &length);

	fputs(HEAD "\"scopes\": [], \"ranges\": [", out);
	for (size_t i = 0; i <= VG_LISTING_MAX_RANGES; i++)
		fprintf(out, "%s[\"10.%zu.%zu.%zu/32\", \"any\", null]", i ? "," : "", i >> 16,
			i >> 8 & 255, i & 255);
	fputs("]}", out);
	fclose(out);
	save(rig, 1);
	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	put_json(path, json);
	expect_refused("one range too many", rig, "it has more than 250000 ranges");
	assert_int_equal(truncate(path, VG_STORE_MAX_BYTES + 1), 0);
	expect_refused("one byte too many", rig, "it is larger than 33554432 bytes");
}

static void only_regular_files_are_read(void **state)
{
	const struct rig *rig = *state;
	_cleanup_free_ char *path = NULL, *elsewhere = NULL;

	save(rig, 3);
	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	assert_true(asprintf(&elsewhere, "%s/elsewhere", rig->above) > 0);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, path), 0);
	expect_refused("a link", rig, "it is a symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused("a FIFO", rig, "it is no regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_refused("a folder", rig, "it is no regular file");
	rmdir(path);
	/* What is written takes the place of a link, and doesn't go where it leads. */
	assert_int_equal(symlink(elsewhere, path), 0);
	save(rig, 2);
	expect_saved(rig, 2);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(elsewhere, path), 0);
	expect_saved(rig, 3);
}

/* ---- a file system that refuses ---- */

/* Writes in a child of its own, which may be limited. Returns the errno. */
static int write_in_child(const struct rig *rig, bool small_files, bool other_user)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit limit = {8192, 8192};
		struct vg_saved saved = make_saved(1000);

		signal(SIGXFSZ, SIG_IGN);
		if (small_files)
			setrlimit(RLIMIT_FSIZE, &limit);
		/* Nothing is unwritable to root. */
		if (other_user && geteuid() == 0 && setuid(65534) < 0)
			_exit(255);
		_exit(-vg_store_write(rig->folder, FEED, &saved, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What was saved before stays, and nothing half done stays behind. */
static void full_disk_keeps_what_was_saved(void **state)
{
	const struct rig *rig = *state;

	save(rig, 3);
	assert_int_equal(write_in_child(rig, true, false), EFBIG);
	expect_saved(rig, 3);
	assert_int_equal(count_files(rig), 1);
}

static void unwritable_folder_is_named(void **state)
{
	const struct rig *rig = *state;
	_cleanup_(vg_saved_done) struct vg_saved saved = make_saved(1);
	char nowhere_at_all[128];
	struct vg_diag diag = {0};

	save(rig, 3);
	assert_int_equal(chmod(rig->folder, 0500), 0);
	assert_int_equal(write_in_child(rig, false, true), EACCES);
	expect_saved(rig, 3);
	snprintf(nowhere_at_all, sizeof(nowhere_at_all), "%s/a/b", rig->above);
	assert_int_equal(vg_store_write(nowhere_at_all, FEED, &saved, &diag), -ENOENT);
	assert_non_null(strstr(diag.text, nowhere_at_all));
	assert_non_null(strstr(diag.text, "can't be written: No such file or directory"));
}

static void half_done_file_makes_room(void **state)
{
	const struct rig *rig = *state;
	_cleanup_free_ char *path = NULL, *aside = NULL;

	save(rig, 3);
	assert_int_equal(vg_store_path(rig->folder, FEED, SUFFIX, &path), 0);
	assert_true(asprintf(&aside, "%s.new", path) > 0);
	put(aside, "half", 4);
	expect_saved(rig, 3);
	save(rig, 4);
	expect_saved(rig, 4);
	assert_int_equal(count_files(rig), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test(file_names_tell_feeds_apart),
		cmocka_unit_test_setup_teardown(file_is_for_its_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_saved, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_json_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_bytes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_ranges_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(only_regular_files_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(full_disk_keeps_what_was_saved, setup, teardown),
		cmocka_unit_test_setup_teardown(unwritable_folder_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(half_done_file_makes_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
