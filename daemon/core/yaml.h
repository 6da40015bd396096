/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One YAML document in memory, and checked access to it: each refusal fills the diagnostic with the
 * position of the node that is wrong. Values are text: YAML's own types and tags play no part.
 */
#ifndef VPCGATE_YAML_H
#define VPCGATE_YAML_H

#include <stdbool.h>
#include <yaml.h>
#include "core/diag.h"

struct vg_yaml {
	yaml_document_t document;
	const char *path;     /* for messages; not owned */
	struct vg_diag *diag; /* may be NULL; not owned */
};

/*
 * Loads `text`, which must be UTF-8 and hold exactly one document. `path` and `diag` must outlive
 * `yaml`. -EINVAL with `diag` filled in; -ENOMEM without.
 */
int vg_yaml_load(const char *path, const char *text, size_t length, struct vg_diag *diag,
		 struct vg_yaml *ret_yaml);
void vg_yaml_done(struct vg_yaml *yaml);

struct vg_position vg_yaml_position(const yaml_node_t *node);

/* Fills in the diagnostic at `node` and returns -`error`. */
#define vg_yaml_refuse(yaml, error, node, ...) \
	vg_diag_set((yaml)->diag, error, (yaml)->path, vg_yaml_position(node), __VA_ARGS__)

/* How much of the file's own text a message repeats. */
#define VG_YAML_QUOTED 64

enum vg_yaml_kind { VG_YAML_ANY, VG_YAML_TEXT, VG_YAML_LIST, VG_YAML_MAP };

/* Refuses a node of another kind: "NAME: expected a list: write `EXAMPLE`". */
int vg_yaml_expect(struct vg_yaml *yaml, const yaml_node_t *node, enum vg_yaml_kind kind,
		   const char *name, const char *example);

bool vg_yaml_is_text(const yaml_node_t *node);
/* Of a text node; NUL-terminated, without a NUL inside. Owned by the document. */
const char *vg_yaml_text(const yaml_node_t *node);

/* Items of a list, pairs of a map. */
size_t vg_yaml_length(const yaml_node_t *node);
const yaml_node_t *vg_yaml_item(struct vg_yaml *yaml, const yaml_node_t *list, size_t i);
const yaml_node_t *vg_yaml_key(struct vg_yaml *yaml, const yaml_node_t *map, size_t i);
const yaml_node_t *vg_yaml_value(struct vg_yaml *yaml, const yaml_node_t *map, size_t i);

/* A key that a map may have. */
struct vg_yaml_field {
	const char *name;
	enum vg_yaml_kind kind;
	bool required;
	const char *example; /* the key with a value, for messages */
	int (*read)(struct vg_yaml *yaml, const yaml_node_t *value, void *into);
};
#define VG_YAML_MAX_FIELDS 16

/*
 * Hands the value of each pair to the field of its name, in file order. Keys that are unknown,
 * given twice or missing are refused, as are values of the wrong kind.
 */
int vg_yaml_read_map(struct vg_yaml *yaml, const yaml_node_t *map,
		     const struct vg_yaml_field *fields, size_t n_fields, void *into);

#endif
