/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "share/cleanup.h"
#include "share/keep.h"
#include "share/wire.h"
#include "tools/install.h"

#define STAGED_MODE 0640
#define CONFIG_MODE 0644

/* Up to the last slash, and that included. */
static int folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash + 1 - path) : 0;
}

/* `path` ends with XXXXXX, `suffix` included, as mkostemps() wants it; it is removed on failure. */
static int write_new(char *path, int suffix, const struct stat *like, mode_t mode, const char *text,
		     size_t length)
{
	_cleanup_close_ int fd = mkostemps(path, suffix, O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	/* Only root may give it away; whoever else comes as far is the owner. */
	if (fchown(fd, geteuid() == 0 ? like->st_uid : (uid_t)-1, like->st_gid) < 0 ||
	    fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0)
		r = vg_keep_append(fd, text, length);
	if (r < 0)
		unlink(path);
	return r;
}

/* ---- for the daemon to read ---- */

static int path_beside_socket(const struct vg_cli *cli, const char *name, char **ret_path)
{
	if (asprintf(ret_path, "%.*s%s", folder_length(cli->socket), cli->socket, name) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

enum vg_exit vg_stage_write(const struct vg_cli *cli, const char *text, size_t length,
			    char **ret_name)
{
	_cleanup_free_ char *path = NULL;
	struct stat socket;
	int r;

	r = path_beside_socket(cli, VG_WIRE_STAGED "XXXXXX", &path);
	if (r == 0 && stat(cli->socket, &socket) < 0)
		r = -errno;
	if (r == 0)
		r = write_new(path, 0, &socket, STAGED_MODE, text, length);
	if (r == 0) {
		*ret_name = strdup(path + folder_length(path));
		if (*ret_name)
			return VG_EXIT_DONE;
		unlink(path);
		r = -ENOMEM;
	}
	return vg_cli_error("cannot hand the config over beside %s: %s%s", cli->socket,
			    strerror(-r), r == -EACCES ? "; run vpcgate as root" : "");
}

void vg_stage_remove(const struct vg_cli *cli, char *name)
{
	_cleanup_free_ char *path = NULL;

	if (name && path_beside_socket(cli, name, &path) == 0)
		unlink(path);
	free(name);
}

/* ---- in place of the config ---- */

int vg_install_prepare(const char *path, const char *text, size_t length,
		       struct vg_install *ret_install)
{
	struct stat like = {.st_mode = CONFIG_MODE, .st_uid = geteuid(), .st_gid = getegid()};
	_cleanup_free_ char *aside = NULL, *copy = NULL;
	int r;

	if (lstat(path, &like) < 0 && errno != ENOENT)
		return -errno;
	if (S_ISLNK(like.st_mode))
		return -ELOOP;
	copy = strdup(path);
	if (!copy || asprintf(&aside, "%s.XXXXXX.new", path) < 0)
		return -ENOMEM;
	r = write_new(aside, strlen(".new"), &like, like.st_mode & 0777, text, length);
	if (r < 0)
		return r;
	*ret_install = (struct vg_install){VG_TAKE_PTR(copy), VG_TAKE_PTR(aside)};
	return 0;
}

enum vg_exit vg_install_error(const char *path, int error)
{
	if (error == -ELOOP)
		return vg_cli_error("%s is a symbolic link: change what it leads to, and `vpcgate "
				    "apply` without a file",
				    path);
	return vg_cli_error("%s can't be replaced: %s%s", path, strerror(-error),
			    error == -EACCES || error == -EPERM ? "; run vpcgate as root" : "");
}

enum vg_exit vg_install_commit(struct vg_install *install)
{
	_cleanup_free_ char *folder = NULL;
	_cleanup_close_ int fd = -1;

	if (rename(install->aside, install->path) < 0)
		return vg_install_error(install->path, -errno);
	free(install->aside);
	install->aside = NULL;
	/* Until the folder is on disk a power failure may take the rename back. */
	if (asprintf(&folder, "%.*s.", folder_length(install->path), install->path) < 0)
		folder = NULL;
	fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0 || fsync(fd) < 0)
		return vg_install_error(install->path, fd < 0 ? -EIO : -errno);
	return VG_EXIT_DONE;
}

void vg_install_done(struct vg_install *install)
{
	if (install->aside)
		unlink(install->aside);
	free(install->aside);
	free(install->path);
	*install = (struct vg_install){};
}
