/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/dissect.h"

#define ETHERNET_SIZE 14
#define TAG_SIZE 4
#define MAX_TAGS 2
#define MAX_EXTENSIONS 8
#define ICMPV6 58

static unsigned read16(const __u8 *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static bool is_tag(unsigned type)
{
	return type == 0x8100 || type == 0x88a8;
}

static bool has_ports(int protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

/* `l4` to `end` are the datagram's bytes behind its headers. */
static void dissect_l4(int protocol, const __u8 *l4, const __u8 *end, struct vg_seen *seen)
{
	seen->protocol = protocol;
	if (has_ports(protocol) && end - l4 >= 4) {
		seen->source_port = (int)read16(l4);
		seen->port = (int)read16(l4 + 2);
	}
	if (protocol == ICMPV6 && end - l4 >= 1)
		seen->icmp_type = l4[0];
}

static bool dissect_ipv4(const __u8 *ip, size_t present, struct vg_seen *seen)
{
	size_t header, total;

	if (present < 20 || ip[0] >> 4 != 4)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
	total = read16(ip + 2);
	if (header < 20 || header > total || total > present)
		return false;
	seen->source = vg_raw_from_bytes(4, ip + 12);
	seen->destination = vg_raw_from_bytes(4, ip + 16);
	seen->hop_limit = ip[8];
	/* Only a later fragment, whose offset is not 0, has no L4 header. */
	if ((read16(ip + 6) & 0x1fff) == 0)
		dissect_l4(ip[9], ip + header, ip + total, seen);
	return true;
}

static bool is_extension(unsigned next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

/* Bytes of the extension header at `at`. A fragment header's second byte is reserved. */
static size_t extension_size(unsigned kind, const __u8 *at)
{
	if (kind == 44)
		return 8;
	return kind == 51 ? (at[1] + 2u) * 4 : (at[1] + 1u) * 8;
}

static void dissect_extensions(unsigned next, const __u8 *at, const __u8 *end, struct vg_seen *seen)
{
	for (unsigned walked = 0; is_extension(next); walked++) {
		size_t size;

		if (walked == MAX_EXTENSIONS || end - at < 2)
			return;
		size = extension_size(next, at);
		if ((size_t)(end - at) < size)
			return;
		if (next == 44 && (read16(at + 2) & 0xfff8) != 0)
			return;
		next = at[0];
		at += size;
	}
	dissect_l4((int)next, at, end, seen);
}

static bool dissect_ipv6(const __u8 *ip, size_t present, struct vg_seen *seen)
{
	size_t total;

	if (present < 40 || ip[0] >> 4 != 6)
		return false;
	total = 40 + read16(ip + 4);
	if (total > present)
		return false;
	/* A length of 0 before hop-by-hop options is no length: what is there counts (RFC 2675). */
	if (total == 40 && ip[6] == 0)
		total = present;
	seen->source = vg_raw_from_bytes(6, ip + 8);
	seen->destination = vg_raw_from_bytes(6, ip + 24);
	seen->hop_limit = ip[7];
	dissect_extensions(ip[6], ip + 40, ip + total, seen);
	return true;
}

enum vg_dissected vg_dissect(const __u8 *frame, size_t length, struct vg_seen *ret_seen)
{
	struct vg_seen seen = {
		.protocol = -1,
		.source_port = -1,
		.port = -1,
		.icmp_type = -1,
		.hop_limit = -1,
	};
	size_t at = ETHERNET_SIZE;
	unsigned type;
	bool sound;

	if (length < ETHERNET_SIZE)
		return VG_DISSECTED_MALFORMED;
	type = read16(frame + 12);
	for (unsigned tags = 0; tags < MAX_TAGS && is_tag(type); tags++) {
		if (length - at < TAG_SIZE)
			return VG_DISSECTED_MALFORMED;
		type = read16(frame + at + 2);
		at += TAG_SIZE;
	}
	if (type == 0x0806)
		return VG_DISSECTED_ARP;
	if (type != 0x0800 && type != 0x86dd)
		return VG_DISSECTED_NON_IP;
	if (type == 0x0800)
		sound = dissect_ipv4(frame + at, length - at, &seen);
	else
		sound = dissect_ipv6(frame + at, length - at, &seen);
	if (!sound)
		return VG_DISSECTED_MALFORMED;
	*ret_seen = seen;
	return VG_DISSECTED_IP;
}
