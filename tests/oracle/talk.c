/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/talk.h"

#define ICMP 1
#define TCP 6
#define ICMPV6 58

void vg_talk_ip(const struct vg_talk *talk, bool out, struct vg_frame *frame)
{
	const struct vg_raw_address *source = out ? &talk->local : &talk->remote;
	const struct vg_raw_address *destination = out ? &talk->remote : &talk->local;

	if (source->family == 4)
		vg_frame_ipv4(frame, source, destination, 0, 0);
	else
		vg_frame_ipv6(frame, source, destination, 64);
}

void vg_talk_l4(const struct vg_talk *talk, bool out, __u8 tcp_flags, struct vg_frame *frame)
{
	const bool four = talk->local.family == 4;

	if (talk->protocol == (four ? ICMP : ICMPV6)) {
		const __u8 request = four ? 8 : 128, reply = four ? 0 : 129;

		vg_frame_icmp(frame, talk->protocol, out ? request : reply, talk->local_port);
	} else {
		vg_frame_l4(frame, talk->protocol, out ? talk->local_port : talk->remote_port,
			    out ? talk->remote_port : talk->local_port);
	}
	if (talk->protocol == TCP)
		vg_frame_tcp_flags(frame, tcp_flags);
	vg_frame_zeroes(frame, 4);
}

__u8 vg_talk_tcp_flags(struct vg_random *random)
{
	static const __u8 common[] = {
		VG_TCP_SYN,
		VG_TCP_SYN,
		VG_TCP_SYN,
		VG_TCP_SYN | VG_TCP_ACK,
		VG_TCP_ACK,
		VG_TCP_ACK,
		VG_TCP_FIN | VG_TCP_ACK,
		VG_TCP_RST,
		VG_TCP_RST | VG_TCP_ACK,
		VG_TCP_FIN,
		0,
	};

	return vg_random_chance(random, 92) ? VG_RANDOM_PICK(random, common)
					    : (__u8)vg_random_next(random);
}

void vg_talk_error(const struct vg_raw_address *source, __u8 type, const struct vg_frame *quoted,
		   size_t n, struct vg_frame *frame)
{
	const __u8 *ip = quoted->bytes + quoted->ip;
	const bool four = source->family == 4;
	const struct vg_raw_address to = vg_raw_from_bytes(source->family, ip + (four ? 12 : 8));
	const size_t left = quoted->length - quoted->ip;

	if (four)
		vg_frame_ipv4(frame, source, &to, 0, 0);
	else
		vg_frame_ipv6(frame, source, &to, 64);
	vg_frame_icmp(frame, four ? ICMP : ICMPV6, type, 0);
	vg_frame_bytes(frame, ip, n < left ? n : left);
}

__u8 vg_talk_error_type(struct vg_random *random, unsigned family)
{
	static const __u8 types4[] = {3, 3, 3, 11, 11, 12, 4, 5, 0, 8, 1, 2};
	static const __u8 types6[] = {1, 1, 2, 2, 3, 4, 0, 5, 11, 12, 129};

	return family == 4 ? VG_RANDOM_PICK(random, types4) : VG_RANDOM_PICK(random, types6);
}
