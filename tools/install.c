/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/keep.h"
#include "share/wire.h"
#include "tools/install.h"

#define STAGED_MODE 0640
#define CONFIG_MODE 0644
#define LOCK_S 15
#define LOCK_TRIES_PER_S 10

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

/* Whoever has it needs it for no longer than the daemon takes to answer. */
static int lock_folder(const char *path, struct vg_install *install)
{
	_cleanup_free_ char *folder = NULL;

	if (asprintf(&folder, "%.*s.", folder_length(path), path) < 0) {
		folder = NULL;
		return -ENOMEM;
	}
	install->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (install->folder < 0)
		return -errno;
	install->locked = true;
	for (int i = 0; i < LOCK_S * LOCK_TRIES_PER_S; i++) {
		if (flock(install->folder, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		nanosleep(&(struct timespec){.tv_nsec = 1000000000 / LOCK_TRIES_PER_S}, NULL);
	}
	return -EBUSY;
}

int vg_install_prepare(const char *path, const char *text, size_t length,
		       struct vg_install *ret_install)
{
	struct stat like = {.st_mode = CONFIG_MODE, .st_uid = geteuid(), .st_gid = getegid()};
	_cleanup_(vg_install_done) struct vg_install install = {};
	int r;

	r = lock_folder(path, &install);
	if (r < 0)
		return r;
	if (lstat(path, &like) < 0 && errno != ENOENT)
		return -errno;
	if (S_ISLNK(like.st_mode))
		return -ELOOP;
	install.path = strdup(path);
	if (!install.path || asprintf(&install.aside, "%s.XXXXXX.new", path) < 0) {
		install.aside = NULL;
		return -ENOMEM;
	}
	r = write_new(install.aside, strlen(".new"), &like, like.st_mode & 0777, text, length);
	if (r < 0) {
		free(install.aside); /* it is removed already */
		install.aside = NULL;
		return r;
	}
	*ret_install = install;
	install = (struct vg_install){};
	return 0;
}

enum vg_exit vg_install_error(const char *path, int error)
{
	if (error == -ELOOP)
		return vg_cli_error("%s is a symbolic link: change what it leads to, and `vpcgate "
				    "apply` without a file",
				    path);
	if (error == -EBUSY)
		return vg_cli_error(
			"%s can't be replaced: another vpcgate has been about to for %d s; "
			"try again once that has ended",
			path, LOCK_S);
	return vg_cli_error("%s can't be replaced: %s%s", path, strerror(-error),
			    error == -EACCES || error == -EPERM ? "; run vpcgate as root" : "");
}

enum vg_exit vg_install_commit(struct vg_install *install)
{
	if (rename(install->aside, install->path) < 0)
		return vg_install_error(install->path, -errno);
	free(install->aside);
	install->aside = NULL;
	/* Until the folder is on disk a power failure may take the rename back. */
	return fsync(install->folder) < 0 ? vg_install_error(install->path, -errno) : VG_EXIT_DONE;
}

void vg_install_done(struct vg_install *install)
{
	if (install->aside)
		unlink(install->aside);
	free(install->aside);
	free(install->path);
	if (install->locked)
		close(install->folder);
	*install = (struct vg_install){};
}
