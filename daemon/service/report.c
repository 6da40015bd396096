/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "service/change.h"
#include "service/report.h"
#include "share/cleanup.h"

static json_t *entries_json(const struct vg_history *history, const struct vg_entry *only)
{
	json_t *array = json_array();

	for (size_t i = 0; i < history->n; i++)
		if (!only || only == &history->entries[i])
			json_array_append_new(array, vg_entry_json(&history->entries[i]));
	return array;
}

static int add_text(const struct vg_history *history, const struct vg_entry *entry, json_t *json,
		    struct vg_diag *diag)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	r = vg_history_read(history, entry, &text, &length, diag);
	if (r < 0)
		return r;
	return json_object_set_new(json, "text", json_stringn(text, length)) < 0 ? -ENOMEM : 0;
}

int vg_report_history(const struct vg_daemon *daemon, __u64 generation, json_t **ret_json,
		      struct vg_diag *diag)
{
	const struct vg_history *history = &daemon->history;
	const struct vg_entry *before = vg_history_before(history);
	const struct vg_entry *only = NULL;
	json_auto_t *json = NULL;
	int r = 0;

	if (generation)
		r = vg_change_find(daemon, generation, &only, diag);
	if (r < 0)
		return r;
	json = json_pack("{ss so so ss? so}", "config", daemon->gate->config_path, "trial",
			 vg_confirm_json(daemon), "rollback",
			 before ? json_integer((json_int_t)before->generation) : json_null(),
			 "error", *history->error ? history->error : NULL, "entries",
			 entries_json(history, only));
	if (!json)
		return -ENOMEM;
	if (only)
		r = add_text(history, only, json, diag);
	if (r >= 0)
		*ret_json = VG_TAKE_PTR(json);
	return r;
}
