/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last configs that were in force, on disk, with their texts: what `rollback` and a trial that
 * nobody confirms go back to. A file each in STATE/history, named after its generation.
 */
#ifndef VPCGATE_HISTORY_H
#define VPCGATE_HISTORY_H

#include "core/diag.h"
#include "service/entry.h"

#define VG_HISTORY_MAX 11 /* that in force, and 10 to go back to */

struct vg_history {
	char *folder;
	struct vg_entry
		entries[VG_HISTORY_MAX + 1]; /* oldest first; one more until others make room */
	size_t n;
	char error[VG_DIAG_TEXT_SIZE]; /* why the last of it is not on disk yet, or "" */
};

/* Reads what there is. What is damaged is left out, and logged. -ENOMEM. */
int vg_history_open(const char *state_folder, struct vg_history *ret_history);
void vg_history_close(struct vg_history *history);

/*
 * Adds a config and forgets those that are too old. Takes over what `entry` owns, on success; its length
 * and checksum are written here. What can't be written is kept in memory until vg_history_save() can:
 * `error` says why then, and what to do. But one on trial is on disk when this returns, or not added:
 * errno of the file system, and `diag` says the same. -ENOMEM.
 */
int vg_history_add(struct vg_history *history, struct vg_entry *entry, const char *text,
		   size_t length, struct vg_diag *diag);
/* Writes what is on no disk yet. errno of the file system, with `error` as above. */
int vg_history_save(struct vg_history *history);
/* Takes the newest away again: it didn't come into force. */
void vg_history_drop(struct vg_history *history);
/* The newest, which is on trial, stays. On failure it is on trial still. */
int vg_history_confirm(struct vg_history *history, struct vg_diag *diag);

/* The config's text, a heap string with a NUL behind it. errno, or -EBADMSG: damaged by now. */
int vg_history_read(const struct vg_history *history, const struct vg_entry *entry, char **ret_text,
		    size_t *ret_length, struct vg_diag *diag);

/* NULL: there is none. */
const struct vg_entry *vg_history_newest(const struct vg_history *history);
/* The newest, where it is on trial and not confirmed. */
const struct vg_entry *vg_history_waiting(const struct vg_history *history);
/* The one that a generation was of: its first one, or one with later ranges of feeds. */
const struct vg_entry *vg_history_find(const struct vg_history *history, __u64 generation);
/* Was the entry tried, and never confirmed? Not while it may still be. */
bool vg_history_is_refused(const struct vg_history *history, const struct vg_entry *entry);
/* Where `rollback` goes by itself: what was in force for good before that which is in force now. */
const struct vg_entry *vg_history_before(const struct vg_history *history);
/* Was the last that is known of a config that it was tried, and never confirmed? */
bool vg_history_refuses(const struct vg_history *history, const char *text, size_t length);
/* Can that be of any text of so many bytes? */
bool vg_history_may_refuse(const struct vg_history *history, size_t length);

#endif
