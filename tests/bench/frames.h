/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_BENCH_FRAMES_H
#define VPCGATE_BENCH_FRAMES_H

#include "tests/oracle/frame.h"

struct packet {
	const char *source, *destination;
	__u8 protocol;
	__u16 source_port, port;
	__u8 tcp_flags; /* 0: SYN */
};

void make_frame(const struct packet *packet, struct vg_frame *frame);

#endif
