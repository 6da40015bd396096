/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket in the file system: its name, its owner and its mode. */
#ifndef VPCGATE_LISTENER_H
#define VPCGATE_LISTENER_H

#include <sys/stat.h>
#include <sys/un.h>

#define VG_LISTENER_GROUP "vpcgate" /* its members may ask */

struct vg_listener {
	int fd; /* -1: none */
	struct sockaddr_un address;
	struct stat created; /* the socket's own inode */
};

/*
 * Listens on `path`, mode 0660; root gives it to the group, where there is one. A socket that nobody
 * listens on any more is replaced, a missing folder is made. `listener` is to be closed in any case.
 * -EADDRINUSE: somebody listens there; -EEXIST: it is no socket; -ENAMETOOLONG; others of the
 * kernel's.
 */
int vg_listener_open(const char *path, struct vg_listener *listener);

/* Removes the socket too, unless another has taken its name. */
void vg_listener_close(struct vg_listener *listener);

#endif
