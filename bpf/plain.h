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

#include "bpf/ethernet.h"
#include "bpf/finish.h"
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

/* What services say of a frame; the outcome is VG_CONTINUE where its L4 isn't plain. */
static __always_inline struct vg_ruling vg_plain_ruling(const struct vg_class *class,
							const volatile struct vg_nic *nic,
							__u32 protocol, __u32 payload,
							const struct vg_ports *ports)
{
	if (!vg_has_ports(protocol) || payload < sizeof(*ports))
		return (struct vg_ruling){VG_CONTINUE, VG_NO_SERVICE};
	return vg_admit_l4(class, nic, 0, protocol, bpf_ntohs(ports->destination));
}

static __always_inline struct vg_ruling vg_plain_ruling4(const struct vg_class *class,
							 const volatile struct vg_nic *nic,
							 const struct iphdr *ip)
{
	if (!vg_is_plain4(ip))
		return (struct vg_ruling){VG_CONTINUE, VG_NO_SERVICE};
	return vg_plain_ruling(class, nic, ip->protocol, vg_payload4(ip), (const void *)(ip + 1));
}

static __always_inline struct vg_ruling vg_plain_ruling6(const struct vg_class *class,
							 const volatile struct vg_nic *nic,
							 const struct ipv6hdr *ip)
{
	return vg_plain_ruling(class, nic, ip->nexthdr, bpf_ntohs(ip->payload_len),
			       (const void *)(ip + 1));
}

/*
 * What a refused frame is once replies are looked for; VG_CONTINUE where that takes the long way. Out
 * of line, so that the flow's key takes no stack where none is looked for.
 */
static __noinline __u32 vg_plain_reply4(const struct iphdr *ip, const void *end, __u32 length,
					__u32 outcome)
{
	const struct vg_packet p = {.pos = (void *)(ip + 1), .end = (void *)end};
	struct vg_tuple tuple;

	if (!vg_read_plain4(&p, ip, &tuple))
		return VG_CONTINUE;
	return vg_is_reply4(ip, &tuple, length) ? VG_PASS_REPLY : outcome;
}

static __noinline __u32 vg_plain_reply6(const struct ipv6hdr *ip, const void *end, __u32 length,
					__u32 outcome)
{
	const struct vg_packet p = {.pos = (void *)(ip + 1), .end = (void *)end};
	struct vg_tuple tuple;

	if (!vg_read_plain6(&p, ip, &tuple))
		return VG_CONTINUE;
	return vg_is_reply6(ip, &tuple, length) ? VG_PASS_REPLY : outcome;
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

/* In arithmetic: of random sources, a branch could not foresee which are refused. */
static __always_inline int vg_plain_verdict(__u32 outcome, __u32 options)
{
	__u32 difference = VG_DROP_FIRST - 1 - outcome;

	barrier_var(difference); /* or clang makes a branch of it */
	return options & VG_OPTION_MONITOR ? XDP_PASS : XDP_PASS - (difference >> 31);
}
_Static_assert(XDP_DROP == XDP_PASS - 1, "vg_plain_verdict takes 1 off");

/* Counts a frame whose class says all. */
static __always_inline void vg_count_plain(__u32 slot, __u32 cell, __u32 length)
{
	struct vg_interface_counters *c = bpf_map_lookup_elem(&counters, &slot);

	if (c && cell < VG_ROW_MAX * VG_MAX_SOURCES)
		vg_add(&c->count[0][cell], length);
}

/* The verdict, or VG_NOT_PLAIN, where nothing was counted yet. */
#define VG_NOT_PLAIN (-1)

/* With the class known. `four`: IPv4, else IPv6; `options`: enum vg_plain_option. */
static __always_inline int vg_judge_class(struct xdp_md *ctx, const void *ip, const void *end,
					  const struct vg_class *class, __u32 length, bool four,
					  __u32 options)
{
	const volatile struct vg_nic *nic = &settings.nic[0];
	struct vg_ruling ruling = {.service = VG_NO_SERVICE};
	__u32 outcome = class->outcome, cell = class->cell, slot = 0;
	int verdict = XDP_PASS;

	barrier_var(cell); /* or clang reads it later, and computes the class's address again */
	if (class->flags && vg_is_special(ip, four, class->flags))
		return VG_NOT_PLAIN;
	if (options & VG_OPTION_NICS)
		nic = &settings.nic[vg_find_nic(ctx->ingress_ifindex)];
	if (options & VG_OPTION_SLOT)
		slot = nic->slot;
	if (options & VG_OPTION_SERVICES) {
		ruling = four ? vg_plain_ruling4(class, nic, ip) : vg_plain_ruling6(class, nic, ip);
		outcome = ruling.outcome;
		if (outcome == VG_CONTINUE)
			return VG_NOT_PLAIN;
	}
	if (!(options & VG_OPTION_SERVICES) && vg_is_settled(ip, end, four, options)) {
		vg_count_plain(slot, cell, length);
		return vg_plain_verdict(outcome, options);
	}
	if (outcome >= VG_DROP_FIRST) {
		verdict = options & VG_OPTION_MONITOR ? XDP_PASS : XDP_DROP;
		if (!(options & VG_OPTION_SERVICES) || !vg_is_settled(ip, end, four, options)) {
			if (!(options & VG_OPTION_TRACK))
				return VG_NOT_PLAIN;
			outcome = four ? vg_plain_reply4(ip, end, length, outcome)
				       : vg_plain_reply6(ip, end, length, outcome);
			if (outcome == VG_CONTINUE)
				return VG_NOT_PLAIN;
		}
	}
	if (options & VG_OPTION_SERVICES || outcome == VG_PASS_REPLY)
		return vg_finish(nic, outcome, class->source, ruling.service, length);
	vg_count_plain(slot, cell, length);
	return verdict;
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
