/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "discovery/hold.h"

static int judge_taken(struct vg_hold *hold, const struct vg_guard_rules *rules,
		       const struct vg_listing *larger, const struct vg_listing *old,
		       const struct vg_listing *fresh, uint64_t now_us)
{
	if (old && larger)
		return vg_taken_judge(&hold->taken, rules, larger, old, fresh, now_us);
	vg_taken_done(&hold->taken);
	return VG_GUARD_BELIEVED;
}

int vg_hold_judge(struct vg_hold *hold, const struct vg_guard_rules *rules,
		  const struct vg_listing *larger, const struct vg_listing *old,
		  struct vg_listing *fresh, uint64_t now_us)
{
	int r;

	r = vg_guard_judge(&hold->guard, rules, old, fresh, now_us);
	if (r >= 0)
		r = judge_taken(hold, rules, larger, old, fresh, now_us);
	return r < 0 ? r : hold->taken.holds || (hold->guard.holds && !old);
}

void vg_hold_keep(struct vg_hold *hold, struct vg_saved *saved)
{
	vg_saved_done(&hold->whole);
	hold->whole = *saved;
	*saved = (struct vg_saved){};
}

bool vg_hold_holds(const struct vg_hold *hold)
{
	return hold->guard.holds || hold->taken.holds;
}

const char *vg_hold_reason(const struct vg_hold *hold)
{
	if (hold->taken.holds)
		return hold->taken.reason;
	return hold->guard.holds ? hold->guard.reason : "";
}

uint64_t vg_hold_first_us(const struct vg_hold *hold)
{
	return hold->taken.holds ? hold->taken.since_us : hold->guard.first_us;
}

uint64_t vg_hold_last_us(const struct vg_hold *hold)
{
	return hold->taken.holds ? hold->taken.since_us : hold->guard.last_us;
}

int vg_hold_accept(struct vg_hold *hold, const struct vg_saved *old, struct vg_saved *ret_saved)
{
	if (hold->taken.holds) {
		*ret_saved = hold->whole;
		hold->whole = (struct vg_saved){};
		vg_taken_done(&hold->taken);
		vg_guard_done(&hold->guard);
		return 0;
	}
	if (old && old->identity) {
		ret_saved->identity = strdup(old->identity);
		if (!ret_saved->identity)
			return -ENOMEM;
	}
	ret_saved->usable = old && old->usable;
	if (vg_guard_without(&hold->guard, old ? &old->listing : NULL, &ret_saved->listing) < 0)
		return -ENOMEM;
	vg_guard_done(&hold->guard);
	return 0;
}

int vg_hold_if_accepted(struct vg_hold *hold, const struct vg_saved *old,
			const struct vg_listing **ret_listing)
{
	if (hold->taken.holds) {
		*ret_listing = &hold->whole.listing;
		return 0;
	}
	vg_listing_done(&hold->if_accepted);
	*ret_listing = &hold->if_accepted;
	return vg_guard_without(&hold->guard, old ? &old->listing : NULL, &hold->if_accepted);
}

void vg_hold_done(struct vg_hold *hold)
{
	vg_guard_done(&hold->guard);
	vg_taken_done(&hold->taken);
	vg_saved_done(&hold->whole);
	vg_listing_done(&hold->if_accepted);
}
