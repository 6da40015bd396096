/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/traffic.h"

#include <string.h>

#define MIN_FRAME 14
#define MAX_PADDING 46

static const char *const special4[] = {
	"127.0.0.1",	   "126.255.255.255", "128.0.0.0",	 "223.255.255.255",
	"224.0.0.0",	   "239.255.255.255", "240.0.0.0",	 "255.255.255.254",
	"255.255.255.255", "0.0.0.0",	      "0.255.255.255",	 "1.0.0.0",
	"169.254.169.254", "169.254.169.253", "169.254.169.255", "169.254.0.0",
	"169.253.255.255", "169.255.0.0",     "10.0.0.0",	 "9.255.255.255",
	"10.255.255.255",  "11.0.0.0",	      "172.15.255.255",	 "172.16.0.0",
	"172.31.255.255",  "172.32.0.0",      "192.167.255.255", "192.168.0.0",
	"192.168.255.255", "192.169.0.0",     "35.190.255.255",	 "35.191.0.0",
	"130.211.3.255",   "130.211.4.0",     "10.178.9.9",
};

static const char *const special6[] = {
	"::",
	"::1",
	"::2",
	"ff00::",
	"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"ff02::1",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fe80::",
	"fe80::1",
	"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fec0::",
	"fd20:ce::254",
	"fd20:ce::253",
	"fd20:ce::255",
	"::ffff:10.0.0.1",
	"ab2:9::9",
	"2600:2d00:1:1::9",
	"2600:2d00:1:2::",
};

static struct vg_raw_address random_address(struct vg_random *random, unsigned family)
{
	struct vg_raw_address address = {.family = (__u8)family};

	vg_random_fill(random, address.bytes, family == 4 ? 4 : 16);
	return address;
}

/* First, last, their neighbours outside, or anything inside. */
static struct vg_raw_address near_prefix(struct vg_random *random,
					 const struct vg_raw_prefix *prefix)
{
	struct vg_raw_address inside;

	switch (vg_random_below(random, 6)) {
	case 0:
		return prefix->address;
	case 1:
		return vg_raw_last(prefix);
	case 2:
		return vg_raw_before(prefix->address);
	case 3:
		return vg_raw_after(vg_raw_last(prefix));
	default:
		inside = random_address(random, prefix->address.family);
		return vg_raw_inside(prefix, &inside);
	}
}

static struct vg_raw_address special_address(struct vg_random *random, unsigned family)
{
	return vg_raw_address(family == 4 ? VG_RANDOM_PICK(random, special4)
					  : VG_RANDOM_PICK(random, special6));
}

struct vg_raw_address vg_traffic_source(struct vg_random *random,
					const struct vg_scenario *scenario, unsigned family)
{
	const __u32 dice = vg_random_below(random, 100);

	if (dice < 15)
		return special_address(random, family);
	if (dice < 25)
		return random_address(random, family);
	for (unsigned tries = 0; tries < 12; tries++) {
		const struct vg_scenario_set *set =
			&scenario->sets[vg_random_below(random, (__u32)scenario->n_sets)];
		const struct vg_raw_prefix *prefix =
			&set->prefixes[vg_random_below(random, (__u32)set->n)];

		if (prefix->address.family == family)
			return near_prefix(random, prefix);
	}
	return special_address(random, family);
}

/* NULL where there are no services. */
static const struct vg_scenario_service *pick_service(struct vg_random *random,
						      const struct vg_scenario *scenario)
{
	if (!scenario->n_services)
		return NULL;
	return &scenario->services[vg_random_below(random, (__u32)scenario->n_services)];
}

static struct vg_raw_address pick_destination(struct vg_random *random,
					      const struct vg_scenario *scenario,
					      const struct vg_scenario_service *service,
					      unsigned family)
{
	if (vg_random_chance(random, 15))
		return random_address(random, family);
	for (unsigned tries = 0; tries < 8; tries++) {
		const struct vg_scenario_service *from =
			service && !tries ? service : pick_service(random, scenario);
		const struct vg_raw_prefix *prefix;

		if (!from || !from->n_to)
			continue;
		prefix = &from->to[vg_random_below(random, (__u32)from->n_to)];
		if (prefix->address.family == family)
			return near_prefix(random, prefix);
	}
	return vg_raw_address(family == 4 ? "10.128.0.9" : "fd20:1:2::9");
}

static __u8 pick_icmp6(struct vg_random *random)
{
	static const __u8 types[] = {1,	  2,   128, 129, 130, 131, 132, 133, 134,
				     135, 136, 137, 138, 142, 143, 144, 255, 0};

	return VG_RANDOM_PICK(random, types);
}

static __u16 pick_port(struct vg_random *random, const struct vg_scenario *scenario,
		       const struct vg_scenario_service *service)
{
	static const __u16 ports[] = {0, 67, 68, 546, 547, 443, 8080, 255, 256, 32768, 65535};

	if (vg_random_chance(random, 15))
		return VG_RANDOM_PICK(random, ports);
	if (!service || vg_random_chance(random, 10))
		service = pick_service(random, scenario);
	if (!service || !service->port || vg_random_chance(random, 10))
		return (__u16)vg_random_below(random, vg_random_chance(random, 60) ? 301 : 65536);
	return (__u16)(service->port + (int)vg_random_below(random, 4) / 2 -
		       (int)vg_random_below(random, 4) / 3);
}

