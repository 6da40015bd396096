/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_FILE_H
#define VPCGATE_FILE_H

#include "core/policy.h"

#define VG_FILE_MAX_BYTES (128u << 20)

/*
 * Reads a regular file whole into a heap buffer with a NUL behind it; "-" is not special.
 * -EFBIG: over VG_FILE_MAX_BYTES; -EISDIR; -EINVAL: not a regular file; or errno of open/read.
 */
int vg_file_read(const char *path, char **ret_text, size_t *ret_length);

/*
 * What is left of an open file. `expected` is a first guess of its size: it may grow while it is read, and
 * procfs says 0. -EFBIG, -ENOMEM, or errno of read.
 */
int vg_file_read_fd(int fd, size_t expected, char **ret_text, size_t *ret_length);

/* vg_file_read(), and the same in pieces, as the reader of a policy. */
extern const struct vg_reader vg_file_reader;

#endif
