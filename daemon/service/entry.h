/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One config of the history: when it came into force, by whom, and what it changed. Pure. */
#ifndef VPCGATE_ENTRY_H
#define VPCGATE_ENTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include "core/changes.h"
#include "core/trial.h"

#define VG_LOGIN_SIZE 33
#define VG_COMM_SIZE 16

/* X(constant, text) */
#define VG_CAUSES(X)            \
	X(START, "start")       \
	X(RELOAD, "reload")     \
	X(APPLY, "apply")       \
	X(ROLLBACK, "rollback") \
	X(RETURN, "return") /* nobody confirmed what was tried */

#define VG_CAUSE_ENUM(name, text) VG_CAUSE_##name,
enum vg_cause { VG_CAUSES(VG_CAUSE_ENUM) VG_CAUSE_MAX };
#undef VG_CAUSE_ENUM

/* Who asked. The kernel vouches for `uid` and `pid`; `login` is what the other side says. */
struct vg_actor {
	bool known; /* false: nobody, as at a start */
	uid_t uid;
	pid_t pid;
	char comm[VG_COMM_SIZE];   /* "" where the daemon may not see it */
	char login[VG_LOGIN_SIZE]; /* who logged in, as before sudo; "" if unsaid */
};

struct vg_entry {
	__u64 generation; /* the first one that was of this config */
	__s64 time_s;	  /* since 1970 */
	enum vg_cause cause;
	struct vg_actor actor;
	char *file;	/* that was applied in place of the config, or NULL */
	__u64 follows;	/* the entry before it, when it was made; or 0 */
	__u64 restores; /* the generation whose config this is again, or 0 */
	struct vg_trial trial;
	json_t *changes; /* as vg_entry_changes() makes them, or NULL: nothing was there before */
	size_t length;	 /* of the config's text */
	char *unsaved;	 /* that text, while it is on no disk yet; else NULL */
	__u32 checksum;
};

const char *vg_cause_text(enum vg_cause cause);

/* {"sets": [{"name", "change", "added", "removed", "added_prefixes", "removed_prefixes"}],
 *  "services": [{"name", "before", "after"}], "settings": alike}. NULL: no memory. */
json_t *vg_entry_changes(const struct vg_changes *changes);

/* What people are shown of it; NULL: no memory. */
json_t *vg_entry_json(const struct vg_entry *entry);

/* All of it but the config, on one line. NULL: no memory. */
char *vg_entry_encode(const struct vg_entry *entry);

/*
 * `text`: a line of vg_entry_encode(), then the config. `ret_config` points into it. -EBADMSG: it is
 * none; -ENOMEM.
 */
int vg_entry_decode(const char *text, size_t length, struct vg_entry *ret_entry,
		    const char **ret_config);
void vg_entry_done(struct vg_entry *entry);

void vg_entry_measure(struct vg_entry *entry, const char *text, size_t length);
bool vg_entry_holds(const struct vg_entry *entry, const char *text, size_t length);

#endif
