/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON as a test states it, and what an answer must hold of it. */
#ifndef VPCGATE_JSON_TEXT_H
#define VPCGATE_JSON_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "share/cleanup.h"

static inline json_t *parse_expected(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	json_t *json;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(copy, 0, NULL);
	if (!json)
		fail_msg("not JSON: %s", copy);
	return json;
}

static inline void expect_members(const char *name, const char *text, const json_t *actual)
{
	json_auto_t *expected = parse_expected(text);
	const char *key;
	json_t *value;

	json_object_foreach(expected, key, value) {
		_cleanup_free_ char *found = NULL;

		if (json_equal(value, json_object_get(actual, key)))
			continue;
		found = json_dumps(actual, JSON_COMPACT);
		fail_msg("%s: '%s' is not as expected in %s", name, key, found);
	}
}

#endif
