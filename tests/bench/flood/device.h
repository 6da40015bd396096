/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What /sys and /proc say of a network device and its NAPI thread. Ends the program where they don't. */
#ifndef VPCGATE_FLOOD_DEVICE_H
#define VPCGATE_FLOOD_DEVICE_H

#include <sys/types.h>
#include <linux/types.h>

/* ifindex of the other end of a veth pair. */
unsigned device_peer(const char *device);
/* Frames that the device's NAPI took from its ring, whatever became of them. */
__u64 device_received(const char *device);

/* CPU time of a thread that sleeps: of one that runs, the kernel is some milliseconds behind. */
__u64 thread_cpu_ns(pid_t thread);

#endif
