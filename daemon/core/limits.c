/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/read.h"
#include "share/cleanup.h"

static int read_table_memory(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_limits *limits = into;

	limits->table_bytes_at = vg_yaml_position(value);
	return vg_read_size(yaml, value, "table-memory", VG_MIN_TABLE_BYTES, VG_MAX_TABLE_BYTES,
			    &limits->table_bytes);
}

int vg_read_limits(struct vg_yaml *yaml, const yaml_node_t *map, void *into)
{
	static const struct vg_yaml_field fields[] = {
		{"table-memory", VG_YAML_TEXT, false, "table-memory: 256MiB", read_table_memory},
	};

	return vg_yaml_read_map(yaml, map, fields, VG_ARRAY_SIZE(fields),
				&((struct vg_draft *)into)->config->limits);
}
