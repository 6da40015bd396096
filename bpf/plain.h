/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way of an untagged frame that begins with a plain IP header (no options, no extension
 * headers, nothing amiss), unless services name destinations, or NICs have rules of their own and there
 * are no services. What counts is the number of instructions: where they are few enough, the processor
 * gets to the next frame's cache misses while it still waits for this one's, and a flood costs a
 * quarter less (docs/performance.md). So little goes through the stack, and what follows from the class is
 * worked out before. Whatever isn't plain, or takes more to tell, is left to vg_judge_frame(), which
 * says the same of all frames.
 */
#ifndef VPCGATE_BPF_PLAIN_H
#define VPCGATE_BPF_PLAIN_H

#include "bpf/counters.h"
#include "bpf/ethernet.h"
#include "bpf/lookup.h"
#include "bpf/replies.h"

/* At least so much is there, the first bytes of what follows the IP header included. */
#define VG_PLAIN_BYTES4 \
	(sizeof(struct vg_ethernet) + sizeof(struct iphdr) + sizeof(struct vg_ports))
#define VG_PLAIN_BYTES6 \
	(sizeof(struct vg_ethernet) + sizeof(struct ipv6hdr) + sizeof(struct vg_ports))

/* Ethertype and the first byte of the IP header in one compare, as they lie in the frame. */
#define VG_PLAIN_MASK4 bpf_htonl(0xffffff00) /* version 4, header of 5 words */
#define VG_PLAIN_TYPE4 bpf_htonl(ETH_P_IP << 16 | 0x4500)
#define VG_PLAIN_MASK6 bpf_htonl(0xfffff000) /* version 6 */
#define VG_PLAIN_TYPE6 bpf_htonl(ETH_P_IPV6 << 16 | 0x6000)

/* ICMPv6 and the extension headers, a bit each; what lies beyond 63 may take another's, and the long way. */
#define VG_NOT_PLAIN6                                                                   \
	(1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING | 1ULL << IPPROTO_FRAGMENT | \
	 1ULL << IPPROTO_AH | 1ULL << IPPROTO_DSTOPTS | 1ULL << IPPROTO_ICMPV6)

static __always_inline bool vg_is_plain_type(const void *frame, __u32 mask, __u32 type)
{
	__u32 word = *(const __u32 *)(frame + __builtin_offsetof(struct vg_ethernet, ethertype));

	barrier_var(word); /* read again for the other type: an instruction less for the first */
	return (word & mask) == type;
}

/* Are the header's lengths sound, and does nothing follow it that is not L4? `length`: the frame's. */
static __always_inline bool vg_is_sound_plain4(const struct iphdr *ip, __u32 length)
{
	const __u32 payload =
		bpf_ntohs(ip->tot_len) - sizeof(*ip); /* huge, where it would be less than 0 */

	return payload <= length - sizeof(struct vg_ethernet) - sizeof(*ip);
}

static __always_inline bool vg_is_sound_plain6(const struct ipv6hdr *ip, __u32 length)
{
	return bpf_ntohs(ip->payload_len) <= length - sizeof(struct vg_ethernet) - sizeof(*ip) &&
	       !(VG_NOT_PLAIN6 >> (ip->nexthdr & 63) & 1);
}

/*
 * Could a frame whose class has flags be an essential or a martian? A DHCPv4 server may live at any
 * private address; most UDP isn't DHCP, which the source port tells.
 */
static __always_inline bool vg_is_special(const void *ip, bool four, __u32 flags)
{
	const struct iphdr *ip4 = ip;
	const struct vg_ports *ports = (const void *)(ip4 + 1);

	return !four || flags != VG_CLASS_DHCP4 ||
	       (ip4->protocol == IPPROTO_UDP && ports->source == bpf_htons(VG_DHCP4_SERVER));
}

/* 1 + the index of a frame's service, or 0 for none; VG_NOT_PLAIN_L4 where that takes the long way. */
#define VG_NOT_PLAIN_L4 65536

static __always_inline __u32 vg_plain_service(__u32 protocol, __u32 payload,
					      const struct vg_ports *ports)
{
	if (!vg_has_ports(protocol) || payload < sizeof(*ports))
		return VG_NOT_PLAIN_L4;
	return vg_look_up_port(protocol, bpf_ntohs(ports->destination));
}

static __always_inline __u32 vg_plain_service4(const struct iphdr *ip)
{
	if (!vg_is_plain4(ip))
		return VG_NOT_PLAIN_L4;
	return vg_plain_service(ip->protocol, vg_payload4(ip), (const void *)(ip + 1));
}

static __always_inline __u32 vg_plain_service6(const struct ipv6hdr *ip)
{
	return vg_plain_service(ip->nexthdr, bpf_ntohs(ip->payload_len), (const void *)(ip + 1));
}

/*
 * Is a refused frame a reply? VG_PASS_REPLY, or VG_DROP_UNLISTED for one that stays refused, or
 * VG_CONTINUE where that takes the long way. Out of line, so that the flow's key takes no stack where
 * none is looked for.
 */
