/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does what filters a device drop and pass what it should? Ends the program where it doesn't. */
#ifndef VPCGATE_FLOOD_CHECK_H
#define VPCGATE_FLOOD_CHECK_H

#include <linux/types.h>
#include <stddef.h>

/* Frames from there reach the device, and no socket. */
void check_refused(const char *device, const __be32 *sources_be, size_t n);
/* Each that reaches the device reaches one. */
void check_admitted(const char *device, __be32 source_be);

#endif
