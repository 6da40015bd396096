/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include "service/listener.h"
#include "share/cleanup.h"
#include "share/log.h"

/* Only one level: /run/vpcgate below /run. */
static int make_folder(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	char *slash;

	if (!folder)
		return -ENOMEM;
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return mkdir(folder, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* 0: nobody listens there (any more); -EADDRINUSE: somebody does. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: its backlog is full, so there is a listener. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

/* Another user than root can't give anything away; the socket has the group that the daemon runs as. */
static void give_to_group(const char *path)
{
	const struct group *group;

	if (geteuid() != 0)
		return;
	group = getgrnam(VG_LISTENER_GROUP);
	if (!group)
		vg_log_info("control socket: there is no group " VG_LISTENER_GROUP
			    ": only root may ask");
	else if (lchown(path, -1, group->gr_gid) < 0)
		vg_log_warn("control socket: %s: the group " VG_LISTENER_GROUP " can't have it: "
			    "only root may ask",
			    strerror(errno));
}

static int listen_on(struct vg_listener *listener)
{
	const char *path = listener->address.sun_path;
	mode_t mask;
	int r;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	/* The mode counts from the moment the name exists. */
	mask = umask(0117);
	r = bind(listener->fd, (struct sockaddr *)&listener->address, sizeof(listener->address));
	umask(mask);
	if (r < 0 || lstat(path, &listener->created) < 0)
		return -errno;
	give_to_group(path);
	return listen(listener->fd, SOMAXCONN) < 0 ? -errno : 0;
}

int vg_listener_open(const char *path, struct vg_listener *listener)
{
	int r;

	*listener = (struct vg_listener){.fd = -1, .address.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(listener->address.sun_path))
		return -ENAMETOOLONG;
	strcpy(listener->address.sun_path, path);
	r = make_folder(path);
	if (r >= 0)
		r = remove_stale(&listener->address);
	return r < 0 ? r : listen_on(listener);
}

void vg_listener_close(struct vg_listener *listener)
{
	struct stat st;

	/* The inode of ours is not reused while ours is open. */
	if (listener->created.st_ino && lstat(listener->address.sun_path, &st) == 0 &&
	    st.st_ino == listener->created.st_ino && st.st_dev == listener->created.st_dev)
		unlink(listener->address.sun_path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = (struct vg_listener){.fd = -1};
}