/* Names a protocol and adds its header, sometimes one that is cut short. */
static void add_l4(struct vg_random *random, const struct vg_scenario *scenario,
		   const struct vg_scenario_service *service, struct vg_frame *frame)
{
	static const __u8 protocols[] = {6, 6, 17, 17, 132, 1, 58, 47, 50, 51, 4, 41, 59, 2};
	const size_t start = frame->length;
	__u8 protocol = VG_RANDOM_PICK(random, protocols);
	__u8 data[24];

	if (service && service->protocol >= 0 && vg_random_chance(random, 70))
		protocol = (__u8)service->protocol;
	else if (vg_random_chance(random, 8))
		protocol = (__u8)vg_random_next(random);
	if (protocol == 58)
		vg_frame_icmp6(frame, pick_icmp6(random));
	else
		vg_frame_l4(frame, protocol, pick_port(random, scenario, NULL),
			    pick_port(random, scenario, service));
	if (vg_random_chance(random, 8)) {
		vg_frame_cut(frame, start + vg_random_below(random, 5), false);
		return;
	}
	vg_random_fill(random, data, sizeof(data));
	vg_frame_bytes(frame, data, vg_random_below(random, sizeof(data) + 1));
}

void vg_traffic_tags(struct vg_random *random, struct vg_frame *frame)
{
	const __u32 dice = vg_random_below(random, 100);
	const unsigned tags = dice < 70 ? 0 : dice < 82 ? 1 : dice < 94 ? 2 : 3;

	for (unsigned i = 0; i < tags; i++)
		vg_frame_tag(frame, vg_random_chance(random, 50) ? VG_TYPE_VLAN : VG_TYPE_QINQ,
			     (__u16)vg_random_next(random));
}

void vg_traffic_extensions(struct vg_random *random, struct vg_frame *frame)
{
	static const __u8 kinds[] = {VG_EXT_HOP_BY_HOP, VG_EXT_ROUTING, VG_EXT_FRAGMENT, VG_EXT_AH,
				     VG_EXT_DESTINATION};
	const __u32 dice = vg_random_below(random, 100);
	const unsigned n = dice < 55   ? 0
			   : dice < 80 ? vg_random_between(random, 1, 3)
				       : vg_random_between(random, 4, 10);

	for (unsigned i = 0; i < n; i++) {
		const __u8 kind = VG_RANDOM_PICK(random, kinds);

		if (kind == VG_EXT_FRAGMENT)
			vg_frame_fragment(frame,
					  vg_random_chance(random, 12)
						  ? (__u16)(vg_random_below(random, 8192) * 8)
						  : 0,
					  vg_random_chance(random, 50));
		else
			vg_frame_extension(frame, kind, vg_random_below(random, 4));
	}
}

static void add_ip(struct vg_random *random, const struct vg_scenario *scenario,
		   struct vg_frame *frame)
{
	static const __u16 fragments[] = {0,
					  0,
					  0,
					  0,
					  0,
					  0,
					  0,
					  VG_FRAGMENT_DONT,
					  VG_FRAGMENT_MORE,
					  0x8000,
					  1,
					  0x1fff,
					  VG_FRAGMENT_MORE | 185,
					  0x1000};
	static const __u8 hops[] = {255, 255, 254, 64, 1, 0};
	const unsigned family = vg_random_chance(random, 50) ? 4 : 6;
	const struct vg_scenario_service *service = pick_service(random, scenario);
	const struct vg_raw_address source = vg_traffic_source(random, scenario, family);
	const struct vg_raw_address destination =
		pick_destination(random, scenario, service, family);

	if (family == 4) {
		vg_frame_ipv4(frame, &source, &destination, VG_RANDOM_PICK(random, fragments),
			      vg_random_chance(random, 80) ? 0 : vg_random_between(random, 1, 10));
		frame->bytes[frame->ip + 8] = VG_RANDOM_PICK(random, hops);
	} else {
		vg_frame_ipv6(frame, &source, &destination, VG_RANDOM_PICK(random, hops));
		vg_traffic_extensions(random, frame);
	}
	if (vg_random_chance(random, 5)) {
		vg_frame_protocol(frame,
				  vg_random_chance(random, 50) ? 59 : (__u8)vg_random_next(random));
		return;
	}
	add_l4(random, scenario, service, frame);
}

/* DHCP, neighbour discovery and MLD, from senders that may and senders that may not. */
static void add_essential(struct vg_random *random, const struct vg_scenario *scenario,
			  struct vg_frame *frame)
{
	static const char *const senders4[] = {"10.0.0.1", "172.31.0.1", "192.168.1.1",
					       "169.254.1.1"};
	static const char *const senders6[] = {"fe80::1", "fe80::1", "::", "fd20:1:2::1"};
	const unsigned kind = vg_random_below(random, 4);
	const bool off = vg_random_chance(random, 10); /* by one, in a port or the hop limit */
	const unsigned family = kind == 0 ? 4 : 6;
	const struct vg_raw_address destination =
		vg_raw_address(family == 4 ? "255.255.255.255" : "ff02::1");
	struct vg_raw_address source =
		vg_raw_address(family == 4 ? VG_RANDOM_PICK(random, senders4)
					   : VG_RANDOM_PICK(random, senders6));

