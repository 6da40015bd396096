/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "discovery/guard.h"
#include "share/cleanup.h"

#define NAMED_RANGES 4 /* of those that are gone */

/* ---- what is missed ---- */

static void missed_done(struct vg_missed *missed)
{
	free(missed->items);
	*missed = (struct vg_missed){};
}

static int compare_missed(const void *a, const void *b)
{
	const struct vg_missed_range *left = a, *right = b;

	return vg_listed_compare(&left->range, &right->range);
}

static const struct vg_missed_range *find_missed(const struct vg_missed *missed,
						 const struct vg_listed *range)
{
	const struct vg_missed_range key = {.range = *range};

	return missed->n ? bsearch(&key, missed->items, missed->n, sizeof(key), compare_missed)
			 : NULL;
}

/* Room for `n`, which are then added in any order. */
static int missed_new(struct vg_missed *missed, size_t n)
{
	missed->items = calloc(n + 1, sizeof(*missed->items));
	return missed->items ? 0 : -ENOMEM;
}

static void missed_add(struct vg_missed *missed, const struct vg_listed *range, uint64_t since_us)
{
	missed->items[missed->n++] = (struct vg_missed_range){*range, since_us};
}

static void missed_sort(struct vg_missed *missed)
{
	qsort(missed->items, missed->n, sizeof(*missed->items), compare_missed);
}

