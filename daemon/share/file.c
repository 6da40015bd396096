/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <sys/stat.h>
#include "share/cleanup.h"
#include "share/file.h"

/* The size is a first guess only: the file may grow while it is read, and procfs says 0. */
static int read_whole(int fd, size_t expected, char **ret_text, size_t *ret_length)
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

int vg_file_read(const char *path, char **ret_text, size_t *ret_length)
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
	return read_whole(fd, st.st_size, ret_text, ret_length);
}

static int read_file(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	(void)context;
	return vg_file_read(path, ret_text, ret_length);
}

const struct vg_reader vg_file_reader = {.read = read_file};
