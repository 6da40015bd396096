/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/config.h"
#include "service/history.h"
#include "share/cleanup.h"
#include "share/keep.h"
#include "share/log.h"

#define TITLE "vpcgate history 1"
#define SUFFIX ".policy"
#define MAX_BYTES (VG_CONFIG_MAX_BYTES + (1u << 20))

static const struct vg_position nowhere;

static int path_of(const struct vg_history *history, __u64 generation, char **ret_path)
{
	if (asprintf(ret_path, "%s/%llu" SUFFIX, history->folder, generation) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* ---- reading ---- */

/* The whole file; `ret_config` points into `ret_text`. */
static int read_entry(const char *path, struct vg_entry *ret_entry, char **ret_text,
		      const char **ret_config, struct vg_diag *diag)
{
	char reason[VG_KEEP_REASON_SIZE] = "it holds no config";
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	r = vg_keep_read(path, TITLE, MAX_BYTES, &text, &length, reason);
	if (r == 0)
		r = vg_entry_decode(text, length, ret_entry, ret_config);
	if (r == -EBADMSG)
		return vg_diag_set(diag, EBADMSG, NULL, nowhere, "%.255s can't be used: %s", path,
				   reason);
	if (r < 0)
		return vg_diag_set(diag, -r, NULL, nowhere, "%.255s can't be read: %s", path,
				   strerror(-r));
	*ret_text = VG_TAKE_PTR(text);
	return 0;
}

/* With a NUL behind it. */
static char *copy_of(const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

int vg_history_read(const struct vg_history *history, const struct vg_entry *entry, char **ret_text,
		    size_t *ret_length, struct vg_diag *diag)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_(vg_entry_done) struct vg_entry found = {0};
	const char *config;
	int r;

	if (entry->unsaved) {
		*ret_text = copy_of(entry->unsaved, entry->length);
		*ret_length = entry->length;
		return *ret_text ? 0 : -ENOMEM;
	}
	r = path_of(history, entry->generation, &path);
	if (r == 0)
		r = read_entry(path, &found, &text, &config, diag);
	if (r < 0)
		return r;
	memmove(text, config, found.length + 1);
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = found.length;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct vg_entry *x = a, *y = b;

	return (x->generation > y->generation) - (x->generation < y->generation);
}

static void sort(struct vg_history *history)
{
	qsort(history->entries, history->n, sizeof(*history->entries), compare);
}

static void forget(struct vg_history *history, size_t i)
{
	vg_entry_done(&history->entries[i]);
	history->n--;
	memmove(&history->entries[i], &history->entries[i + 1],
		(history->n - i) * sizeof(*history->entries));
}

static void remove_file(const struct vg_history *history, const struct vg_entry *entry)
{
	_cleanup_free_ char *path = NULL;

	if (!entry->unsaved && path_of(history, entry->generation, &path) == 0 && unlink(path) < 0)
		vg_log_warn("%s can't be removed: %s", path, strerror(errno));
}

/*
 * Of sorted ones the oldest goes. That which a trial goes back to stays, however old it is; also while it
 * goes back, which may still fail.
 */
static void make_room(struct vg_history *history)
{
	const struct vg_entry *newest = vg_history_newest(history);

	for (size_t i = 0; history->n > VG_HISTORY_MAX && i < history->n; i++) {
		const __u64 generation = history->entries[i].generation;

		if (generation == newest->restores ||
		    (vg_history_waiting(history) && generation == newest->trial.back))
			continue;
		remove_file(history, &history->entries[i]);
		forget(history, i);
		return;
	}
}

static void load(struct vg_history *history, const char *name)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *expected = NULL;
	_cleanup_(vg_entry_done) struct vg_entry entry = {0};
	struct vg_diag diag = {0};
	const char *config;
	int r;

	if (asprintf(&path, "%s/%s", history->folder, name) < 0) {
		path = NULL;
		return;
	}
	r = read_entry(path, &entry, &text, &config, &diag);
	if (r < 0) {
		vg_log_warn("%s; the history goes on without it", diag.text);
		return;
	}
	if (path_of(history, entry.generation, &expected) < 0 || strcmp(path, expected) != 0) {
		vg_log_warn("%s isn't of its generation; the history goes on without it", path);
		return;
	}
	history->entries[history->n++] = entry;
	entry = (struct vg_entry){0};
	/* A daemon that was killed while it added one has left one too many. */
	sort(history);
	make_room(history);
}

static bool is_entry(const char *name)
{
	const size_t digits = strspn(name, "0123456789");

	return digits && strcmp(name + digits, SUFFIX) == 0;
}

int vg_history_open(const char *state_folder, struct vg_history *ret_history)
{
	struct vg_history history = {0};
	const struct dirent *file;
	DIR *folder;

	if (asprintf(&history.folder, "%s/history", state_folder) < 0)
		return -ENOMEM;
	folder = opendir(history.folder);
	if (!folder && errno != ENOENT)
		vg_log_warn("%s can't be read: %s; there is no history", history.folder,
			    strerror(errno));
	while (folder && (file = readdir(folder)))
		if (is_entry(file->d_name))
			load(&history, file->d_name);
	if (folder)
		closedir(folder);
	*ret_history = history;
	return 0;
}

void vg_history_close(struct vg_history *history)
{
	for (size_t i = 0; i < history->n; i++)
		vg_entry_done(&history->entries[i]);
	free(history->folder);
	*history = (struct vg_history){0};
}

/* ---- writing ---- */

static int write_entry(const struct vg_history *history, const struct vg_entry *entry,
		       const char *text)
{
	_cleanup_free_ char *line = vg_entry_encode(entry), *path = NULL, *whole = NULL;
	size_t line_length;
	int r;

	r = path_of(history, entry->generation, &path);
	if (r < 0 || !line)
		return -ENOMEM;
	line_length = strlen(line);
	whole = malloc(line_length + 1 + entry->length);
	if (!whole)
		return -ENOMEM;
	memcpy(whole, line, line_length);
	whole[line_length] = '\n';
	memcpy(whole + line_length + 1, text, entry->length);
	return vg_keep_write(path, TITLE, whole, line_length + 1 + entry->length);
}

static int refuse(const struct vg_history *history, int error, struct vg_diag *diag)
{
	return vg_diag_set(diag, -error, NULL, nowhere,
			   "the history can't be written below %s: %s; make room there, or let "
			   "vpcgated's user write there",
			   history->folder, strerror(-error));
}

static int make_folder(const struct vg_history *history)
{
	_cleanup_free_ char *above = strdup(history->folder);

	if (!above)
		return -ENOMEM;
	*strrchr(above, '/') = '\0';
	return mkdir(above, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* In their order, so that what is on disk is what was in force up to some moment. */
static int save(struct vg_history *history)
{
	int r = make_folder(history);

	for (size_t i = 0; r >= 0 && i < history->n; i++) {
		struct vg_entry *entry = &history->entries[i];

		if (!entry->unsaved)
			continue;
		r = write_entry(history, entry, entry->unsaved);
		if (r < 0)
			break;
		free(entry->unsaved);
		entry->unsaved = NULL;
	}
	return r;
}

int vg_history_save(struct vg_history *history)
{
	struct vg_diag diag = {0};
	const int r = save(history);

	if (r < 0)
		refuse(history, r, &diag);
	memcpy(history->error, diag.text, sizeof(history->error));
	return r;
}

int vg_history_add(struct vg_history *history, struct vg_entry *entry, const char *text,
		   size_t length, struct vg_diag *diag)
{
	const bool on_trial = entry->trial.given;
	int r;

	entry->follows = history->n ? vg_history_newest(history)->generation : 0;
	vg_entry_measure(entry, text, length);
	entry->unsaved = copy_of(text, length);
	if (!entry->unsaved)
		return vg_diag_set(diag, ENOMEM, NULL, nowhere, "no memory for the history");
	history->entries[history->n++] = *entry;
	*entry = (struct vg_entry){0};
	r = vg_history_save(history);
	if (r < 0 && on_trial) {
		vg_history_drop(history);
		return refuse(history, r, diag);
	}
	make_room(history);
	return 0;
}

static bool is_saved(const struct vg_history *history)
{
	for (size_t i = 0; i < history->n; i++) {
		if (history->entries[i].unsaved)
			return false;
	}
	return true;
}

void vg_history_drop(struct vg_history *history)
{
	remove_file(history, &history->entries[history->n - 1]);
	forget(history, history->n - 1);
	if (is_saved(history))
		history->error[0] = '\0';
}

int vg_history_confirm(struct vg_history *history, struct vg_diag *diag)
{
	struct vg_entry *entry = &history->entries[history->n - 1];
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	r = vg_history_read(history, entry, &text, &length, diag);
	if (r < 0)
		return r;
	entry->trial.confirmed = true;
	r = write_entry(history, entry, text);
	if (r == 0)
		return 0;
	entry->trial.confirmed = false;
	return refuse(history, r, diag);
}

/* ---- asking ---- */

const struct vg_entry *vg_history_newest(const struct vg_history *history)
{
	return history->n ? &history->entries[history->n - 1] : NULL;
}

static bool is_unconfirmed(const struct vg_entry *entry)
{
	return entry->trial.given && !entry->trial.confirmed;
}

const struct vg_entry *vg_history_waiting(const struct vg_history *history)
{
	const struct vg_entry *newest = vg_history_newest(history);

	return newest && is_unconfirmed(newest) ? newest : NULL;
}

const struct vg_entry *vg_history_find(const struct vg_history *history, __u64 generation)
{
	const struct vg_entry *entry, *next;
	size_t i = history->n;

	while (i > 0 && history->entries[i - 1].generation > generation)
		i--;
	if (!i)
		return NULL;
	entry = &history->entries[i - 1];
	next = i < history->n ? entry + 1 : NULL;
	/* Where one in between is missing, nobody knows which of the two it is of. */
	if (entry->generation != generation && next && next->follows != entry->generation)
		return NULL;
	return entry;
}

bool vg_history_is_refused(const struct vg_history *history, const struct vg_entry *entry)
{
	return is_unconfirmed(entry) && entry != vg_history_newest(history);
}

const struct vg_entry *vg_history_before(const struct vg_history *history)
{
	const struct vg_entry *newest = vg_history_newest(history), *at = newest;

	/* What came back stands where it stood. */
	while (at && at->restores) {
		const struct vg_entry *restored = vg_history_find(history, at->restores);

		if (!restored || restored >= at)
			break;
		at = restored;
	}
	for (size_t i = at ? (size_t)(at - history->entries) : 0; i-- > 0;) {
		const struct vg_entry *entry = &history->entries[i];

		if (!is_unconfirmed(entry) &&
		    (entry->length != newest->length || entry->checksum != newest->checksum))
			return entry;
	}
	return NULL;
}

bool vg_history_refuses(const struct vg_history *history, const char *text, size_t length)
{
	for (size_t i = history->n; i-- > 0;) {
		const struct vg_entry *entry = &history->entries[i];

		if (vg_entry_holds(entry, text, length))
			return vg_history_is_refused(history, entry);
	}
	return false;
}

bool vg_history_may_refuse(const struct vg_history *history, size_t length)
{
	for (size_t i = 0; i < history->n; i++) {
		const struct vg_entry *entry = &history->entries[i];

		if (entry->length == length && vg_history_is_refused(history, entry))
			return true;
	}
	return false;
}
