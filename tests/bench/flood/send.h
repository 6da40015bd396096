/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the program that sends and its driver share. */
#ifndef VPCGATE_FLOOD_SEND_H
#define VPCGATE_FLOOD_SEND_H

#include <linux/types.h>

#define FLOOD_MAX_SOURCES 131072 /* a power of two */
#define FLOOD_LEAD 16		 /* bytes before the frame, which the program takes off */

struct flood_settings {
	__u32 ifindex;	 /* where frames leave */
	__u32 n_sources; /* which take turns */
	__u32 next;
	__u16 check; /* of the IP header, with source 0.0.0.0 */
	__u16 pad;
	__u32 burst;		   /* frames that are sent at once */
	__u32 left;		   /* of the burst */
	__u64 interval_ns, due_ns; /* of bursts */
};

#endif
