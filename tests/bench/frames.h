/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The frames of the benchmark, of 64 bytes where their headers fit into that. */
#ifndef VPCGATE_BENCH_FRAMES_H
#define VPCGATE_BENCH_FRAMES_H

#include <netinet/in.h>
#include "tests/oracle/frame.h"

#define HOST4 "10.128.0.2"
#define HOST6 "fd20:1:2::2"
#define OUTSIDE4 "203.0.113.9"
#define OUTSIDE6 "2001:db8::9"
#define INSIDE4 "10.128.0.9"
#define INSIDE6 "fd20:1:2::9"

#define TCP_ACK 0x10

enum piece { PIECE_WHOLE, PIECE_FIRST, PIECE_LATER };

/* IPPROTO_ICMPV6 is a neighbour solicitation; TCP is a SYN unless it has other flags. */
struct packet {
	const char *source, *destination;
	__u8 protocol, tcp_flags;
	__u16 source_port, port;
	__u8 tags;	 /* of VLANs */
	__u8 options;	 /* 32-bit words behind the IPv4 header */
	__u8 extensions; /* headers of 8 bytes behind the IPv6 header */
	enum piece piece;
};

/* What the rest of the arguments says of tags, options and the like comes on top. */
#define TCP(from, to, from_port, to_port, ...) \
	PACKET(IPPROTO_TCP, from, to, from_port, to_port, ##__VA_ARGS__)
#define UDP(from, to, from_port, to_port, ...) \
	PACKET(IPPROTO_UDP, from, to, from_port, to_port, ##__VA_ARGS__)
#define PACKET(number, from, to, from_port, to_port, ...)                    \
	{                                                                    \
		.protocol = (number), .source = (from), .destination = (to), \
		.source_port = (from_port), .port = (to_port), ##__VA_ARGS__ \
	}

void frames_make(const struct packet *packet, struct vg_frame *ret_frame);

#endif
