/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is wrong with something a human wrote, and where: filled in on failure only. */
#ifndef VPCGATE_DIAG_H
#define VPCGATE_DIAG_H

#define VG_DIAG_FILE_SIZE 1024
#define VG_DIAG_TEXT_SIZE 512

struct vg_position {
	unsigned line;	 /* from 1; 0 is "no position" */
	unsigned column; /* from 1 */
};

struct vg_diag {
	char file[VG_DIAG_FILE_SIZE];
	struct vg_position at;
	char text[VG_DIAG_TEXT_SIZE]; /* what is wrong, and what would be right */
};

/*
 * Fills in `diag` (which may be NULL) and returns -`error`, so that a caller can write
 * `return vg_diag_set(diag, EINVAL, file, at, "...")`. A text that is too long is cut.
 */
int vg_diag_set(struct vg_diag *diag, int error, const char *file, struct vg_position at,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Writes "FILE:LINE:COLUMN: text", or "text" alone without a file, to `out` of `size` bytes. */
void vg_diag_format(const struct vg_diag *diag, char *out, unsigned size);

#endif