static __noinline __u32 vg_plain_reply4(const struct iphdr *ip, const void *end, __u32 length)
{
	const struct vg_packet p = {.pos = (void *)(ip + 1), .end = (void *)end};
	struct vg_tuple tuple;

	if (!vg_read_plain4(&p, ip, &tuple))
		return VG_CONTINUE;
	return vg_is_reply4(ip, &tuple, length) ? VG_PASS_REPLY : VG_DROP_UNLISTED;
}

static __noinline __u32 vg_plain_reply6(const struct ipv6hdr *ip, const void *end, __u32 length)
{
	const struct vg_packet p = {.pos = (void *)(ip + 1), .end = (void *)end};
	struct vg_tuple tuple;

	if (!vg_read_plain6(&p, ip, &tuple))
		return VG_CONTINUE;
	return vg_is_reply6(ip, &tuple, length) ? VG_PASS_REPLY : VG_DROP_UNLISTED;
}

static __always_inline __u32 vg_plain_reply(const void *ip, const void *end, __u32 length,
					    bool four, __u32 options)
{
	if (!(options & VG_OPTION_TRACK))
		return VG_CONTINUE;
	return four ? vg_plain_reply4(ip, end, length) : vg_plain_reply6(ip, end, length);
}

/* Is it a request for a TCP connection, which no flow can let in? `tcp` is where TCP would begin. */
static __always_inline bool vg_plain_request(const void *tcp, const void *end, __u32 payload)
{
	const __u8 *flags = tcp + VG_TCP_FLAGS_AT;

	return (const void *)(flags + 1) <= end && payload > VG_TCP_FLAGS_AT &&
	       (*flags & (VG_TCP_SYN | VG_TCP_ACK)) == VG_TCP_SYN;
}

static __always_inline bool vg_is_request4(const struct iphdr *ip, const void *end)
{
	return ip->protocol == IPPROTO_TCP && vg_is_plain4(ip) &&
	       vg_plain_request(ip + 1, end, vg_payload4(ip));
}

static __always_inline bool vg_is_request6(const struct ipv6hdr *ip, const void *end)
{
	return ip->nexthdr == IPPROTO_TCP &&
	       vg_plain_request(ip + 1, end, bpf_ntohs(ip->payload_len));
}

/* Would a frame that isn't admitted be refused, and nothing else? Not a reply, and not an ICMP error. */
static __always_inline bool vg_is_settled(const void *ip, const void *end, bool four, __u32 options)
{
	if (options & VG_OPTION_TRACK)
		return four ? vg_is_request4(ip, end) : vg_is_request6(ip, end);
	return !four || ((const struct iphdr *)ip)->protocol != IPPROTO_ICMP;
}

/* The verdict, or VG_NOT_PLAIN, where nothing was counted yet. */
#define VG_NOT_PLAIN (-1)

/* What class and service say of a frame, and where it is counted, before replies. */
struct vg_plain {
	__u32 pass; /* 1, or 0 where it is refused */
	__u32 slot, cell;
	__u32 service; /* counter slot, or VG_NO_SERVICE */
};

/* Of random sources, a branch could not foresee which a service admits. */
static __always_inline void vg_admit_plain(const struct vg_class *class,
					   const struct vg_admission *row, struct vg_plain *plain)
{
	const __u64 admitted = (row->sets & class->sets) | row->open;
	const __u32 passes = row->cell + class->source, drops = class->refused;
	__u32 pass = (admitted | -admitted) >> 63;

	barrier_var(pass); /* or clang makes a branch of it */
	plain->pass = pass;
	plain->cell = drops ^ ((drops ^ passes) & -pass);
	plain->service = row->service;
}

static __always_inline int vg_count_plain(const struct vg_plain *plain, __u32 length, __u32 options)
{
	const __u32 drop = options & VG_OPTION_MONITOR ? VG_VERDICT_WOULD_DROP : VG_VERDICT_DROP;
	const __u32 slot = plain->slot; /* copied, or all of `plain` would lie on the stack */
	struct vg_interface_counters *c = bpf_map_lookup_elem(&counters, &slot);

	if (c && plain->cell < VG_ROW_MAX * VG_MAX_SOURCES)
		vg_add(&c->count[0][plain->cell], length);
	if (options & VG_OPTION_SERVICES && plain->service != VG_NO_SERVICE)
		vg_count_service(slot, plain->service, drop & (plain->pass - 1), length);
	return options & VG_OPTION_MONITOR ? XDP_PASS : XDP_DROP + plain->pass;
}
_Static_assert(XDP_PASS == XDP_DROP + 1 && VG_VERDICT_PASS == 0, "vg_count_plain computes both");

