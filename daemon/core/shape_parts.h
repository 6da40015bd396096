/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the readers of the shapes share: places in a document, members with their types, errors. */
#ifndef VPCGATE_SHAPE_PARTS_H
#define VPCGATE_SHAPE_PARTS_H

#include <jansson.h>
#include "core/shapes.h"

/* A member of an object, or an item of a list; NULL is the document itself. On the stack. */
struct vg_shape_place {
	const struct vg_shape_place *in;
	const char *key; /* NULL: an item */
	size_t index;
};

/* A document while it is read. */
struct vg_shape_reader {
	const char *file;
	const struct vg_shape_wish *wish;
	struct vg_listing *listing;
	struct vg_page *page;
	struct vg_diag *diag;
};

/* Parses a document; what isn't JSON is refused for what it looks like. */
int vg_shape_load(const struct vg_shape_reader *reader, const char *text, size_t length,
		  json_t **ret_root);

/* By the members of an item of a list; VG_SHAPE_MAX where they are of none. */
enum vg_shape vg_shape_of_item(const json_t *item);
/* Which shape a whole document has; refuses one that has none, or not the one expected. */
int vg_shape_recognise(const struct vg_shape_reader *reader, const json_t *root,
		       enum vg_shape *ret_shape);

/* Returns -`error`; the text comes behind the path of the place. */
int vg_shape_refuse(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		    int error, const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * A member of that type; NULL where there is none, or null. Refuses one of another type. `in` is the
 * place of `object`.
 */
int vg_shape_member(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		    const json_t *object, const char *key, json_type type,
		    const json_t **ret_value);
int vg_shape_text(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		  const json_t *object, const char *key, const char **ret_text);

/* Called with each item of a list and its place. */
typedef int vg_shape_take(struct vg_shape_reader *reader, const struct vg_shape_place *place,
			  const json_t *item, void *context);
/* Refuses items that are no objects. NULL is an empty list. */
int vg_shape_each(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		  const json_t *list, vg_shape_take *take, void *context);

/* A prefix, which may be all addresses. */
int vg_shape_prefix(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		    const char *text, struct vg_prefix *ret_prefix);
/* Adds a range to a listing, which needn't be the reader's. Refuses one of all addresses. */
int vg_shape_add(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		 struct vg_listing *listing, const struct vg_prefix *prefix, enum vg_range_use use,
		 __u16 scope);

#define VG_SHAPE_REGION_SIZE 80

/*
 * "regions/R" of a text that has it, or ".../locations/R/...", or is R alone, into `out` of
 * VG_SHAPE_REGION_SIZE bytes. Only names of a region's plain characters, since they appear in messages
 * and are kept on disk. False: there is none.
 */
bool vg_shape_region(const char *text, char *out);
/* The index of that region in the reader's listing; of none (or NULL) VG_LISTING_NO_SCOPE. */
int vg_shape_scope(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		   const char *text, __u16 *ret_scope);

/* The short name of ".../networks/NAME". */
const char *vg_shape_network(const char *url);
/* Does the reader take ranges of that network (or NULL)? */
bool vg_shape_wants(const struct vg_shape_reader *reader, const char *network);

/* Counts a range that is never admitted, and remembers the first reason. */
void vg_shape_leave_out(const struct vg_shape_reader *reader, const char *reason);

/* nextPageToken, and the scopes that warnings name as unread. */
int vg_shape_read_page(struct vg_shape_reader *reader, const json_t *root);
/* The warning of one scope, or (NULL) of the whole document, which may name scopes itself. */
int vg_shape_read_warning(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
			  const json_t *object, const char *scope);

/* Readers of the documents of each shape. */
int vg_shape_read_published(struct vg_shape_reader *reader, const json_t *root);
int vg_shape_read_subnets(struct vg_shape_reader *reader, const json_t *root);
int vg_shape_read_nics(struct vg_shape_reader *reader, const json_t *root);
int vg_shape_read_connectors(struct vg_shape_reader *reader, const json_t *root);
int vg_shape_read_routes(struct vg_shape_reader *reader, const json_t *root);

#endif
