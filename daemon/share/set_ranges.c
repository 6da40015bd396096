/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "share/cleanup.h"
#include "share/set_ranges.h"

static const struct vg_position nowhere;

#define REFUSE(diag, error, ...) vg_diag_set(diag, error, NULL, nowhere, __VA_ARGS__)

static int refuse_set(const struct vg_policy *policy, const char *set, struct vg_diag *diag)
{
	_cleanup_free_ char *names = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	size_t size;

	stream = open_memstream(&names, &size);
	if (!stream)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_sets; i++)
		fprintf(stream, "%s%s", i ? ", " : "", policy->sets[i].name);
	if (fflush(stream) != 0)
		return -ENOMEM;
	return REFUSE(diag, ENOENT, "no source set is named '%s'; there are %s", set, names);
}

/* A JSON string. A path need not be UTF-8, but JSON is. */
static char *quote(const char *text)
{
	json_auto_t *string = json_string(text);

	return string ? json_dumps(string, JSON_ENCODE_ANY) : strdup("\"(not UTF-8)\"");
}

static void free_texts(char ***texts)
{
	for (char **text = *texts; text && *text; text++)
		free(*text);
	free(*texts);
}

/* What a range of this origin says of it. A built-in page holds nothing that JSON escapes. */
static char *origin_members(const struct vg_origin *origin)
{
	_cleanup_free_ char *text = quote(origin->text);
	char *members;

	if (!text ||
	    asprintf(&members, "\"origin\":%s%s%s%s", text, origin->page ? ",\"page\":\"" : "",
		     origin->page ?: "", origin->page ? "\"" : "") < 0)
		return NULL;
	return members;
}

/* The members of each origin; NULL behind the last. There are few of them, and many ranges. */
static char **quote_origins(const struct vg_policy *policy)
{
	char **texts = calloc(policy->n_origins + 1, sizeof(*texts));

	for (size_t i = 0; texts && i < policy->n_origins; i++) {
		texts[i] = origin_members(&policy->origins[i]);
		if (texts[i])
			continue;
		free_texts(&texts);
		return NULL;
	}
	return texts;
}

/* Ranges of a set by origin; on the heap. */
static size_t *count_ranges(const struct vg_policy *policy, const struct vg_set *set)
{
	size_t *counts = calloc(policy->n_origins, sizeof(*counts));

	for (size_t i = 0; counts && i < vg_set_size(set); i++)
		counts[vg_set_range(set, i).origin]++;
	return counts;
}

static bool is_named_before(const struct vg_policy *policy, const struct vg_set *set, size_t i)
{
	const char *text = policy->origins[set->origins[i]].text;

	for (size_t j = 0; j < i; j++) {
		if (!strcmp(policy->origins[set->origins[j]].text, text))
			return true;
	}
	return false;
}

/* A list of Google's that two pages state is two origins of one name: they are one here. */
static int write_origins(const struct vg_policy *policy, const struct vg_set *set, FILE *out)
{
	_cleanup_free_ size_t *counts = count_ranges(policy, set);
	const char *separator = "";

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < set->n_origins; i++) {
		const struct vg_origin *origin = &policy->origins[set->origins[i]];
		_cleanup_free_ char *text = quote(origin->text);
		size_t count = 0;

		if (!text)
			return -ENOMEM;
		if (is_named_before(policy, set, i))
			continue;
		for (size_t j = i; j < set->n_origins; j++)
			if (!strcmp(policy->origins[set->origins[j]].text, origin->text))
				count += counts[set->origins[j]];
		fprintf(out, "%s{\"origin\":%s,\"count\":%zu,\"read_s\":", separator, text, count);
		if (origin->read_s)
			fprintf(out, "%lld", origin->read_s);
		else
			fputs("null", out);
		fprintf(out, ",\"unread\":%s}", origin->unread ? "true" : "false");
		separator = ",";
	}
	return 0;
}

static int write_set(const struct vg_policy *policy, const struct vg_set *set, char *const *origins,
		     FILE *out)
{
	char text[VG_PREFIX_TEXT_SIZE];
	int r;

	/* Names of sets and prefixes hold nothing that JSON escapes. */
	fprintf(out, "{\"name\":\"%s\",\"ranges\":[", set->name);
	for (size_t i = 0; i < vg_set_size(set); i++) {
		const struct vg_range range = vg_set_range(set, i);

		fprintf(out, "%s{\"prefix\":\"%s\",%s}", i ? "," : "",
			vg_prefix_format(&range.prefix, text), origins[range.origin]);
	}
	fputs("],\"origins\":[", out);
	r = write_origins(policy, set, out);
	fputs("]}", out);
	return r;
}

int vg_ranges_write(const struct vg_policy *policy, const char *set, const char *head, FILE *out,
		    struct vg_diag *diag)
{
	_cleanup_(free_texts) char **origins = NULL;
	int first = 0, last = (int)policy->n_sets - 1;

	if (set) {
		first = last = vg_policy_set(policy, set);
		if (first < 0)
			return refuse_set(policy, set, diag);
	}
	origins = quote_origins(policy);
	if (!origins)
		return REFUSE(diag, ENOMEM, "no memory for the answer");
	fprintf(out, "%s\"sets\":[", head);
	for (int i = first; i <= last; i++) {
		if (i > first)
			fputc(',', out);
		if (write_set(policy, &policy->sets[i], origins, out) < 0)
			return REFUSE(diag, ENOMEM, "no memory for the answer");
	}
	fputc(']', out);
	return 0;
}

int vg_ranges_json(const struct vg_policy *policy, const char *set, json_t **ret_json,
		   struct vg_diag *diag)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	json_t *json;
	FILE *out;
	int r;

	out = open_memstream(&text, &length);
	if (!out)
		return REFUSE(diag, ENOMEM, "no memory for the answer");
	r = vg_ranges_write(policy, set, "{", out, diag);
	fputc('}', out);
	if (fclose(out) != 0 && r >= 0)
		r = REFUSE(diag, ENOMEM, "no memory for the answer");
	if (r < 0)
		return r;
	json = json_loadb(text, length, 0, NULL);
	if (!json)
		return REFUSE(diag, ENOMEM, "no memory for the answer");
	*ret_json = json;
	return 0;
}
