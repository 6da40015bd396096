/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last good answer of each remote feed, on disk: what is in force after a boot until the network
 * is up. One file a feed, written aside and renamed, with a checksum in its first line.
 */
#ifndef VPCGATE_STORE_H
#define VPCGATE_STORE_H

#include <stdint.h>
#include "core/diag.h"
#include "core/listing.h"

#define VG_STATE_DEFAULT "/var/lib/vpcgate"

struct vg_saved {
	struct vg_listing listing; /* sorted */
	int64_t read_s;		   /* when the server said so, seconds since 1970 */
	char *version;		   /* as in struct vg_fetch_result, or NULL */
};

/* `feed` is the text of the entry. Makes the folder where it is missing. errno of the file system. */
int vg_store_write(const char *folder, const char *feed, const struct vg_saved *saved,
		   struct vg_diag *diag);
/*
 * -ENOENT: nothing saved. -EBADMSG: damaged, or of another feed; `diag` names the file, and it stays
 * where it is. Else errno of the file system.
 */
int vg_store_read(const char *folder, const char *feed, struct vg_saved *ret_saved,
		  struct vg_diag *diag);
void vg_saved_done(struct vg_saved *saved);

#endif
