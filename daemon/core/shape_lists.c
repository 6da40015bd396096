/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shapes that are one list of ranges: published prefixes, connectors, peering routes. */
#include <errno.h>
#include <string.h>
#include "core/shape_parts.h"
#include "share/cleanup.h"

#define VERSION_MAX 256 /* bytes: a syncToken has 13 */

/* ---- published prefixes ---- */

static bool matches(const char *label, const char *wanted)
{
	return !wanted || (label && !strcmp(label, wanted));
}

static int take_published(struct vg_shape_reader *reader, const struct vg_shape_place *place,
			  const json_t *item, void *context)
{
	const char *text4 = NULL, *text6 = NULL, *service = NULL, *scope = NULL;
	struct vg_shape_place at = {place, "ipv4Prefix", 0};
	struct vg_prefix prefix;
	int r;

	(void)context;
	r = vg_shape_text(reader, place, item, "ipv4Prefix", &text4);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "ipv6Prefix", &text6);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "service", &service);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "scope", &scope);
	if (r < 0)
		return r;
	if (!text4 == !text6)
		return vg_shape_refuse(reader, place, EINVAL,
				       "expected one of \"ipv4Prefix\" and \"ipv6Prefix\"");
	if (text6)
		at.key = "ipv6Prefix";
	r = vg_shape_prefix(reader, &at, text4 ? text4 : text6, &prefix);
	if (r < 0 || !matches(service, reader->wish->service) ||
	    !matches(scope, reader->wish->scope))
		return r;
	return vg_shape_add(reader, &at, reader->listing, &prefix, VG_RANGE_ANY,
			    VG_LISTING_NO_SCOPE);
}

/* It is kept on disk and shown. */
static int read_version(const struct vg_shape_reader *reader, const json_t *root)
{
	static const struct vg_shape_place place = {NULL, "syncToken", 0};
	const char *version = NULL;
	int r;

	r = vg_shape_text(reader, NULL, root, place.key, &version);
	if (r < 0 || !version || !*version)
		return r;
	if (strlen(version) > VERSION_MAX)
		return vg_shape_refuse(reader, &place, EINVAL, "longer than %d bytes", VERSION_MAX);
	for (const char *c = version; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return vg_shape_refuse(reader, &place, EINVAL,
					       "other characters than those of a token");
	}
	reader->page->version = strdup(version);
	return reader->page->version ? 0 : -ENOMEM;
}

int vg_shape_read_published(struct vg_shape_reader *reader, const json_t *root)
{
	static const struct vg_shape_place place = {NULL, "prefixes", 0};
	const json_t *list = NULL;
	int r;

	r = read_version(reader, root);
	if (r >= 0)
		r = vg_shape_member(reader, NULL, root, place.key, JSON_ARRAY, &list);
	return r < 0 ? r : vg_shape_each(reader, &place, list, take_published, NULL);
}

/* ---- lists of an API, or such a list alone ---- */

static int read_list(struct vg_shape_reader *reader, const json_t *root, const char *key,
		     vg_shape_take *take)
{
	const struct vg_shape_place place = {NULL, key, 0};
	const json_t *list = NULL;
	int r;

	if (json_is_array(root))
		return vg_shape_each(reader, NULL, root, take, NULL);
	r = vg_shape_read_page(reader, root);
	if (r >= 0)
		r = vg_shape_member(reader, NULL, root, key, JSON_ARRAY, &list);
	return r < 0 ? r : vg_shape_each(reader, &place, list, take, NULL);
}

static int take_connector(struct vg_shape_reader *reader, const struct vg_shape_place *place,
			  const json_t *item, void *context)
{
	const struct vg_shape_place at = {place, "ipCidrRange", 0};
	const char *range = NULL, *network = NULL, *state = NULL, *name = NULL;
	struct vg_prefix prefix;
	__u16 scope;
	int r;

	(void)context;
	r = vg_shape_text(reader, place, item, "ipCidrRange", &range);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "network", &network);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "state", &state);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "name", &name);
	if (r >= 0 && range)
		r = vg_shape_prefix(reader, &at, range, &prefix);
	if (r < 0 || !vg_shape_wants(reader, network) || (state && !strcmp(state, "DELETING")))
		return r;
	if (!range) {
		vg_shape_leave_out(reader, "in a subnet of its own");
		return 0;
	}
	r = vg_shape_scope(reader, place, name, &scope);
	if (r < 0)
		return r;
	return vg_shape_add(reader, &at, reader->listing, &prefix, VG_RANGE_ANY, scope);
}

int vg_shape_read_connectors(struct vg_shape_reader *reader, const json_t *root)
{
	return read_list(reader, root, "connectors", take_connector);
}

/*
 * A peer may export a default route. It says where this network's packets go when nothing else
 * matches, and not who is at the other end: it admits nobody.
 */
static int take_route(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		      const json_t *item, void *context)
{
	const struct vg_shape_place at = {place, "destRange", 0}, imported = {place, "imported", 0};
	const json_t *flag = json_object_get(item, imported.key);
	struct vg_prefix prefix;
	const char *range = NULL;
	int r;

	(void)context;
	r = vg_shape_text(reader, place, item, at.key, &range);
	if (r < 0)
		return r;
	if (!range)
		return vg_shape_refuse(reader, place, EINVAL, "no peering route: no \"destRange\"");
	if (flag && !json_is_null(flag) && !json_is_boolean(flag))
		return vg_shape_refuse(reader, &imported, EINVAL, "neither true nor false");
	r = vg_shape_prefix(reader, &at, range, &prefix);
	if (r < 0 || json_is_false(flag))
		return r;
	if (vg_listing_is_too_wide(&prefix)) {
		vg_shape_leave_out(reader, "default route");
		return 0;
	}
	return vg_shape_add(reader, &at, reader->listing, &prefix, VG_RANGE_ANY,
			    VG_LISTING_NO_SCOPE);
}

int vg_shape_read_routes(struct vg_shape_reader *reader, const json_t *root)
{
	return read_list(reader, root, "items", take_route);
}
