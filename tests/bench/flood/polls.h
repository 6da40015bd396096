/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the program that times polls and its reader share. */
#ifndef VPCGATE_FLOOD_POLLS_H
#define VPCGATE_FLOOD_POLLS_H

#define FLOOD_MAX_POLLS 65536 /* kept at once, a power of two */
#define FLOOD_POLL_FRAMES 64  /* NAPI_POLL_WEIGHT, the most that one poll takes */

#endif
