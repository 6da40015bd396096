/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tools/changes.h"
#include "tools/vpcgate.h"

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* One line that grows, of which the end is cut. */
struct line {
	char *out;
	size_t size, n;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int n;

	if (line->n >= line->size)
		return;
	va_start(arguments, format);
	n = vsnprintf(line->out + line->n, line->size - line->n, format, arguments);
	va_end(arguments);
	line->n += n > 0 ? (size_t)n : 0;
}

static const char *separator(const struct line *line)
{
	return line->n ? "; " : "";
}

static void add_set(struct line *line, const json_t *set)
{
	const json_int_t added = number_of(set, "added"), removed = number_of(set, "removed");
	const char *change = vg_cli_text(set, "change", "");

	add(line, "%s%s", separator(line), vg_cli_text(set, "name", "?"));
	if (strcmp(change, "changed") != 0)
		add(line, " %s", change);
	if (added)
		add(line, " +%lld", (long long)added);
	if (removed)
		add(line, " -%lld", (long long)removed);
}

static void add_service(struct line *line, const json_t *service)
{
	const char *sign = "";

	if (json_is_null(json_object_get(service, "before")))
		sign = "+";
	else if (json_is_null(json_object_get(service, "after")))
		sign = "-";
	add(line, "%sservice %s%s", separator(line), sign, vg_cli_text(service, "name", "?"));
}

const char *vg_changes_summary(const json_t *changes, char *out, size_t size)
{
	struct line line = {out, size, 0};
	const json_t *item;
	size_t i;

	*out = '\0';
	if (!json_is_object(changes))
		return "-";
	json_array_foreach(json_object_get(changes, "sets"), i, item)
		add_set(&line, item);
	json_array_foreach(json_object_get(changes, "services"), i, item)
		add_service(&line, item);
	json_array_foreach(json_object_get(changes, "settings"), i, item)
		add(&line, "%s%s: %s", separator(&line), vg_cli_text(item, "name", "?"),
		    vg_cli_text(item, "after", "gone"));
	return line.n ? out : "nothing";
}

/* ---- all of it ---- */

static void print_prefixes(const json_t *set, const char *key, const char *count_key, char sign)
{
	const json_t *list = json_object_get(set, key), *prefix;
	const json_int_t more = number_of(set, count_key) - (json_int_t)json_array_size(list);
	size_t i;

	json_array_foreach(list, i, prefix)
		printf("  %c %s\n", sign, json_string_value(prefix));
	if (more > 0)
		printf("  %c %lld more\n", sign, (long long)more);
}

static void print_texts(const json_t *list, const char *what)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *before = vg_cli_text(item, "before", NULL);
		const char *after = vg_cli_text(item, "after", NULL);

		printf("%s%s:\n", what, vg_cli_text(item, "name", "?"));
		if (before)
			printf("  - %s\n", before);
		if (after)
			printf("  + %s\n", after);
	}
}

void vg_changes_print(const json_t *changes)
{
	const json_t *sets = json_object_get(changes, "sets"), *set;
	const json_t *services = json_object_get(changes, "services");
	const json_t *settings = json_object_get(changes, "settings");
	size_t i;

	if (!json_array_size(sets) && !json_array_size(services) && !json_array_size(settings))
		puts("nothing would change");
	json_array_foreach(sets, i, set) {
		printf("source set %s (%s):\n", vg_cli_text(set, "name", "?"),
		       vg_cli_text(set, "change", "?"));
		print_prefixes(set, "removed_prefixes", "removed", '-');
		print_prefixes(set, "added_prefixes", "added", '+');
	}
	print_texts(services, "service ");
	print_texts(settings, "");
}
