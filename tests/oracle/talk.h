/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets of one conversation between this host and another, both ways, and errors about them. */
#ifndef VPCGATE_TESTS_TALK_H
#define VPCGATE_TESTS_TALK_H

#include "tests/oracle/frame.h"
#include "tests/oracle/random.h"

struct vg_talk {
	struct vg_raw_address local, remote;
	__u8 protocol;
	__u16 local_port, remote_port; /* ICMP: the identifier is local_port */
};

#define VG_TCP_FIN 0x01
#define VG_TCP_SYN 0x02
#define VG_TCP_RST 0x04
#define VG_TCP_ACK 0x10

/* Adds the IP header of one direction; comes after vg_frame_begin() and any tags. */
void vg_talk_ip(const struct vg_talk *talk, bool out, struct vg_frame *frame);

/*
 * Adds the L4 header and a few bytes; the family's own ICMP is an echo request or its reply.
 * `tcp_flags` are used with TCP alone.
 */
void vg_talk_l4(const struct vg_talk *talk, bool out, __u8 tcp_flags, struct vg_frame *frame);

/* Flags as they come: mostly those of a connection that opens, goes on and ends. */
__u8 vg_talk_tcp_flags(struct vg_random *random);

/*
 * An ICMP error from `source` about a packet of the conversation, which `quoted` is: a frame with an
 * IP header, of which at most `n` bytes are quoted from there on.
 */
void vg_talk_error(const struct vg_raw_address *source, __u8 type, const struct vg_frame *quoted,
		   size_t n, struct vg_frame *frame);

/* A type that such an error has, or one beside it. */
__u8 vg_talk_error_type(struct vg_random *random, unsigned family);

#endif
