/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include "core/shape_parts.h"
#include "share/cleanup.h"

int vg_shape_read(const char *file, const char *text, size_t length,
		  const struct vg_shape_wish *wish, struct vg_listing *listing,
		  struct vg_page *ret_page, struct vg_diag *diag)
{
	static int (*const readers[])(struct vg_shape_reader *, const json_t *) = {
		[VG_SHAPE_PUBLISHED] = vg_shape_read_published,
		[VG_SHAPE_SUBNETS] = vg_shape_read_subnets,
		[VG_SHAPE_NICS] = vg_shape_read_nics,
		[VG_SHAPE_CONNECTORS] = vg_shape_read_connectors,
		[VG_SHAPE_ROUTES] = vg_shape_read_routes,
	};
	_cleanup_(vg_page_done) struct vg_page page = {};
	struct vg_shape_reader reader = {file, wish, listing, &page, diag};
	json_auto_t *root = NULL;
	int r;

	r = vg_shape_load(&reader, text, length, &root);
	if (r >= 0)
		r = vg_shape_recognise(&reader, root, &page.shape);
	if (r >= 0)
		r = readers[page.shape](&reader, root);
	if (r < 0)
		return r;
	*ret_page = page;
	page = (struct vg_page){};
	return 0;
}

void vg_page_done(struct vg_page *page)
{
	for (size_t i = 0; i < page->n_unread; i++)
		free(page->unread[i]);
	free(page->unread);
	free(page->version);
	free(page->next_token);
	*page = (struct vg_page){};
}
