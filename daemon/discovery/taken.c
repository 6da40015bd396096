/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include "discovery/taken.h"

void vg_taken_done(struct vg_taken *taken)
{
	vg_listing_done(&taken->settled);
	*taken = (struct vg_taken){};
}

/* What is left for each family, as a share of all its addresses. */
struct rest {
	double ipv4, ipv6;
};

static int rest_without(const struct vg_listing *whole, const struct vg_listing *minus,
			struct rest *ret_rest)
{
	struct vg_listing left = {};
	const int r = vg_listing_subtract(whole, minus, &left);

	if (r < 0)
		return r;
	*ret_rest = (struct rest){vg_listing_share(&left, 4), vg_listing_share(&left, 6)};
	vg_listing_done(&left);
	return 0;
}

/* In percent, of one family. */
static double loss(double before, double after)
{
	return before > after ? 100 * (before - after) / before : 0;
}

static int find_loss(const struct vg_taken *taken, const struct vg_listing *whole,
		     const struct vg_listing *fresh, double *ret_loss)
{
	struct rest before, after;
	double ipv4, ipv6;
	int r;

	r = rest_without(whole, &taken->settled, &before);
	if (r >= 0)
		r = rest_without(whole, fresh, &after);
	if (r < 0)
		return r;
	ipv4 = loss(before.ipv4, after.ipv4);
	ipv6 = loss(before.ipv6, after.ipv6);
	*ret_loss = ipv4 > ipv6 ? ipv4 : ipv6;
	return 0;
}

/* A loss in many small steps is one: each is measured by what was there before the first of them. */
static int settle(struct vg_taken *taken, const struct vg_guard_rules *rules,
		  const struct vg_listing *in_force, uint64_t now_us)
{
	static const char *const all[] = {VG_LISTING_ANY_SCOPE};
	struct vg_listing copy = {};
	int r;

	if (taken->settled_us && now_us - taken->settled_us < rules->shrink_after_us)
		return 0;
	r = vg_listing_keep(&copy, in_force, all, 1);
	if (r < 0) {
		vg_listing_done(&copy);
		return r;
	}
	vg_listing_done(&taken->settled);
	taken->settled = copy;
	taken->settled_us = now_us;
	return 0;
}

int vg_taken_judge(struct vg_taken *taken, const struct vg_guard_rules *rules,
		   const struct vg_listing *whole, const struct vg_listing *in_force,
		   const struct vg_listing *fresh, uint64_t now_us)
{
	double percent = 0;
	int r = 0;

	if (!taken->holds)
		r = settle(taken, rules, in_force, now_us);
	if (r >= 0)
		r = find_loss(taken, whole, fresh, &percent);
	if (r < 0)
		return r;
	if (percent <= rules->max_shrink_percent) {
		taken->holds = false;
		return VG_GUARD_BELIEVED;
	}
	if (taken->holds && now_us - taken->since_us >= rules->shrink_after_us) {
		vg_taken_done(taken);
		return VG_GUARD_BELIEVED;
	}
	if (!taken->holds)
		taken->since_us = now_us;
	taken->holds = true;
	snprintf(taken->reason, sizeof(taken->reason),
		 "it would take away %.0f%% of what is left of others (max-shrink is %u%%)",
		 percent, rules->max_shrink_percent);
	return VG_GUARD_HELD;
}
