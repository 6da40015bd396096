/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One round of the flood against one device. */
#ifndef VPCGATE_FLOOD_ROUND_H
#define VPCGATE_FLOOD_ROUND_H

#include <linux/types.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The time of full polls is that of the median one, in ns a frame; NAN where no poll was full. `paced`:
 * in bursts that leave the receiver time for each. `flat_out`: as fast as the sender can.
 */
struct round_figures {
	double paced_ns, flat_out_ns;
	unsigned paced_polls, flat_out_polls; /* that were full */
	double thread_ns;		      /* flat out: all CPU time of the thread by frames */
	double mpps; /* flat out: millions of frames that it received a second */
};

/* `thread` is that of the device's NAPI. */
void round_run(const char *device, pid_t thread, const __be32 *sources_be, size_t n,
	       struct round_figures *ret_figures);

#endif
