/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `apply --dry-run` says. */
#ifndef VPCGATE_CLI_PREVIEW_H
#define VPCGATE_CLI_PREVIEW_H

#include "tools/vpcgate.h"

/* Prints the answer to `apply` with "dry_run" (share/wire.h). */
enum vg_exit vg_preview_print(const json_t *preview);

#endif
