/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy from files in memory, for tests. */
#ifndef VPCGATE_POLICY_FILES_H
#define VPCGATE_POLICY_FILES_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/policy.h"
#include "share/cleanup.h"

/* The config and those it names. */
struct file {
	const char *path;
	const char *text;
	size_t length; /* 0: as far as the NUL */
};

/* What a remote feed has answered. */
struct answer {
	const char *feed;
	const struct vg_listing *listing;
	__s64 read_s;
	int error; /* instead of an answer */
};

struct files {
	struct file items[4];
	int error; /* for every other path; 0 is -ENOENT */
	const struct answer *answers;
	size_t n_answers;
};

static inline int read_memory(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	const struct files *files = context;

	for (size_t i = 0; i < VG_ARRAY_SIZE(files->items); i++) {
		const struct file *file = &files->items[i];
		size_t length;

		if (!file->path || strcmp(file->path, path))
			continue;
		length = file->length ? file->length : strlen(file->text);
		/* Exact size, so that the sanitizer sees a byte too far. */
		*ret_text = malloc(length + 1);
		assert_non_null(*ret_text);
		memcpy(*ret_text, file->text, length);
		(*ret_text)[length] = '\0';
		*ret_length = length;
		return 0;
	}
	return files->error ? files->error : -ENOENT;
}

/* Line by line, each in memory of its own. */
static inline int read_memory_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, n;
	int r = read_memory(context, path, &text, &length);

	for (size_t i = 0; r == 0 && i < length; i += n) {
		const char *newline = memchr(text + i, '\n', length - i);
		char *line;

		n = newline ? (size_t)(newline + 1 - (text + i)) : length - i;
		line = malloc(n + 1);
		assert_non_null(line);
		memcpy(line, text + i, n);
		line[n] = '\0';
		r = take(to, line, n);
		free(line);
	}
	return r;
}

static inline int read_answer(void *context, const char *feed,
			      const struct vg_listing **ret_listing, __s64 *ret_read_s)
{
	const struct files *files = context;

	for (size_t i = 0; i < files->n_answers; i++) {
		const struct answer *answer = &files->answers[i];

		if (strcmp(answer->feed, feed) != 0)
			continue;
		if (answer->error)
			return answer->error;
		*ret_listing = answer->listing;
		*ret_read_s = answer->read_s;
		return 0;
	}
	return -ENODATA;
}

static inline int read_policy(struct files *files, struct vg_policy **ret_policy, char *message,
			      size_t size)
{
	const struct vg_reader reader = {.read = read_memory,
					 .read_lines = read_memory_lines,
					 .answer = files->answers ? read_answer : NULL,
					 .context = files};
	struct vg_diag diag = {};
	int r;

	message[0] = '\0';
	r = vg_policy_read(files->items[0].path, &reader, ret_policy, &diag);
	if (r < 0)
		vg_diag_format(&diag, message, (unsigned)size);
	return r;
}

static inline struct vg_policy *build_files(struct files *files)
{
	struct vg_policy *policy = NULL;
	char message[2048];

	if (read_policy(files, &policy, message, sizeof(message)) < 0)
		fail_msg("%s", message);
	return policy;
}

static inline struct vg_policy *build(const char *yaml)
{
	return build_files(&(struct files){.items = {{"vpcgate.yaml", yaml, 0}}});
}

static inline void refuse(struct files *files, int error, const char *expected)
{
	struct vg_policy *policy = NULL;
	char message[2048];
	int r;

	r = read_policy(files, &policy, message, sizeof(message));
	assert_string_equal(message, expected);
	assert_int_equal(r, error);
	assert_null(policy);
}

/* "PREFIX=ORIGIN PREFIX=ORIGIN ..." of a set. */
static inline const char *describe_set(const struct vg_policy *policy, const char *name, char *out,
				       size_t size)
{
	const int i = vg_policy_set(policy, name);
	size_t used = 0;

	assert_true(i >= 0);
	out[0] = '\0';
	for (size_t j = 0; j < vg_set_size(&policy->sets[i]); j++) {
		const struct vg_range range = vg_set_range(&policy->sets[i], j);
		char text[VG_PREFIX_TEXT_SIZE];

		assert_true(range.origin < policy->n_origins);
		used += (size_t)snprintf(out + used, size - used, "%s%s=%s", j ? " " : "",
					 vg_prefix_format(&range.prefix, text),
					 policy->origins[range.origin].text);
		assert_true(used < size);
	}
	return out;
}

#endif
