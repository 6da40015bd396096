// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/report.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"
#include "tests/bench/bounds.h"

#define LABEL_WIDTH(i) ((i) ? 8 : 32)
#define FIGURE_WIDTH 25
#define RATIO "LPM / vpcgate"

/* ---- tables ---- */

static void print_rule(int width)
{
	printf("|");
	for (int i = 0; i < width + 2; i++)
		printf("-");
}

void report_begin(const struct table *table)
{
	printf("\n### %s\n\n", table->title);
	for (int i = 0; i < MAX_LABELS && table->labels[i]; i++)
		printf("| %-*s ", LABEL_WIDTH(i), table->labels[i]);
	for (int i = 0; i < MAX_FIGURES && table->figures[i]; i++)
		printf("| %-*s ", FIGURE_WIDTH, table->figures[i]);
	printf("%s|\n", table->ratio ? "| " RATIO " " : "");
	for (int i = 0; i < MAX_LABELS && table->labels[i]; i++)
		print_rule(LABEL_WIDTH(i));
	for (int i = 0; i < MAX_FIGURES && table->figures[i]; i++)
		print_rule(FIGURE_WIDTH);
	if (table->ratio)
		print_rule((int)strlen(RATIO));
	puts("|");
	fflush(stdout);
}

/* The median, and the quartiles where there is a spread. */
static void print_figure(const struct figure *figure)
{
	char text[64];

	if (figure->low < figure->high)
		snprintf(text, sizeof(text), "%.1f (%.1f to %.1f)", figure->median, figure->low,
			 figure->high);
	else
		snprintf(text, sizeof(text), "%.1f", figure->median);
	printf("| %-*s ", FIGURE_WIDTH, text);
}

static void print_row(const struct row *row)
{
	const struct table *table = row->table;

	for (int i = 0; i < MAX_LABELS && table->labels[i]; i++)
		printf("| %-*s ", LABEL_WIDTH(i), row->labels[i]);
	for (int i = 0; i < MAX_FIGURES && table->figures[i]; i++)
		print_figure(&row->figures[i]);
	if (table->ratio)
		printf("| %-*.1f ", (int)strlen(RATIO),
		       row->figures[1].median / row->figures[2].median);
	puts("|");
	fflush(stdout);
}

void report_add(struct report *report, const struct row *row)
{
	struct row *larger = reallocarray(report->rows, report->n + 1, sizeof(*larger));

	if (!larger)
		die("no memory");
	report->rows = larger;
	report->rows[report->n++] = *row;
	print_row(row);
}

static bool has_labels(const struct row *row, const char *const labels[MAX_LABELS])
{
	for (int i = 0; i < MAX_LABELS && labels[i]; i++)
		if (strcmp(row->labels[i], labels[i]) != 0)
			return false;
	return true;
}

double report_median(const struct report *report, const char *table,
		     const char *const labels[MAX_LABELS], size_t figure)
{
	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->rows[i].table->name, table) == 0 &&
		    has_labels(&report->rows[i], labels))
			return report->rows[i].figures[figure].median;
	return NAN;
}

void report_done(struct report *report)
{
	free(report->rows);
}

/* ---- the machine ---- */

/* A value of the first processor in /proc/cpuinfo. */
static void read_cpu(const char *key, char *value, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(value, size, "?");
	while (file && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (!colon || strncmp(line, key, strlen(key)) != 0 ||
		    !strchr("\t ", line[strlen(key)]))
			continue;
		snprintf(value, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		return;
	}
}

static void describe_cpu(char *text, size_t size)
{
	char name[128], family[16], model[16];

	read_cpu("model name", name, sizeof(name));
	read_cpu("cpu family", family, sizeof(family));
	read_cpu("model", model, sizeof(model));
	snprintf(text, size, "%s (family %s, model %s)", name, family, model);
}

static void today(char text[16])
{
	const time_t now = time(NULL);
	struct tm tm;

	strftime(text, 16, "%Y-%m-%d", gmtime_r(&now, &tm));
}

static json_t *machine_json(void)
{
	struct utsname kernel;
	char cpu[192], date[16];

	uname(&kernel);
	describe_cpu(cpu, sizeof(cpu));
	today(date);
	return json_pack("{s:s, s:I, s:s, s:s}", "cpu", cpu, "cpus",
			 (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "kernel", kernel.release,
			 "date", date);
}

void report_print_machine(void)
{
	json_t *machine = machine_json();

	printf("%s, %lld CPUs, Linux %s, %s\n", json_string_value(json_object_get(machine, "cpu")),
	       json_integer_value(json_object_get(machine, "cpus")),
	       json_string_value(json_object_get(machine, "kernel")),
	       json_string_value(json_object_get(machine, "date")));
	json_decref(machine);
}

/* ---- JSON ---- */

static json_t *row_json(const struct row *row)
{
	json_t *json = json_pack("{s:s, s:i, s:i, s:i}", "table", row->table->name, "rounds",
				 row->effort.rounds, "warmup", row->effort.warmup, "frames",
				 row->effort.frames);

	for (int i = 0; i < MAX_LABELS && row->table->labels[i]; i++)
		json_object_set_new(json, row->table->labels[i], json_string(row->labels[i]));
	json_object_set_new(json, "prefixes", json_integer((json_int_t)row->prefixes));
	for (int i = 0; i < MAX_FIGURES && row->table->keys[i]; i++) {
		const struct figure *f = &row->figures[i];

		json_object_set_new(json, row->table->keys[i],
				    json_pack("{s:f, s:f, s:f}", "quartile1", f->low, "median",
					      f->median, "quartile3", f->high));
	}
	return json;
}

static json_t *bound_json(const struct bound *bound)
{
	json_t *json = json_pack("{s:s, s:s, s:f, s:s}", "bound", bound->text, "unit", bound->unit,
				 bound->at_least ? "at_least" : "at_most", bound->limit, "state",
				 bound_state(bound));

	if (!isnan(bound->value))
		json_object_set_new(json, "figure", json_real(bound->value));
	return json;
}

void report_write(const struct report *report, const struct bound *bounds, size_t n)
{
	const char *build = getenv("VG_BUILD");
	json_t *rows = json_array(), *list = json_array(), *root;
	_cleanup_free_ char *path = NULL;

	for (size_t i = 0; i < report->n; i++)
		json_array_append_new(rows, row_json(&report->rows[i]));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, bound_json(&bounds[i]));
	root = json_pack("{s:o, s:o, s:o}", "machine", machine_json(), "rows", rows, "bounds",
			 list);
	if (asprintf(&path, "%s/bench.json", build ? build : "build") < 0 ||
	    json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
		die("can't write bench.json");
	fprintf(stderr, "written: %s\n", path);
	json_decref(root);
}
