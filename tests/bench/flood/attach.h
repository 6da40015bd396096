/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts a reference on a device, in native mode, where it stays. Ends the program where it can't. */
#ifndef VPCGATE_FLOOD_ATTACH_H
#define VPCGATE_FLOOD_ATTACH_H

#include "tests/bench/prefixes.h"

void attach_drop(const char *device);
void attach_read(const char *device);
void attach_lpm(const char *device, const struct prefixes *prefixes);

#endif
