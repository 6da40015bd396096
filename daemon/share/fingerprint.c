/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include "share/fingerprint.h"

int vg_fingerprint_take(const char *path, struct vg_fingerprint *ret_fingerprint)
{
	struct stat st;

	*ret_fingerprint = (struct vg_fingerprint){};
	if (stat(path, &st) < 0)
		return -errno;
	*ret_fingerprint =
		(struct vg_fingerprint){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
	return 0;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool vg_fingerprint_equal(const struct vg_fingerprint *a, const struct vg_fingerprint *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       is_same_time(&a->modified, &b->modified) && is_same_time(&a->changed, &b->changed);
}
