/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The TCP and UDP sockets of this network namespace, from sock_diag. */
#ifndef VPCGATE_SOCKETS_H
#define VPCGATE_SOCKETS_H

#include <linux/netlink.h>
#include <stdbool.h>
#include "core/prefix.h"
#include "service/holders.h"
#include "service/seedlist.h"

struct vg_socket {
	int state; /* as <netinet/tcp.h> numbers them, for UDP too */
	struct vg_address local, remote;
	unsigned local_port, remote_port;
	bool v6only;
};

/* One message of a dump; IPv4-mapped addresses become IPv4. -EBADMSG: it isn't a socket's. */
int vg_socket_parse(const struct nlmsghdr *header, struct vg_socket *ret_socket);

/* Is it a conversation with another host? Not loopback, nor with an address of its own. */
bool vg_socket_is_outside(const struct vg_socket *socket);

/*
 * Is it a conversation that this side opened? Not where `holders` hold its local port. Loopback is
 * no conversation with the outside.
 */
bool vg_socket_is_outbound(const struct vg_socket *socket, int protocol,
			   const struct vg_holders *holders, struct vg_seed *ret_seed);

/*
 * Both for IPPROTO_TCP or IPPROTO_UDP. Fail as vg_netlink_dump() does; -ENOENT or -EINVAL where the
 * kernel can't list that protocol.
 */
int vg_sockets_read_holders(int protocol, struct vg_holders *holders);
int vg_sockets_read_outbound(int protocol, const struct vg_holders *holders,
			     struct vg_seeds *seeds);

/* TCP connections, whoever opened them. Ends early with what `each` returns below 0. */
int vg_sockets_each_connection(int (*each)(const struct vg_socket *socket, void *context),
			       void *context);

#endif
