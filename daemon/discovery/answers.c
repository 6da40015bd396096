/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include "discovery/answers.h"

struct vg_saved *vg_answers_latest(struct vg_answers *answers)
{
	if (answers->news != VG_ANSWERS_NO_NEWS)
		return &answers->fresh;
	return answers->any ? &answers->in_force : NULL;
}

const struct vg_saved *vg_answers_shown(const struct vg_answers *answers)
{
	if (answers->news == VG_ANSWERS_SHOWN)
		return &answers->fresh;
	return answers->any ? &answers->in_force : NULL;
}

const struct vg_saved *vg_answers_base(struct vg_answers *answers,
				       const struct vg_fetch_result *result)
{
	const struct vg_saved *latest = vg_answers_latest(answers);

	if (!latest || (answers->aged && latest == &answers->in_force))
		return NULL;
	if (latest->identity && result->identity && strcmp(latest->identity, result->identity) != 0)
		return NULL;
	return latest;
}

int vg_answers_supplement(const struct vg_saved *base, struct vg_fetch_result *result,
			  bool *ret_usable)
{
	static const char *const all[] = {VG_LISTING_ANY_SCOPE};
	const size_t used = strlen(result->note);
	int r;

	*ret_usable = result->usable;
	if (base && result->n_unread) {
		r = vg_listing_keep(&result->listing, &base->listing,
				    (const char *const *)result->unread, result->n_unread);
		if (r < 0)
			return r;
	}
	if (!base || !result->usable || base->usable)
		return !result->n_unread;
	/* Less than it was, though nothing may have gone: the right to see it has. */
	*ret_usable = false;
	snprintf(result->note + used, sizeof(result->note) - used, "; those known before are kept");
	r = vg_listing_keep(&result->listing, &base->listing, all, 1);
	return r < 0 ? r : false;
}

bool vg_answers_take(struct vg_answers *answers, struct vg_saved *saved)
{
	struct vg_saved *old = vg_answers_latest(answers);
	const bool other = !old || !vg_listing_equal(&old->listing, &saved->listing);

	if (other) {
		old = &answers->fresh;
		answers->news = VG_ANSWERS_SHOWN;
	}
	vg_saved_done(old);
	*old = *saved;
	*saved = (struct vg_saved){};
	answers->aged = false;
	return other;
}

bool vg_answers_publish(struct vg_answers *answers)
{
	if (answers->news != VG_ANSWERS_SHOWN)
		return false;
	vg_saved_done(&answers->in_force);
	answers->in_force = answers->fresh;
	answers->fresh = (struct vg_saved){};
	answers->news = VG_ANSWERS_NO_NEWS;
	answers->any = true;
	return true;
}

bool vg_answers_set_aside(struct vg_answers *answers)
{
	if (answers->news == VG_ANSWERS_NO_NEWS)
		return false;
	answers->news = VG_ANSWERS_ASIDE;
	return true;
}

bool vg_answers_show(struct vg_answers *answers)
{
	if (answers->news != VG_ANSWERS_ASIDE)
		return false;
	answers->news = VG_ANSWERS_SHOWN;
	return true;
}

bool vg_answers_refuse(struct vg_answers *answers)
{
	if (answers->news != VG_ANSWERS_SHOWN)
		return false;
	vg_saved_done(&answers->fresh);
	answers->news = VG_ANSWERS_NO_NEWS;
	return true;
}

void vg_answers_done(struct vg_answers *answers)
{
	vg_saved_done(&answers->in_force);
	vg_saved_done(&answers->fresh);
	*answers = (struct vg_answers){};
}
