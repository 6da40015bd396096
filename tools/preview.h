/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a change would do, shown or asked about. */
#ifndef VPCGATE_CLI_PREVIEW_H
#define VPCGATE_CLI_PREVIEW_H

#include "tools/vpcgate.h"

/* `preview` is the answer to apply or rollback with "dry_run" (share/wire.h). Prints it. */
enum vg_exit vg_preview_print(const struct vg_cli *cli, const json_t *preview);

/*
 * Whether the change may go on: where it would refuse the session, it is for the operator to say.
 * VG_EXIT_NO: who was asked said no; VG_EXIT_ERROR: nobody could be asked.
 */
enum vg_exit vg_preview_agree(const struct vg_cli *cli, const json_t *preview);

#endif
