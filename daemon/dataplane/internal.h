/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this folder share. */
#ifndef VPCGATE_DATAPLANE_INTERNAL_H
#define VPCGATE_DATAPLANE_INTERNAL_H

#include <limits.h>
#include "dataplane/dataplane.h"

/* The maps that outlive a policy, in the order of pin_names. */
enum vg_pin {
	VG_PIN_STATE,
	VG_PIN_LABELS,
	VG_PIN_COUNTERS,
	VG_PIN_SERVICE_COUNTERS,
	VG_PIN_PROGRAMS,
	VG_PIN_ENTRY, /* the entry program */
	VG_PIN_MAX
};
extern const char *const vg_pin_names[VG_PIN_MAX];

struct vg_dataplane {
	char dir[PATH_MAX];
	int lock_fd;
	int fds[VG_PIN_MAX];
	struct vg_state state; /* as in the map */
	struct vg_label labels[VG_LABEL_MAX];
	__u32 entry_id;
	bool pinned; /* the pins are those of `fds` */
};

/* Fills in `diag` with a text alone, and returns -`error`. */
#define vg_dataplane_fail(diag, error, ...) \
	vg_diag_set(diag, error, "", (struct vg_position){0}, __VA_ARGS__)

/* DIR/NAME, or DIR/links/NAME with the dots of a NIC's name turned into colons (see link.c). */
void vg_pin_path(const char *dir, const char *name, char out[PATH_MAX]);
void vg_link_path(const char *dir, const char *interface, char out[PATH_MAX]);

/* Puts pins of `fds` in place of whatever is pinned, and the NICs' links moved over (object.c). */
int vg_object_pin(struct vg_dataplane *dataplane, struct vg_diag *diag);

/* Makes each attached link run the entry program `entry_fd`, in place of an older version's. */
int vg_link_update_all(const char *dir, int entry_fd, struct vg_diag *diag);

#endif
