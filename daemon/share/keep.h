/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that must survive: whole or not there at all, whatever happens while they are written, and
 * recognised as damaged where they are. The first line, "TITLE crc32 XXXXXXXX", holds the checksum of
 * what follows.
 */
#ifndef VPCGATE_KEEP_H
#define VPCGATE_KEEP_H

#include <stddef.h>

#define VG_KEEP_REASON_SIZE 128
#define VG_KEEP_TITLE_MAX 64 /* bytes */

/*
 * Written aside and renamed, on disk when this returns. Makes the folder of `path` where it is missing,
 * but none above it. A failure leaves the file that was there. Returns errno of the file system.
 */
int vg_keep_write(const char *path, const char *title, const char *text, size_t length);

/* Writes all of it, on disk when this returns. */
int vg_keep_append(int fd, const char *text, size_t length);

/*
 * The text without the first line, a heap string with a NUL behind it. -EBADMSG: damaged, with another
 * title, larger than `max_bytes`, or no regular file; `reterr_reason` says which. Else errno of the
 * file system, such as -ENOENT.
 */
int vg_keep_read(const char *path, const char *title, size_t max_bytes, char **ret_text,
		 size_t *ret_length, char reterr_reason[VG_KEEP_REASON_SIZE]);

#endif
