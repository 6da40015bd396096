/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which local ports are held by sockets that wait for others to begin: TCP listeners, or UDP
 * sockets without a peer. A connection from such a port was opened by the other side.
 */
#ifndef VPCGATE_HOLDERS_H
#define VPCGATE_HOLDERS_H

#include <stdbool.h>
#include "core/prefix.h"

struct vg_holders;

int vg_holders_new(struct vg_holders **ret_holders);
void vg_holders_free_p(struct vg_holders **holders);

/*
 * The unspecified address holds the port on all addresses of its family; `::` also on those of IPv4
 * unless `v6only`. -ENOMEM.
 */
int vg_holders_add(struct vg_holders *holders, const struct vg_address *address, unsigned port,
		   bool v6only);

/* Once after the last vg_holders_add(), before the first vg_holders_hold(). */
void vg_holders_sort(struct vg_holders *holders);

bool vg_holders_hold(const struct vg_holders *holders, const struct vg_address *address,
		     unsigned port);

#endif
