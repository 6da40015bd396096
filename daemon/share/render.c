/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <libsmartcols.h>
#include "core/explain.h"
#include "share/cleanup.h"
#include "share/render.h"

static void table_unref_p(struct libscols_table **table)
{
	scols_unref_table(*table);
}

static int add_columns(struct libscols_table *table, const struct vg_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const int flags = columns[i].right ? SCOLS_FL_RIGHT : 0;

		if (!scols_table_new_column(table, columns[i].title, 0, flags))
			return -ENOMEM;
	}
	return 0;
}

static int set_cell(struct libscols_line *line, size_t i, const struct vg_column *column,
		    const char *text)
{
	const char *colour = column->colour && text ? column->colour(text) : NULL;

	if (scols_line_set_data(line, i, text ? text : "") < 0)
		return -ENOMEM;
	if (colour && scols_cell_set_color(scols_line_get_cell(line, i), colour) < 0)
		return -ENOMEM;
	return 0;
}

int vg_render_table(FILE *out, const struct vg_column *columns, size_t n_columns,
		    const char *const *cells, size_t n_rows)
{
	_cleanup_(table_unref_p) struct libscols_table *table = scols_new_table();

	if (!table || add_columns(table, columns, n_columns) < 0)
		return -ENOMEM;
	scols_table_set_stream(table, out);
	scols_table_enable_colors(table, vg_render_colours(out));
	for (size_t row = 0; row < n_rows; row++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			return -ENOMEM;
		for (size_t i = 0; i < n_columns; i++) {
			if (set_cell(line, i, &columns[i], cells[row * n_columns + i]) < 0)
				return -ENOMEM;
		}
	}
	return scols_print_table(table) < 0 ? -ENOMEM : 0;
}

const char *vg_render_count(__u64 value, char *out)
{
	char digits[24];
	const int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	char *p = out;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return out;
}

const char *vg_render_bytes(__u64 bytes, char *out)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, VG_RENDER_SIZE, "%u B", (unsigned)bytes);
		return out;
	}
	/* What would be printed as 1024.0 belongs to the next unit. */
	while (value >= 1023.95 && unit + 1 < VG_ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, VG_RENDER_SIZE, "%.1f %s", value, units[unit]);
	return out;
}

const char *vg_render_duration(__u64 seconds, char *out)
{
	static const struct {
		__u64 seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	const size_t last = VG_ARRAY_SIZE(units) - 1;
	size_t i = 0;
	__u64 small;

	while (i < last && seconds < units[i].seconds)
		i++;
	small = i < last ? seconds % units[i].seconds / units[i + 1].seconds : 0;
	if (small)
		snprintf(out, VG_RENDER_SIZE, "%llu %s %llu %s",
			 (unsigned long long)(seconds / units[i].seconds), units[i].name,
			 (unsigned long long)small, units[i + 1].name);
	else
		snprintf(out, VG_RENDER_SIZE, "%llu %s",
			 (unsigned long long)(seconds / units[i].seconds), units[i].name);
	return out;
}

const char *vg_render_rate(double per_second, char *out)
{
	if (per_second >= 99.95)
		/* The upper bound keeps the conversion defined. */
		return vg_render_count(per_second < 1e18 ? (__u64)(per_second + 0.5) : (__u64)1e18,
				       out);
	if (per_second >= 0.05)
		snprintf(out, VG_RENDER_SIZE, "%.1f", per_second);
	else
		snprintf(out, VG_RENDER_SIZE, "%s", per_second > 0 ? "<0.1" : "0");
	return out;
}

unsigned vg_render_width(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

void vg_render_paragraph(FILE *out, const char *lead, const char *text, unsigned width)
{
	const size_t indent = strlen(lead);
	size_t column = indent;

	fputs(lead, out);
	while (*text) {
		const size_t word = strcspn(text, " ");

		if (width && column > indent && column + 1 + word > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, word, out);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

bool vg_render_colours(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return !(no_color && *no_color) && isatty(fileno(out));
}

const char *vg_render_colour(FILE *out, const char *name)
{
	static const struct {
		const char *name, *sequence;
	} colours[] = {{"red", "\033[31m"}, {"green", "\033[32m"}, {"brown", "\033[33m"}};

	if (!vg_render_colours(out))
		return "";
	if (!name)
		return "\033[0m";
	for (size_t i = 0; i < VG_ARRAY_SIZE(colours); i++) {
		if (strcmp(colours[i].name, name) == 0)
			return colours[i].sequence;
	}
	return "";
}

const char *vg_render_verdict_colour(const char *verdict)
{
	static const char *const colours[] = {
		[VG_VERDICT_PASS] = "green",
		[VG_VERDICT_DROP] = "red",
		[VG_VERDICT_WOULD_DROP] = "brown",
	};

	for (int i = 0; i < VG_VERDICT_MAX; i++) {
		if (strcasecmp(verdict, vg_verdict_text(i)) == 0)
			return colours[i];
	}
	return NULL;
}
