/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "core/ranges.h"
#include "core/sources.h"
#include "share/cleanup.h"

#define GOOGLE_SCHEME "google:"
#define FILE_SCHEME "file:"

/* The first origin is the config itself. */
#define ORIGIN_CONFIG 0

/* A set while it is filled, and what an error message needs. */
struct filling {
	struct vg_policy *policy;
	const struct vg_reader *reader;
	struct vg_diag *diag;
	struct vg_set *set;
	size_t allocated;
};

/* Where an entry stands. */
struct place {
	const char *file;
	struct vg_position at;
};

int vg_sources_prefix(const char *text, const char *or_else, const char *file,
		      struct vg_position at, struct vg_prefix *ret_prefix, struct vg_diag *diag)
{
	static const struct vg_prefix mapped = {{.lo = 0xffff00000000, .family = 6}, 96};
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_prefix prefix;
	int r;

	r = vg_prefix_parse(text, &prefix, wrong, sizeof(wrong));
	if (r == -EINVAL)
		return vg_diag_set(diag, EINVAL, file, at, "%s%s", wrong, or_else);
	if (r < 0)
		return vg_diag_set(diag, EINVAL, file, at, "%s", wrong);
	if (prefix.length >= mapped.length && vg_prefix_contains(&mapped, &prefix.address))
		return vg_diag_set(diag, EINVAL, file, at,
				   "%s is IPv4-mapped, which is never on the wire: write the IPv4 "
				   "prefix",
				   text);
	*ret_prefix = prefix;
	return 0;
}

static int add_range(struct filling *filling, const struct vg_prefix *prefix, unsigned origin,
		     const struct place *place)
{
	const bool ipv4 = prefix->address.family == 4;
	const size_t limit = ipv4 ? VG_MAX_PREFIXES4 : VG_MAX_PREFIXES6;
	struct vg_policy *policy = filling->policy;
	size_t *n = ipv4 ? &policy->n_prefixes4 : &policy->n_prefixes6;
	struct vg_set *set = filling->set;

	if (*n == limit)
		return vg_diag_set(
			filling->diag, E2BIG, place->file, place->at,
			"more than %zu IPv%u prefixes in all source sets: merge neighbours "
			"into shorter prefixes",
			limit, prefix->address.family);
	if (set->n_ranges == filling->allocated) {
		const size_t wanted = filling->allocated ? 2 * filling->allocated : 16;
		void *larger = reallocarray(set->ranges, wanted, sizeof(*set->ranges));

		if (!larger)
			return -ENOMEM;
		set->ranges = larger;
		filling->allocated = wanted;
	}
	set->ranges[set->n_ranges++] = (struct vg_range){*prefix, origin};
	(*n)++;
	return 0;
}

static bool is_origin(const struct vg_origin *origin, const char *text, const char *page)
{
	if (!origin->page != !page || (page && strcmp(origin->page, page) != 0))
		return false;
	return !strcmp(origin->text, text);
}

/* The index of the origin of that text and page, which is new or was there. */
static int find_origin(struct vg_policy *policy, const char *text, const char *page,
		       unsigned *ret_origin)
{
	void *larger;
	char *copy;

	for (size_t i = 0; i < policy->n_origins; i++) {
		if (is_origin(&policy->origins[i], text, page)) {
			*ret_origin = (unsigned)i;
			return 0;
		}
	}
	larger = reallocarray(policy->origins, policy->n_origins + 1, sizeof(*policy->origins));
	if (!larger)
		return -ENOMEM;
	policy->origins = larger;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	policy->origins[policy->n_origins] = (struct vg_origin){copy, page};
	*ret_origin = (unsigned)policy->n_origins++;
	return 0;
}

static int refuse_list(struct filling *filling, const char *name, const struct place *place)
{
	char known[VG_DIAG_TEXT_SIZE] = "";
	size_t n, used = 0;
	const struct vg_builtin_list *lists = vg_builtin_lists(&n);

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s%s",
					 i == 0	      ? ""
					 : i + 1 == n ? " or "
						      : ", ",
					 GOOGLE_SCHEME, lists[i].name);
	return vg_diag_set(filling->diag, EINVAL, place->file, place->at,
			   "unknown list '" GOOGLE_SCHEME "%.64s': write %s", name, known);
}

static int add_google(struct filling *filling, const char *name, const struct place *place)
{
	const struct vg_builtin_list *list = vg_builtin_find(name);
	struct vg_prefix prefix;
	char text[128];
	unsigned origin;
	int r = 0;

	if (!list)
		return refuse_list(filling, name, place);
	snprintf(text, sizeof(text), GOOGLE_SCHEME "%s (%s)", list->name, list->date);
	for (size_t i = 0; r == 0 && i < list->n_ranges; i++) {
		r = find_origin(filling->policy, text, list->ranges[i].source, &origin);
		if (r == 0)
			r = vg_prefix_parse(list->ranges[i].prefix, &prefix, NULL, 0);
		if (r == 0)
			r = add_range(filling, &prefix, origin, place);
	}
	return r;
}

