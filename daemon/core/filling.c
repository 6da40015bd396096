/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/filling.h"

void vg_filling_begin_set(struct vg_filling *filling, const char *name)
{
	struct vg_policy *policy = filling->policy;
	struct vg_set *set = &policy->sets[policy->n_sets];

	assert(policy->n_sets < VG_MAX_POLICY_SETS);
	policy->n_sets++;
	snprintf(set->name, sizeof(set->name), "%s", name);
}

/* `items`, with room for one more than `n`; NULL where there is no memory. */
static void *grow(void *items, size_t n, size_t size, size_t *allocated)
{
	if (n < *allocated)
		return items;
	*allocated = *allocated ? 2 * *allocated : 16;
	return reallocarray(items, *allocated, size);
}

static int add4(struct vg_filling *filling, size_t at, const struct vg_prefix *prefix,
		unsigned origin)
{
	struct vg_set *set = &filling->policy->sets[at];
	struct vg_packed4 *larger =
		grow(set->ranges4, set->n_ranges4, sizeof(*larger), &filling->allocated4[at]);

	if (!larger)
		return -ENOMEM;
	set->ranges4 = larger;
	set->ranges4[set->n_ranges4++] =
		(struct vg_packed4){(__u32)(prefix->address.hi >> 32), prefix->length, origin};
	filling->policy->n_prefixes4++;
	return 0;
}

static int add6(struct vg_filling *filling, size_t at, const struct vg_prefix *prefix,
		unsigned origin)
{
	struct vg_set *set = &filling->policy->sets[at];
	struct vg_packed6 *larger =
		grow(set->ranges6, set->n_ranges6, sizeof(*larger), &filling->allocated6[at]);

	if (!larger)
		return -ENOMEM;
	set->ranges6 = larger;
	set->ranges6[set->n_ranges6++] =
		(struct vg_packed6){prefix->address.hi, prefix->address.lo, prefix->length, origin};
	filling->policy->n_prefixes6++;
	return 0;
}

int vg_filling_add(struct vg_filling *filling, size_t set, const struct vg_prefix *prefix,
		   unsigned origin, const struct vg_place *place)
{
	const struct vg_policy *policy = filling->policy;
	const bool ipv4 = prefix->address.family == 4;
	const size_t limit = ipv4 ? VG_MAX_PREFIXES4 : VG_MAX_PREFIXES6;

	if (!filling->implicit && (ipv4 ? policy->n_prefixes4 : policy->n_prefixes6) == limit)
		return vg_diag_set(
			filling->diag, E2BIG, place->file, place->at,
			"more than %zu IPv%u prefixes in all source sets%s%.255s: merge neighbours "
			"into shorter prefixes",
			limit, prefix->address.family, filling->feed ? ", with those of " : "",
			filling->feed ?: "");
	return ipv4 ? add4(filling, set, prefix, origin) : add6(filling, set, prefix, origin);
}

static bool is_origin(const struct vg_origin *origin, const char *text, const char *page)
{
	if (!origin->page != !page || (page && strcmp(origin->page, page) != 0))
		return false;
	return !strcmp(origin->text, text);
}

int vg_filling_origin(struct vg_filling *filling, const char *text, const char *page,
		      unsigned *ret_origin)
{
	struct vg_policy *policy = filling->policy;
	void *larger;
	char *copy;

	for (size_t i = 0; i < policy->n_origins; i++) {
		if (is_origin(&policy->origins[i], text, page)) {
			*ret_origin = (unsigned)i;
			return 0;
		}
	}
	larger = reallocarray(policy->origins, policy->n_origins + 1, sizeof(*policy->origins));
	if (!larger)
		return -ENOMEM;
	policy->origins = larger;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	policy->origins[policy->n_origins] = (struct vg_origin){.text = copy, .page = page};
	*ret_origin = (unsigned)policy->n_origins++;
	return 0;
}

int vg_filling_note(struct vg_filling *filling, size_t at, unsigned origin)
{
	struct vg_set *set = &filling->policy->sets[at];
	unsigned *larger;

	/* Most entries have the origin of the one before. */
	for (size_t i = set->n_origins; i-- > 0;) {
		if (set->origins[i] == origin)
			return 0;
	}
	larger = reallocarray(set->origins, set->n_origins + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	set->origins = larger;
	set->origins[set->n_origins++] = origin;
	return 0;
}
