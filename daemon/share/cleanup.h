/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cleanup attributes: a function that owns something can be checked for leaks on its own. */
#ifndef VPCGATE_CLEANUP_H
#define VPCGATE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void vg_free_p(void *p)
{
	free(*(void **)p);
}

static inline void vg_close_p(const int *fd)
{
	const int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void vg_fclose_p(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(vg_free_p)
#define _cleanup_close_ _cleanup_(vg_close_p)
#define _cleanup_fclose_ _cleanup_(vg_fclose_p)

/* Hand an owned value over to the caller and forget it here. */
#define VG_TAKE_FD(fd)             \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})
#define VG_TAKE_PTR(p)                      \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

#define VG_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
