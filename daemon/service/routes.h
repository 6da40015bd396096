/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* On which side of the filtered NICs an address lives, as the kernel would route to it. */
#ifndef VPCGATE_ROUTES_H
#define VPCGATE_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include "core/prefix.h"

enum vg_side {
	VG_SIDE_NONE,	 /* no unicast route */
	VG_SIDE_LOCAL,	 /* an address of this host */
	VG_SIDE_INSIDE,	 /* by another interface, as pods are */
	VG_SIDE_OUTSIDE, /* by a filtered NIC */
};

struct vg_way {
	enum vg_side side;
	unsigned ifindex; /* where packets to it leave; 0 where there is no route */
};

/* How links lie on each other: a VLAN on its NIC (`lower`), a NIC in its bond (`master`). */
struct vg_stacked_link {
	unsigned ifindex;
	unsigned lower, master; /* 0: none */
};

/*
 * Adds to the `n` interfaces in `set` those whose frames pass through one of them. `set` has room
 * for `n` and all links. Returns how many there are now.
 */
size_t vg_routes_spread(const struct vg_stacked_link *links, size_t n_links, unsigned *set,
			size_t n);

struct vg_routes;

/* The NICs are those that are filtered. -ENOMEM, -EPERM, -EIO. */
int vg_routes_open(const unsigned *ifindexes, size_t n, struct vg_routes **ret_routes);
void vg_routes_close_p(struct vg_routes **routes);

/*
 * Asks the kernel, or remembers, how it routes to an address from `source`, or from nowhere in
 * particular where that is NULL. `arrival` is the interface that packets from `source` come in by,
 * 0 where it is an address of this host. -ENOMEM, -EIO; an address without a route is no error.
 */
int vg_routes_find(struct vg_routes *routes, const struct vg_address *address,
		   const struct vg_address *source, unsigned arrival, struct vg_way *ret_route);

#endif
