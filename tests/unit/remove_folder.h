/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_TESTS_REMOVE_FOLDER_H
#define VPCGATE_TESTS_REMOVE_FOLDER_H

#include <ftw.h>
#include <stdio.h>

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* With all that is in it; follows no links. 0, or -1 with errno. */
static inline int remove_folder(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
