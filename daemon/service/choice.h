/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which config a start is to put in force: the file's, that of a trial or the one from before it, or,
 * where a machine would come up without any, the last of the history.
 */
#ifndef VPCGATE_CHOICE_H
#define VPCGATE_CHOICE_H

#include "service/gate.h"

#define VG_CHOICES 2

struct vg_daemon;

/* In the order in which they are to be tried; returns how many there are, at least one. */
size_t vg_choice_list(const struct vg_daemon *daemon, const char *config_path, const char *bpffs,
		      struct vg_choice choices[VG_CHOICES]);

/* Does the file hold a config that was tried, and never confirmed? */
bool vg_choice_is_refused(const struct vg_daemon *daemon, const char *config_path);

#endif