/* Asks first whether a refusal is settled, which most often is so: whether it is one, nobody foresees. */
static __always_inline int vg_finish_plain(const void *ip, const void *end, struct vg_plain *plain,
					   __u32 source, __u32 length, bool four, __u32 options)
{
	if (options & VG_OPTION_TRACK && options & VG_OPTION_SERVICES) {
		/* Or clang keeps `length` on the stack, which is full: 6.1 sums up 512 bytes. */
		barrier_var(end);
		length = end - ip + sizeof(struct vg_ethernet);
	}
	if (!vg_is_settled(ip, end, four, options) && !plain->pass) {
		const __u32 outcome = vg_plain_reply(ip, end, length, four, options);

		if (outcome == VG_CONTINUE)
			return VG_NOT_PLAIN;
		if (outcome == VG_PASS_REPLY) {
			plain->pass = 1;
			plain->cell = VG_PASS_REPLY * VG_MAX_SOURCES + source;
		}
	}
	return vg_count_plain(plain, length, options);
}

/*
 * With the class known. `four`: IPv4, else IPv6; `options`: enum vg_plain_option. A frame for no service
 * goes by what is worked out for its class, unless the NICs differ.
 */
static __always_inline int vg_judge_class(struct xdp_md *ctx, const void *ip, const void *end,
					  const struct vg_class *class, __u32 length, bool four,
					  __u32 options)
{
	const volatile struct vg_nic *nic = &settings.nic[0];
	__u32 cell = class->cell, slot = 0, service = 0;
	struct vg_plain plain;

	barrier_var(cell); /* or clang reads it later, and computes the class's address again */
	if (class->flags && vg_is_special(ip, four, class->flags))
		return VG_NOT_PLAIN;
	if (options & VG_OPTION_NICS)
		nic = &settings.nic[vg_find_nic(ctx->ingress_ifindex)];
	if (options & VG_OPTION_SLOT)
		slot = nic->slot;
	if (options & VG_OPTION_SERVICES)
		service = four ? vg_plain_service4(ip) : vg_plain_service6(ip);
	if (service == VG_NOT_PLAIN_L4)
		return VG_NOT_PLAIN;
	plain = (struct vg_plain){class->pass, slot, cell, VG_NO_SERVICE};
	if (options & VG_OPTION_SERVICES && (service || options & VG_OPTION_NICS)) {
		const struct vg_admission *row = vg_admission_row(nic, service);

		if (!row)
			return VG_NOT_PLAIN;
		vg_admit_plain(class, row, &plain);
	}
	return vg_finish_plain(ip, end, &plain, class->source, length, four, options);
}

/* Where the root doesn't tell the class. Inline: where returns are guarded, one costs some 6 ns. */
static __always_inline int vg_judge_below4(struct xdp_md *ctx, const void *frame, const void *end,
					   __u32 length, __u32 options)
{
	const struct iphdr *ip = frame + sizeof(struct vg_ethernet);

	return vg_judge_class(ctx, ip, end, vg_class_below4(&ip->saddr), length, true, options);
}

static __always_inline int vg_judge_below6(struct xdp_md *ctx, const void *frame, const void *end,
					   __u32 length, __u32 options)
{
	const struct ipv6hdr *ip = frame + sizeof(struct vg_ethernet);

	return vg_judge_class(ctx, ip, end, vg_class_below6(&ip->saddr), length, false, options);
}

static __always_inline int vg_judge_plain4(struct xdp_md *ctx, const void *frame, const void *end,
					   __u32 length, __u32 options)
{
	const struct iphdr *ip = frame + sizeof(struct vg_ethernet);
	const struct vg_class *class;

	if (!vg_is_sound_plain4(ip, length))
		return VG_NOT_PLAIN;
	if (!vg_root_class4(&ip->saddr, &class))
		return vg_judge_below4(ctx, frame, end, length, options);
	return vg_judge_class(ctx, ip, end, class, length, true, options);
}

static __always_inline int vg_judge_plain6(struct xdp_md *ctx, const void *frame, const void *end,
					   __u32 length, __u32 options)
{
	const struct ipv6hdr *ip = frame + sizeof(struct vg_ethernet);
	const struct vg_class *class;

	if (!vg_is_sound_plain6(ip, length))
		return VG_NOT_PLAIN;
	if (!vg_root_class6(&ip->saddr, &class))
		return vg_judge_below6(ctx, frame, end, length, options);
	return vg_judge_class(ctx, ip, end, class, length, false, options);
}

static __always_inline int vg_judge_plain(struct xdp_md *ctx, __u32 options)
{
	const void *data = (void *)(unsigned long)ctx->data;
	const void *end = (void *)(unsigned long)ctx->data_end;
	const __u32 length = end - data;

	if (!(options & VG_OPTION_PLAIN) || data + VG_PLAIN_BYTES4 > end)
		return VG_NOT_PLAIN;
	if (vg_is_plain_type(data, VG_PLAIN_MASK4, VG_PLAIN_TYPE4))
		return vg_judge_plain4(ctx, data, end, length, options);
	if (vg_is_plain_type(data, VG_PLAIN_MASK6, VG_PLAIN_TYPE6) && data + VG_PLAIN_BYTES6 <= end)
		return vg_judge_plain6(ctx, data, end, length, options);
	return VG_NOT_PLAIN;
}

#endif
