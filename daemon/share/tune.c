/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>
#include "core/tuning.h"
#include "share/cleanup.h"
#include "share/nic_settings.h"
#include "share/tune.h"

/* Both values of a change in words. */
struct words {
	const char *setting;
	char from[VG_NIC_VALUE_SIZE], to[VG_NIC_VALUE_SIZE];
};

static struct words words_of(const struct vg_nic_change *change)
{
	struct words words = {.setting = vg_nic_setting_text(change->setting)};

	vg_nic_value_text(change->setting, change->from, words.from);
	vg_nic_value_text(change->setting, change->to, words.to);
	return words;
}

static void tell(const struct vg_tune_report *report, bool failed, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(const struct vg_tune_report *report, bool failed, const char *format, ...)
{
	char text[VG_DIAG_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report->tell(report->context, failed, text);
}

/* ---- there ---- */

/* What was changed before, and is not put back, keeps the value that was there first. */
static int remember(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_tuned *list = NULL;
	struct vg_tuned joined = *tuned;
	size_t n = 0;
	int r;

	r = vg_tuned_list(dir, &list, &n, diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (list[i].ifindex == tuned->ifindex &&
		    list[i].change.setting == tuned->change.setting)
			joined.change = vg_tuning_join(&list[i].change, &tuned->change);
	return vg_tuned_put(dir, &joined, diag);
}

static int change(const char *dir, const struct vg_tuned *tuned,
		  const struct vg_tune_report *report, struct vg_diag *diag)
{
	const struct vg_nic_change *c = &tuned->change;
	const struct words words = words_of(c);
	struct vg_diag why = {0};
	int r;

	r = remember(dir, tuned, &why);
	if (r >= 0)
		r = vg_nic_set(tuned->ifindex, c->setting, c->to, &why);
	if (r == -ENODEV)
		return r;
	if (r < 0)
		return vg_diag_set(diag, -r, "", (struct vg_position){0},
				   "%s can't be tuned for native XDP: %s", tuned->name,
				   *why.text ? why.text : strerror(-r));
	tell(report, false, "%s: %s set to %s for native mode (before: %s)", tuned->name,
	     words.setting, words.to, words.from);
	return 0;
}

int vg_tune_apply(const char *dir, unsigned ifindex, const char *name, int refusal,
		  const struct vg_tune_report *report, struct vg_diag *diag)
{
	struct vg_nic_change changes[VG_MAX_OBSTACLES];
	struct vg_tuned tuned = {.ifindex = ifindex};
	struct vg_nic_facts facts;
	size_t n;
	int r;

	r = vg_nic_facts_read(ifindex, &facts, NULL);
	if (r < 0)
		return vg_diag_set(diag, -r, "", (struct vg_position){0}, "%s is gone", name);
	facts.refusal = refusal;
	n = vg_tuning_plan(&facts, changes);
	snprintf(tuned.name, sizeof(tuned.name), "%s", name);
	for (size_t i = 0; i < n; i++) {
		tuned.change = changes[i];
		r = change(dir, &tuned, report, diag);
		if (r < 0)
			return r;
	}
	return (int)n;
}

/* ---- and back ---- */

/* What is there now, and what came of it. */
static int put_back(const struct vg_tuned *tuned, const char *name,
		    const struct vg_tune_report *report)
{
	const struct vg_nic_change *c = &tuned->change;
	const struct words words = words_of(c);
	char now[VG_NIC_VALUE_SIZE];
	struct vg_nic_facts facts;
	struct vg_diag why = {0};
	struct vg_nic_value value;
	int r;

	if (vg_nic_facts_read(tuned->ifindex, &facts, NULL) < 0)
		return 0;
	value = vg_nic_value(&facts, c->setting);
	switch (vg_tuning_back(c, value)) {
	case VG_TUNING_UNCHANGED:
		return 0;
	case VG_TUNING_OTHERS:
		tell(report, false,
		     "%s: %s left at %s, which somebody has set since (before native mode: %s)",
		     name, words.setting, vg_nic_value_text(c->setting, value, now), words.from);
		return 0;
	case VG_TUNING_BACK:
		break;
	}
	r = vg_nic_set(tuned->ifindex, c->setting, c->from, &why);
	if (r < 0)
		tell(report, true, "%s: %s can't be put back to %s: %s", name, words.setting,
		     words.from, why.text);
	else
		tell(report, false, "%s: %s put back to %s (for native mode: %s)", name,
		     words.setting, words.from, words.to);
	return r;
}

int vg_tune_back(const char *dir, const struct vg_tuned *tuned, const struct vg_tune_report *report)
{
	char name[IF_NAMESIZE];
	struct vg_diag why = {0};
	int r = 0;

	/* It may be called otherwise by now. */
	if (if_indextoname(tuned->ifindex, name))
		r = put_back(tuned, name, report);
	if (r < 0)
		return r;
	r = vg_tuned_drop(dir, tuned, &why);
	if (r < 0)
		tell(report, true, "%s: %s", tuned->name, why.text);
	return r;
}

json_t *vg_tune_json(const struct vg_tuned *list, size_t n, unsigned ifindex)
{
	json_t *array = json_array();
	struct vg_nic_facts facts;

	for (size_t i = 0; i < n; i++) {
		const struct vg_nic_change *c = &list[i].change;
		struct words words = words_of(c);

		if (list[i].ifindex != ifindex)
			continue;
		/* Somebody may have set it since. */
		if (vg_nic_facts_read(ifindex, &facts, NULL) == 0)
			vg_nic_value_text(c->setting, vg_nic_value(&facts, c->setting), words.to);
		json_array_append_new(array, json_pack("{ss ss ss}", "setting", words.setting,
						       "before", words.from, "now", words.to));
	}
	return array;
}
