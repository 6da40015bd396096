/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "service/entry.h"
#include "share/cleanup.h"

#define CAUSE_TEXT(name, text) [VG_CAUSE_##name] = text,
static const char *const causes[] = {VG_CAUSES(CAUSE_TEXT)};
#undef CAUSE_TEXT

const char *vg_cause_text(enum vg_cause cause)
{
	return causes[cause];
}

/* ---- what differs ---- */

static json_t *prefixes_json(const struct vg_prefix *list, size_t n)
{
	json_t *array = json_array();
	char text[VG_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < n && i < VG_CHANGES_LISTED; i++)
		json_array_append_new(array, json_string(vg_prefix_format(&list[i], text)));
	return array;
}

static json_t *texts_json(const struct vg_text_changes *changes)
{
	json_t *array = json_array();

	for (size_t i = 0; i < changes->n; i++) {
		const struct vg_text_change *change = &changes->items[i];

		json_array_append_new(array,
				      json_pack("{ss ss? ss?}", "name", change->name, "before",
						change->before, "after", change->after));
	}
	return array;
}

json_t *vg_entry_changes(const struct vg_changes *changes)
{
	json_t *sets = json_array();

	for (size_t i = 0; i < changes->n_sets; i++) {
		const struct vg_set_change *set = &changes->sets[i];
		const char *change = set->is_new ? "new" : set->is_gone ? "gone" : "changed";

		json_array_append_new(sets, json_pack("{ss ss sI sI so so}", "name", set->name,
						      "change", change, "added",
						      (json_int_t)set->n_added, "removed",
						      (json_int_t)set->n_removed, "added_prefixes",
						      prefixes_json(set->added, set->n_added),
						      "removed_prefixes",
						      prefixes_json(set->removed, set->n_removed)));
	}
	return json_pack("{so so so}", "sets", sets, "services", texts_json(&changes->services),
			 "settings", texts_json(&changes->settings));
}

/* ---- the config's text ---- */

static __u32 checksum_of(const char *text, size_t length)
{
	return (__u32)crc32_z(0, (const Bytef *)text, length);
}

void vg_entry_measure(struct vg_entry *entry, const char *text, size_t length)
{
	entry->length = length;
	entry->checksum = checksum_of(text, length);
}

bool vg_entry_holds(const struct vg_entry *entry, const char *text, size_t length)
{
	return entry->length == length && entry->checksum == checksum_of(text, length);
}

/* ---- to JSON ---- */

static json_t *actor_json(const struct vg_actor *actor)
{
	if (!actor->known)
		return json_null();
	return json_pack("{sI sI ss ss}", "uid", (json_int_t)actor->uid, "pid",
			 (json_int_t)actor->pid, "comm", actor->comm, "login", actor->login);
}

static json_t *trial_json(const struct vg_trial *trial)
{
	if (!trial->given)
		return json_null();
	return json_pack("{sb sI sI ss sI}", "confirmed", trial->confirmed, "duration_s",
			 (json_int_t)trial->duration_s, "deadline_us",
			 (json_int_t)trial->deadline_us, "boot_id", trial->boot_id, "back",
			 (json_int_t)trial->back);
}

json_t *vg_entry_json(const struct vg_entry *entry)
{
	return json_pack("{sI sI sI ss so ss? so so sO?}", "generation",
			 (json_int_t)entry->generation, "follows", (json_int_t)entry->follows,
			 "time_s", (json_int_t)entry->time_s, "cause", vg_cause_text(entry->cause),
			 "by", actor_json(&entry->actor), "file", entry->file, "restores",
			 entry->restores ? json_integer((json_int_t)entry->restores) : json_null(),
			 "trial", trial_json(&entry->trial), "changes", entry->changes);
}

char *vg_entry_encode(const struct vg_entry *entry)
{
	json_auto_t *json = vg_entry_json(entry);

	return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

/* ---- from JSON ---- */

static __u64 number_of(const json_t *object, const char *key)
{
	const json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 ? (__u64)number : 0;
}

static int text_of(const json_t *object, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || strlen(text) >= size)
		return -EBADMSG;
	strcpy(out, text);
	return 0;
}

static int decode_actor(const json_t *json, struct vg_actor *actor)
{
	if (json_is_null(json))
		return 0;
	actor->known = true;
	actor->uid = (uid_t)number_of(json, "uid");
	actor->pid = (pid_t)number_of(json, "pid");
	if (text_of(json, "comm", actor->comm, sizeof(actor->comm)) < 0)
		return -EBADMSG;
	return text_of(json, "login", actor->login, sizeof(actor->login));
}

static int decode_trial(const json_t *json, struct vg_trial *trial)
{
	if (json_is_null(json))
		return 0;
	trial->given = true;
	trial->confirmed = json_is_true(json_object_get(json, "confirmed"));
	trial->duration_s = (unsigned)number_of(json, "duration_s");
	trial->deadline_us = number_of(json, "deadline_us");
	trial->back = number_of(json, "back");
	if (!trial->duration_s || trial->duration_s > VG_TRIAL_MAX_S || !trial->back)
		return -EBADMSG;
	return text_of(json, "boot_id", trial->boot_id, sizeof(trial->boot_id));
}

static int decode_cause(const json_t *json, enum vg_cause *ret_cause)
{
	for (size_t i = 0; json_is_string(json) && i < VG_CAUSE_MAX; i++) {
		if (strcmp(causes[i], json_string_value(json)) != 0)
			continue;
		*ret_cause = i;
		return 0;
	}
	return -EBADMSG;
}

static int decode(const json_t *json, struct vg_entry *entry)
{
	json_t *changes = json_object_get(json, "changes");
	const json_t *file = json_object_get(json, "file");
	int r;

	entry->generation = number_of(json, "generation");
	entry->time_s = (__s64)number_of(json, "time_s");
	entry->follows = number_of(json, "follows");
	entry->restores = number_of(json, "restores");
	r = decode_cause(json_object_get(json, "cause"), &entry->cause);
	if (r == 0)
		r = decode_actor(json_object_get(json, "by"), &entry->actor);
	if (r == 0)
		r = decode_trial(json_object_get(json, "trial"), &entry->trial);
	if (r < 0 || !entry->generation)
		return -EBADMSG;
	if (json_is_object(changes))
		entry->changes = json_incref(changes);
	if (!json_is_string(file))
		return 0;
	entry->file = strdup(json_string_value(file));
	return entry->file ? 0 : -ENOMEM;
}

int vg_entry_decode(const char *text, size_t length, struct vg_entry *ret_entry,
		    const char **ret_config)
{
	_cleanup_(vg_entry_done) struct vg_entry entry = {0};
	const char *end = memchr(text, '\n', length);
	json_auto_t *json = NULL;
	int r;

	if (!end)
		return -EBADMSG;
	json = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json))
		return -EBADMSG;
	r = decode(json, &entry);
	if (r < 0)
		return r;
	vg_entry_measure(&entry, end + 1, length - (size_t)(end + 1 - text));
	*ret_config = end + 1;
	*ret_entry = entry;
	entry = (struct vg_entry){0};
	return 0;
}

void vg_entry_done(struct vg_entry *entry)
{
	free(entry->file);
	free(entry->unsaved);
	json_decref(entry->changes);
	*entry = (struct vg_entry){0};
}
