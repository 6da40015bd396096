/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "discovery/guard.h"
#include "share/cleanup.h"

#define NAMED_RANGES 4 /* of those that are gone */

void vg_guard_done(struct vg_guard *guard)
{
	vg_listing_done(&guard->held);
	*guard = (struct vg_guard){};
}

static int copy_listing(const struct vg_listing *from, struct vg_listing *ret_copy)
{
	_cleanup_(vg_listing_done) struct vg_listing copy = {.shared = from->shared};
	__u16 scope;
	int r;

	for (size_t i = 0; i < from->n_scopes; i++) {
		r = vg_listing_scope(&copy, from->scopes[i], &scope);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < from->n; i++) {
		r = vg_listing_add(&copy, &from->items[i].prefix, from->items[i].use,
				   from->items[i].scope);
		if (r < 0)
			return r;
	}
	*ret_copy = copy;
	copy = (struct vg_listing){};
	return 0;
}

static int count_gone(const struct vg_listing *old, size_t from, size_t to,
		      const struct vg_listing *fresh, enum vg_range_use use, size_t *ret_gone)
{
	const struct vg_listing part = {.items = old->items + from, .n = to - from};
	size_t all;

	return vg_listing_gone(&part, fresh, use, ret_gone, &all);
}

/* The first range for `use` that is gone among those from `from` on, where there is one. */
static int first_gone(const struct vg_listing *old, size_t from, const struct vg_listing *fresh,
		      enum vg_range_use use, size_t *ret_index)
{
	size_t low = from, high = old->n, gone;
	int r;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		r = count_gone(old, low, middle, fresh, use, &gone);
		if (r < 0)
			return r;
		if (gone)
			high = middle;
		else
			low = middle;
	}
	*ret_index = low;
	return 0;
}

/* "subnet: 6 of 10 ranges are gone (60%, max-shrink is 50%): 10.1.0.0/20, 10.2.0.0/20, ..." */
static int explain(const struct vg_listing *old, const struct vg_listing *fresh,
		   enum vg_range_use use, size_t gone, size_t all, unsigned max_percent,
		   char reason[VG_GUARD_REASON_SIZE])
{
	char prefix[VG_PREFIX_TEXT_SIZE];
	size_t at = 0, used;
	int r;

	/* Rounded up, so that what is over the limit looks so. */
	used = (size_t)snprintf(reason, VG_GUARD_REASON_SIZE,
				"%s: %zu of %zu ranges are gone (%zu%%, max-shrink is %u%%): ",
				vg_range_use_text(use), gone, all, (gone * 100 + all - 1) / all,
				max_percent);
	for (size_t i = 0; i < NAMED_RANGES && i < gone; i++, at++) {
		r = first_gone(old, at, fresh, use, &at);
		if (r < 0)
			return r;
		used += (size_t)snprintf(reason + used, VG_GUARD_REASON_SIZE - used, "%s%s",
					 i ? ", " : "",
					 vg_prefix_format(&old->items[at].prefix, prefix));
	}
	if (gone > NAMED_RANGES)
		snprintf(reason + used, VG_GUARD_REASON_SIZE - used, ", ...");
	return 0;
}

/* `reason` becomes "" where nothing speaks against it. */
static int find_reason(const struct vg_guard_rules *rules, const struct vg_listing *in_force,
		       const struct vg_listing *fresh, char reason[VG_GUARD_REASON_SIZE])
{
	*reason = '\0';
	if (!fresh->n && !rules->may_be_empty) {
		snprintf(reason, VG_GUARD_REASON_SIZE, "the answer has no ranges at all");
		return 0;
	}
	for (int use = 0; in_force && use < VG_RANGE_USE_MAX; use++) {
		size_t gone, all;
		int r;

		r = vg_listing_gone(in_force, fresh, use, &gone, &all);
		if (r < 0)
			return r;
		if (gone * 100 > all * rules->max_shrink_percent)
			return explain(in_force, fresh, use, gone, all, rules->max_shrink_percent,
				       reason);
	}
	return 0;
}

static int hold(struct vg_guard *guard, const struct vg_listing *fresh, const char *reason,
		uint64_t now_us)
{
	struct vg_listing copy;
	int r;

	r = copy_listing(fresh, &copy);
	if (r < 0)
		return r;
	vg_guard_done(guard);
	guard->holds = true;
	guard->held = copy;
	guard->since_us = now_us;
	strcpy(guard->reason, reason);
	return VG_GUARD_HELD;
}

int vg_guard_judge(struct vg_guard *guard, const struct vg_guard_rules *rules,
		   const struct vg_listing *in_force, const struct vg_listing *fresh,
		   uint64_t now_us)
{
	char reason[VG_GUARD_REASON_SIZE];
	int r;

	r = find_reason(rules, in_force, fresh, reason);
	if (r < 0)
		return r;
	if (*reason && !(guard->holds && vg_listing_equal(&guard->held, fresh)))
		return hold(guard, fresh, reason, now_us);
	if (*reason && now_us - guard->since_us < rules->shrink_after_us) {
		strcpy(guard->reason, reason);
		return VG_GUARD_HELD;
	}
	vg_guard_done(guard);
	return VG_GUARD_BELIEVED;
}
