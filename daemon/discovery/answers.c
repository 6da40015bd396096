/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
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
