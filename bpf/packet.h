/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame on its way through the stages, and the one way to take bytes out of it. */
#ifndef VPCGATE_BPF_PACKET_H
#define VPCGATE_BPF_PACKET_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "bpf/maps.h"

/* A stage returns an outcome, or this for "the next stage decides". */
#define VG_CONTINUE VG_OUTCOME_MAX

struct vg_packet {
	struct xdp_md *ctx; /* NULL where the length is known from the start, or doesn't matter */
	void *pos;	    /* the next byte to take */
	void *end;	    /* of the linear part; xdp.frags frames may go on beyond it */
	__u32 length;	    /* bytes of the frame */
};

/* Headers that begin further behind in the linear part than this are not read. */
#define VG_MAX_OFFSET 16383

/* Bytes from offset `at` on, which is at most VG_MAX_OFFSET. */
static __always_inline struct vg_packet vg_packet_at(__u32 data, __u32 data_end, __u32 at)
{
	return (struct vg_packet){
		.pos = (void *)(unsigned long)data + (at & VG_MAX_OFFSET),
		.end = (void *)(unsigned long)data_end,
	};
}

/* Offset in the frame of what `at` points to. */
static __always_inline __u32 vg_offset(const struct vg_packet *p, const void *at)
{
	return at - (void *)(unsigned long)p->ctx->data;
}

/* The next bytes, which stay the next ones; NULL where there are fewer. */
static __always_inline void *vg_peek(const struct vg_packet *p, __u32 length)
{
	return p->pos + length > p->end ? NULL : p->pos;
}

static __always_inline void *vg_take(struct vg_packet *p, __u32 length)
{
	void *taken = p->pos;

	if (taken + length > p->end)
		return NULL;
	p->pos = taken + length;
	return taken;
}

/*
 * Learns the length of a frame that may go on beyond its linear part, which only the kernel knows.
 * The frames that pass on their fixed headers alone don't pay for it: see vg_holds().
 */
static __always_inline void vg_measure(struct vg_packet *p)
{
	if (settings.frags && p->ctx)
		p->length = bpf_xdp_get_buff_len(p->ctx);
}

/*
 * Does the frame hold `length` bytes from `from` on? A multi-buffer frame whose IP datagram ends
 * within the linear part is counted with that part alone.
 */
static __always_inline bool vg_holds(struct vg_packet *p, void *from, __u32 length)
{
	__u32 linear, before;

	if (from + length <= p->end)
		return true;
	linear = p->end - from;
	barrier_var(linear); /* or clang adds a number to a pointer's lower half */
	before = p->length - linear;
	vg_measure(p);
	return length <= p->length - before;
}

#endif
