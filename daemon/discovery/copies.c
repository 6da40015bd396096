/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include "discovery/copies.h"
#include "discovery/store.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "share/log.h"

/* A file that was read, and the copy that there may be of it. */
struct pair {
	char *path, *copy;
	off_t size; /* this and the next: of the file when it was read; the copy's are the same */
	struct timespec modified;
	bool read; /* since vg_copies_begin() */
	bool used; /* in place of the file */
};

struct vg_copies {
	const char *folder;
	struct pair *pairs;
	size_t n;
	size_t last; /* that was read since vg_copies_begin(); SIZE_MAX: none */
	char told[VG_DIAG_TEXT_SIZE];
};

static void pair_done(struct pair *pair)
{
	free(pair->path);
	free(pair->copy);
}

static bool is_as(const struct stat *st, off_t size, const struct timespec *modified)
{
	return S_ISREG(st->st_mode) && st->st_size == size &&
	       st->st_mtim.tv_sec == modified->tv_sec && st->st_mtim.tv_nsec == modified->tv_nsec;
}

/* ---- reading ---- */

static struct pair *find(const struct vg_copies *copies, const char *path)
{
	for (size_t i = 0; i < copies->n; i++) {
		if (strcmp(copies->pairs[i].path, path) == 0)
			return &copies->pairs[i];
	}
	return NULL;
}

static int add(struct vg_copies *copies, const char *path, struct pair **ret_pair)
{
	struct pair pair = {.path = strdup(path)};
	struct pair *larger;
	int r = -ENOMEM;

	larger = reallocarray(copies->pairs, copies->n + 1, sizeof(*larger));
	if (larger)
		copies->pairs = larger;
	if (larger && pair.path)
		r = vg_store_path(copies->folder, path, "copy", &pair.copy);
	if (r < 0) {
		pair_done(&pair);
		return r;
	}
	larger[copies->n] = pair;
	*ret_pair = &larger[copies->n++];
	return 0;
}

void vg_copies_begin(struct vg_copies *copies)
{
	copies->last = SIZE_MAX;
	for (size_t i = 0; i < copies->n; i++)
		copies->pairs[i].read = copies->pairs[i].used = false;
}

int vg_copies_reading(struct vg_copies *copies, const char *path, const char **ret_path)
{
	struct pair *pair = find(copies, path);
	struct stat st = {};
	int r = 0;

	if (!pair)
		r = add(copies, path, &pair);
	if (r < 0)
		return r;
	/* Before it is read: what is written meanwhile makes it another one. */
	if (!pair->used && stat(path, &st) == 0) {
		pair->size = st.st_size;
		pair->modified = st.st_mtim;
	}
	pair->read = true;
	copies->last = (size_t)(pair - copies->pairs);
	*ret_path = pair->used ? pair->copy : pair->path;
	return 0;
}

static bool use_copy(struct pair *pair)
{
	struct stat st;

	if (!pair || pair->used || lstat(pair->copy, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	pair->used = true;
	return true;
}

bool vg_copies_spare(struct vg_copies *copies, const char *path)
{
	return use_copy(find(copies, path));
}

bool vg_copies_fall_back(struct vg_copies *copies, const struct vg_diag *diag)
{
	struct pair *pair = find(copies, diag->file);
	struct stat file, copy;

	/* The config itself was read before. */
	if (!pair || !pair->read)
		pair = copies->last < copies->n ? &copies->pairs[copies->last] : NULL;
	if (!pair)
		return false;
	/* It is what it was, so that something else is wrong. */
	if (lstat(pair->copy, &copy) == 0 && stat(pair->path, &file) == 0 &&
	    is_as(&file, copy.st_size, &copy.st_mtim))
		return false;
	return use_copy(pair);
}

/* ---- keeping ---- */

static int copy_bytes(int from, int to, off_t size)
{
	while (size > 0) {
		const ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EAGAIN;
		size -= n;
	}
	return 0;
}

/* -EAGAIN: it isn't what was read any more, so that it will be read again soon. */
static int copy_file(const struct pair *pair, const char *aside)
{
	_cleanup_close_ int from = -1, to = -1;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, pair->modified};
	struct stat st;
	int r;

	from = open(pair->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (from < 0 || fstat(from, &st) < 0 || !is_as(&st, pair->size, &pair->modified))
		return -EAGAIN;
	if (unlink(aside) < 0 && errno != ENOENT)
		return -errno;
	to = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_bytes(from, to, pair->size);
	if (r < 0)
		return r;
	if (fstat(from, &st) < 0 || !is_as(&st, pair->size, &pair->modified))
		return -EAGAIN;
	return futimens(to, times) < 0 || fsync(to) < 0 ? -errno : 0;
}

static int keep(const struct vg_copies *copies, struct pair *pair)
{
	_cleanup_free_ char *aside = NULL;
	struct stat st;
	int r;

	if (lstat(pair->copy, &st) == 0 && is_as(&st, pair->size, &pair->modified))
		return 0;
	if (mkdir(copies->folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (asprintf(&aside, "%s.new", pair->copy) < 0) {
		aside = NULL;
		return -ENOMEM;
	}
	r = copy_file(pair, aside);
	if (r == 0 && rename(aside, pair->copy) < 0)
		r = -errno;
	if (r < 0) {
		unlink(aside);
		return r == -EAGAIN ? 0 : r;
	}
	return 0;
}

static void tell(struct vg_copies *copies, const struct pair *pair, int error)
{
	char text[VG_DIAG_TEXT_SIZE] = "";

	if (error < 0)
		snprintf(text, sizeof(text),
			 "%.255s has no copy that could stand for it should it be damaged: %s",
			 pair->path, strerror(-error));
	if (*text && strcmp(text, copies->told) != 0)
		vg_log_warn("%s", text);
	memcpy(copies->told, text, sizeof(text));
}

void vg_copies_keep(struct vg_copies *copies, bool on_trial)
{
	size_t n = 0;

	for (size_t i = 0; i < copies->n; i++) {
		struct pair *pair = &copies->pairs[i];

		if (!pair->read && !on_trial) {
			unlink(pair->copy);
			pair_done(pair);
			continue;
		}
		if (pair->read && !pair->used)
			tell(copies, pair, keep(copies, pair));
		copies->pairs[n++] = *pair;
	}
	copies->n = n;
}

/* ---- life ---- */

int vg_copies_open(const char *folder, struct vg_copies **ret_copies)
{
	struct vg_copies *copies = calloc(1, sizeof(*copies));

	if (!copies)
		return -ENOMEM;
	copies->folder = folder;
	copies->last = SIZE_MAX;
	*ret_copies = copies;
	return 0;
}

void vg_copies_close(struct vg_copies *copies)
{
	if (!copies)
		return;
	for (size_t i = 0; i < copies->n; i++)
		pair_done(&copies->pairs[i]);
	free(copies->pairs);
	free(copies);
}
