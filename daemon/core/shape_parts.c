/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/shape_parts.h"

/* How much of a key, and of a whole path, a message repeats. */
#define KEY_QUOTED 64
#define PATH_SIZE 256

#define REGION_MAX 63 /* bytes: "northamerica-northeast1" has 23 */

/* ---- places ---- */

static bool is_plain_key(const char *key)
{
	return *key && !key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789_")];
}

/* As jq writes it, without the first dot. Returns the bytes used of `out`. */
static size_t format_path(const struct vg_shape_place *place, char *out)
{
	size_t n;

	if (!place)
		return 0;
	n = format_path(place->in, out);
	if (n >= PATH_SIZE)
		return n;
	if (!place->key)
		n += snprintf(out + n, PATH_SIZE - n, "[%zu]", place->index);
	else if (is_plain_key(place->key))
		n += snprintf(out + n, PATH_SIZE - n, "%s%.*s", place->in ? "." : "", KEY_QUOTED,
			      place->key);
	else
		n += snprintf(out + n, PATH_SIZE - n, "[\"%.*s\"]", KEY_QUOTED, place->key);
	return n;
}

int vg_shape_refuse(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		    int error, const char *format, ...)
{
	char path[PATH_SIZE] = "", text[VG_DIAG_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	format_path(place, path);
	return vg_diag_set(reader->diag, error, reader->file, (struct vg_position){0}, "%s%s%s",
			   path, *path ? ": " : "", text);
}

/* ---- members ---- */

static const char *type_text(json_type type)
{
	static const char *const texts[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",	 [JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return texts[type];
}

int vg_shape_member(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		    const json_t *object, const char *key, json_type type, const json_t **ret_value)
{
	const struct vg_shape_place place = {in, key, 0};
	const json_t *value = json_object_get(object, key);

	if (json_is_null(value))
		value = NULL;
	if (value && json_typeof(value) != type)
		return vg_shape_refuse(reader, &place, EINVAL, "%s, where %s was expected",
				       type_text(json_typeof(value)), type_text(type));
	*ret_value = value;
	return 0;
}

int vg_shape_text(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		  const json_t *object, const char *key, const char **ret_text)
{
	const json_t *value = NULL;
	int r;

	r = vg_shape_member(reader, in, object, key, JSON_STRING, &value);
	if (r >= 0)
		*ret_text = json_string_value(value);
	return r;
}

int vg_shape_each(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		  const json_t *list, vg_shape_take *take, void *context)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct vg_shape_place at = {place, NULL, i};
		const json_t *item = json_array_get(list, i);
		int r;

		if (!json_is_object(item))
			return vg_shape_refuse(reader, &at, EINVAL, "%s, where %s was expected",
					       type_text(json_typeof(item)),
					       type_text(JSON_OBJECT));
		r = take(reader, &at, item, context);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- ranges ---- */

/* In ::ffff:0:0/96: a config refuses these too, since they are never on the wire. */
static bool is_mapped(const struct vg_prefix *prefix)
{
	return prefix->address.family == 6 && !prefix->address.hi &&
	       prefix->address.lo >> 32 == 0xffff;
}

int vg_shape_prefix(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		    const char *text, struct vg_prefix *ret_prefix)
{
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_prefix prefix;

	if (vg_prefix_parse(text, &prefix, wrong, sizeof(wrong)) < 0)
		return vg_shape_refuse(reader, place, EINVAL, "%s", wrong);
	if (is_mapped(&prefix))
		return vg_shape_refuse(reader, place, EINVAL,
				       "%s is IPv4-mapped, which is never on the wire", text);
	*ret_prefix = prefix;
	return 0;
}

int vg_shape_add(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		 struct vg_listing *listing, const struct vg_prefix *prefix, enum vg_range_use use,
		 __u16 scope)
{
	char text[VG_PREFIX_TEXT_SIZE];
	int r;

	if (vg_listing_is_too_wide(prefix))
		return vg_shape_refuse(reader, place, EINVAL,
				       "%s takes in too many addresses to be a range",
				       vg_prefix_format(prefix, text));
	r = vg_listing_add(listing, prefix, use, scope);
	if (r == -E2BIG)
		return vg_shape_refuse(reader, place, E2BIG, "more than %d ranges",
				       VG_LISTING_MAX_RANGES);
	return r;
}

/* What follows the last `folder`, which begins the text or a part of its path; or NULL. */
static const char *last_in(const char *text, const char *folder)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, folder)); at += strlen(folder)) {
		if (at == text || at[-1] == '/')
			found = at + strlen(folder);
	}
	return found;
}

bool vg_shape_region(const char *text, char *out)
{
	const char *name = last_in(text, "regions/"), *location = last_in(text, "locations/");
	size_t n;

	if (!name || (location && location > name))
		name = location;
	if (!name)
		name = text;
	n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (!n || n > REGION_MAX || (name[n] && (name[n] != '/' || name == text)))
		return false;
	snprintf(out, VG_SHAPE_REGION_SIZE, "regions/%.*s", (int)n, name);
	return true;
}

int vg_shape_scope(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		   const char *text, __u16 *ret_scope)
{
	char region[VG_SHAPE_REGION_SIZE];
	int r;

	*ret_scope = VG_LISTING_NO_SCOPE;
	if (!text || !vg_shape_region(text, region))
		return 0;
	r = vg_listing_scope(reader->listing, region, ret_scope);
	if (r == -E2BIG)
		return vg_shape_refuse(reader, place, E2BIG, "more than %d regions",
				       VG_LISTING_MAX_SCOPES);
	return r;
}

const char *vg_shape_network(const char *url)
{
	const char *name = last_in(url, "networks/");

	return name ? name : url;
}

bool vg_shape_wants(const struct vg_shape_reader *reader, const char *network)
{
	const char *wanted = reader->wish->network;

	return !wanted || !network || !strcmp(vg_shape_network(network), wanted);
}

void vg_shape_leave_out(const struct vg_shape_reader *reader, const char *reason)
{
	struct vg_page *page = reader->page;

	if (page->n_left_out++)
		return;
	snprintf(page->left_out, sizeof(page->left_out), "%s", *reason ? reason : "unknown");
	for (char *c = page->left_out; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}
