/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From bytes to JSON, and from JSON to the shape that it has. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "core/shape_parts.h"
#include "share/cleanup.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BLANKS " \t\r\n"

/* How much of an API's own words a message repeats. */
#define MESSAGE_QUOTED 240
#define WORD_QUOTED 64
#define SAID_SIZE 512

struct bytes {
	const char *text;
	size_t length;
};

/* jansson refuses a byte order mark, which editors and PowerShell write. */
static struct bytes without_mark(const char *text, size_t length)
{
	const size_t mark = strlen(BYTE_ORDER_MARK);

	if (length >= mark && !memcmp(text, BYTE_ORDER_MARK, mark))
		return (struct bytes){text + mark, length - mark};
	return (struct bytes){text, length};
}

static bool is_blank(char c)
{
	return c && strchr(BLANKS, c);
}

static struct bytes trimmed(struct bytes bytes)
{
	while (bytes.length && is_blank(bytes.text[0])) {
		bytes.text++;
		bytes.length--;
	}
	while (bytes.length && is_blank(bytes.text[bytes.length - 1]))
		bytes.length--;
	return bytes;
}

bool vg_shape_is_json(const char *text, size_t length)
{
	const struct bytes content = trimmed(without_mark(text, length));

	return content.length && (content.text[0] == '{' || content.text[0] == '[');
}

/* At most, since those in texts are counted too. */
static size_t count_values(struct bytes bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes.length; i++) {
		const char c = bytes.text[i];

		n += c == ',' || c == '[' || c == '{';
	}
	return n;
}

/* ---- what isn't JSON ---- */

static struct vg_position position_of(const json_error_t *error)
{
	return (struct vg_position){error->line > 0 ? error->line : 1,
				    error->column > 0 ? error->column : 1};
}

/* A document that lacks its end, perhaps from the middle of a word on; `end` is where it ends. */
static bool is_cut_off(struct bytes content, const json_error_t *error, size_t end)
{
	const char last = content.text[content.length - 1];

	if (content.text[0] != '{' && content.text[0] != '[')
		return false;
	switch (json_error_code(error)) {
	case json_error_premature_end_of_input:
		return true;
	case json_error_invalid_syntax:
		return (size_t)error->position >= end && last != '}' && last != ']';
	default:
		return false;
	}
}

static int refuse_syntax(const struct vg_shape_reader *reader, struct bytes document,
			 const json_error_t *error)
{
	const struct bytes content = trimmed(document);
	const size_t end = content.text + content.length - document.text;

	if (json_error_code(error) == json_error_out_of_memory)
		return -ENOMEM;
	if (is_cut_off(content, error, end))
		return vg_diag_set(reader->diag, EINVAL, reader->file, position_of(error),
				   "the document is cut off");
	return vg_diag_set(reader->diag, EINVAL, reader->file, position_of(error), "not JSON: %s",
			   error->text);
}

static int refuse_markup(const struct vg_shape_reader *reader, struct bytes content)
{
	const bool xml = content.length > 5 && !strncasecmp(content.text, "<?xml", 5);

	return vg_diag_set(reader->diag, EINVAL, reader->file, (struct vg_position){0},
			   "%s, not JSON: is that the right address, or a login page?",
			   xml ? "XML" : "HTML");
}

int vg_shape_load(const struct vg_shape_reader *reader, const char *text, size_t length,
		  json_t **ret_root)
{
	const struct bytes document = without_mark(text, length), content = trimmed(document);
	json_error_t error = {};
	json_t *root;

	if (!content.length)
		return vg_diag_set(reader->diag, EINVAL, reader->file, (struct vg_position){0},
				   "empty, where a JSON document was expected");
	if (content.text[0] == '<')
		return refuse_markup(reader, content);
	if (count_values(content) > VG_SHAPE_MAX_VALUES)
		return vg_diag_set(reader->diag, E2BIG, reader->file, (struct vg_position){0},
				   "more than %d values of JSON in one document",
				   VG_SHAPE_MAX_VALUES);
	/* Of two members of one name it isn't known which one is meant. */
	root = json_loadb(document.text, document.length, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return refuse_syntax(reader, document, &error);
	*ret_root = root;
	return 0;
}

/* ---- which shape it has ---- */

static const char *shape_text(enum vg_shape shape)
{
#define SHAPE_TEXT(shape, text) text,
	static const char *const texts[] = {VG_SHAPES(SHAPE_TEXT)};
#undef SHAPE_TEXT

	return texts[shape];
}

static bool has(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

/* "" where there is no such text. */
static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

enum vg_shape vg_shape_of_item(const json_t *item)
{
	if (has(item, "destRange"))
		return VG_SHAPE_ROUTES;
	if (has(item, "mac") || has(item, "subnetmask"))
		return VG_SHAPE_NICS;
	if (strstr(text_of(item, "name"), "/connectors/"))
		return VG_SHAPE_CONNECTORS;
	if (has(item, "ipCidrRange") || has(item, "ipv6CidrRange") ||
	    has(item, "internalIpv6Prefix") || has(item, "externalIpv6Prefix") ||
	    has(item, "subnetwork") || !strcmp(text_of(item, "kind"), "compute#subnetwork"))
		return VG_SHAPE_SUBNETS;
	return VG_SHAPE_MAX;
}

static enum vg_shape shape_of_list(const json_t *list, enum vg_shape if_empty)
{
	return json_array_size(list) ? vg_shape_of_item(json_array_get(list, 0)) : if_empty;
}

/* What the Compute API says of its answers, whatever they hold. */
static enum vg_shape shape_of_kind(const char *kind)
{
	static const struct {
		const char *kind;
		enum vg_shape shape;
	} kinds[] = {
		{"compute#subnetworkAggregatedList", VG_SHAPE_SUBNETS},
		{"compute#subnetworkList", VG_SHAPE_SUBNETS},
		{"compute#usableSubnetworksAggregatedList", VG_SHAPE_SUBNETS},
		{"compute#exchangedPeeringRoutesList", VG_SHAPE_ROUTES},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i].kind, kind))
			return kinds[i].shape;
	}
	return VG_SHAPE_MAX;
}

