/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames from outside to inside: begin, tags, type, IP header, extension headers, L4, then finish,
 * which fills in the IP length. No checksums: the datapath reads none.
 */
#ifndef VPCGATE_TESTS_FRAME_H
#define VPCGATE_TESTS_FRAME_H

#include "tests/oracle/raw.h"

#define VG_FRAME_MAX 1536

#define VG_TYPE_IPV4 0x0800
#define VG_TYPE_ARP 0x0806
#define VG_TYPE_VLAN 0x8100
#define VG_TYPE_IPV6 0x86dd
#define VG_TYPE_QINQ 0x88a8

/* IPv6 extension headers, by number. */
#define VG_EXT_HOP_BY_HOP 0
#define VG_EXT_ROUTING 43
#define VG_EXT_FRAGMENT 44
#define VG_EXT_AH 51
#define VG_EXT_DESTINATION 60

/* The fragment field of IPv4. */
#define VG_FRAGMENT_MORE 0x2000
#define VG_FRAGMENT_DONT 0x4000

struct vg_frame {
	__u8 bytes[VG_FRAME_MAX];
	size_t length;
	size_t ip;	 /* offset of the IP header; 0: none */
	size_t next;	 /* offset of the byte that names the next header */
	size_t fragment; /* offset of the last IPv6 fragment header; 0: none */
	size_t l4;	 /* offset of the L4 header that was added last; 0: none */
};

void vg_frame_begin(struct vg_frame *frame);
void vg_frame_tag(struct vg_frame *frame, __u16 type, __u16 id);
void vg_frame_type(struct vg_frame *frame, __u16 type);
void vg_frame_bytes(struct vg_frame *frame, const void *bytes, size_t n);
void vg_frame_zeroes(struct vg_frame *frame, size_t n);

/* Ethertype and header. `fragment` is the field as a host number, `options` counts 32-bit words. */
void vg_frame_ipv4(struct vg_frame *frame, const struct vg_raw_address *source,
		   const struct vg_raw_address *destination, __u16 fragment, unsigned options);
void vg_frame_ipv6(struct vg_frame *frame, const struct vg_raw_address *source,
		   const struct vg_raw_address *destination, __u8 hop_limit);

/*
 * An IPv6 extension header with `extra` 8-byte units (4-byte units for AH) beyond its first eight
 * bytes; a fragment header has none.
 */
void vg_frame_extension(struct vg_frame *frame, __u8 kind, unsigned extra);
/* A fragment header; `offset` in bytes, a multiple of 8. */
void vg_frame_fragment(struct vg_frame *frame, __u16 offset, bool more);

/* Makes the datagram another fragment than it is; false where there is no header to say so. */
bool vg_frame_refragment(struct vg_frame *frame, __u16 offset, bool more, __u32 id);

/* Names the protocol, and adds nothing. */
void vg_frame_protocol(struct vg_frame *frame, __u8 protocol);
/* Names the protocol and adds a header: TCP, UDP, SCTP with ports, else 8 zero bytes. */
void vg_frame_l4(struct vg_frame *frame, __u8 protocol, __u16 source_port, __u16 port);
void vg_frame_icmp6(struct vg_frame *frame, __u8 type);
/* Protocol 1 or 58; `id` stands where an echo has its identifier. */
void vg_frame_icmp(struct vg_frame *frame, __u8 protocol, __u8 type, __u16 id);
/* Flags of the TCP header that was added last. */
void vg_frame_tcp_flags(struct vg_frame *frame, __u8 flags);

/* Fills in the IP length from what follows the header. */
void vg_frame_finish(struct vg_frame *frame);
/* Shortens the frame, and with `fix` its IP length too, as far as there is one to fix. */
void vg_frame_cut(struct vg_frame *frame, size_t length, bool fix);

#endif
