/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/dissect.h"

#define ETHERNET_SIZE 14
#define TAG_SIZE 4
#define MAX_TAGS 2
#define MAX_EXTENSIONS 8
#define ICMP 1
#define TCP 6
#define ICMPV6 58
#define ICMP_HEADER 8

static unsigned read16(const __u8 *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static bool is_tag(unsigned type)
{
	return type == 0x8100 || type == 0x88a8;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool has_ports(int protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

size_t vg_dissect_l4_size(int protocol)
{
	static const struct {
		int protocol;
		size_t size;
	} sizes[] = {
		{1, 8},	   /* ICMP */
		{6, 20},   /* TCP */
		{17, 8},   /* UDP */
		{33, 12},  /* DCCP */
		{58, 8},   /* ICMPv6 */
		{132, 12}, /* SCTP */
		{136, 8},  /* UDP-Lite */
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].protocol == protocol)
			return sizes[i].size;
	return 0;
}

/*
 * A datagram in a frame, its ends as offsets in it: `end` is where the datagram's own lengths say
 * that it ends, which may be behind the frame's where another packet quotes it.
 */
struct datagram {
	const __u8 *frame;
	size_t length, end;
};

static bool has(const struct datagram *datagram, size_t at, size_t n)
{
	return at + n <= least(datagram->length, datagram->end);
}

static void dissect_l4(const struct datagram *datagram, int protocol, size_t at,
		       struct vg_seen *seen)
{
	const __u8 *l4 = datagram->frame + at;

	seen->l4_at = at;
	/* Ports that there are, but not in this frame: the L4 is hidden. */
	if (at > datagram->length ||
	    (has_ports(protocol) && at + 4 <= datagram->end && at + 4 > datagram->length))
		return;
	seen->protocol = protocol;
	if (has_ports(protocol) && has(datagram, at, 4)) {
		seen->source_port = (int)read16(l4);
		seen->port = (int)read16(l4 + 2);
	}
	if (protocol == TCP && has(datagram, at, 14))
		seen->tcp_flags = l4[13];
	if (protocol != ICMP && protocol != ICMPV6)
		return;
	if (has(datagram, at, 1))
		seen->icmp_type = l4[0];
	if (has(datagram, at, 8))
		seen->icmp_id = (int)read16(l4 + 4);
}

/* `start` is where the part that is cut into fragments starts. */
static void dissect_first(const struct datagram *datagram, size_t start, struct vg_seen *seen)
{
	const size_t size = vg_dissect_l4_size(seen->protocol);

	seen->cut = !has(datagram, seen->l4_at, size);
	seen->headers_end = (unsigned)(seen->l4_at - start + size);
}

static bool dissect_ipv4(struct datagram *datagram, size_t at, bool quoted, struct vg_seen *seen)
{
	const size_t present = datagram->length - at;
	const __u8 *ip = datagram->frame + at;
	size_t header, total;
	unsigned field;

	if (present < 20 || ip[0] >> 4 != 4)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
	total = read16(ip + 2);
	if (header < 20 || header > total || (total > present && !quoted))
		return false;
	datagram->end = at + total;
	seen->source = vg_raw_from_bytes(4, ip + 12);
	seen->destination = vg_raw_from_bytes(4, ip + 16);
	seen->hop_limit = ip[8];
	field = read16(ip + 6);
	seen->fragment_id = read16(ip + 4);
	seen->fragment_protocol = ip[9];
	seen->fragment_offset = (field & 0x1fff) * 8;
	if (seen->fragment_offset)
		seen->part = VG_SEEN_LATER;
	else if (field & 0x2000)
		seen->part = VG_SEEN_FIRST;
	/* Only a later fragment has no L4 header. */
	if (seen->part != VG_SEEN_LATER)
		dissect_l4(datagram, ip[9], at + header, seen);
	if (seen->part == VG_SEEN_FIRST)
		dissect_first(datagram, at + header, seen);
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

/* False: the walk ends here, with the L4 unknown. One that cuts nothing off is like any other. */
static bool dissect_fragment_header(const __u8 *at, struct vg_seen *seen)
{
	const unsigned field = read16(at + 2);

	if ((field & 0xfff9) == 0)
		return true;
	if (seen->part != VG_SEEN_WHOLE)
		return false;
	seen->fragment_protocol = at[0];
	seen->fragment_offset = field & 0xfff8;
	seen->fragment_id = read16(at + 4) << 16 | read16(at + 6);
	seen->part = seen->fragment_offset ? VG_SEEN_LATER : VG_SEEN_FIRST;
	return seen->part == VG_SEEN_FIRST;
}

static void dissect_extensions(const struct datagram *datagram, unsigned next, size_t at,
			       struct vg_seen *seen)
{
	size_t start = 0;

	for (unsigned walked = 0; is_extension(next); walked++) {
		const __u8 *header = datagram->frame + at;
		const bool whole = seen->part == VG_SEEN_WHOLE;

		seen->cut = !whole; /* until the L4 header is found */
		if (walked == MAX_EXTENSIONS || !has(datagram, at, 8))
			return;
		if (!has(datagram, at, extension_size(next, header)))
			return;
		if (next == 44 && !dissect_fragment_header(header, seen))
			return;
		at += extension_size(next, header);
		if (whole)
			start = at;
		next = header[0];
	}
	dissect_l4(datagram, (int)next, at, seen);
	if (seen->part == VG_SEEN_FIRST)
		dissect_first(datagram, start, seen);
}

static bool dissect_ipv6(struct datagram *datagram, size_t at, bool quoted, struct vg_seen *seen)
{
	const size_t present = datagram->length - at;
	const __u8 *ip = datagram->frame + at;
	size_t total;

	if (present < 40 || ip[0] >> 4 != 6)
		return false;
	total = 40 + read16(ip + 4);
	if (total > present && !quoted)
		return false;
	/* A length of 0 before hop-by-hop options is no length: what is there counts (RFC 2675). */
	if (total == 40 && ip[6] == 0)
		total = present;
	datagram->end = at + total;
	seen->source = vg_raw_from_bytes(6, ip + 8);
	seen->destination = vg_raw_from_bytes(6, ip + 24);
	seen->hop_limit = ip[7];
	dissect_extensions(datagram, ip[6], at + 40, seen);
	return true;
}

static struct vg_seen seen_nothing(void)
{
	return (struct vg_seen){
		.protocol = -1,
		.source_port = -1,
		.port = -1,
		.tcp_flags = -1,
		.icmp_type = -1,
		.icmp_id = -1,
		.hop_limit = -1,
		.fragment_protocol = -1,
	};
}

static bool dissect_ip(unsigned family, const __u8 *frame, size_t length, size_t at, bool quoted,
		       struct vg_seen *seen)
{
	struct datagram datagram = {.frame = frame, .length = length};

	*seen = seen_nothing();
	return family == 4 ? dissect_ipv4(&datagram, at, quoted, seen)
			   : dissect_ipv6(&datagram, at, quoted, seen);
}

bool vg_dissect_quoted(const __u8 *frame, size_t length, const struct vg_seen *error,
		       struct vg_seen *ret_quoted)
{
	const size_t at = error->l4_at + ICMP_HEADER;
	struct vg_seen quoted;

	if (at > length || !dissect_ip(error->source.family, frame, length, at, true, &quoted))
		return false;
	*ret_quoted = quoted;
	return true;
}

enum vg_dissected vg_dissect(const __u8 *frame, size_t length, struct vg_seen *ret_seen)
{
	struct vg_seen seen;
	size_t at = ETHERNET_SIZE;
	unsigned type;

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
	if (!dissect_ip(type == 0x0800 ? 4 : 6, frame, length, at, false, &seen))
		return VG_DISSECTED_MALFORMED;
	*ret_seen = seen;
	return VG_DISSECTED_IP;
}
