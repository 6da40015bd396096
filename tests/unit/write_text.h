/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_TESTS_WRITE_TEXT_H
#define VPCGATE_TESTS_WRITE_TEXT_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

/* Each time with a time of its own. */
static inline void write_text(const char *path, const char *text)
{
	static time_t now = 1700000000;
	const struct timespec times[2] = {{.tv_sec = ++now}, {.tv_sec = now}};
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

#endif
