/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "service/config_file.h"
#include "service/gate.h"
#include "share/cleanup.h"
#include "share/file.h"

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_untouched(const struct stat *then, const struct stat *now)
{
	return then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
	       then->st_size == now->st_size && is_same_time(&then->st_mtim, &now->st_mtim) &&
	       is_same_time(&then->st_ctim, &now->st_ctim);
}

static int compare(const struct vg_gate *gate)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	const int r = vg_file_read(gate->config_path, &text, &length);

	return r < 0 ? r : length == gate->length && memcmp(text, gate->text, length) == 0;
}

int vg_config_file_is_in_force(struct vg_gate *gate)
{
	struct vg_config_file *last = &gate->config_file;
	const __u64 generation = gate->state.generation;
	struct stat now;
	int r;

	if (stat(gate->config_path, &now) < 0)
		return -errno;
	if (last->generation == generation && is_untouched(&last->file, &now))
		return last->in_force;
	r = compare(gate);
	if (r >= 0)
		*last = (struct vg_config_file){now, generation, r};
	return r;
}
