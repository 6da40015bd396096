/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells when a file that was read has become another one: written in place, replaced by a rename, by
 * a link that leads elsewhere now (as where Kubernetes mounts a ConfigMap: list.txt is a link to
 * ..data/list.txt, and ..data one to a folder that is made anew), or by a folder that came later.
 */
#ifndef VPCGATE_FILES_H
#define VPCGATE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

/* From the first sign of a change to the look: writers that take several steps are done by then. */
#define VG_FILES_DEBOUNCE_US 200000

/*
 * One that was written within that time may be half done, and is looked at again after it; but not for
 * longer than this: what is always being written is never done.
 */
#define VG_FILES_PATIENCE_US 10000000

struct vg_files;

/* `changed` is called from the event loop, or from within vg_files_want() and vg_files_look(). */
int vg_files_open(sd_event *event, void (*changed)(void *context), void *context,
		  struct vg_files **ret_files);
void vg_files_close(struct vg_files *files);

/*
 * The paths of interest from now on, copied. One that was not of interest, and was not announced by
 * vg_files_reading() either, counts as it is now. -ENOMEM: as before.
 */
int vg_files_want(struct vg_files *files, const char *const *paths, size_t n);

/*
 * To be called right before a file is read: it has changed once it differs from what it was when it was
 * announced first since the last vg_files_want(). One that is not of interest by the next one is
 * forgotten. -ENOMEM.
 */
int vg_files_reading(struct vg_files *files, const char *path);

/* Was it left alone for VG_FILES_DEBOUNCE_US, or is it missing? */
bool vg_files_is_settled(const char *path);

/*
 * Looks at all of them, and tells if any has changed. For what inotify doesn't see: writers on
 * another machine, folders that may not be read, and limits of the kernel.
 */
void vg_files_look(struct vg_files *files);

#endif
