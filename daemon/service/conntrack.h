/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The connections that nf_conntrack knows: this host's own and those of its pods. */
#ifndef VPCGATE_CONNTRACK_H
#define VPCGATE_CONNTRACK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include "core/prefix.h"
#include "service/holders.h"
#include "service/routes.h"
#include "service/seedlist.h"

struct vg_tuple {
	struct vg_address source, destination;
	unsigned source_port, destination_port; /* ICMP echo: 0 and the identifier */
};

struct vg_tracked {
	int protocol;
	struct vg_tuple original; /* as its first packet was */
	struct vg_tuple reply;	  /* as answers arrive, before NAT is undone */
	enum vg_flow_state state;
};

/*
 * One message of a dump. -EBADMSG: it isn't a connection's; -ENOENT: a connection that nobody will
 * answer any more, or of an ICMP type that has no answers.
 */
int vg_conntrack_parse(const struct nlmsghdr *header, struct vg_tracked *ret_tracked);

/*
 * Adds the connections that begin at this host or behind it and whose answers come in by a filtered
 * NIC. Of this host's own TCP, those whose local port `tcp` holds count as begun by the other side:
 * conntrack takes the first packet that it sees for the first there was. -ENOENT: this kernel has no
 * connection tracking, or has not loaded it; -EPERM, -ENOMEM, -EIO.
 */
int vg_conntrack_read_outbound(struct vg_routes *routes, const struct vg_holders *tcp,
			       struct vg_seeds *seeds);

#endif