/* Has it only what surrounds the lists of an API, so that there may have been an empty one? */
static bool is_envelope(const json_t *root)
{
	static const char *const keys[] = {"kind",	    "id",	    "selfLink",
					   "nextPageToken", "warning",	    "scopedWarnings",
					   "unreachable",   "unreachables", "etag"};
	size_t n = 0;

	for (size_t i = 0; i < VG_ARRAY_SIZE(keys); i++)
		n += has(root, keys[i]);
	return n == json_object_size(root);
}

static enum vg_shape shape_of_object(const json_t *root, enum vg_shape expected)
{
	const bool listed = expected == VG_SHAPE_SUBNETS || expected == VG_SHAPE_CONNECTORS ||
			    expected == VG_SHAPE_ROUTES;
	const json_t *items = json_object_get(root, "items");
	enum vg_shape empty = listed ? expected : VG_SHAPE_MAX;

	if (has(root, "kind"))
		empty = shape_of_kind(text_of(root, "kind"));
	if (has(root, "prefixes"))
		return VG_SHAPE_PUBLISHED;
	if (has(root, "connectors"))
		return VG_SHAPE_CONNECTORS;
	if (json_is_object(items))
		return has(root, "kind") ? empty : VG_SHAPE_SUBNETS;
	if (json_is_array(items))
		return shape_of_list(items, empty);
	return is_envelope(root) ? empty : VG_SHAPE_MAX;
}

/* The first reason in a list of details of an error, or "". */
static const char *reason_of(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *reason = text_of(json_array_get(list, i), "reason");

		if (*reason)
			return reason;
	}
	return "";
}

/* Behind `before`, where there is something to add; `out` has SAID_SIZE bytes. */
static void append(char *out, const char *before, const char *text, int quoted)
{
	const size_t n = strlen(out);

	if (*text)
		snprintf(out + n, SAID_SIZE - n, "%s%.*s", n ? before : "", quoted, text);
}

/* https://google.aip.dev/193, or an OAuth error (RFC 6749 5.2). */
static int refuse_error(const struct vg_shape_reader *reader, const json_t *root)
{
	const json_t *error = json_object_get(root, "error"),
		     *code = json_object_get(error, "code");
	const bool oauth = json_is_string(error);
	const char *reason = reason_of(json_object_get(error, "details"));
	char said[SAID_SIZE] = "";

	if (!*reason)
		reason = reason_of(json_object_get(error, "errors"));
	if (json_is_integer(code))
		snprintf(said, sizeof(said), "%" JSON_INTEGER_FORMAT, json_integer_value(code));
	append(said, " ", oauth ? json_string_value(error) : text_of(error, "status"), WORD_QUOTED);
	append(said, " ", reason, WORD_QUOTED);
	append(said, ": ", text_of(oauth ? root : error, oauth ? "error_description" : "message"),
	       MESSAGE_QUOTED);
	return vg_diag_set(reader->diag, EINVAL, reader->file, (struct vg_position){0},
			   "the API answered with an error: %s",
			   *said ? said : "it doesn't say which");
}

int vg_shape_recognise(const struct vg_shape_reader *reader, const json_t *root,
		       enum vg_shape *ret_shape)
{
	const enum vg_shape expected = reader->wish->expected;
	const bool empty = !json_object_size(root) && !json_array_size(root);
	const bool unlisted = expected == VG_SHAPE_PUBLISHED;
	enum vg_shape shape;

	if (has(root, "error"))
		return refuse_error(reader, root);
	if (json_is_array(root))
		shape = shape_of_list(root, unlisted ? VG_SHAPE_MAX : expected);
	else
		shape = shape_of_object(root, expected);

	if (shape == VG_SHAPE_MAX && expected == VG_SHAPE_MAX)
		return vg_shape_refuse(
			reader, NULL, EINVAL,
			empty ? "an empty document, which doesn't say what there is none of"
			      : "JSON that holds none of what is known here: published prefixes, "
				"subnets, network interfaces, connectors or peering routes");
	if (shape == VG_SHAPE_MAX)
		return vg_shape_refuse(reader, NULL, EINVAL, "JSON that doesn't hold %s",
				       shape_text(expected));
	if (expected != VG_SHAPE_MAX && shape != expected)
		return vg_shape_refuse(reader, NULL, EINVAL, "%s, where %s were expected",
				       shape_text(shape), shape_text(expected));
	*ret_shape = shape;
	return 0;
}
