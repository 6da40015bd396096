/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which config a start is to put in force: the file's, that of a trial or the one from before it, or,
 * where a machine would come up without any, the last of the history.
 */
#ifndef VPCGATE_CHOICE_H
#define VPCGATE_CHOICE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define VG_CHOICES 2

struct vg_daemon;

struct vg_choice {
	char *text; /* a heap string, or NULL for the config's own */
	__u64 back; /* the generation that comes back with it after a trial, or 0 */
};

/* In the order in which they are to be tried; returns how many there are, at least one. */
size_t vg_choice_list(const struct vg_daemon *daemon, const char *config_path, const char *state,
		      struct vg_choice choices[VG_CHOICES]);

/* A policy is in force: from now on until the next boot, a config that is refused keeps one from starting. */
void vg_choice_remember_boot(const struct vg_daemon *daemon, const char *state);

/* Does the file hold a config that was tried, and never confirmed? */
bool vg_choice_is_refused(const struct vg_daemon *daemon, const char *config_path);

#endif
