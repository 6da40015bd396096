/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "share/log.h"
#include <jansson.h>

/* What `write_log` sends to standard error. */
static char *capture(void (*write_log)(void))
{
	char path[] = "/tmp/vpcgate-log.XXXXXX";
	_cleanup_close_ int fd = mkstemp(path), saved = dup(STDERR_FILENO);
	char *text;
	size_t length;

	assert_true(fd >= 0 && saved >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	write_log();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(vg_file_read(path, &text, &length), 0);
	unlink(path);
	return text;
}

static void log_all(void)
{
	assert_int_equal(vg_log_err(-ENOENT, "no '%s'", "x"), -ENOENT);
	vg_log_warn("two\nlines\x1b");
	vg_log_info("plain");
	vg_log_debug("hidden");
}

static void log_text(void)
{
	vg_log_init(VG_LOG_INFO, VG_LOG_TEXT);
	log_all();
}

static void log_json(void)
{
	vg_log_init(VG_LOG_DEBUG, VG_LOG_JSON);
	log_all();
	vg_log_info("quote \" backslash \\ snow \xe2\x98\x83");
	vg_log_info("latin \xe9");
}

static void log_journal(void)
{
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	vg_log_init(VG_LOG_DEBUG, VG_LOG_TEXT);
	log_all();
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	vg_log_init(VG_LOG_INFO, VG_LOG_TEXT);
	vg_log_info("elsewhere");
	unsetenv("JOURNAL_STREAM");
}

static void text_is_one_line_a_message(void **state)
{
	_cleanup_free_ char *text = capture(log_text);

	(void)state;
	assert_string_equal(text, "error: no 'x'\nwarning: two lines \ninfo: plain\n");
}

static void journal_gets_priorities(void **state)
{
	_cleanup_free_ char *text = capture(log_journal);

	(void)state;
	assert_string_equal(text, "<3>no 'x'\n<4>two lines \n<6>plain\n<7>hidden\n"
				  "info: elsewhere\n");
}

static void json_has_severities(void **state)
{
	static const struct {
		const char *severity, *message;
	} expected[] = {
		{"ERROR", "no 'x'"},
		{"WARNING", "two lines "},
		{"INFO", "plain"},
		{"DEBUG", "hidden"},
		{"INFO", "quote \" backslash \\ snow \xe2\x98\x83"},
		{"INFO", "latin ?"},
	};
	static const char *const keys[] = {"time", "severity", "message"};
	_cleanup_free_ char *text = capture(log_json);
	char *rest = text, *line;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(expected); i++) {
		json_auto_t *json = NULL;
		const char *time;

		line = strsep(&rest, "\n");
		assert_non_null(line);
		json = json_loads(line, 0, NULL);
		if (!json)
			fail_msg("not JSON: %s", line);
		assert_string_equal(json_string_value(json_object_get(json, "severity")),
				    expected[i].severity);
		assert_string_equal(json_string_value(json_object_get(json, "message")),
				    expected[i].message);
		time = json_string_value(json_object_get(json, "time"));
		assert_non_null(time);
		assert_int_equal(strlen(time), strlen("2026-11-22T01:02:03.000004Z"));
		assert_int_equal(time[10], 'T');
		assert_int_equal(time[26], 'Z');
		/* Cloud Logging takes the three out of the object: a line leaves no payload. */
		assert_int_equal(json_object_size(json), VG_ARRAY_SIZE(keys));
		for (size_t k = 0; k < VG_ARRAY_SIZE(keys); k++)
			if (!json_is_string(json_object_get(json, keys[k])))
				fail_msg("no %s: %s", keys[k], line);
	}
	assert_string_equal(rest, "");
}

static void errno_survives(void **state)
{
	_cleanup_close_ int saved = dup(STDERR_FILENO);
	int after;

	(void)state;
	vg_log_init(VG_LOG_INFO, VG_LOG_TEXT);
	close(STDERR_FILENO);
	errno = EXDEV;
	vg_log_info("nowhere");
	after = errno;
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(after, EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_one_line_a_message),
		cmocka_unit_test(journal_gets_priorities),
		cmocka_unit_test(json_has_severities),
		cmocka_unit_test(errno_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
