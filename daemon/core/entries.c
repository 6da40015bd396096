/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The entries of a source set: texts, and maps for what is taken from them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/read.h"
#include "share/cleanup.h"

#define DIFFERENCE_EXAMPLE "{google: goog, minus: cloud}"

/* The values of {file: A, minus: B} or {google: A, minus: B}; NULL: not given. */
struct sides {
	const yaml_node_t *file, *google, *minus;
};

static int read_file(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	(void)yaml;
	((struct sides *)into)->file = value;
	return 0;
}

static int read_google(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	(void)yaml;
	((struct sides *)into)->google = value;
	return 0;
}

static int read_minus(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	(void)yaml;
	((struct sides *)into)->minus = value;
	return 0;
}

static int read_sides(struct vg_yaml *yaml, const yaml_node_t *map, struct sides *ret_sides)
{
	static const struct vg_yaml_field fields[] = {
		{"google", VG_YAML_TEXT, false, "google: goog", read_google},
		{"file", VG_YAML_TEXT, false, "file: goog.json", read_file},
		{"minus", VG_YAML_TEXT, true, "minus: cloud", read_minus},
	};
	struct sides sides = {};
	int r;

	r = vg_yaml_read_map(yaml, map, fields, VG_ARRAY_SIZE(fields), &sides);
	if (r < 0)
		return r;
	if (!sides.file == !sides.google)
		return vg_yaml_refuse(yaml, EINVAL, map,
				      "expected one of google and file: write `" DIFFERENCE_EXAMPLE
				      "`");
	*ret_sides = sides;
	return 0;
}

/* The feed that a side stands for. */
static int read_side(const char *scheme, const yaml_node_t *value, struct vg_text *ret_text)
{
	char *text;

	if (asprintf(&text, "%s%s", scheme, vg_yaml_text(value)) < 0)
		return -ENOMEM;
	*ret_text = (struct vg_text){text, vg_yaml_position(value)};
	return 0;
}

/* What the entry after the last one of `source` is, and what is taken from it. */
static int read_difference(struct vg_yaml *yaml, struct vg_draft *draft, const yaml_node_t *map,
			   struct vg_config_source *source)
{
	struct vg_text_list *entries = &source->entries;
	struct vg_config_difference *larger, *difference;
	struct sides sides = {};
	const char *scheme;
	int r;

	if (draft->n_differences == VG_MAX_DIFFERENCES)
		return vg_yaml_refuse(yaml, E2BIG, map,
				      "more than %u entries with `minus` in all source sets: put "
				      "each into one set, and name that set",
				      VG_MAX_DIFFERENCES);
	r = read_sides(yaml, map, &sides);
	if (r < 0)
		return r;
	larger = reallocarray(source->differences, source->n_differences + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	source->differences = larger;
	difference = &larger[source->n_differences];
	difference->entry = entries->n;
	scheme = sides.file ? "file:" : "google:";
	r = read_side(scheme, sides.minus, &difference->minus);
	if (r < 0)
		return r;
	source->n_differences++;
	draft->n_differences++;
	return read_side(scheme, sides.file ?: sides.google, &entries->items[entries->n]);
}

int vg_read_entries(struct vg_yaml *yaml, struct vg_draft *draft, const yaml_node_t *list,
		    const char *name, const char *example, struct vg_config_source *source)
{
	const size_t n = vg_yaml_length(list), room = VG_MAX_SOURCE_ENTRIES - draft->n_entries;
	struct vg_text_list *entries = &source->entries;
	int r;

	if (n > room)
		return vg_yaml_refuse(yaml, E2BIG, vg_yaml_item(yaml, list, room),
				      "more than %u entries in all source sets: merge prefixes",
				      VG_MAX_SOURCE_ENTRIES);
	draft->n_entries += n;
	entries->given = true;
	entries->at = vg_yaml_position(list);
	entries->items = calloc(n ? n : 1, sizeof(*entries->items));
	if (!entries->items)
		return -ENOMEM;
	for (; entries->n < n; entries->n++) {
		const yaml_node_t *item = vg_yaml_item(yaml, list, entries->n);

		if (vg_yaml_is_text(item))
			r = vg_read_text(item, &entries->items[entries->n]);
		else if (item->type == YAML_MAPPING_NODE)
			r = read_difference(yaml, draft, item, source);
		else
			r = vg_yaml_refuse(yaml, EINVAL, item,
					   "%s: expected a list of single values: write `%s`", name,
					   example);
		if (r < 0)
			return r;
	}
	return 0;
}
