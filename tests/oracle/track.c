/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include "tests/oracle/track.h"

#define TIMEOUT_S 300

static int answer_type(int type)
{
	switch (type) {
	case ICMP_ECHO:
		return ICMP_ECHOREPLY;
	case ICMP_TIMESTAMP:
		return ICMP_TIMESTAMPREPLY;
	case ICMP6_ECHO_REQUEST:
		return ICMP6_ECHO_REPLY;
	default:
		return type;
	}
}

static void put_proto(struct nl_msg *message, const struct vg_track *track,
		      const struct vg_track_tuple *tuple)
{
	const int v6 = track->protocol == IPPROTO_ICMPV6;
	const int type = tuple == &track->reply ? answer_type(track->icmp_type) : track->icmp_type;

	nla_put_u8(message, CTA_PROTO_NUM, track->protocol);
	if (track->protocol == IPPROTO_ICMP || v6) {
		nla_put_u16(message, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID,
			    htons(tuple->source_port | tuple->destination_port));
		nla_put_u8(message, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, type);
		nla_put_u8(message, v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, 0);
	} else if (tuple->source_port) {
		nla_put_u16(message, CTA_PROTO_SRC_PORT, htons(tuple->source_port));
		nla_put_u16(message, CTA_PROTO_DST_PORT, htons(tuple->destination_port));
	}
}

static void put_tuple(struct nl_msg *message, int attribute, const struct vg_track *track,
		      const struct vg_track_tuple *tuple)
{
	const int family = strchr(tuple->source, ':') ? AF_INET6 : AF_INET;
	const int length = family == AF_INET ? 4 : 16;
	struct nlattr *outer, *inner;
	unsigned char address[16];

	outer = nla_nest_start(message, attribute | NLA_F_NESTED);
	inner = nla_nest_start(message, CTA_TUPLE_IP | NLA_F_NESTED);
	inet_pton(family, tuple->source, address);
	nla_put(message, family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, length, address);
	inet_pton(family, tuple->destination, address);
	nla_put(message, family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST, length, address);
	nla_nest_end(message, inner);
	inner = nla_nest_start(message, CTA_TUPLE_PROTO | NLA_F_NESTED);
	put_proto(message, track, tuple);
	nla_nest_end(message, inner);
	nla_nest_end(message, outer);
}

static void put_state(struct nl_msg *message, int state)
{
	struct nlattr *outer = nla_nest_start(message, CTA_PROTOINFO | NLA_F_NESTED);
	struct nlattr *inner = nla_nest_start(message, CTA_PROTOINFO_TCP | NLA_F_NESTED);

	nla_put_u8(message, CTA_PROTOINFO_TCP_STATE, state);
	nla_nest_end(message, inner);
	nla_nest_end(message, outer);
}

struct nl_msg *vg_track_message(const struct vg_track *track)
{
	struct nl_msg *message;
	struct nfgenmsg header = {
		.nfgen_family = strchr(track->original.source, ':') ? AF_INET6 : AF_INET,
		.version = NFNETLINK_V0,
	};

	message = nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, NLM_F_CREATE);
	nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
	put_tuple(message, CTA_TUPLE_ORIG, track, &track->original);
	put_tuple(message, CTA_TUPLE_REPLY, track, &track->reply);
	nla_put_u32(message, CTA_TIMEOUT, htonl(TIMEOUT_S));
	nla_put_u32(message, CTA_STATUS,
		    htonl(IPS_CONFIRMED | (track->answered ? IPS_SEEN_REPLY : 0)));
	if (track->protocol == IPPROTO_TCP)
		put_state(message, track->state);
	return message;
}
