/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connection as ctnetlink's messages have it: to enter one, and as a dump tells it. */
#ifndef VPCGATE_TRACK_H
#define VPCGATE_TRACK_H

#include <stdbool.h>

struct nl_msg;

struct vg_track_tuple {
	const char *source;
	unsigned source_port; /* ICMP: the identifier, of the tuple's sender or receiver */
	const char *destination;
	unsigned destination_port;
};

struct vg_track {
	int protocol;
	struct vg_track_tuple original, reply;
	int state; /* enum tcp_conntrack, TCP alone */
	bool answered;
	int icmp_type; /* of the original */
};

/* Heap. Its type is IPCTNL_MSG_CT_NEW, as in dumps. */
struct nl_msg *vg_track_message(const struct vg_track *track);

#endif
