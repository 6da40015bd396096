/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much longer than on real hardware all takes: in an emulated machine VG_SLOW says so. */
#ifndef VPCGATE_TESTS_SLOWNESS_H
#define VPCGATE_TESTS_SLOWNESS_H

#include <stdlib.h>

static inline unsigned slowness(void)
{
	const char *told = getenv("VG_SLOW");

	return told ? (unsigned)strtoul(told, NULL, 10) : 1;
}

#endif