/* One line of a file, changed in place: at most one prefix, then perhaps a comment. */
static int add_line(struct filling *filling, char *line, unsigned origin, struct place *place)
{
	static const char blanks[] = " \t\r";
	char *word = line + strspn(line, blanks), *end, *rest;
	struct vg_prefix prefix;
	int r;

	word[strcspn(word, "#")] = '\0';
	if (!*word)
		return 0;
	end = word + strcspn(word, blanks);
	rest = end + strspn(end, blanks);
	if (*rest) {
		place->at.column = (unsigned)(rest - line) + 1;
		return vg_diag_set(filling->diag, EINVAL, place->file, place->at,
				   "a second word: write one prefix a line, comments behind '#'");
	}
	*end = '\0';
	place->at.column = (unsigned)(word - line) + 1;
	r = vg_sources_prefix(word, "", place->file, place->at, &prefix, filling->diag);
	if (r < 0)
		return r;
	return add_range(filling, &prefix, origin, place);
}

static int add_lines(struct filling *filling, const char *path, char *text, size_t length,
		     unsigned origin)
{
	struct place place = {path, {1, 1}};
	char *line = text, *end = text + length;
	int r;

	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		line += 3;
	for (; line < end; place.at.line++) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *line_end = newline ? newline : end;
		const char *nul = memchr(line, '\0', (size_t)(line_end - line));

		if (nul) {
			place.at.column = (unsigned)(nul - line) + 1;
			return vg_diag_set(filling->diag, EINVAL, path, place.at,
					   "a NUL byte: write text, one prefix a line");
		}
		*line_end = '\0';
		r = add_line(filling, line, origin, &place);
		if (r < 0)
			return r;
		line = line_end + 1;
	}
	return 0;
}

static char *__attribute__((format(printf, 1, 2))) new_text(const char *format, ...)
{
	va_list arguments;
	char *text;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	return n < 0 ? NULL : text;
}

/* `path`, or where it is relative, beside the config. */
static char *resolve_path(const char *config_path, const char *path)
{
	const char *slash = strrchr(config_path, '/');

	if (path[0] == '/' || !slash)
		return strdup(path);
	return new_text("%.*s%s", (int)(slash - config_path) + 1, config_path, path);
}

static int add_file(struct filling *filling, const char *path, const struct place *place)
{
	_cleanup_free_ char *resolved = NULL, *origin_text = NULL, *text = NULL;
	unsigned origin;
	size_t length = 0;
	int r;

	if (!*path)
		return vg_diag_set(filling->diag, EINVAL, place->file, place->at,
				   "file: needs a path: write file:/etc/vpcgate/office.txt");
	resolved = resolve_path(filling->policy->path, path);
	if (!resolved)
		return -ENOMEM;
	origin_text = new_text(FILE_SCHEME "%s", resolved);
	if (!origin_text)
		return -ENOMEM;
	r = find_origin(filling->policy, origin_text, NULL, &origin);
	if (r < 0)
		return r;
	r = filling->reader->read(filling->reader->context, resolved, &text, &length);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return vg_diag_set(filling->diag, -r, place->file, place->at,
				   "can't read '%.255s': %s: make it readable or remove the entry",
				   resolved, strerror(-r));
	return add_lines(filling, resolved, text, length, origin);
}

static int add_entry(struct filling *filling, const struct vg_text *entry)
{
	const struct place place = {filling->policy->path, entry->at};
	struct vg_prefix prefix;
	int r;

	if (!strncmp(entry->text, GOOGLE_SCHEME, strlen(GOOGLE_SCHEME)))
		return add_google(filling, entry->text + strlen(GOOGLE_SCHEME), &place);
	if (!strncmp(entry->text, FILE_SCHEME, strlen(FILE_SCHEME)))
		return add_file(filling, entry->text + strlen(FILE_SCHEME), &place);
	r = vg_sources_prefix(entry->text, ", or google:NAME or file:PATH", place.file, place.at,
			      &prefix, filling->diag);
	if (r < 0)
		return r;
	return add_range(filling, &prefix, ORIGIN_CONFIG, &place);
}

/* Begins the next set of the policy. */
static void begin_set(struct filling *filling, const char *name)
{
	struct vg_policy *policy = filling->policy;

	filling->set = &policy->sets[policy->n_sets++];
	filling->allocated = 0;
	snprintf(filling->set->name, sizeof(filling->set->name), "%s", name);
}

int vg_sources_build(const struct vg_config *config, const struct vg_reader *reader,
		     struct vg_policy *policy, struct vg_diag *diag)
{
	static const char *const implicit[] = {"load-balancer", "health-check"};
	struct filling filling = {policy, reader, diag, NULL, 0};
	const struct place nowhere = {policy->path, {}};
	unsigned config_origin;
	int r;

	policy->sets = calloc(VG_MAX_POLICY_SETS, sizeof(*policy->sets));
	if (!policy->sets)
		return -ENOMEM;
	r = find_origin(policy, policy->path, NULL, &config_origin);
	if (r < 0)
		return r;
	assert(config_origin == ORIGIN_CONFIG);
	for (size_t i = 0; i < config->n_sources; i++) {
		const struct vg_text_list *entries = &config->sources[i].entries;

		begin_set(&filling, config->sources[i].name.text);
		for (size_t j = 0; j < entries->n; j++) {
			r = add_entry(&filling, &entries->items[j]);
			if (r < 0)
				return r;
		}
	}
	for (size_t i = 0; i < VG_ARRAY_SIZE(implicit); i++) {
		if (vg_policy_set(policy, implicit[i]) >= 0)
			continue;
		begin_set(&filling, implicit[i]);
		r = add_google(&filling, implicit[i], &nowhere);
		if (r < 0)
			return r;
	}
	return 0;
}
