/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/frame.h"

#include <assert.h>
#include <string.h>

static const __u8 macs[12] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2};

static __u8 *grow(struct vg_frame *frame, size_t n)
{
	__u8 *at = frame->bytes + frame->length;

	assert(frame->length + n <= VG_FRAME_MAX);
	memset(at, 0, n);
	frame->length += n;
	return at;
}

static void put16(__u8 *at, unsigned value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

void vg_frame_begin(struct vg_frame *frame)
{
	frame->length = 0;
	frame->ip = 0;
	frame->next = 0;
	frame->fragment = 0;
	frame->l4 = 0;
	vg_frame_bytes(frame, macs, sizeof(macs));
}

void vg_frame_tag(struct vg_frame *frame, __u16 type, __u16 id)
{
	__u8 *at = grow(frame, 4);

	put16(at, type);
	put16(at + 2, id);
}

void vg_frame_type(struct vg_frame *frame, __u16 type)
{
	put16(grow(frame, 2), type);
}

void vg_frame_bytes(struct vg_frame *frame, const void *bytes, size_t n)
{
	memcpy(grow(frame, n), bytes, n);
}

void vg_frame_zeroes(struct vg_frame *frame, size_t n)
{
	grow(frame, n);
}

void vg_frame_ipv4(struct vg_frame *frame, const struct vg_raw_address *source,
		   const struct vg_raw_address *destination, __u16 fragment, unsigned options)
{
	__u8 *at;

	assert(options <= 10);
	vg_frame_type(frame, VG_TYPE_IPV4);
	frame->ip = frame->length;
	at = grow(frame, 20 + 4 * (size_t)options);
	at[0] = (__u8)(0x40 | (5 + options));
	put16(at + 4, 0x1234);
	put16(at + 6, fragment);
	at[8] = 64;
	memcpy(at + 12, source->bytes, 4);
	memcpy(at + 16, destination->bytes, 4);
	memset(at + 20, 1, 4 * (size_t)options); /* the no-operation option */
	frame->next = frame->ip + 9;
}

void vg_frame_ipv6(struct vg_frame *frame, const struct vg_raw_address *source,
		   const struct vg_raw_address *destination, __u8 hop_limit)
{
	__u8 *at;

	vg_frame_type(frame, VG_TYPE_IPV6);
	frame->ip = frame->length;
	at = grow(frame, 40);
	at[0] = 0x60;
	at[7] = hop_limit;
	memcpy(at + 8, source->bytes, 16);
	memcpy(at + 24, destination->bytes, 16);
	frame->next = frame->ip + 6;
}

void vg_frame_extension(struct vg_frame *frame, __u8 kind, unsigned extra)
{
	const size_t unit = kind == VG_EXT_AH ? 4 : 8;
	__u8 *at;

	if (kind == VG_EXT_FRAGMENT)
		extra = 0;
	vg_frame_protocol(frame, kind);
	frame->next = frame->length;
	at = grow(frame, 8 + unit * extra);
	if (kind != VG_EXT_FRAGMENT)
		at[1] = (__u8)extra;
}

void vg_frame_fragment(struct vg_frame *frame, __u16 offset, bool more)
{
	vg_frame_extension(frame, VG_EXT_FRAGMENT, 0);
	frame->fragment = frame->next;
	put16(frame->bytes + frame->next + 2, offset | (more ? 1 : 0));
}

bool vg_frame_refragment(struct vg_frame *frame, __u16 offset, bool more, __u32 id)
{
	__u8 *ip = frame->bytes + frame->ip;
	__u8 *at = frame->bytes + frame->fragment;

	if (!frame->ip)
		return false;
	if (ip[0] >> 4 == 4) {
		put16(ip + 4, id & 0xffff);
		put16(ip + 6, offset / 8 | (more ? VG_FRAGMENT_MORE : 0));
		return true;
	}
	if (!frame->fragment)
		return false;
	put16(at + 2, offset | (more ? 1 : 0));
	put16(at + 4, id >> 16);
	put16(at + 6, id & 0xffff);
	return true;
}

void vg_frame_protocol(struct vg_frame *frame, __u8 protocol)
{
	frame->bytes[frame->next] = protocol;
}

void vg_frame_l4(struct vg_frame *frame, __u8 protocol, __u16 source_port, __u16 port)
{
	const size_t size = protocol == 6 ? 20 : protocol == 132 ? 12 : 8;
	__u8 *at;

	vg_frame_protocol(frame, protocol);
	frame->l4 = frame->length;
	at = grow(frame, size);
	if (protocol != 6 && protocol != 17 && protocol != 132)
		return;
	put16(at, source_port);
	put16(at + 2, port);
	if (protocol == 6) {
		at[12] = 0x50;
		at[13] = 0x02; /* SYN */
	}
}

void vg_frame_icmp(struct vg_frame *frame, __u8 protocol, __u8 type, __u16 id)
{
	__u8 *at;

	vg_frame_protocol(frame, protocol);
	frame->l4 = frame->length;
	at = grow(frame, 8);
	at[0] = type;
	put16(at + 4, id);
}

void vg_frame_icmp6(struct vg_frame *frame, __u8 type)
{
	vg_frame_icmp(frame, 58, type, 0);
}

void vg_frame_tcp_flags(struct vg_frame *frame, __u8 flags)
{
	frame->bytes[frame->l4 + 13] = flags;
}

void vg_frame_finish(struct vg_frame *frame)
{
	__u8 *ip = frame->bytes + frame->ip;

	if (!frame->ip)
		return;
	if (ip[0] >> 4 == 4)
		put16(ip + 2, (unsigned)(frame->length - frame->ip));
	else
		put16(ip + 4, (unsigned)(frame->length - frame->ip - 40));
}

void vg_frame_cut(struct vg_frame *frame, size_t length, bool fix)
{
	size_t fixed;

	assert(length <= frame->length);
	frame->length = length;
	if (!fix || !frame->ip || length <= frame->ip)
		return;
	fixed = frame->bytes[frame->ip] >> 4 == 4 ? 20 : 40;
	if (length - frame->ip >= fixed)
		vg_frame_finish(frame);
}
