/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Google's published source ranges, behind `google:NAME` in a config. */
#ifndef VPCGATE_RANGES_H
#define VPCGATE_RANGES_H

#include <stddef.h>

struct vg_builtin_range {
	const char *prefix; /* text */
	const char *source; /* the page that states it */
};

struct vg_builtin_list {
	const char *name; /* after "google:" */
	const char *date; /* when the sources were read, YYYY-MM-DD */
	const struct vg_builtin_range *ranges;
	size_t n_ranges;
};

/* All lists; `ret_n` receives how many. Static storage. */
const struct vg_builtin_list *vg_builtin_lists(size_t *ret_n);

/* NULL where there is no such list. `name` comes without "google:". */
const struct vg_builtin_list *vg_builtin_find(const char *name);

#endif
