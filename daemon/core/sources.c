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
_Static_assert(
	VG_MAX_SOURCE_ENTRIES < 1 << 23,
	"an entry may be an origin of its own: those and Google's pages are numbered in 24 bits");

/* A set while it is filled, and what an error message needs. */
struct filling {
	struct vg_policy *policy;
	const struct vg_reader *reader;
	struct vg_diag *diag;
	struct vg_set *set;
	size_t allocated4, allocated6;
	bool implicit; /* the config doesn't name the set: the limits don't count it */
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

/* `items`, with room for one more than `n`; NULL where there is no memory. */
static void *grow(void *items, size_t n, size_t size, size_t *allocated)
{
	if (n < *allocated)
		return items;
	*allocated = *allocated ? 2 * *allocated : 16;
	return reallocarray(items, *allocated, size);
}

static int add_range4(struct filling *filling, const struct vg_prefix *prefix, unsigned origin)
{
	struct vg_set *set = filling->set;
	struct vg_packed4 *larger =
		grow(set->ranges4, set->n_ranges4, sizeof(*larger), &filling->allocated4);

	if (!larger)
		return -ENOMEM;
	set->ranges4 = larger;
	set->ranges4[set->n_ranges4++] =
		(struct vg_packed4){(__u32)(prefix->address.hi >> 32), prefix->length, origin};
	filling->policy->n_prefixes4++;
	return 0;
}

static int add_range6(struct filling *filling, const struct vg_prefix *prefix, unsigned origin)
{
	struct vg_set *set = filling->set;
	struct vg_packed6 *larger =
		grow(set->ranges6, set->n_ranges6, sizeof(*larger), &filling->allocated6);

	if (!larger)
		return -ENOMEM;
	set->ranges6 = larger;
	set->ranges6[set->n_ranges6++] =
		(struct vg_packed6){prefix->address.hi, prefix->address.lo, prefix->length, origin};
	filling->policy->n_prefixes6++;
	return 0;
}

static int add_range(struct filling *filling, const struct vg_prefix *prefix, unsigned origin,
		     const struct place *place)
{
	const struct vg_policy *policy = filling->policy;
	const bool ipv4 = prefix->address.family == 4;
	const size_t limit = ipv4 ? VG_MAX_PREFIXES4 : VG_MAX_PREFIXES6;

	if (!filling->implicit && (ipv4 ? policy->n_prefixes4 : policy->n_prefixes6) == limit)
		return vg_diag_set(
			filling->diag, E2BIG, place->file, place->at,
			"more than %zu IPv%u prefixes in all source sets: merge neighbours "
			"into shorter prefixes",
			limit, prefix->address.family);
	return ipv4 ? add_range4(filling, prefix, origin) : add_range6(filling, prefix, origin);
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
	policy->origins[policy->n_origins] = (struct vg_origin){.text = copy, .page = page};
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

/* strspn() and strcspn() are slow where words are short, and there may be a million lines. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

static char *skip_word(char *text)
{
	while (*text && !is_blank(*text))
		text++;
	return text;
}

/* One line of a file, changed in place: at most one prefix, then perhaps a comment. */
static int add_line(struct filling *filling, char *line, unsigned origin, struct place *place)
{
	char *word = skip_blanks(line), *end, *rest;
	struct vg_prefix prefix;
	int r;

	*strchrnul(word, '#') = '\0';
	if (!*word)
		return 0;
	end = skip_word(word);
	rest = skip_blanks(end);
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

/* The lines of a file, on their way into a set. */
struct lines {
	struct filling *filling;
	struct place place;
	unsigned origin;
	int refused; /* the errno of a line that is wrong */
};

static int add_lines(void *to, char *text, size_t length)
{
	struct lines *lines = to;
	struct place *place = &lines->place;
	char *line = text, *end = text + length;
	int r = 0;

	if (place->at.line == 1 && length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		line += 3;
	for (; r == 0 && line < end; place->at.line++) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *line_end = newline ? newline : end;
		const char *nul = memchr(line, '\0', (size_t)(line_end - line));

		if (nul) {
			place->at.column = (unsigned)(nul - line) + 1;
			r = vg_diag_set(lines->filling->diag, EINVAL, place->file, place->at,
					"a NUL byte: write text, one prefix a line");
			break;
		}
		*line_end = '\0';
		r = add_line(lines->filling, line, lines->origin, place);
		line = line_end + 1;
	}
	lines->refused = r;
	return r;
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
	const struct vg_reader *reader = filling->reader;
	_cleanup_free_ char *resolved = NULL, *origin_text = NULL;
	struct lines lines = {.filling = filling};
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
	r = find_origin(filling->policy, origin_text, NULL, &lines.origin);
	if (r < 0)
		return r;
	lines.place = (struct place){resolved, {1, 1}};
	r = reader->read_lines(reader->context, resolved, add_lines, &lines);
	if (r < 0 && r != -ENOMEM && !lines.refused)
		return vg_diag_set(filling->diag, -r, place->file, place->at,
				   "can't read '%.255s': %s: make it readable or remove the entry",
				   resolved, strerror(-r));
	return r;
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
	filling->allocated4 = filling->allocated6 = 0;
	snprintf(filling->set->name, sizeof(filling->set->name), "%s", name);
}

int vg_sources_build(const struct vg_config *config, const struct vg_reader *reader,
		     struct vg_policy *policy, struct vg_diag *diag)
{
	static const char *const implicit[] = {"load-balancer", "health-check"};
	struct filling filling = {.policy = policy, .reader = reader, .diag = diag};
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
	filling.implicit = true;
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
