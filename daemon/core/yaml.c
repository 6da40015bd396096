/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "core/nearest.h"
#include "core/yaml.h"
#include "share/cleanup.h"

static struct vg_position position_of(yaml_mark_t mark)
{
	return (struct vg_position){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

struct vg_position vg_yaml_position(const yaml_node_t *node)
{
	return position_of(node->start_mark);
}

/* Columns count characters, as libyaml's do. */
static struct vg_position position_of_byte(const char *text, size_t offset)
{
	struct vg_position at = {1, 1};

	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* libyaml's reader knows the byte but not the line. */
static int refuse_bytes(const struct vg_yaml *yaml, const yaml_parser_t *parser, const char *text)
{
	const struct vg_position at = position_of_byte(text, parser->problem_offset);

	if (strstr(parser->problem, "control characters"))
		return vg_diag_set(yaml->diag, EINVAL, yaml->path, at,
				   "control character 0x%02x: remove it",
				   (unsigned)parser->problem_value);
	return vg_diag_set(yaml->diag, EINVAL, yaml->path, at,
			   "not UTF-8 (%s): save the file as UTF-8", parser->problem);
}

/* True where `mark` is at a tab that only blanks precede on its line. */
static bool tab_at(const char *text, size_t length, yaml_mark_t mark)
{
	const char *end = text + length;

	for (size_t line = 0; line < mark.line; line++) {
		text = memchr(text, '\n', (size_t)(end - text));
		if (!text)
			return false;
		text++;
	}
	/* Blanks alone come before it, so that columns are bytes here. */
	if ((size_t)(end - text) <= mark.column)
		return false;
	for (size_t i = 0; i < mark.column; i++) {
		if (text[i] != ' ' && text[i] != '\t')
			return false;
	}
	return text[mark.column] == '\t';
}

/* libyaml puts the end of a file that lacks its last newline on a line of its own. */
static struct vg_position no_later(struct vg_position at, struct vg_position end)
{
	return at.line > end.line ? end : at;
}

/* What would be right, where libyaml only says what is wrong. */
static const char *syntax_hint(const char *problem)
{
	static const struct {
		const char *problem, *hint;
	} hints[] = {
		{"did not find expected alphabetic or numeric character",
		 ": quote a glob, such as \"*\""},
		{"did not find expected key", ": align the keys of one map"},
		{"found character that cannot start any token", ": quote the text"},
		{"found undefined alias", ": quote a glob, such as \"*4\""},
		{"found unexpected end of stream", ": close what is open"},
		{"mapping values are not allowed in this context",
		 ": end the line above with ':', or quote the text"},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(hints); i++) {
		if (!strcmp(problem, hints[i].problem))
			return hints[i].hint;
	}
	return "";
}

static int refuse_syntax(const struct vg_yaml *yaml, const yaml_parser_t *parser, const char *text,
			 size_t length)
{
	const struct vg_position end = position_of_byte(text, length);
	const struct vg_position began = no_later(position_of(parser->context_mark), end);
	const struct vg_position at = no_later(position_of(parser->problem_mark), end);
	char context[128] = "";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return refuse_bytes(yaml, parser, text);
	if (tab_at(text, length, parser->problem_mark))
		return vg_diag_set(yaml->diag, EINVAL, yaml->path, at,
				   "a tab can't indent YAML: use spaces");
	if (parser->context)
		snprintf(context, sizeof(context), " (%s that began at %u:%u)", parser->context,
			 began.line, began.column);
	return vg_diag_set(yaml->diag, EINVAL, yaml->path, at, "YAML syntax: %s%s%s",
			   parser->problem, context, syntax_hint(parser->problem));
}

/* From here on every text is a C string. */
static int refuse_nul(struct vg_yaml *yaml)
{
	for (const yaml_node_t *node = yaml->document.nodes.start; node < yaml->document.nodes.top;
	     node++) {
		if (node->type == YAML_SCALAR_NODE &&
		    memchr(node->data.scalar.value, '\0', node->data.scalar.length))
			return vg_yaml_refuse(yaml, EINVAL, node,
					      "a NUL character in a text: remove the `\\0`");
	}
	return 0;
}

static int load_documents(yaml_parser_t *parser, const char *text, size_t length,
			  struct vg_yaml *yaml)
{
	_cleanup_(yaml_document_delete) yaml_document_t second = {};

	if (!yaml_parser_load(parser, &yaml->document))
		return refuse_syntax(yaml, parser, text, length);
	if (!yaml_document_get_root_node(&yaml->document))
		return vg_diag_set(yaml->diag, EINVAL, yaml->path, (struct vg_position){1, 1},
				   "the file is empty: write at least `interfaces: [ens4]` and "
				   "`ingress: internal`");
	if (!yaml_parser_load(parser, &second))
		return refuse_syntax(yaml, parser, text, length);
	if (yaml_document_get_root_node(&second))
		return vg_diag_set(yaml->diag, EINVAL, yaml->path, position_of(second.start_mark),
				   "a second document begins here: keep one, without `---`");
	return refuse_nul(yaml);
}

int vg_yaml_load(const char *path, const char *text, size_t length, struct vg_diag *diag,
		 struct vg_yaml *ret_yaml)
{
	_cleanup_(vg_yaml_done) struct vg_yaml yaml = {.path = path, .diag = diag};
	_cleanup_(yaml_parser_delete) yaml_parser_t parser = {};
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	int r;

	if (length >= 3 && !memcmp(text, byte_order_mark, 3)) {
		text += 3;
		length -= 3;
	}
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	/* Without this libyaml would take UTF-16 as well. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	r = load_documents(&parser, text, length, &yaml);
	if (r < 0)
		return r;
	*ret_yaml = yaml;
	yaml.document = (yaml_document_t){};
	return 0;
}

void vg_yaml_done(struct vg_yaml *yaml)
{
	yaml_document_delete(&yaml->document);
}

static enum vg_yaml_kind kind_of(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return VG_YAML_TEXT;
	case YAML_SEQUENCE_NODE:
		return VG_YAML_LIST;
	case YAML_MAPPING_NODE:
		return VG_YAML_MAP;
	default:
		return VG_YAML_ANY;
	}
}

int vg_yaml_expect(struct vg_yaml *yaml, const yaml_node_t *node, enum vg_yaml_kind kind,
		   const char *name, const char *example)
{
	static const char *const words[] = {
		[VG_YAML_TEXT] = "a single value",
		[VG_YAML_LIST] = "a list",
		[VG_YAML_MAP] = "a map",
	};

	if (kind == VG_YAML_ANY || kind_of(node) == kind)
		return 0;
	return vg_yaml_refuse(yaml, EINVAL, node, "%s: expected %s: write `%s`", name, words[kind],
			      example);
}

bool vg_yaml_is_text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE;
}

const char *vg_yaml_text(const yaml_node_t *node)
{
	assert(vg_yaml_is_text(node));
	return (const char *)node->data.scalar.value;
}

size_t vg_yaml_length(const yaml_node_t *node)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	return (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
}

const yaml_node_t *vg_yaml_item(struct vg_yaml *yaml, const yaml_node_t *list, size_t i)
{
	return yaml_document_get_node(&yaml->document, list->data.sequence.items.start[i]);
}

const yaml_node_t *vg_yaml_key(struct vg_yaml *yaml, const yaml_node_t *map, size_t i)
{
	return yaml_document_get_node(&yaml->document, map->data.mapping.pairs.start[i].key);
}

const yaml_node_t *vg_yaml_value(struct vg_yaml *yaml, const yaml_node_t *map, size_t i)
{
	return yaml_document_get_node(&yaml->document, map->data.mapping.pairs.start[i].value);
}

static int refuse_unknown_key(struct vg_yaml *yaml, const yaml_node_t *key,
			      const struct vg_yaml_field *fields, size_t n_fields)
{
	const char *text = vg_yaml_text(key);
	size_t nearest = 0;

	for (size_t i = 1; i < n_fields; i++) {
		if (vg_edit_distance(text, fields[i].name) <
		    vg_edit_distance(text, fields[nearest].name))
			nearest = i;
	}
	return vg_yaml_refuse(yaml, EINVAL, key, "unknown key '%.*s': did you mean '%s'?",
			      VG_YAML_QUOTED, text, fields[nearest].name);
}

/* The field that a key names, which must be new to the map. `given` holds the keys so far. */
static int find_field(struct vg_yaml *yaml, const yaml_node_t *key,
		      const struct vg_yaml_field *fields, size_t n_fields,
		      const yaml_node_t **given, size_t *ret_field)
{
	size_t i = 0;

	if (!vg_yaml_is_text(key))
		return vg_yaml_refuse(yaml, EINVAL, key, "expected a key: write one such as `%s`",
				      fields[0].example);
	while (i < n_fields && strcmp(vg_yaml_text(key), fields[i].name))
		i++;
	if (i == n_fields)
		return refuse_unknown_key(yaml, key, fields, n_fields);
	if (given[i])
		return vg_yaml_refuse(yaml, EINVAL, key,
				      "duplicate key '%s': it is on line %u already; keep one",
				      fields[i].name, vg_yaml_position(given[i]).line);
	given[i] = key;
	*ret_field = i;
	return 0;
}

int vg_yaml_read_map(struct vg_yaml *yaml, const yaml_node_t *map,
		     const struct vg_yaml_field *fields, size_t n_fields, void *into)
{
	const yaml_node_t *given[VG_YAML_MAX_FIELDS] = {};
	size_t field = 0;
	int r;

	assert(n_fields <= VG_YAML_MAX_FIELDS && map->type == YAML_MAPPING_NODE);
	for (size_t i = 0; i < vg_yaml_length(map); i++) {
		const yaml_node_t *value = vg_yaml_value(yaml, map, i);

		r = find_field(yaml, vg_yaml_key(yaml, map, i), fields, n_fields, given, &field);
		if (r < 0)
			return r;
		r = vg_yaml_expect(yaml, value, fields[field].kind, fields[field].name,
				   fields[field].example);
		if (r < 0)
			return r;
		r = fields[field].read(yaml, value, into);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n_fields; i++) {
		if (fields[i].required && !given[i])
			return vg_yaml_refuse(yaml, EINVAL, map, "'%s' is missing: write `%s`",
					      fields[i].name, fields[i].example);
	}
	return 0;
}
