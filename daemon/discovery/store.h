/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last good answer of each remote feed, on disk: what is in force after a boot until the network
 * is up. One file a feed, written aside and renamed. Its first line, "vpcgate ranges 1 crc32
 * XXXXXXXX", holds the checksum of what follows: {"feed", "read_s", "version", "identity",
 * "usable", "shared", "scopes": [name], "ranges": [[prefix, use, index of its scope or null]]}.
 */
#ifndef VPCGATE_STORE_H
#define VPCGATE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/diag.h"
#include "core/listing.h"

#define VG_STATE_DEFAULT "/var/lib/vpcgate"
/* Of a file. The largest listing, with the longest prefixes, takes some 20 MB. */
#define VG_STORE_MAX_BYTES (32u << 20)

struct vg_saved {
	struct vg_listing listing; /* sorted */
	int64_t read_s;		   /* when the server said so, seconds since 1970 */
	char *version, *identity;  /* as in struct vg_fetch_result, or NULL */
	bool usable;		   /* as there */
};

/*
 * The name of a file about `text`, below the folder: "gcp-subnets-8d2f0a61.SUFFIX". Texts that look
 * alike without their special characters differ in their checksum. -ENOMEM.
 */
int vg_store_path(const char *folder, const char *text, const char *suffix, char **ret_path);

/*
 * `feed` is the text of the entry. Makes the folder where it is missing, but none above it. A failure
 * leaves the file that was there. errno of the file system; `diag` names the file.
 */
int vg_store_write(const char *folder, const char *feed, const struct vg_saved *saved,
		   struct vg_diag *diag);
/*
 * -ENOENT: nothing saved, `diag` is untouched. -EBADMSG: damaged, of another feed, or no regular file;
 * `diag` names the file, and it stays where it is. Else errno of the file system.
 */
int vg_store_read(const char *folder, const char *feed, struct vg_saved *ret_saved,
		  struct vg_diag *diag);
void vg_saved_done(struct vg_saved *saved);

#endif
