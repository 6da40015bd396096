/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "service/seedlist.h"
#include "share/cleanup.h"

int vg_seeds_compare_addresses(const struct vg_address *a, const struct vg_address *b)
{
	const struct vg_prefix x = {.address = *a}, y = {.address = *b};

	return vg_prefix_compare(&x, &y);
}

int vg_seeds_add(struct vg_seeds *seeds, const struct vg_seed *seed)
{
	if (seeds->n == VG_MAX_FLOWS) {
		seeds->full = true;
		return 0;
	}
	if (seeds->n == seeds->capacity) {
		const size_t capacity = seeds->capacity ? seeds->capacity * 2 : 64;
		struct vg_seed *grown = reallocarray(seeds->seeds, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		seeds->seeds = grown;
		seeds->capacity = capacity;
	}
	seeds->seeds[seeds->n++] = *seed;
	return 0;
}

static int compare_tuples(const struct vg_seed *a, const struct vg_seed *b)
{
	int order = vg_seeds_compare_addresses(&a->remote, &b->remote);

	if (!order)
		order = vg_seeds_compare_addresses(&a->local, &b->local);
	if (!order)
		order = a->protocol - b->protocol;
	if (!order)
		order = (int)a->remote_port - (int)b->remote_port;
	return order ? order : (int)a->local_port - (int)b->local_port;
}

/* An open flow lives for hours, one that is new becomes open, one that closes never does. */
static int rank_of(const struct vg_seed *seed)
{
	switch (seed->state) {
	case VG_FLOW_OPEN:
		return 0;
	case VG_FLOW_NEW:
		return 1;
	default:
		return 2;
	}
}

static int compare_seeds(const void *a, const void *b)
{
	const int order = compare_tuples(a, b);

	return order ? order : rank_of(a) - rank_of(b);
}

void vg_seeds_unique(struct vg_seeds *seeds)
{
	size_t kept = 0;

	if (!seeds->n)
		return;
	qsort(seeds->seeds, seeds->n, sizeof(*seeds->seeds), compare_seeds);
	for (size_t i = 1; i < seeds->n; i++) {
		if (compare_tuples(&seeds->seeds[kept], &seeds->seeds[i]) != 0)
			seeds->seeds[++kept] = seeds->seeds[i];
	}
	seeds->n = kept + 1;
}

void vg_seeds_done(struct vg_seeds *seeds)
{
	free(seeds->seeds);
	*seeds = (struct vg_seeds){0};
}
