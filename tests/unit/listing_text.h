/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Listings as texts, for tables of cases. */
#ifndef VPCGATE_TESTS_LISTING_TEXT_H
#define VPCGATE_TESTS_LISTING_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/listing.h"
#include "share/cleanup.h"

#define LISTING_TEXT_SIZE 2048

static inline struct vg_prefix prefix_of(const char *text)
{
	char wrong[256] = "";
	struct vg_prefix prefix;

	if (vg_prefix_parse(text, &prefix, wrong, sizeof(wrong)) < 0)
		fail_msg("%s: %s", text, wrong);
	return prefix;
}

static inline enum vg_range_use use_of(const char *text)
{
	enum vg_range_use use;

	if (vg_range_use_parse(text, &use) < 0)
		fail_msg("%s: no such use", text);
	return use;
}

static inline void add_listed(struct vg_listing *listing, const char *text, enum vg_range_use use,
			      const char *scope)
{
	const struct vg_prefix prefix = prefix_of(text);
	__u16 index = VG_LISTING_NO_SCOPE;

	if (scope)
		assert_int_equal(vg_listing_scope(listing, scope, &index), 0);
	assert_int_equal(vg_listing_add(listing, &prefix, use, index), 0);
}

/* Of "PREFIX[=USE][@SCOPE] ...". */
static inline struct vg_listing listing_of(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	struct vg_listing listing = {};
	char *rest;

	assert_non_null(copy);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *scope = strchr(word, '@'), *use = strchr(word, '=');

		if (scope)
			*scope++ = '\0';
		if (use)
			*use++ = '\0';
		add_listed(&listing, word, use ? use_of(use) : VG_RANGE_ANY, scope);
	}
	return listing;
}

/* The opposite, without a use that is "any". */
static inline const char *text_of(const struct vg_listing *listing, char *out)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < listing->n && used < LISTING_TEXT_SIZE; i++) {
		const struct vg_listed *item = &listing->items[i];
		char prefix[VG_PREFIX_TEXT_SIZE];

		used += snprintf(out + used, LISTING_TEXT_SIZE - used, "%s%s%s%s%s%s", i ? " " : "",
				 vg_prefix_format(&item->prefix, prefix), item->use ? "=" : "",
				 item->use ? vg_range_use_text(item->use) : "",
				 item->scope == VG_LISTING_NO_SCOPE ? "" : "@",
				 item->scope == VG_LISTING_NO_SCOPE ? ""
								    : listing->scopes[item->scope]);
	}
	assert_true(used < LISTING_TEXT_SIZE);
	return out;
}

/* Of the ranges of `old` for that use, how many are gone in `new`. */
static inline size_t count_gone(const struct vg_listing *old, const struct vg_listing *new,
				enum vg_range_use use, size_t *ret_all)
{
	_cleanup_free_ bool *gone = calloc(old->n + 1, sizeof(*gone));
	size_t n = 0, all = 0;

	assert_non_null(gone);
	assert_int_equal(vg_listing_gone(old, new, gone), 0);
	for (size_t i = 0; i < old->n; i++) {
		n += gone[i] && old->items[i].use == use;
		all += old->items[i].use == use;
	}
	*ret_all = all;
	return n;
}

#endif
