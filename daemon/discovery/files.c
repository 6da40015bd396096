/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include "discovery/files.h"
#include "share/cleanup.h"
#include "share/fingerprint.h"
#include "share/log.h"

#define MAX_LINKS 40 /* that one path may lead over: as the kernel's own MAXSYMLINKS */
#define EVENTS                                                                              \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct file {
	char *path;
	struct vg_fingerprint seen;
	bool wanted;
	bool reading;	       /* announced, and not wanted since */
	uint64_t unsettled_us; /* when it was first found half done; 0: it isn't. CLOCK_MONOTONIC */
};

/* A folder on the way to a file. */
struct watch {
	int wd;
	unsigned round; /* of the walk that last came by */
};

struct vg_files {
	void (*changed)(void *context);
	void *context;
	struct file *items; /* by path */
	size_t n;
	struct watch *watches;
	size_t n_watches;
	unsigned round;
	int fd; /* of inotify */
	sd_event_source *readable, *timer;
	bool told_limit; /* that not every folder is watched */
};

/* ---- time ---- */

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* What was written in the future was written before the clock was set. */
static bool is_settled(const struct vg_fingerprint *fingerprint)
{
	const uint64_t now_us = clock_us(CLOCK_REALTIME),
		       changed_us = (uint64_t)fingerprint->changed.tv_sec * 1000000 +
				    (uint64_t)fingerprint->changed.tv_nsec / 1000;

	return changed_us > now_us || now_us - changed_us >= VG_FILES_DEBOUNCE_US;
}

bool vg_files_is_settled(const char *path)
{
	struct vg_fingerprint now;

	vg_fingerprint_take(path, &now);
	return is_settled(&now);
}

/* ---- watches ---- */

static int add_watch(struct vg_files *files, const char *folder)
{
	const int wd = inotify_add_watch(files->fd, folder, EVENTS);
	struct watch *larger;

	if (wd < 0)
		return -errno;
	for (size_t i = 0; i < files->n_watches; i++) {
		if (files->watches[i].wd == wd) {
			files->watches[i].round = files->round;
			return 0;
		}
	}
	larger = reallocarray(files->watches, files->n_watches + 1, sizeof(*larger));
	if (!larger) {
		inotify_rm_watch(files->fd, wd);
		return -ENOMEM;
	}
	files->watches = larger;
	files->watches[files->n_watches++] = (struct watch){wd, files->round};
	return 0;
}

/* Folders that no path leads over any more. That of a folder that is gone is gone already. */
static void drop_watches(struct vg_files *files)
{
	size_t n = 0;

	for (size_t i = 0; i < files->n_watches; i++) {
		if (files->watches[i].round == files->round)
			files->watches[n++] = files->watches[i];
		else
			inotify_rm_watch(files->fd, files->watches[i].wd);
	}
	files->n_watches = n;
}

/* A way through the file system: the folders behind, and what is left to go. */
struct walk {
	char done[PATH_MAX]; /* without a slash at its end, but for "/" */
	char left[PATH_MAX];
	unsigned links;
};

/* Puts where a link leads in front of what is left. 0: it leads nowhere; 1: go on. */
static int follow(struct walk *walk, const char *link, const char *rest)
{
	char target[PATH_MAX];
	const ssize_t n = readlink(link, target, sizeof(target));
	size_t rest_length = strlen(rest);

	if (n < 0)
		return -errno;
	if ((size_t)n + 1 + rest_length >= sizeof(walk->left))
		return -ENAMETOOLONG;
	if (++walk->links > MAX_LINKS)
		return 0;
	memmove(walk->left + n + 1, rest, rest_length + 1);
	memcpy(walk->left, target, (size_t)n);
	walk->left[n] = '/';
	if (target[0] == '/')
		strcpy(walk->done, "/");
	return 1;
}

