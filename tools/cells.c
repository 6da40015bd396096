/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include "share/render.h"
#include "tools/vpcgate.h"

void vg_cells_add(struct vg_cells *cells, const char *text)
{
	if (cells->n == cells->allocated) {
		const size_t allocated = cells->allocated ? 2 * cells->allocated : 64;
		char **items = reallocarray(cells->items, allocated, sizeof(*items));

		if (!items) {
			cells->failed = true;
			return;
		}
		cells->items = items;
		cells->allocated = allocated;
	}
	cells->items[cells->n] = strdup(text);
	if (cells->items[cells->n])
		cells->n++;
	else
		cells->failed = true;
}

void vg_cells_add_count(struct vg_cells *cells, json_int_t value)
{
	char text[VG_RENDER_SIZE];

	vg_cells_add(cells, vg_render_count((__u64)value, text));
}

void vg_cells_done(struct vg_cells *cells)
{
	for (size_t i = 0; i < cells->n; i++)
		free(cells->items[i]);
	free(cells->items);
	*cells = (struct vg_cells){};
}

enum vg_exit vg_cells_print(const struct vg_cells *cells, const struct vg_column *columns,
			    size_t n_columns)
{
	if (cells->failed ||
	    vg_render_table(stdout, columns, n_columns, (const char *const *)cells->items,
			    cells->n / n_columns) < 0)
		return vg_cli_error("out of memory while printing a table");
	return VG_EXIT_DONE;
}
