/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <jansson.h>
#include <string.h>
#include <zlib.h>
#include "discovery/store.h"
#include "share/cleanup.h"
#include "share/keep.h"

#define TITLE "vpcgate ranges 1"
#define SUFFIX "ranges"
#define READABLE_SIZE 64 /* of the feed's text in a file name */

static const struct vg_position nowhere;

int vg_store_path(const char *folder, const char *text, const char *suffix, char **ret_path)
{
	const unsigned long checksum = crc32(0, (const Bytef *)text, strlen(text));
	char name[READABLE_SIZE];
	size_t n = 0;

	for (const char *c = text; *c && n + 1 < sizeof(name); c++) {
		const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				   (*c >= '0' && *c <= '9') || *c == '.';

		if (plain || (n && name[n - 1] != '-'))
			name[n++] = plain ? *c : '-';
	}
	name[n] = '\0';
	if (asprintf(ret_path, "%s/%s-%08lx.%s", folder, name, checksum, suffix) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

void vg_saved_done(struct vg_saved *saved)
{
	vg_listing_done(&saved->listing);
	free(saved->version);
	free(saved->identity);
	*saved = (struct vg_saved){};
}

/* ---- writing ---- */

static void print_text(FILE *out, const char *text)
{
	json_t *json = text ? json_string(text) : json_null();

	/* Not UTF-8: no feed's text and no scope is such, and a version is only worth a question. */
	if (!json || json_dumpf(json, out, JSON_ENCODE_ANY) < 0)
		fputs("null", out);
	json_decref(json);
}

static void print_listing(FILE *out, const struct vg_listing *listing)
{
	char prefix[VG_PREFIX_TEXT_SIZE];

	fprintf(out, "\"shared\": %s, \"scopes\": [", listing->shared ? "true" : "false");
	for (size_t i = 0; i < listing->n_scopes; i++) {
		fputs(i ? ", " : "", out);
		print_text(out, listing->scopes[i]);
	}
	fputs("], \"ranges\": [", out);
	for (size_t i = 0; i < listing->n; i++) {
		const struct vg_listed *item = &listing->items[i];

		fprintf(out, "%s\n[\"%s\", \"%s\", ", i ? "," : "",
			vg_prefix_format(&item->prefix, prefix), vg_range_use_text(item->use));
		if (item->scope < listing->n_scopes)
			fprintf(out, "%u]", item->scope);
		else
			fputs("null]", out);
	}
	fputs("]", out);
}

static int print_saved(const char *feed, const struct vg_saved *saved, char **ret_text,
		       size_t *ret_length)
{
	FILE *out = open_memstream(ret_text, ret_length);

	if (!out)
		return -ENOMEM;
	fputs("{\"feed\": ", out);
	print_text(out, feed);
	fprintf(out, ", \"read_s\": %lld, \"version\": ", (long long)saved->read_s);
	print_text(out, saved->version);
	fputs(", \"identity\": ", out);
	print_text(out, saved->identity);
	fprintf(out, ", \"usable\": %s,\n", saved->usable ? "true" : "false");
	print_listing(out, &saved->listing);
	fputs("}\n", out);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

int vg_store_write(const char *folder, const char *feed, const struct vg_saved *saved,
		   struct vg_diag *diag)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t length = 0;
	int r;

	r = vg_store_path(folder, feed, SUFFIX, &path);
	if (r == 0)
		r = print_saved(feed, saved, &text, &length);
	if (r == 0)
		r = vg_keep_write(path, TITLE, text, length);
	if (r < 0)
		return vg_diag_set(diag, -r, NULL, nowhere, "%s can't be written: %s",
				   path ? path : folder, strerror(-r));
	return 0;
}

/* ---- reading ---- */

/* Where it stands, for what is wrong with it. */
struct damage {
	const char *path;
	struct vg_diag *diag;
};

static int __attribute__((format(printf, 2, 3)))
refuse(const struct damage *damage, const char *format, ...)
{
	char text[VG_DIAG_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return vg_diag_set(damage->diag, EBADMSG, NULL, nowhere,
			   "%.255s is left out: %s; the feed's next answer replaces it",
			   damage->path, text);
}

static int read_file(const struct damage *damage, char **ret_text, size_t *ret_length)
{
	char reason[VG_KEEP_REASON_SIZE];
	const int r =
		vg_keep_read(damage->path, TITLE, VG_STORE_MAX_BYTES, ret_text, ret_length, reason);

	return r == -EBADMSG ? refuse(damage, "%s", reason) : r;
}

static int read_range(const struct damage *damage, const json_t *json, struct vg_listing *listing)
{
	const char *text = json_string_value(json_array_get(json, 0));
	const char *use_text = json_string_value(json_array_get(json, 1));
	const json_t *index = json_array_get(json, 2);
	__u16 scope = VG_LISTING_NO_SCOPE;
	enum vg_range_use use;
	struct vg_prefix prefix;
	int r;

	if (!text || vg_prefix_parse(text, &prefix, NULL, 0) < 0)
		return refuse(damage, "'%.64s' is no prefix", text ? text : "");
	if (!use_text || vg_range_use_parse(use_text, &use) < 0)
		return refuse(damage, "'%.64s' is no use of a range", use_text ? use_text : "");
	/* A negative one is larger than any. */
	if (json_is_integer(index) && (size_t)json_integer_value(index) < listing->n_scopes)
		scope = (__u16)json_integer_value(index);
	else if (!json_is_null(index))
		return refuse(damage, "%s has a scope that isn't listed", text);
	r = vg_listing_add(listing, &prefix, use, scope);
	return r == -E2BIG ? refuse(damage, "it has more than %u ranges", VG_LISTING_MAX_RANGES)
			   : r;
}

static int read_listing(const struct damage *damage, const json_t *json, struct vg_listing *listing)
{
	const json_t *shared = json_object_get(json, "shared");
	const json_t *scopes = json_object_get(json, "scopes"), *scope;
	const json_t *ranges = json_object_get(json, "ranges"), *range;
	size_t i;
	int r;

	if (!json_is_boolean(shared) || !json_is_array(scopes) || !json_is_array(ranges))
		return refuse(damage, "\"shared\", \"scopes\" or \"ranges\" is missing");
	listing->shared = json_is_true(shared);
	json_array_foreach(scopes, i, scope) {
		__u16 index = 0;

		r = json_is_string(scope)
			    ? vg_listing_scope(listing, json_string_value(scope), &index)
			    : -EINVAL;
		if (r == -ENOMEM)
			return r;
		if (r < 0 || index != i)
			return refuse(damage,
				      "scope %zu is no text, stands there twice, or is one "
				      "too many",
				      i);
	}
	json_array_foreach(ranges, i, range) {
		r = read_range(damage, range, listing);
		if (r < 0)
			return r;
	}
	vg_listing_sort(listing);
	return 0;
}

/* A text or null. */
static int read_text(const struct damage *damage, const json_t *json, const char *key,
		     char **ret_text)
{
	const json_t *text = json_object_get(json, key);

	if (json_is_null(text))
		return 0;
	if (!json_is_string(text))
		return refuse(damage, "\"%s\" is no text", key);
	*ret_text = strdup(json_string_value(text));
	return *ret_text ? 0 : -ENOMEM;
}

static int read_saved(const struct damage *damage, const char *feed, const char *text,
		      size_t length, struct vg_saved *saved)
{
	json_auto_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	const char *of = json_string_value(json_object_get(json, "feed"));
	const json_t *read_s = json_object_get(json, "read_s");
	const json_t *usable = json_object_get(json, "usable");
	int r;

	if (!json_is_object(json))
		return refuse(damage, "it is no JSON");
	if (!of || strcmp(of, feed) != 0)
		return refuse(damage, "it is of '%.128s', not of '%.128s'", of ? of : "", feed);
	if (!json_is_integer(read_s) || json_integer_value(read_s) < 0)
		return refuse(damage, "\"read_s\" is no time");
	if (!json_is_boolean(usable))
		return refuse(damage, "\"usable\" is neither true nor false");
	saved->read_s = json_integer_value(read_s);
	saved->usable = json_is_true(usable);
	r = read_text(damage, json, "version", &saved->version);
	if (r == 0)
		r = read_text(damage, json, "identity", &saved->identity);
	if (r < 0)
		return r;
	return read_listing(damage, json, &saved->listing);
}

int vg_store_read(const char *folder, const char *feed, struct vg_saved *ret_saved,
		  struct vg_diag *diag)
{
	_cleanup_(vg_saved_done) struct vg_saved saved = {};
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct damage damage = {NULL, diag};
	size_t length = 0;
	int r;

	r = vg_store_path(folder, feed, SUFFIX, &path);
	if (r == 0) {
		damage.path = path;
		r = read_file(&damage, &text, &length);
	}
	if (r == 0)
		r = read_saved(&damage, feed, text, length, &saved);
	if (r == -ENOENT || r == -EBADMSG)
		return r;
	if (r < 0)
		return vg_diag_set(diag, -r, NULL, nowhere, "%s can't be read: %s",
				   path ? path : folder, strerror(-r));
	*ret_saved = saved;
	saved = (struct vg_saved){};
	return 0;
}
