/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the TCP connections that are open now another policy would cut off. */
#ifndef VPCGATE_CONNECTIONS_H
#define VPCGATE_CONNECTIONS_H

#include <net/if.h>
#include "service/regime.h"

#define VG_CONNECTIONS_LISTED 100

struct vg_cut {
	struct vg_socket socket;
	bool inbound;
	char interface[IF_NAMESIZE]; /* by which its packets come */
	enum vg_outcome outcome;
	char service[VG_NAME_SIZE]; /* that decides, or "" */
};

struct vg_connections {
	size_t n;	   /* with somebody outside of this host */
	size_t n_unjudged; /* of those, not looked at for lack of time */
	size_t n_refused;
	struct vg_cut refused[VG_CONNECTIONS_LISTED]; /* the first of them */
};

/*
 * Those that pass now, and wouldn't then. A connection is taken to come by the NIC that the kernel
 * would answer it by. Fails as vg_sockets_each_connection() and vg_routes_find().
 */
int vg_connections_judge(const struct vg_regime *now, const struct vg_regime *then,
			 struct vg_connections *ret_connections);

/*
 * The same of a connection from outside that is known by its ends; one of another host is none.
 * Returns whether it would be cut off, and how in `ret_refused`.
 */
int vg_connections_judge_one(const struct vg_regime *now, const struct vg_regime *then,
			     const struct vg_socket *socket, struct vg_cut *ret_refused);

#endif
