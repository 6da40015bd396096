/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tells two states of a file apart without reading it. */
#ifndef VPCGATE_FINGERPRINT_H
#define VPCGATE_FINGERPRINT_H

#include <stdbool.h>
#include <sys/stat.h>

/* All zeroes: there is no file. */
struct vg_fingerprint {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* Follows links. errno of stat(2), with all zeroes. */
int vg_fingerprint_take(const char *path, struct vg_fingerprint *ret_fingerprint);

/* Two writes within one tick of the file system's clock, to the same size, look the same. */
bool vg_fingerprint_equal(const struct vg_fingerprint *a, const struct vg_fingerprint *b);

#endif
