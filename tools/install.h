/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a config goes: beside the socket for the daemon to read, or in place of what a start reads. */
#ifndef VPCGATE_INSTALL_H
#define VPCGATE_INSTALL_H

#include "tools/vpcgate.h"

/*
 * A copy beside the socket, which the daemon's user can read. `ret_name` is its name there, a heap
 * string; vg_stage_remove() ends both. Prints what fails.
 */
enum vg_exit vg_stage_write(const struct vg_cli *cli, const char *text, size_t length,
			    char **ret_name);
void vg_stage_remove(const struct vg_cli *cli, char *name);

/* A config about to take the place of another one. All zeroes is none. */
struct vg_install {
	char *path;
	char *aside; /* what is written so far; NULL: nothing */
	bool locked;
	int folder; /* that of `path`, where `locked` */
};

/*
 * Writes the text beside `path`, with owner and mode of what is there, so that nothing but a rename is
 * left to do. Until vg_install_done() nobody else can, so that what comes into force first is written
 * first. Signals must be held. -ELOOP: `path` is a symbolic link; -EBUSY: somebody else is about to
 * replace it, for some seconds now; or errno of the file system.
 */
int vg_install_prepare(const char *path, const char *text, size_t length,
		       struct vg_install *ret_install);
/* The config that a start reads is the new one then. Prints what fails. */
enum vg_exit vg_install_commit(struct vg_install *install);
/* What was prepared but not committed is gone. */
void vg_install_done(struct vg_install *install);

/* Prints why `path` can't be replaced. */
enum vg_exit vg_install_error(const char *path, int error);

#endif
