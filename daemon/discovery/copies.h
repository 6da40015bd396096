/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last good contents of each file that a policy in force was read from, on disk beside what feeds
 * have answered (discovery/store.h). They are read in place of a file that has become unreadable, or
 * holds no list any more, so that one mistake in one file neither keeps everything else from being
 * kept up to date nor a machine from starting with a filter.
 */
#ifndef VPCGATE_COPIES_H
#define VPCGATE_COPIES_H

#include <stdbool.h>
#include "core/diag.h"

struct vg_copies;

/* `folder` must outlive it; it is made where it is missing. -ENOMEM. */
int vg_copies_open(const char *folder, struct vg_copies **ret_copies);
void vg_copies_close(struct vg_copies *copies);

/* A policy is about to be built: all files are to be read themselves. */
void vg_copies_begin(struct vg_copies *copies);
/* Have its copy read instead, as while somebody is writing it. Returns whether there is one. */
bool vg_copies_spare(struct vg_copies *copies, const char *path);
/*
 * `path` is about to be read for it: `ret_path` is what to open, which is `path` itself unless its
 * copy is taken instead. Valid until the next call. -ENOMEM.
 */
int vg_copies_reading(struct vg_copies *copies, const char *path, const char **ret_path);
/*
 * The policy could not be built: `diag` says why. Returns whether another try may help, since the file
 * that it names, or else the one that was read last, is not what it was when it was good: its copy will
 * be read then.
 */
bool vg_copies_fall_back(struct vg_copies *copies, const struct vg_diag *diag);
/*
 * The policy is in force: what was read for it is good, and copied where it is new. Copies of what was
 * not read any more are removed, unless it is `on_trial`: the former one may come back, and need them.
 * A failure is logged, once for each reason.
 */
void vg_copies_keep(struct vg_copies *copies, bool on_trial);

#endif
