/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prefixes as a config and text files have them: one a line, with a place for each message. */
#ifndef VPCGATE_LINES_H
#define VPCGATE_LINES_H

#include "core/policy.h"

/* Where something stands. */
struct vg_place {
	const char *file;
	struct vg_position at;
};

/*
 * A prefix that can stand in a policy: vg_prefix_parse(), and none that never appears on the wire.
 * `or_else` names what else could stand there, or is "". -EINVAL.
 */
int vg_lines_prefix(const char *text, const char *or_else, const struct vg_place *place,
		    struct vg_prefix *ret_prefix, struct vg_diag *diag);

/* Takes the next prefix of a file. Below 0: no more of them, and a diagnostic is filled in. */
typedef int vg_take_prefix(void *to, const struct vg_prefix *prefix, const struct vg_place *place);

/*
 * Hands over the prefixes of a text file, piece by piece: there may be a million. A file that begins
 * as JSON does is none: `ret_json`, and nothing was taken. `entry` is what names the file. Errors: -EINVAL, what
 * `take` or the reader returned.
 */
int vg_lines_read(const struct vg_reader *reader, const char *path, const struct vg_place *entry,
		  vg_take_prefix *take, void *to, bool *ret_json, struct vg_diag *diag);

#endif
