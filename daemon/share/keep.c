/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "share/keep.h"

#define FIRST_LINE_SIZE (VG_KEEP_TITLE_MAX + sizeof(" crc32 01234567\n"))

static size_t format_first_line(const char *title, const char *text, size_t length, char *out)
{
	return (size_t)snprintf(out, FIRST_LINE_SIZE, "%s crc32 %08lx\n", title,
				crc32_z(0, (const Bytef *)text, length));
}

/* ---- writing ---- */

int vg_keep_append(int fd, const char *text, size_t length)
{
	while (length) {
		const ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A new file, on disk when this returns. One that an earlier run left half done makes room. */
static int write_file(const char *path, const char *title, const char *text, size_t length)
{
	_cleanup_close_ int fd = -1;
	char first[FIRST_LINE_SIZE];
	int r;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = vg_keep_append(fd, first, format_first_line(title, text, length, first));
	return r < 0 ? r : vg_keep_append(fd, text, length);
}

/* Until the folder is on disk a power failure may take back what was renamed in it. */
static int sync_folder(const char *folder)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int vg_keep_write(const char *path, const char *title, const char *text, size_t length)
{
	_cleanup_free_ char *aside = NULL, *folder = NULL;
	const char *slash = strrchr(path, '/');
	int r;

	folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	if (!folder)
		return -ENOMEM;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (asprintf(&aside, "%s.new", path) < 0) {
		aside = NULL;
		return -ENOMEM;
	}
	r = write_file(aside, title, text, length);
	if (r == 0 && rename(aside, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(aside);
		return r;
	}
	return sync_folder(folder);
}

/* ---- reading ---- */

static int __attribute__((format(printf, 2, 3))) refuse(char *reason, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, VG_KEEP_REASON_SIZE, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

/* Whoever can't write the folder has no say in what is read, so that links aren't followed. */
static int read_file(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
		     char *reason)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return refuse(reason, "it is a symbolic link");
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return refuse(reason, "it is no regular file");
	if ((size_t)st.st_size > max_bytes)
		return refuse(reason, "it is larger than %zu bytes", max_bytes);
	return vg_file_read_fd(fd, (size_t)st.st_size, ret_text, ret_length);
}

int vg_keep_read(const char *path, const char *title, size_t max_bytes, char **ret_text,
		 size_t *ret_length, char reterr_reason[VG_KEEP_REASON_SIZE])
{
	_cleanup_free_ char *text = NULL;
	char expected[FIRST_LINE_SIZE];
	size_t first, length = 0;
	int r;

	r = read_file(path, max_bytes, &text, &length, reterr_reason);
	if (r < 0)
		return r;
	first = format_first_line(title, "", 0, expected);
	if (length < first)
		return refuse(reterr_reason, "it is cut off");
	if (strncmp(text, expected, first - strlen("01234567\n")) != 0)
		return refuse(reterr_reason, "it doesn't begin with '%s crc32 '", title);
	format_first_line(title, text + first, length - first, expected);
	if (strncmp(text, expected, first) != 0)
		return refuse(reterr_reason, "its checksum is wrong");
	memmove(text, text + first, length - first + 1);
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = length - first;
	return 0;
}
