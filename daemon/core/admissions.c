/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include "core/admissions.h"

#define BUCKETS (4 * VG_MAX_ADMISSIONS)
#define FREE VG_MAX_ADMISSIONS

static struct vg_effective *effective_of(const struct vg_admissions *admissions, size_t row)
{
	return &admissions->effective[row * admissions->n_rules];
}

/* Where it is open, the sets don't matter. */
static __u64 sets_of(const struct vg_effective *effective)
{
	return effective->open ? ~0ULL : effective->sets;
}

static size_t hash(const struct vg_admissions *admissions, size_t row)
{
	const struct vg_effective *effective = effective_of(admissions, row);
	__u64 h = admissions->service[row];

	for (size_t rule = 0; rule < admissions->n_rules; rule++)
		h = (h ^ sets_of(&effective[rule])) * 0x9e3779b97f4a7c15ULL;
	return (h ^ h >> 32) & (BUCKETS - 1);
}

static bool equal(const struct vg_admissions *admissions, size_t row, size_t other)
{
	const struct vg_effective *a = effective_of(admissions, row);
	const struct vg_effective *b = effective_of(admissions, other);

	for (size_t rule = 0; rule < admissions->n_rules; rule++)
		if (a[rule].open != b[rule].open || sets_of(&a[rule]) != sets_of(&b[rule]))
			return false;
	return admissions->service[row] == admissions->service[other];
}

/* The bucket of the row that equals the one behind the last, or the free one where it belongs. */
static __u16 *find_last(const struct vg_admissions *admissions)
{
	size_t i = hash(admissions, admissions->n);

	while (admissions->buckets[i] != FREE &&
	       !equal(admissions, admissions->buckets[i], admissions->n))
		i = (i + 1) & (BUCKETS - 1);
	return &admissions->buckets[i];
}

static void close_last(struct vg_admissions *admissions)
{
	struct vg_effective *last = effective_of(admissions, admissions->n);

	for (size_t rule = 0; rule < admissions->n_rules; rule++)
		last[rule] = (struct vg_effective){.ingress = VG_INGRESS_INTERNAL};
	admissions->service[admissions->n] = VG_NO_SERVICE;
}

int vg_admissions_init(struct vg_admissions *admissions, const struct vg_policy *policy)
{
	const size_t room = VG_MAX_ADMISSIONS + 1;

	*admissions = (struct vg_admissions){.n_rules = policy->n_rules};
	admissions->effective = calloc(room * policy->n_rules + 1, sizeof(*admissions->effective));
	admissions->service = calloc(room, sizeof(*admissions->service));
	admissions->buckets = calloc(BUCKETS, sizeof(*admissions->buckets));
	if (!admissions->effective || !admissions->service || !admissions->buckets) {
		vg_admissions_done(admissions);
		return -ENOMEM;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		admissions->buckets[i] = FREE;
	for (int service = -1; service < (int)policy->n_services; service++) {
		struct vg_effective *last = effective_of(admissions, admissions->n);

		for (size_t rule = 0; rule < policy->n_rules; rule++)
			last[rule] = vg_policy_effective(policy, rule, service);
		vg_admissions_end(admissions, service < 0 ? VG_NO_SERVICE : (__u16)service);
	}
	return 0;
}

void vg_admissions_done(struct vg_admissions *admissions)
{
	free(admissions->effective);
	free(admissions->service);
	free(admissions->buckets);
	*admissions = (struct vg_admissions){0};
}

void vg_admissions_begin(struct vg_admissions *admissions, __u16 row)
{
	for (size_t rule = 0; rule < admissions->n_rules; rule++)
		effective_of(admissions, admissions->n)[rule] = effective_of(admissions, row)[rule];
}

void vg_admissions_tighten(struct vg_admissions *admissions, __u16 row)
{
	struct vg_effective *last = effective_of(admissions, admissions->n);

	for (size_t rule = 0; rule < admissions->n_rules; rule++)
		last[rule] = vg_policy_stricter(&last[rule], &effective_of(admissions, row)[rule]);
}

__u16 vg_admissions_end(struct vg_admissions *admissions, __u16 service)
{
	__u16 *bucket;

	admissions->service[admissions->n] = service;
	bucket = find_last(admissions);
	if (*bucket == FREE && admissions->n >= VG_MAX_ADMISSIONS - 1) {
		close_last(admissions);
		bucket = find_last(admissions);
	}
	if (*bucket == FREE)
		*bucket = (__u16)admissions->n++;
	return *bucket;
}
