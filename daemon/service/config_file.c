/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/config_file.h"
#include "service/gate.h"
#include "share/cleanup.h"
#include "share/file.h"

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
	struct vg_fingerprint now;
	int r;

	r = vg_fingerprint_take(gate->config_path, &now);
	if (r < 0)
		return r;
	if (last->generation == generation && vg_fingerprint_equal(&last->file, &now))
		return last->in_force;
	r = compare(gate);
	if (r >= 0)
		*last = (struct vg_config_file){now, generation, r};
	return r;
}