static bool contains(const struct vg_listing *sorted, const struct vg_listed *range)
{
	size_t low = 0, high = sorted->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = vg_listed_compare(&sorted->items[middle], range);

		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* ---- what an answer changes ---- */

/* An answer, next to what is in force; both as they were before anything is kept. */
struct judgement {
	const struct vg_guard_rules *rules;
	const struct vg_listing *in_force, *fresh;
	uint64_t now_us;
	bool empty;		 /* the answer is, and may not be */
	bool *gone;		 /* of what is in force, for each range */
	struct vg_missed missed; /* what of it is to be kept, if anything is; and what was let go */
	size_t n_missed[VG_RANGE_USE_MAX], n_all[VG_RANGE_USE_MAX]; /* that count */
	bool keeps[VG_RANGE_USE_MAX];
};

static void judgement_done(struct judgement *judgement)
{
	free(judgement->gone);
	missed_done(&judgement->missed);
}

static bool is_over(const struct judgement *judgement, uint64_t since_us)
{
	return judgement->now_us - since_us >= judgement->rules->shrink_after_us;
}

static void count_in_force(const struct vg_guard *guard, struct judgement *judgement)
{
	const struct vg_listing *in_force = judgement->in_force;

	for (size_t i = 0; i < in_force->n; i++) {
		const struct vg_listed *range = &in_force->items[i];
		const struct vg_missed_range *before = find_missed(&guard->missed, range);
		const uint64_t since_us = before ? before->since_us : judgement->now_us;

		if (judgement->gone[i] && is_over(judgement, since_us))
			continue;
		judgement->n_all[range->use]++;
		if (!judgement->gone[i])
			continue;
		judgement->n_missed[range->use]++;
		missed_add(&judgement->missed, range, since_us);
	}
}

/* What was let go counts for as long as what is kept would be. */
static int count_let_go(const struct vg_guard *guard, struct judgement *judgement)
{
	_cleanup_(vg_listing_done) struct vg_listing let_go = {};
	_cleanup_free_ bool *gone = calloc(guard->missed.n + 1, sizeof(*gone));
	int r;

	if (!gone)
		return -ENOMEM;
	for (size_t i = 0; i < guard->missed.n; i++) {
		const struct vg_missed_range *lost = &guard->missed.items[i];

		if (is_over(judgement, lost->since_us) ||
		    contains(judgement->in_force, &lost->range))
			continue;
		r = vg_listing_add(&let_go, &lost->range.prefix, lost->range.use,
				   VG_LISTING_NO_SCOPE);
		if (r < 0)
			return r;
	}
	r = vg_listing_gone(&let_go, judgement->fresh, gone);
	if (r < 0)
		return r;
	for (size_t i = 0; i < let_go.n; i++) {
		const struct vg_listed *range = &let_go.items[i];

		if (!gone[i])
			continue;
		judgement->n_all[range->use]++;
		judgement->n_missed[range->use]++;
		missed_add(&judgement->missed, range, find_missed(&guard->missed, range)->since_us);
	}
	return 0;
}

/* Compares the answer to what is in force, and to what was before. */
static int compare(const struct vg_guard *guard, struct judgement *judgement)
{
	int r;

	judgement->gone = calloc(judgement->in_force->n + 1, sizeof(*judgement->gone));
	if (!judgement->gone)
		return -ENOMEM;
	r = missed_new(&judgement->missed, judgement->in_force->n + guard->missed.n);
	if (r >= 0)
		r = vg_listing_gone(judgement->in_force, judgement->fresh, judgement->gone);
	if (r < 0)
		return r;
	count_in_force(guard, judgement);
	r = count_let_go(guard, judgement);
	missed_sort(&judgement->missed);
	return r;
}

/* ---- reasons ---- */

/* "subnet: 6 of 10 ranges are gone (60%, max-shrink is 50%): 10.1.0.0/20, 10.2.0.0/20, ..." */
static void explain(const struct judgement *judgement, enum vg_range_use use,
		    char reason[VG_GUARD_REASON_SIZE])
{
	const size_t gone = judgement->n_missed[use], all = judgement->n_all[use];
	char prefix[VG_PREFIX_TEXT_SIZE];
	size_t used, named = 0;

	/* Rounded up, so that what is over the limit looks so. */
	used = (size_t)snprintf(reason, VG_GUARD_REASON_SIZE,
				"%s: %zu of %zu ranges are gone (%zu%%, max-shrink is %u%%): ",
				vg_range_use_text(use), gone, all, (gone * 100 + all - 1) / all,
				judgement->rules->max_shrink_percent);
	for (size_t i = 0; i < judgement->missed.n && named < NAMED_RANGES; i++) {
		const struct vg_listed *range = &judgement->missed.items[i].range;

		if (range->use != use)
			continue;
		used += (size_t)snprintf(reason + used, VG_GUARD_REASON_SIZE - used, "%s%s",
					 named++ ? ", " : "",
					 vg_prefix_format(&range->prefix, prefix));
	}
	if (gone > NAMED_RANGES)
		snprintf(reason + used, VG_GUARD_REASON_SIZE - used, ", ...");
}

/* Of which uses ranges are to be kept; `reason` becomes that of the first, or "". */
static void find_reason(struct judgement *judgement, char reason[VG_GUARD_REASON_SIZE])
{
	const unsigned max_percent = judgement->rules->max_shrink_percent;

	*reason = '\0';
	if (judgement->empty && judgement->missed.n)
		snprintf(reason, VG_GUARD_REASON_SIZE, "the answer has no ranges at all");
	for (int use = 0; use < VG_RANGE_USE_MAX; use++) {
		const size_t missed = judgement->n_missed[use];

		judgement->keeps[use] =
			judgement->empty || missed * 100 > judgement->n_all[use] * max_percent;
		if (missed && judgement->keeps[use] && !*reason)
			explain(judgement, use, reason);
	}
}

/* ---- judging ---- */

/* Adds to the answer what is to be kept. */
static int keep(struct vg_guard *guard, const struct judgement *judgement, struct vg_listing *fresh)
{
	const struct vg_listing *in_force = judgement->in_force;

	for (size_t i = 0; i < in_force->n; i++) {
		const struct vg_listed *range = &in_force->items[i];
		const struct vg_missed_range *lost = find_missed(&judgement->missed, range);
		__u16 scope = VG_LISTING_NO_SCOPE;
		int r = 0;

		if (!lost || !judgement->keeps[range->use])
			continue;
		if (range->scope < in_force->n_scopes)
			r = vg_listing_scope(fresh, in_force->scopes[range->scope], &scope);
		if (r >= 0)
			r = vg_listing_add(fresh, &range->prefix, range->use, scope);
		if (r < 0)
			return r;
		if (!guard->holds || lost->since_us < guard->first_us)
			guard->first_us = lost->since_us;
		if (!guard->holds || lost->since_us > guard->last_us)
			guard->last_us = lost->since_us;
		guard->holds = true;
	}
	vg_listing_sort(fresh);
	return 0;
}

/* The first answer has nothing. */
static int judge_empty(struct vg_guard *guard, const struct vg_guard_rules *rules, uint64_t now_us)
{
	if (!guard->holds)
		guard->first_us = guard->last_us = now_us;
	guard->holds = now_us - guard->first_us < rules->shrink_after_us;
	snprintf(guard->reason, sizeof(guard->reason), "%s",
		 guard->holds ? "the answer has no ranges at all" : "");
	return guard->holds ? VG_GUARD_HELD : VG_GUARD_BELIEVED;
}

int vg_guard_judge(struct vg_guard *guard, const struct vg_guard_rules *rules,
		   const struct vg_listing *in_force, struct vg_listing *fresh, uint64_t now_us)
{
	_cleanup_(judgement_done) struct judgement judgement = {
		.rules = rules,
		.in_force = in_force,
		.fresh = fresh,
		.now_us = now_us,
		.empty = !fresh->n && !rules->may_be_empty,
	};
	int r;

	if (!in_force && judgement.empty)
		return judge_empty(guard, rules, now_us);
	if (!in_force) {
		vg_guard_done(guard);
		return VG_GUARD_BELIEVED;
	}
	r = compare(guard, &judgement);
	if (r < 0)
		return r;
	guard->holds = false;
	find_reason(&judgement, guard->reason);
	r = keep(guard, &judgement, fresh);
	if (r < 0)
		return r;
	if (!guard->holds)
		guard->reason[0] = '\0';
	missed_done(&guard->missed);
	guard->missed = judgement.missed;
	judgement.missed = (struct vg_missed){};
	return guard->holds ? VG_GUARD_HELD : VG_GUARD_BELIEVED;
}

int vg_guard_without(const struct vg_guard *guard, const struct vg_listing *in_force,
		     struct vg_listing *ret_listing)
{
	_cleanup_(vg_listing_done) struct vg_listing listing = {.shared = in_force &&
									  in_force->shared};
	int r = 0;

	for (size_t i = 0; in_force && r >= 0 && i < in_force->n; i++) {
		const struct vg_listed *range = &in_force->items[i];
		__u16 scope = VG_LISTING_NO_SCOPE;

		if (find_missed(&guard->missed, range))
			continue;
		if (range->scope < in_force->n_scopes)
			r = vg_listing_scope(&listing, in_force->scopes[range->scope], &scope);
		if (r >= 0)
			r = vg_listing_add(&listing, &range->prefix, range->use, scope);
	}
	if (r < 0)
		return r;
	vg_listing_sort(&listing);
	*ret_listing = listing;
	listing = (struct vg_listing){};
	return 0;
}

void vg_guard_done(struct vg_guard *guard)
{
	missed_done(&guard->missed);
	*guard = (struct vg_guard){};
}
