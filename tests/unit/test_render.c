/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "share/cleanup.h"
#include "share/render.h"

static void expect(const char *expected, const char *actual, const char *what, double input)
{
	if (strcmp(expected, actual) != 0)
		fail_msg("%s of %.17g: expected '%s', got '%s'", what, input, expected, actual);
}

static void count_has_separators(void **state)
{
	static const struct {
		__u64 value;
		const char *text;
	} cases[] = {
		{0, "0"},
		{7, "7"},
		{999, "999"},
		{1000, "1,000"},
		{12345, "12,345"},
		{999999, "999,999"},
		{1234567, "1,234,567"},
		{UINT64_MAX, "18,446,744,073,709,551,615"},
	};
	char out[VG_RENDER_SIZE];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		assert_ptr_equal(out, vg_render_count(cases[i].value, out));
		expect(cases[i].text, out, "count", (double)cases[i].value);
	}
}

static void bytes_have_units(void **state)
{
	static const struct {
		__u64 bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{640, "640 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{1048524, "1023.9 KiB"},
		{1048575, "1.0 MiB"},
		{1048576, "1.0 MiB"},
		{12u << 20, "12.0 MiB"},
		{1ull << 40, "1.0 TiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char out[VG_RENDER_SIZE];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++)
		expect(cases[i].text, vg_render_bytes(cases[i].bytes, out), "bytes",
		       (double)cases[i].bytes);
}

static void duration_has_two_units(void **state)
{
	static const struct {
		__u64 seconds;
		const char *text;
	} cases[] = {
		{0, "0 s"},
		{59, "59 s"},
		{60, "1 min"},
		{61, "1 min 1 s"},
		{3599, "59 min 59 s"},
		{3600, "1 h"},
		{3601, "1 h"},
		{11520, "3 h 12 min"},
		{86399, "23 h 59 min"},
		{86400, "1 d"},
		{86400 + 3600, "1 d 1 h"},
		{400 * 86400ull + 7199, "400 d 1 h"},
	};
	char out[VG_RENDER_SIZE];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++)
		expect(cases[i].text, vg_render_duration(cases[i].seconds, out), "duration",
		       (double)cases[i].seconds);
}

static void rate_is_short(void **state)
{
	static const struct {
		double per_second;
		const char *text;
	} cases[] = {
		{0, "0"},	   {-5, "0"},	       {NAN, "0"},
		{0.01, "<0.1"},	   {0.05, "0.1"},      {0.4, "0.4"},
		{12.5, "12.5"},	   {99.94, "99.9"},    {99.95, "100"},
		{1234.4, "1,234"}, {1e6, "1,000,000"}, {INFINITY, "1,000,000,000,000,000,000"},
	};
	char out[VG_RENDER_SIZE];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++)
		expect(cases[i].text, vg_render_rate(cases[i].per_second, out), "rate",
		       cases[i].per_second);
}

static void verdicts_have_colours(void **state)
{
	(void)state;
	assert_string_equal("green", vg_render_verdict_colour("pass"));
	assert_string_equal("red", vg_render_verdict_colour("drop"));
	assert_string_equal("brown", vg_render_verdict_colour("would-drop"));
	assert_null(vg_render_verdict_colour("dropped"));
	assert_null(vg_render_verdict_colour(""));
}

static const struct vg_column columns[] = {
	{.title = "NAME"},
	{.title = "VERDICT", .colour = vg_render_verdict_colour},
	{.title = "PACKETS", .right = true},
};

/* The table as text, to be freed. */
static char *render(const char *const *cells, size_t n_rows)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(0, vg_render_table(out, columns, VG_ARRAY_SIZE(columns), cells, n_rows));
	assert_int_equal(0, fclose(out));
	return text;
}

static void table_is_aligned(void **state)
{
	static const char *const cells[] = {
		"ens4", "drop", "7", "a-longer-name", "pass", "1,234,567", NULL, "pass", NULL,
	};
	_cleanup_free_ char *text = render(cells, 3);

	(void)state;
	/* No terminal: no colours. */
	assert_string_equal("NAME          VERDICT   PACKETS\n"
			    "ens4          drop            7\n"
			    "a-longer-name pass    1,234,567\n"
			    "              pass    \n",
			    text);
}

static void table_without_rows_is_nothing(void **state)
{
	_cleanup_free_ char *text = render(NULL, 0);

	(void)state;
	assert_string_equal("", text);
}

static void table_makes_control_characters_visible(void **state)
{
	static const char *const cells[] = {"a\033[2Jb", "pass", "1"};
	_cleanup_free_ char *text = render(cells, 1);

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "\\x1b[2Jb"));
}

static void paragraph_wraps_between_words(void **state)
{
	static const struct {
		unsigned width;
		const char *text, *expected;
	} cases[] = {
		{0, "one two three", "* one two three\n"},
		{9, "one two three", "* one two\n  three\n"},
		{8, "one two three", "* one\n  two\n  three\n"},
		{4, "lengthy a word", "* lengthy\n  a\n  word\n"},
		{80, "one  two ", "* one two\n"},
		{80, "", "* \n"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		vg_render_paragraph(out, "* ", cases[i].text, cases[i].width);
		assert_int_equal(0, fclose(out));
		expect(cases[i].expected, text, "paragraph of width", cases[i].width);
	}
}

static void no_terminal_has_no_colours(void **state)
{
	_cleanup_fclose_ FILE *out = tmpfile();

	(void)state;
	assert_non_null(out);
	assert_false(vg_render_colours(out));
	assert_string_equal("", vg_render_colour(out, "red"));
	assert_string_equal("", vg_render_colour(out, NULL));
	assert_int_equal(0, vg_render_width(out));
}

/* A pseudo-terminal's own end, or NULL where there is none to have. */
static FILE *open_terminal(void)
{
	const int fd = posix_openpt(O_RDWR | O_NOCTTY);

	return fd < 0 ? NULL : fdopen(fd, "r+");
}

static void terminal_has_colours_unless_refused(void **state)
{
	_cleanup_fclose_ FILE *out = open_terminal();

	(void)state;
	if (!out)
		skip();
	unsetenv("NO_COLOR");
	assert_true(vg_render_colours(out));
	assert_string_equal("\033[31m", vg_render_colour(out, "red"));
	assert_string_equal("\033[0m", vg_render_colour(out, NULL));
	assert_string_equal("", vg_render_colour(out, "mauve"));
	setenv("NO_COLOR", "", 1);
	assert_true(vg_render_colours(out));
	setenv("NO_COLOR", "1", 1);
	assert_false(vg_render_colours(out));
	assert_string_equal("", vg_render_colour(out, "red"));
	unsetenv("NO_COLOR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_has_separators),
		cmocka_unit_test(bytes_have_units),
		cmocka_unit_test(duration_has_two_units),
		cmocka_unit_test(rate_is_short),
		cmocka_unit_test(verdicts_have_colours),
		cmocka_unit_test(table_is_aligned),
		cmocka_unit_test(table_without_rows_is_nothing),
		cmocka_unit_test(table_makes_control_characters_visible),
		cmocka_unit_test(paragraph_wraps_between_words),
		cmocka_unit_test(no_terminal_has_no_colours),
		cmocka_unit_test(terminal_has_colours_unless_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
