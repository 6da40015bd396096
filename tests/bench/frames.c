// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/frames.h"

#define LEAST_FRAME 64 /* bytes of Ethernet, without the checksum */

void make_frame(const struct packet *packet, struct vg_frame *frame)
{
	const struct vg_raw_address source = vg_raw_address(packet->source);
	const struct vg_raw_address destination = vg_raw_address(packet->destination);
	size_t l4;

	vg_frame_begin(frame);
	if (source.family == 4)
		vg_frame_ipv4(frame, &source, &destination, 0, 0);
	else
		vg_frame_ipv6(frame, &source, &destination, 64);
	l4 = frame->length;
	vg_frame_l4(frame, packet->protocol, packet->source_port, packet->port);
	if (packet->tcp_flags)
		frame->bytes[l4 + 13] = packet->tcp_flags;
	vg_frame_finish(frame);
	if (frame->length < LEAST_FRAME)
		vg_frame_zeroes(frame, LEAST_FRAME - frame->length);
}
