/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Listening TCP sockets: of one's own, or that somebody else has made. */
#ifndef VPCGATE_LISTENING_H
#define VPCGATE_LISTENING_H

#include "share/message.h"

#define VG_LISTENING_NAME_SIZE 64

/*
 * Listens on an IPv4 or IPv6 address that the machine needn't have so far; port 0 takes a free one. Never
 * waits in accept(). -EINVAL: no address; or errno, such as -EADDRINUSE.
 */
int vg_listening_open(const char *address, unsigned port, int *ret_fd);

/*
 * Is it a TCP socket that listens on that address and port (0: any)? Then `ret_name` is "127.0.0.1:9820" or
 * "[::1]:9820". -EPROTO. Whoever keeps a copy of it can still take connections away, and make accept() wait.
 */
int vg_listening_check(int fd, const char *address, unsigned port,
		       char ret_name[VG_LISTENING_NAME_SIZE]);

/* What vpcgate-outside is asked for; the answer is an errno, or 0 and the socket. */
void vg_listening_put(struct vg_message *message, const char *address, unsigned port);
int vg_listening_take(struct vg_fields *fields, const char **ret_address, unsigned *ret_port);

#endif
