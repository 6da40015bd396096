/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another config that somebody, or the end of a trial, asks for. */
#ifndef VPCGATE_CHANGE_H
#define VPCGATE_CHANGE_H

#include <sys/socket.h>
#include "core/diag.h"
#include "core/policy.h"
#include "service/entry.h"
#include "service/request.h"

struct vg_daemon;

struct vg_change {
	enum vg_cause cause;
	struct vg_actor actor;
	char staged[VG_REQUEST_TEXT_MAX +
		    1];			    /* its text is in this file beside the socket, or "" */
	char file[VG_REQUEST_TEXT_MAX + 1]; /* which that is a copy of, for the history */
	bool accept_shrink;		    /* answers of feeds that are held back are believed */
	unsigned confirm_s;		    /* 0: in force for good */
	__u64 restores;			    /* the generation whose config it is, or 0 */
};

/* Only the config, as it is now? */
bool vg_change_is_plain(const struct vg_change *change);

/* Whoever asks, with what the kernel knows of it; `login` is what it says of itself, or NULL. */
void vg_change_set_actor(struct vg_change *change, uid_t uid, pid_t pid, const char *login);

/* -EBUSY: not while a policy is on trial. `diag` says what to do. */
int vg_change_allow(const struct vg_daemon *daemon, const struct vg_change *change,
		    struct vg_diag *diag);

/* The entry of a generation, later ones of the same config included. -ENOENT: it isn't kept. */
int vg_change_find(const struct vg_daemon *daemon, __u64 generation,
		   const struct vg_entry **ret_entry, struct vg_diag *diag);

/*
 * Reads files, and what feeds have answered, for a policy that isn't to come into force: nothing is
 * remembered of it. `accept_shrink`: as if what is held back were believed.
 */
struct vg_reader vg_change_spectator(const struct vg_daemon *daemon, bool accept_shrink);

/*
 * Its config, a heap string. -ENOENT: no such generation is kept; -EPERM: a reload of a config that
 * was tried and never confirmed; or errno of the file. `diag` says which.
 */
int vg_change_read(const struct vg_daemon *daemon, const struct vg_change *change, char **ret_text,
		   size_t *ret_length, struct vg_diag *diag);

#endif
