/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What surrounds the lists of Google's APIs: the next page, and what couldn't be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/shape_parts.h"
#include "share/cleanup.h"

/* Bytes. They go into a URL, which servers take up to 8 KiB. */
#define TOKEN_MAX 4096

static bool is_unread(const struct vg_page *page, const char *scope)
{
	for (size_t i = 0; i < page->n_unread; i++) {
		if (!strcmp(page->unread[i], scope))
			return true;
	}
	return false;
}

static int add_unread(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		      const char *scope)
{
	struct vg_page *page = reader->page;
	_cleanup_free_ char *copy = NULL;
	char **unread;

	if (is_unread(page, scope))
		return 0;
	if (page->n_unread >= VG_LISTING_MAX_SCOPES)
		return vg_shape_refuse(reader, place, E2BIG, "more than %d regions",
				       VG_LISTING_MAX_SCOPES);
	copy = strdup(scope);
	if (!copy)
		return -ENOMEM;
	unread = reallocarray(page->unread, page->n_unread + 1, sizeof(*unread));
	if (!unread)
		return -ENOMEM;
	page->unread = unread;
	unread[page->n_unread++] = VG_TAKE_PTR(copy);
	return 0;
}

/* What can't be told from others may be any of them. */
static int add_unread_url(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
			  const char *url)
{
	char scope[VG_SHAPE_REGION_SIZE];

	return add_unread(reader, place,
			  vg_shape_region(url, scope) ? scope : VG_LISTING_ANY_SCOPE);
}

static int add_unread_of_data(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
			      const json_t *warning)
{
	const struct vg_shape_place place = {in, "warning", 0};
	const json_t *data;
	bool named = false;
	int r;

	r = vg_shape_member(reader, &place, warning, "data", JSON_ARRAY, &data);
	for (size_t i = 0; r >= 0 && i < json_array_size(data); i++) {
		const struct vg_shape_place list = {&place, "data", 0}, at = {&list, NULL, i};
		const json_t *item = json_array_get(data, i);
		const char *key = NULL, *value = NULL;

		r = vg_shape_text(reader, &at, item, "key", &key);
		if (r >= 0)
			r = vg_shape_text(reader, &at, item, "value", &value);
		if (r < 0 || !key || !value || strcmp(key, "scope") != 0)
			continue;
		named = true;
		r = add_unread_url(reader, &at, value);
	}
	if (r >= 0 && !named)
		r = add_unread(reader, &place, VG_LISTING_ANY_SCOPE);
	return r;
}

int vg_shape_read_warning(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
			  const json_t *object, const char *scope)
{
	const struct vg_shape_place place = {in, "warning", 0};
	const json_t *warning;
	const char *code;
	int r;

	r = vg_shape_member(reader, in, object, "warning", JSON_OBJECT, &warning);
	if (r < 0 || !warning)
		return r;
	r = vg_shape_text(reader, &place, warning, "code", &code);
	if (r < 0 || (code && !strcmp(code, "NO_RESULTS_ON_PAGE")))
		return r;
	return scope ? add_unread_url(reader, &place, scope)
		     : add_unread_of_data(reader, in, warning);
}

static int take_scoped_warning(struct vg_shape_reader *reader, const struct vg_shape_place *place,
			       const json_t *item, void *context)
{
	const char *scope;
	int r;

	(void)context;
	r = vg_shape_text(reader, place, item, "scopeName", &scope);
	if (r < 0)
		return r;
	return vg_shape_read_warning(reader, place, item, scope ? scope : "");
}

static int read_unreachable(const struct vg_shape_reader *reader, const json_t *root,
			    const char *key)
{
	const struct vg_shape_place list = {NULL, key, 0};
	const json_t *unreachable;
	int r;

	r = vg_shape_member(reader, NULL, root, key, JSON_ARRAY, &unreachable);
	for (size_t i = 0; r >= 0 && i < json_array_size(unreachable); i++) {
		const struct vg_shape_place at = {&list, NULL, i};
		const char *url = json_string_value(json_array_get(unreachable, i));

		r = add_unread_url(reader, &at, url ? url : "");
	}
	return r;
}

static int read_next_token(const struct vg_shape_reader *reader, const json_t *root)
{
	static const struct vg_shape_place place = {NULL, "nextPageToken", 0};
	const char *token;
	int r;

	r = vg_shape_text(reader, NULL, root, "nextPageToken", &token);
	if (r < 0 || !token || !*token)
		return r;
	if (strlen(token) > TOKEN_MAX)
		return vg_shape_refuse(reader, &place, EINVAL, "longer than %d bytes", TOKEN_MAX);
	reader->page->next_token = strdup(token);
	return reader->page->next_token ? 0 : -ENOMEM;
}

int vg_shape_read_page(struct vg_shape_reader *reader, const json_t *root)
{
	static const struct vg_shape_place scoped = {NULL, "scopedWarnings", 0};
	const json_t *warnings;
	int r;

	r = read_next_token(reader, root);
	if (r >= 0)
		r = vg_shape_read_warning(reader, NULL, root, NULL);
	if (r >= 0)
		r = vg_shape_member(reader, NULL, root, scoped.key, JSON_ARRAY, &warnings);
	if (r >= 0)
		r = vg_shape_each(reader, &scoped, warnings, take_scoped_warning, NULL);
	if (r >= 0)
		r = read_unreachable(reader, root, "unreachables");
	if (r >= 0)
		r = read_unreachable(reader, root, "unreachable");
	return r;
}