	if (vg_random_chance(random, 50))
		source = vg_traffic_source(random, scenario, family);
	if (family == 4)
		vg_frame_ipv4(frame, &source, &destination, 0, vg_random_below(random, 10) / 9);
	else
		vg_frame_ipv6(frame, &source, &destination, kind == 2 ? 255 - off : 1);
	if (family == 6 && (kind == 3 || vg_random_chance(random, 15)))
		vg_frame_extension(frame, VG_EXT_HOP_BY_HOP, 0);
	if (kind == 0)
		vg_frame_l4(frame, 17, 67, 68 - off);
	else if (kind == 1)
		vg_frame_l4(frame, 17, 547 - off, 546);
	else if (kind == 2)
		vg_frame_icmp6(frame, (__u8)vg_random_between(random, 133, 137));
	else
		vg_frame_icmp6(frame, vg_random_chance(random, 30)
					      ? 143
					      : (__u8)vg_random_between(random, 130, 132));
}

static void add_other(struct vg_random *random, struct vg_frame *frame)
{
	static const __u16 types[] = {VG_TYPE_ARP, VG_TYPE_ARP, 0x0026, 0x05dc, 0x88cc,
				      0x9100,	   0x8863,	0x8847, 0x0801, 0x0008,
				      0xdd86,	   0x86de,	0};
	__u8 data[60];

	vg_random_fill(random, data, sizeof(data));
	vg_frame_type(frame, vg_random_chance(random, 90) ? VG_RANDOM_PICK(random, types)
							  : (__u16)vg_random_next(random));
	vg_frame_bytes(frame, data, vg_random_below(random, sizeof(data) + 1));
}

/* Bends the length field of the IP header: to the header's end, near it, or anywhere. */
static void bend_length(struct vg_random *random, struct vg_frame *frame)
{
	__u8 *ip = frame->bytes + frame->ip;
	__u8 *at = ip[0] >> 4 == 4 ? ip + 2 : ip + 4;
	unsigned value = (unsigned)at[0] << 8 | at[1];

	if (vg_random_chance(random, 70))
		value += vg_random_between(random, 0, 16) - 8;
	else
		value = vg_random_below(random, value + 9);
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

void vg_traffic_distort(struct vg_random *random, struct vg_frame *frame)
{
	__u8 padding[MAX_PADDING];
	__u8 *ip = frame->bytes + frame->ip;

	switch (vg_random_below(random, 6)) {
	case 0:
		vg_random_fill(random, padding, sizeof(padding));
		vg_frame_bytes(frame, padding, vg_random_between(random, 1, sizeof(padding)));
		break;
	case 1:
		bend_length(random, frame);
		break;
	case 2:
		ip[0] = (__u8)((ip[0] & 0x0f) | vg_random_below(random, 16) << 4);
		break;
	case 3:
		ip[0] = (__u8)((ip[0] & 0xf0) | vg_random_below(random, 16));
		break;
	case 4:
		vg_frame_cut(frame, vg_random_between(random, MIN_FRAME, (__u32)frame->length),
			     vg_random_chance(random, 70));
		break;
	default:
		frame->bytes[vg_random_below(random, (__u32)frame->length)] ^=
			(__u8)(1 << vg_random_below(random, 8));
		break;
	}
}

void vg_traffic_talk(struct vg_random *random, const struct vg_scenario *scenario,
		     struct vg_talk *ret_talk)
{
	static const __u8 protocols[] = {6, 6, 6, 17, 17, 17, 132, 1, 58, 47, 33, 136, 50};
	const unsigned family = vg_random_chance(random, 50) ? 4 : 6;
	const struct vg_scenario_service *service = pick_service(random, scenario);

	*ret_talk = (struct vg_talk){
		.remote = vg_traffic_source(random, scenario, family),
		.local = pick_destination(random, scenario, service, family),
		.protocol = VG_RANDOM_PICK(random, protocols),
		.local_port = pick_port(random, scenario, service),
		.remote_port = pick_port(random, scenario, NULL),
	};
	if (service && service->protocol >= 0 && vg_random_chance(random, 40))
		ret_talk->protocol = (__u8)service->protocol;
}

void vg_traffic_random(struct vg_random *random, const struct vg_scenario *scenario,
		       struct vg_frame *ret_frame)
{
	const __u32 dice = vg_random_below(random, 100);

	vg_frame_begin(ret_frame);
	vg_traffic_tags(random, ret_frame);
	if (dice < 8) {
		add_other(random, ret_frame);
		return;
	}
	if (dice < 16)
		add_essential(random, scenario, ret_frame);
	else
		add_ip(random, scenario, ret_frame);
	vg_frame_finish(ret_frame);
	if (vg_random_chance(random, 25))
		vg_traffic_distort(random, ret_frame);
}
