/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame on its way through the stages, and the one way to take bytes out of it. */
#ifndef VPCGATE_BPF_PACKET_H
#define VPCGATE_BPF_PACKET_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "vpcgate/abi.h"

/* A stage returns an outcome, or this for "the next stage decides". */
#define VG_CONTINUE VG_OUTCOME_MAX

#define VG_PROTOCOL_UNKNOWN 256 /* beyond any IP protocol number */
#define VG_PORT_UNKNOWN 65536	/* beyond any port and any ICMP type */

const volatile struct vg_settings settings = {};

struct vg_cursor {
	void *pos;
	void *end; /* of the linear part; xdp.frags frames may go on beyond it */
};

struct vg_packet {
	struct xdp_md *ctx;
	__u32 length;	 /* bytes of the frame */
	__u32 ethertype; /* behind any VLAN tags */
	__u64 source_hi, source_lo;
	__u64 destination_hi, destination_lo;
	__u32 family;	   /* 4 or 6 */
	__u32 next_header; /* of the fixed IP header */
	__u32 hop_limit;   /* IPv6 */
	__u32 fragment;	   /* IPv4: the fragment offset is not 0 */
	__u32 payload;	   /* bytes behind the IP header that belong to the datagram */
	/* L4, filled in by vg_parse_l4() */
	__u32 protocol;
	__u32 source_port, port;
	__u32 icmp_type;
};

static __always_inline void *vg_take(struct vg_cursor *c, __u32 length)
{
	void *p = c->pos;

	if (p + length > c->end)
		return NULL;
	c->pos = p + length;
	return p;
}

/*
 * Does the frame hold `length` bytes from `from` on? Only a multi-buffer frame has more than its
 * linear part, and then its true length is what the counters need as well.
 */
static __always_inline bool vg_holds(struct vg_packet *p, const struct vg_cursor *c,
				     const void *from, __u32 length)
{
	const __u32 linear = c->end - from;
	__u32 before, whole;

	if (length <= linear)
		return true;
	if (!settings.frags)
		return false;
	before = p->length - linear;
	whole = bpf_xdp_get_buff_len(p->ctx);
	if (whole > p->length)
		p->length = whole;
	return length <= whole - before;
}

#endif
