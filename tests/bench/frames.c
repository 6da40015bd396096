// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/frames.h"

#define LEAST_FRAME 64 /* bytes of Ethernet, without the checksum */
#define LATER_OFFSET 1480
#define NEIGHBOUR_SOLICITATION 135
#define HOP_LIMIT 255

static void add_ip4(const struct packet *packet, struct vg_frame *frame)
{
	static const __u16 fields[] = {
		[PIECE_WHOLE] = 0,
		[PIECE_FIRST] = VG_FRAGMENT_MORE,
		[PIECE_LATER] = LATER_OFFSET / 8,
	};
	const struct vg_raw_address source = vg_raw_address(packet->source);
	const struct vg_raw_address destination = vg_raw_address(packet->destination);

	vg_frame_ipv4(frame, &source, &destination, fields[packet->piece], packet->options);
}

static void add_ip6(const struct packet *packet, struct vg_frame *frame)
{
	const struct vg_raw_address source = vg_raw_address(packet->source);
	const struct vg_raw_address destination = vg_raw_address(packet->destination);

	vg_frame_ipv6(frame, &source, &destination, HOP_LIMIT);
	for (unsigned i = 0; i < packet->extensions; i++)
		vg_frame_extension(frame, VG_EXT_DESTINATION, 0);
	if (packet->piece != PIECE_WHOLE)
		vg_frame_fragment(frame, packet->piece == PIECE_LATER ? LATER_OFFSET : 0,
				  packet->piece == PIECE_FIRST);
}

void frames_make(const struct packet *packet, struct vg_frame *ret_frame)
{
	struct vg_frame *frame = ret_frame;

	vg_frame_begin(frame);
	for (unsigned i = 0; i < packet->tags; i++)
		vg_frame_tag(frame, VG_TYPE_VLAN, 7);
	if (vg_raw_address(packet->source).family == 4)
		add_ip4(packet, frame);
	else
		add_ip6(packet, frame);
	if (packet->protocol == IPPROTO_ICMPV6)
		vg_frame_icmp6(frame, NEIGHBOUR_SOLICITATION);
	else
		vg_frame_l4(frame, packet->protocol, packet->source_port, packet->port);
	if (packet->tcp_flags)
		vg_frame_tcp_flags(frame, packet->tcp_flags);
	vg_frame_finish(frame);
	if (frame->length < LEAST_FRAME)
		vg_frame_zeroes(frame, LEAST_FRAME - frame->length);
}