/* One name further. 0: nothing is left, or nothing is there; 1: go on. */
static int step(struct walk *walk)
{
	char next[PATH_MAX];
	const char *name = walk->left + strspn(walk->left, "/");
	const size_t length = strcspn(name, "/");
	struct stat st;

	if (!length)
		return 0;
	if (snprintf(next, sizeof(next), "%s%s%.*s", walk->done,
		     strcmp(walk->done, "/") == 0 ? "" : "/", (int)length,
		     name) >= (int)sizeof(next))
		return -ENAMETOOLONG;
	if (lstat(next, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return follow(walk, next, name + length);
	strcpy(walk->done, next);
	memmove(walk->left, name + length, strlen(name + length) + 1);
	return S_ISDIR(st.st_mode);
}

/*
 * Watches each folder in which a name on the way is looked up: whatever makes the path lead elsewhere
 * happens in one of them. "a/.." is walked as it is written, which is how the kernel does it.
 */
static int watch_path(struct vg_files *files, const char *path)
{
	struct walk walk = {.done = "."};
	int r;

	if (strlen(path) >= sizeof(walk.left))
		return -ENAMETOOLONG;
	strcpy(walk.left, path);
	if (path[0] == '/')
		strcpy(walk.done, "/");
	do {
		r = add_watch(files, walk.done);
		if (r >= 0)
			r = step(&walk);
	} while (r > 0);
	return r;
}

static void watch_all(struct vg_files *files)
{
	int failed = 0;

	files->round++;
	for (size_t i = 0; i < files->n; i++) {
		const int r = files->items[i].wanted ? watch_path(files, files->items[i].path) : 0;

		if (r < 0 && !failed)
			failed = r;
	}
	drop_watches(files);
	if (failed && !files->told_limit)
		vg_log_warn("changes of some files are noticed late, since inotify can't watch "
			    "them: %s",
			    strerror(-failed));
	files->told_limit = failed;
}

/* ---- files ---- */

/* Where that path is among the items, or where it belongs. */
static size_t place_of(const struct vg_files *files, const char *path)
{
	size_t low = 0, high = files->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(files->items[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The file of that path, which is new or was there; NULL for no memory. */
static struct file *find_or_add(struct vg_files *files, const char *path)
{
	const size_t place = place_of(files, path);
	struct file *items = files->items;
	char *copy;

	if (place < files->n && strcmp(items[place].path, path) == 0)
		return &items[place];
	copy = strdup(path);
	items = copy ? reallocarray(items, files->n + 1, sizeof(*items)) : NULL;
	if (!items) {
		free(copy);
		return NULL;
	}
	files->items = items;
	memmove(&items[place + 1], &items[place], (files->n - place) * sizeof(*items));
	files->n++;
	items[place] = (struct file){.path = copy};
	vg_fingerprint_take(path, &items[place].seen);
	return &items[place];
}

int vg_files_reading(struct vg_files *files, const char *path)
{
	struct file *file = find_or_add(files, path);

	if (!file)
		return -ENOMEM;
	/* Of several readings for one policy the first may have seen the oldest state. */
	if (!file->reading)
		vg_fingerprint_take(path, &file->seen);
	file->reading = true;
	return 0;
}

static void forget_unwanted(struct vg_files *files)
{
	size_t n = 0;

	for (size_t i = 0; i < files->n; i++) {
		if (files->items[i].wanted)
			files->items[n++] = files->items[i];
		else
			free(files->items[i].path);
	}
	files->n = n;
}

static int look_again(const struct vg_files *files)
{
	const int r = sd_event_source_set_time_relative(files->timer, VG_FILES_DEBOUNCE_US);

	return r < 0 ? r : sd_event_source_set_enabled(files->timer, SD_EVENT_ONESHOT);
}

int vg_files_want(struct vg_files *files, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!find_or_add(files, paths[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < files->n; i++)
		files->items[i].wanted = files->items[i].reading = false;
	for (size_t i = 0; i < n; i++)
		files->items[place_of(files, paths[i])].wanted = true;
	forget_unwanted(files);
	watch_all(files);
	/* What has changed between its reading and its watch was seen by nobody. */
	vg_files_look(files);
	return 0;
}

/* Is it to be looked at again, since somebody is just writing it? */
static bool is_half_done(struct file *file, const struct vg_fingerprint *now)
{
	const uint64_t now_us = clock_us(CLOCK_MONOTONIC);

	if (is_settled(now))
		return false;
	if (!file->unsettled_us)
		file->unsettled_us = now_us;
	return now_us - file->unsettled_us < VG_FILES_PATIENCE_US;
}

void vg_files_look(struct vg_files *files)
{
	bool changed = false, again = false;

	for (size_t i = 0; i < files->n; i++) {
		struct file *file = &files->items[i];
		struct vg_fingerprint now;

		vg_fingerprint_take(file->path, &now);
		if (!file->wanted || vg_fingerprint_equal(&file->seen, &now))
			continue;
		if (is_half_done(file, &now)) {
			again = true;
			continue;
		}
		file->seen = now;
		file->unsettled_us = 0;
		vg_log_info("%s has changed", file->path);
		changed = true;
	}
	if (again)
		look_again(files);
	if (changed)
		files->changed(files->context);
}

/* ---- events ---- */

/*
 * What happened doesn't matter: a look tells what has changed. Until then further events wait in the
 * kernel, so that a busy folder costs a look each VG_FILES_DEBOUNCE_US and no more.
 */
static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct vg_files *files = context;
	int r;

	(void)fd;
	(void)events;
	r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return r < 0 ? r : look_again(files);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct vg_files *files = context;
	char events[16384] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)source;
	(void)time_us;
	while (read(files->fd, events, sizeof(events)) > 0)
		;
	/* Watches first: what happens behind them is an event again. */
	watch_all(files);
	vg_files_look(files);
	return sd_event_source_set_enabled(files->readable, SD_EVENT_ON);
}

int vg_files_open(sd_event *event, void (*changed)(void *context), void *context,
		  struct vg_files **ret_files)
{
	struct vg_files *files = calloc(1, sizeof(*files));
	int r;

	if (!files)
		return -ENOMEM;
	files->changed = changed;
	files->context = context;
	files->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	r = files->fd < 0 ? -errno
			  : sd_event_add_io(event, &files->readable, files->fd, EPOLLIN,
					    on_readable, files);
	if (r >= 0)
		r = sd_event_add_time(event, &files->timer, CLOCK_MONOTONIC, 0, 10000, on_timer,
				      files);
	if (r >= 0)
		r = sd_event_source_set_enabled(files->timer, SD_EVENT_OFF);
	if (r < 0) {
		vg_files_close(files);
		return r;
	}
	*ret_files = files;
	return 0;
}

void vg_files_close(struct vg_files *files)
{
	if (!files)
		return;
	sd_event_source_disable_unref(files->timer);
	sd_event_source_disable_unref(files->readable);
	if (files->fd >= 0)
		close(files->fd);
	for (size_t i = 0; i < files->n; i++)
		free(files->items[i].path);
	free(files->items);
	free(files->watches);
	free(files);
}
