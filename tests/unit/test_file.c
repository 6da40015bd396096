/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "share/cleanup.h"
#include "share/file.h"

/* What `take` was given: all of it, in how many pieces. */
struct taken {
	char *text;
	size_t length, pieces, at_most; /* pieces that it takes before it refuses */
};

static int take(void *to, char *text, size_t length)
{
	struct taken *taken = to;

	if (taken->pieces++ == taken->at_most)
		return -EDOM;
	taken->text = realloc(taken->text, taken->length + length + 1);
	assert_non_null(taken->text);
	memcpy(taken->text + taken->length, text, length);
	taken->length += length;
	if (length && text[length - 1] != '\n')
		assert_int_equal(text[length], '\0');
	/* What is handed over may be changed. */
	memset(text, '#', length);
	return 0;
}

static void write_file(const char *path, const char *text, size_t length)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
}

/* A file of `n` bytes whose every `line`th is the end of a line. */
static void expect_whole(const char *path, size_t n, size_t line)
{
	_cleanup_free_ char *text = malloc(n + 1);
	struct taken taken = {.at_most = SIZE_MAX};

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (i + 1) % line ? (char)('a' + i % 26) : '\n';
	write_file(path, text, n);
	assert_int_equal(vg_file_reader.read_lines(NULL, path, take, &taken), 0);
	assert_int_equal(taken.length, n);
	if (n)
		assert_memory_equal(taken.text, text, n);
	free(taken.text);
}

static void test_pieces(void **state)
{
	static const size_t sizes[] = {0,     1,      2,      19,     65534,  65535,
				       65536, 131070, 131071, 131072, 1000000};
	static const size_t lines[] = {1, 2, 19, 65535, 65536, 200000, SIZE_MAX};

	for (size_t i = 0; i < VG_ARRAY_SIZE(sizes); i++)
		for (size_t j = 0; j < VG_ARRAY_SIZE(lines); j++)
			expect_whole(*state, sizes[i], lines[j]);
}

/* Each piece is whole lines, and a refusal ends it. */
static void test_refusal(void **state)
{
	_cleanup_free_ char *text = malloc(1000000);
	struct taken taken = {.at_most = 3};

	assert_non_null(text);
	for (size_t i = 0; i < 1000000; i++)
		text[i] = (i + 1) % 10 ? 'x' : '\n';
	write_file(*state, text, 1000000);
	assert_int_equal(vg_file_reader.read_lines(NULL, *state, take, &taken), -EDOM);
	assert_int_equal(taken.pieces, 4);
	assert_int_equal(taken.length % 10, 0);
	assert_true(taken.length > 100000 && taken.length < 300000);
	free(taken.text);
}

static void test_unreadable(void **state)
{
	struct taken taken = {.at_most = SIZE_MAX};

	assert_int_equal(vg_file_reader.read_lines(NULL, "/", take, &taken), -EISDIR);
	assert_int_equal(vg_file_reader.read_lines(NULL, "/dev/null", take, &taken), -EINVAL);
	assert_int_equal(vg_file_reader.read_lines(NULL, "/nonexistent", take, &taken), -ENOENT);
	write_file(*state, "", 0);
	assert_int_equal(truncate(*state, VG_FILE_MAX_BYTES + 1), 0);
	assert_int_equal(vg_file_reader.read_lines(NULL, *state, take, &taken), -EFBIG);
	assert_int_equal(taken.pieces, 0);
}

static int remove_file(void **state)
{
	unlink(*state);
	return 0;
}

int main(void)
{
	char path[] = "/tmp/vpcgate-file-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(test_pieces, NULL, remove_file, path),
		cmocka_unit_test_prestate_setup_teardown(test_refusal, NULL, remove_file, path),
		cmocka_unit_test_prestate_setup_teardown(test_unreadable, NULL, remove_file, path),
	};

	assert(fd >= 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
