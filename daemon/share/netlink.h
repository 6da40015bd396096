/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One question to the kernel over netlink, and all that answers it. */
#ifndef VPCGATE_NETLINK_H
#define VPCGATE_NETLINK_H

#include <linux/netlink.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

/* -EPROTONOSUPPORT: the kernel doesn't have it; -EPERM, -ENOMEM, -EIO. */
int vg_netlink_open(int protocol, struct nl_sock **ret_socket);
void vg_netlink_close_p(struct nl_sock **socket);

/* For the cleanup attribute. */
static inline void vg_netlink_message_p(struct nl_msg **message)
{
	nlmsg_free(*message);
}

/* Interrupted dumps are asked for again; after so many of them what was seen stands. */
#define VG_NETLINK_ATTEMPTS 4

/*
 * Sends `message`, which stays the caller's, and calls `each` for every message of the answer; it
 * may see a thing twice. Where it fails the rest is read and forgotten. Returns a negative errno of
 * the kernel's or of `each`, -ENOMEM, or -EIO where the answer couldn't be read.
 */
int vg_netlink_ask(struct nl_sock *socket, struct nl_msg *message,
		   int (*each)(const struct nlmsghdr *header, void *context), void *context);

/* The same over a socket of its own; also fails as vg_netlink_open() does. */
int vg_netlink_dump(int protocol, struct nl_msg *message,
		    int (*each)(const struct nlmsghdr *header, void *context), void *context);

#endif
