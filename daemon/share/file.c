/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "share/cleanup.h"
#include "share/file.h"

/* Of a file that is read in pieces: what stays in a cache. */
#define PIECE_BYTES 65536

int vg_file_read_fd(int fd, size_t expected, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, allocated = 0;

	for (;;) {
		ssize_t n;

		if (length + 1 >= allocated) {
			char *grown;

			allocated = allocated ? allocated * 2 : expected + 2;
			grown = realloc(text, allocated);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read(fd, text + length, allocated - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += n;
		if (length > VG_FILE_MAX_BYTES)
			return -EFBIG;
	}
	text[length] = '\0';
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

/* How many of these bytes come before the end of the last line. */
static size_t whole_lines(const char *text, size_t length)
{
	const char *newline = memrchr(text, '\n', length);

	return newline ? newline - text + 1 : 0;
}

/* Hands over whole lines until the file ends. A longer line makes the buffer grow. */
static int read_pieces(int fd, vg_take_lines *take, void *to)
{
	_cleanup_free_ char *buffer = NULL;
	size_t allocated = 0, used = 0, whole, total = 0;
	ssize_t n;
	int r;

	do {
		if (used + 1 >= allocated) {
			char *grown;

			allocated = allocated ? allocated * 2 : PIECE_BYTES;
			grown = realloc(buffer, allocated);
			if (!grown)
				return -ENOMEM;
			buffer = grown;
		}
		n = read(fd, buffer + used, allocated - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		total += n;
		if (total > VG_FILE_MAX_BYTES)
			return -EFBIG;
		used += n;
		whole = n ? whole_lines(buffer, used) : used;
		buffer[used] = '\0';
		r = take(to, buffer, whole);
		if (r < 0)
			return r;
		used -= whole;
		memmove(buffer, buffer + whole, used);
	} while (n);
	return 0;
}

static int open_regular(const char *path, int *ret_fd, size_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > (off_t)VG_FILE_MAX_BYTES)
		return -EFBIG;
	*ret_fd = VG_TAKE_FD(fd);
	*ret_size = st.st_size;
	return 0;
}

int vg_file_read(const char *path, char **ret_text, size_t *ret_length)
{
	_cleanup_close_ int fd = -1;
	size_t size;
	int r;

	r = open_regular(path, &fd, &size);
	return r < 0 ? r : vg_file_read_fd(fd, size, ret_text, ret_length);
}

static int read_file(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	(void)context;
	return vg_file_read(path, ret_text, ret_length);
}

static int read_file_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	_cleanup_close_ int fd = -1;
	size_t size;
	int r;

	(void)context;
	r = open_regular(path, &fd, &size);
	return r < 0 ? r : read_pieces(fd, take, to);
}

const struct vg_reader vg_file_reader = {.read = read_file, .read_lines = read_file_lines};
