// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "dataplane/table_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "core/pool.h"

static struct vg_table_map pool_map(struct bpf_map *map, const struct vg_trie *trie)
{
	const struct vg_pool_shape shape = vg_pool_shape(trie);

	return (struct vg_table_map){
		.map = map,
		.memory = trie->pool,
		.bytes = trie->pool_bytes,
		.step = VG_POOL_PAGE,
		.element = shape.element,
		.elements = shape.pages,
	};
}

static struct vg_table_map array_map(struct bpf_map *map, const void *memory, size_t n, size_t size)
{
	return (struct vg_table_map){
		.map = map,
		.memory = memory,
		.bytes = n * size,
		.step = size,
		.element = size,
		.elements = n ? n : 1,
	};
}

void vg_table_maps_list(const struct policy_bpf *skeleton, const struct vg_tables *tables,
			const struct vg_admission *admission,
			struct vg_table_map out[VG_N_TABLE_MAPS])
{
	const struct vg_table_map all[VG_N_TABLE_MAPS] = {
		pool_map(skeleton->maps.source4_pool, &tables->source4),
		pool_map(skeleton->maps.source6_pool, &tables->source6),
		pool_map(skeleton->maps.to4_pool, &tables->destination4),
		pool_map(skeleton->maps.to6_pool, &tables->destination6),
		array_map(skeleton->maps.services, tables->service,
			  tables->to ? tables->n_service_pages : 0, sizeof(*tables->service)),
		array_map(skeleton->maps.admission, admission, tables->n_admissions,
			  sizeof(*admission)),
	};

	memcpy(out, all, sizeof(all));
}

int vg_table_maps_size(const struct vg_table_map maps[VG_N_TABLE_MAPS])
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < VG_N_TABLE_MAPS; i++) {
		r = bpf_map__set_value_size(maps[i].map, maps[i].element);
		if (r >= 0)
			r = bpf_map__set_max_entries(maps[i].map, maps[i].elements);
	}
	return r;
}

static int fill_map(const struct vg_table_map *table)
{
	const size_t size = (size_t)table->elements * table->element;
	const char *from = table->memory;
	char *to;

	if (!table->bytes)
		return 0;
	to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(table->map), 0);
	if (to == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < table->elements; i++) {
		const size_t left = table->bytes - i * table->step;

		memcpy(to + i * table->element, from + i * table->step,
		       left < table->step ? left : table->step);
	}
	munmap(to, size);
	return 0;
}

int vg_table_maps_fill(const struct vg_table_map maps[VG_N_TABLE_MAPS])
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < VG_N_TABLE_MAPS; i++)
		r = fill_map(&maps[i]);
	return r;
}
