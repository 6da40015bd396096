/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/changes.h"
#include "core/wording.h"
#include "share/cleanup.h"

/* ---- source sets ---- */

bool vg_changes_same_set(const struct vg_set *a, const struct vg_set *b)
{
	if (a->n_ranges4 != b->n_ranges4 || a->n_ranges6 != b->n_ranges6)
		return false;
	for (size_t i = 0; i < a->n_ranges4; i++)
		if (a->ranges4[i].address != b->ranges4[i].address ||
		    a->ranges4[i].length != b->ranges4[i].length)
			return false;
	for (size_t i = 0; i < a->n_ranges6; i++)
		if (a->ranges6[i].hi != b->ranges6[i].hi || a->ranges6[i].lo != b->ranges6[i].lo ||
		    a->ranges6[i].length != b->ranges6[i].length)
			return false;
	return strcmp(a->name, b->name) == 0;
}

static int compare(const void *a, const void *b)
{
	return vg_prefix_compare(a, b);
}

/* Its prefixes, sorted and each once; none of NULL. */
static int list_prefixes(const struct vg_set *set, struct vg_prefix **ret_list, size_t *ret_n)
{
	const size_t size = set ? vg_set_size(set) : 0;
	struct vg_prefix *list = calloc(size + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++)
		list[i] = vg_set_range(set, i).prefix;
	qsort(list, size, sizeof(*list), compare);
	for (size_t i = 0; i < size; i++)
		if (!n || vg_prefix_compare(&list[n - 1], &list[i]) != 0)
			list[n++] = list[i];
	*ret_list = list;
	*ret_n = n;
	return 0;
}

static void note(const struct vg_prefix *prefix, struct vg_prefix *list, size_t *n)
{
	if (*n < VG_CHANGES_LISTED)
		list[*n] = *prefix;
	++*n;
}

static int compare_sets(const struct vg_set *before, const struct vg_set *after,
			struct vg_set_change *change)
{
	_cleanup_free_ struct vg_prefix *old = NULL, *new = NULL;
	size_t n_old = 0, n_new = 0, i = 0, j = 0;
	int r;

	r = list_prefixes(before, &old, &n_old);
	if (r == 0)
		r = list_prefixes(after, &new, &n_new);
	if (r < 0)
		return r;
	memcpy(change->name, (after ?: before)->name, sizeof(change->name));
	change->is_new = !before;
	change->is_gone = !after;
	while (i < n_old || j < n_new) {
		int order = i == n_old ? 1 : -1;

		if (i < n_old && j < n_new)
			order = vg_prefix_compare(&old[i], &new[j]);
		if (order < 0)
			note(&old[i], change->removed, &change->n_removed);
		else if (order > 0)
			note(&new[j], change->added, &change->n_added);
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

/* One pair; NULL where the policy has no such set. */
static int add_set(struct vg_changes *changes, const struct vg_set *before,
		   const struct vg_set *after)
{
	struct vg_set_change *change = &changes->sets[changes->n_sets];
	int r;

	if (before && after && vg_changes_same_set(before, after))
		return 0;
	r = compare_sets(before, after, change);
	if (r == 0 && (change->is_new || change->is_gone || change->n_added || change->n_removed))
		changes->n_sets++;
	return r;
}

static const struct vg_set *find_set(const struct vg_policy *policy, const char *name)
{
	const int set = vg_policy_set(policy, name);

	return set < 0 ? NULL : &policy->sets[set];
}

static int find_sets(const struct vg_policy *before, const struct vg_policy *after,
		     struct vg_changes *changes)
{
	int r = 0;

	changes->sets = calloc(before->n_sets + after->n_sets + 1, sizeof(*changes->sets));
	if (!changes->sets)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < after->n_sets; i++)
		r = add_set(changes, find_set(before, after->sets[i].name), &after->sets[i]);
	for (size_t i = 0; r == 0 && i < before->n_sets; i++)
		if (!find_set(after, before->sets[i].name))
			r = add_set(changes, &before->sets[i], NULL);
	return r;
}

/* ---- services and settings ---- */

static const struct vg_worded *find(const struct vg_wording *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

static int add_text(struct vg_text_changes *changes, const char *name, const char *before,
		    const char *after)
{
	struct vg_text_change *change = &changes->items[changes->n++];

	*change = (struct vg_text_change){strdup(name), before ? strdup(before) : NULL,
					  after ? strdup(after) : NULL};
	return !change->name || (before && !change->before) || (after && !change->after) ? -ENOMEM
											 : 0;
}

static int find_texts(const struct vg_wording *before, const struct vg_wording *after,
		      struct vg_text_changes *changes)
{
	const struct vg_worded *other;
	int r = 0;

	changes->items = calloc(before->n + after->n + 1, sizeof(*changes->items));
	if (!changes->items)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < after->n; i++) {
		const struct vg_worded *setting = &after->items[i];

		other = find(before, setting->name);
		if (!other || strcmp(other->text, setting->text) != 0)
			r = add_text(changes, setting->name, other ? other->text : NULL,
				     setting->text);
	}
	for (size_t i = 0; r == 0 && i < before->n; i++)
		if (!find(after, before->items[i].name))
			r = add_text(changes, before->items[i].name, before->items[i].text, NULL);
	return r;
}

static int compare_texts(const struct vg_policy *before, const struct vg_policy *after,
			 int (*list)(const struct vg_policy *, struct vg_wording *),
			 struct vg_text_changes *changes)
{
	_cleanup_(vg_wording_done) struct vg_wording old = {0}, new = {0};
	int r;

	r = list(before, &old);
	if (r == 0)
		r = list(after, &new);
	return r < 0 ? r : find_texts(&old, &new, changes);
}

/* ---- all of it ---- */

int vg_changes_find(const struct vg_policy *before, const struct vg_policy *after,
		    struct vg_changes *ret_changes)
{
	struct vg_changes changes = {0};
	int r;

	r = find_sets(before, after, &changes);
	if (r == 0)
		r = compare_texts(before, after, vg_wording_of_services, &changes.services);
	if (r == 0)
		r = compare_texts(before, after, vg_wording_of_settings, &changes.settings);
	if (r < 0)
		vg_changes_done(&changes);
	else
		*ret_changes = changes;
	return r;
}

static void texts_done(struct vg_text_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		free(changes->items[i].name);
		free(changes->items[i].before);
		free(changes->items[i].after);
	}
	free(changes->items);
}

void vg_changes_done(struct vg_changes *changes)
{
	free(changes->sets);
	texts_done(&changes->services);
	texts_done(&changes->settings);
	*changes = (struct vg_changes){0};
}
