/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What differs between two policies ("changes" of share/wire.h), printed. */
#ifndef VPCGATE_CLI_CHANGES_H
#define VPCGATE_CLI_CHANGES_H

#include <jansson.h>
#include <stddef.h>

/* "vpc +2 -1; service cors; enforcement: monitor" on one line, cut to fit. Returns `out`. */
const char *vg_changes_summary(const json_t *changes, char *out, size_t size);

/* All of it, a line each; prefixes as far as they are named. */
void vg_changes_print(const json_t *changes);

#endif
