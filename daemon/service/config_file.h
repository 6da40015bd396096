/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is what the config file holds now in force? Not where it was edited since, where it is refused, or
 * while another config is on trial.
 */
#ifndef VPCGATE_CONFIG_FILE_H
#define VPCGATE_CONFIG_FILE_H

#include <linux/types.h>
#include <stdbool.h>
#include "share/fingerprint.h"

struct vg_gate;

/* What the last look came to, and at what. All zero: there was none. */
struct vg_config_file {
	struct vg_fingerprint file;
	__u64 generation; /* in force then */
	bool in_force;
};

/*
 * 1: it is; 0: it holds something else; or why it can't be read, as vg_file_read(). A file that hasn't
 * changed since is not read again: this may be asked often.
 */
int vg_config_file_is_in_force(struct vg_gate *gate);

#endif
