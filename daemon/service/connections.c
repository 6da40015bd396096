/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service/connections.h"
#include "service/gate.h"
#include "service/routes.h"
#include "share/cleanup.h"

/* A policy may be large, and nothing else is answered meanwhile. */
#define PATIENCE_US 2000000

struct judge {
	const struct vg_regime *now, *then;
	uint64_t end_us;
	struct vg_routes *routes;
	struct vg_holders *holders;
	struct vg_connections *connections;
};

static void describe(const struct judge *judge, const struct vg_socket *socket, bool inbound,
		     unsigned ifindex, const struct vg_answer *answer, struct vg_cut *refused)
{
	const struct vg_wanted *nic = vg_regime_nic(judge->then, ifindex);

	*refused = (struct vg_cut){
		.socket = *socket,
		.inbound = inbound,
		.outcome = answer->outcome,
	};
	snprintf(refused->interface, sizeof(refused->interface), "%.*s", IF_NAMESIZE - 1,
		 nic->name);
	if (answer->service >= 0)
		memcpy(refused->service, judge->then->policy->services[answer->service].name,
		       sizeof(refused->service));
}

static bool is_cut(const struct judge *judge, const struct vg_socket *socket, bool inbound,
		   unsigned ifindex, struct vg_cut *refused)
{
	struct vg_answer before, after;

	if (!vg_regime_passes(judge->now, ifindex, socket, inbound, &before) ||
	    vg_regime_passes(judge->then, ifindex, socket, inbound, &after))
		return false;
	describe(judge, socket, inbound, ifindex, &after, refused);
	return true;
}

/*
 * A VLAN or a bond on a filtered NIC is no NIC of the policy; its packets come by that NIC all the
 * same: those of such an interface are refused where any NIC would.
 */
static int is_refused(const struct judge *judge, const struct vg_socket *socket, bool inbound,
		      struct vg_cut *refused)
{
	const struct vg_regime *then = judge->then;
	struct vg_way way;
	int r;

	r = vg_routes_find(judge->routes, &socket->remote, &socket->local, 0, &way);
	if (r < 0 || way.side != VG_SIDE_OUTSIDE)
		return r < 0 ? r : 0;
	if (vg_regime_nic(then, way.ifindex))
		return is_cut(judge, socket, inbound, way.ifindex, refused);
	for (size_t i = 0; i < then->n_wanted; i++)
		if (then->wanted[i].ifindex &&
		    is_cut(judge, socket, inbound, then->wanted[i].ifindex, refused))
			return true;
	return false;
}

/* The NICs of `then`: others aren't filtered by it. */
static int open_routes(struct judge *judge)
{
	_cleanup_free_ unsigned *list = calloc(judge->then->n_wanted + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < judge->then->n_wanted; i++)
		if (judge->then->wanted[i].ifindex)
			list[n++] = judge->then->wanted[i].ifindex;
	return vg_routes_open(list, n, &judge->routes);
}

int vg_connections_judge_one(const struct vg_regime *now, const struct vg_regime *then,
			     const struct vg_socket *socket, struct vg_cut *ret_refused)
{
	struct judge judge = {.now = now, .then = then};
	struct vg_way way = {};
	int r;

	r = open_routes(&judge);
	if (r >= 0)
		r = vg_routes_find(judge.routes, &socket->local, NULL, 0, &way);
	if (r >= 0 && way.side == VG_SIDE_LOCAL)
		r = is_refused(&judge, socket, true, ret_refused);
	vg_routes_close_p(&judge.routes);
	return r;
}

static int on_connection(const struct vg_socket *socket, void *context)
{
	struct judge *judge = context;
	struct vg_connections *connections = judge->connections;
	const bool inbound = vg_holders_hold(judge->holders, &socket->local, socket->local_port);
	struct vg_cut refused;
	int r;

	if (!vg_socket_is_outside(socket))
		return 0;
	connections->n++;
	if (vg_gate_now_us() >= judge->end_us) {
		connections->n_unjudged++;
		return 0;
	}
	r = is_refused(judge, socket, inbound, &refused);
	if (r <= 0)
		return r;
	if (connections->n_refused < VG_CONNECTIONS_LISTED)
		connections->refused[connections->n_refused] = refused;
	connections->n_refused++;
	return 0;
}

int vg_connections_judge(const struct vg_regime *now, const struct vg_regime *then,
			 struct vg_connections *ret_connections)
{
	struct judge judge = {
		.now = now,
		.then = then,
		.end_us = vg_gate_now_us() + PATIENCE_US,
		.connections = ret_connections,
	};
	int r;

	*ret_connections = (struct vg_connections){0};
	r = vg_holders_new(&judge.holders);
	if (r >= 0)
		r = vg_sockets_read_holders(IPPROTO_TCP, judge.holders);
	if (r >= 0)
		r = open_routes(&judge);
	if (r >= 0)
		r = vg_sockets_each_connection(on_connection, &judge);
	vg_routes_close_p(&judge.routes);
	vg_holders_free_p(&judge.holders);
	return r;
}
