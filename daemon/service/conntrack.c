/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Before the headers of the kernel, which then leave out what these have. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>
#include "service/conntrack.h"
#include "share/netlink.h"
#include "share/cleanup.h"

/* Attributes with fewer bytes than these are refused. */
static struct nla_policy connection_policy[CTA_MAX + 1] = {
	[CTA_TUPLE_ORIG] = {.type = NLA_NESTED},
	[CTA_TUPLE_REPLY] = {.type = NLA_NESTED},
	[CTA_PROTOINFO] = {.type = NLA_NESTED},
	[CTA_STATUS] = {.type = NLA_U32},
};
static struct nla_policy ip_policy[CTA_IP_MAX + 1] = {
	[CTA_IP_V4_SRC] = {.minlen = 4},
	[CTA_IP_V4_DST] = {.minlen = 4},
	[CTA_IP_V6_SRC] = {.minlen = 16},
	[CTA_IP_V6_DST] = {.minlen = 16},
};
static struct nla_policy proto_policy[CTA_PROTO_MAX + 1] = {
	[CTA_PROTO_NUM] = {.type = NLA_U8},	    [CTA_PROTO_SRC_PORT] = {.type = NLA_U16},
	[CTA_PROTO_DST_PORT] = {.type = NLA_U16},   [CTA_PROTO_ICMP_ID] = {.type = NLA_U16},
	[CTA_PROTO_ICMP_TYPE] = {.type = NLA_U8},   [CTA_PROTO_ICMPV6_ID] = {.type = NLA_U16},
	[CTA_PROTO_ICMPV6_TYPE] = {.type = NLA_U8},
};

/* What a tuple tells besides what is kept of it. */
struct extra {
	int protocol;
	bool answers; /* not an ICMP message that isn't an echo reply */
};

static int parse_addresses(struct nlattr *nested, int family, struct vg_tuple *tuple)
{
	const int source = family == 4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
	const int destination = family == 4 ? CTA_IP_V4_DST : CTA_IP_V6_DST;
	struct nlattr *ip[CTA_IP_MAX + 1];

	if (!nested || nla_parse_nested(ip, CTA_IP_MAX, nested, ip_policy) < 0 || !ip[source] ||
	    !ip[destination])
		return -EBADMSG;
	tuple->source = vg_address_from_bytes(family, nla_data(ip[source]));
	tuple->destination = vg_address_from_bytes(family, nla_data(ip[destination]));
	return 0;
}

static unsigned port_in(struct nlattr *attribute)
{
	return attribute ? ntohs(nla_get_u16(attribute)) : 0;
}

/* Only where the datapath's flows have ports too: GRE keys and the like aren't. */
static void parse_ports(struct nlattr **proto, struct vg_tuple *tuple, struct extra *extra)
{
	struct nlattr *type;

	extra->answers = true;
	switch (extra->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		tuple->source_port = port_in(proto[CTA_PROTO_SRC_PORT]);
		tuple->destination_port = port_in(proto[CTA_PROTO_DST_PORT]);
		return;
	case IPPROTO_ICMP:
		type = proto[CTA_PROTO_ICMP_TYPE];
		extra->answers = type && nla_get_u8(type) == ICMP_ECHOREPLY;
		tuple->destination_port = port_in(proto[CTA_PROTO_ICMP_ID]);
		return;
	case IPPROTO_ICMPV6:
		type = proto[CTA_PROTO_ICMPV6_TYPE];
		extra->answers = type && nla_get_u8(type) == ICMP6_ECHO_REPLY;
		tuple->destination_port = port_in(proto[CTA_PROTO_ICMPV6_ID]);
		return;
	default:
		return;
	}
}

static int parse_tuple(struct nlattr *nested, int family, struct vg_tuple *tuple,
		       struct extra *extra)
{
	struct nlattr *parts[CTA_TUPLE_MAX + 1], *proto[CTA_PROTO_MAX + 1];
	int r;

	if (!nested || nla_parse_nested(parts, CTA_TUPLE_MAX, nested, NULL) < 0)
		return -EBADMSG;
	r = parse_addresses(parts[CTA_TUPLE_IP], family, tuple);
	if (r < 0)
		return r;
	if (!parts[CTA_TUPLE_PROTO] ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO], proto_policy) < 0 ||
	    !proto[CTA_PROTO_NUM])
		return -EBADMSG;
	extra->protocol = nla_get_u8(proto[CTA_PROTO_NUM]);
	parse_ports(proto, tuple, extra);
	return 0;
}

/* The protocol's own state, or -1 where the message has none. */
static int state_in(struct nlattr *nested, int protocol_attribute, int state_attribute)
{
	/* Both protocols have fewer attributes than TCP. */
	struct nlattr *protocols[CTA_PROTOINFO_MAX + 1], *info[CTA_PROTOINFO_TCP_MAX + 1];

	if (!nested || nla_parse_nested(protocols, CTA_PROTOINFO_MAX, nested, NULL) < 0 ||
	    !protocols[protocol_attribute] ||
	    nla_parse_nested(info, CTA_PROTOINFO_TCP_MAX, protocols[protocol_attribute], NULL) <
		    0 ||
	    !info[state_attribute] || nla_len(info[state_attribute]) < 1)
		return -1;
	return nla_get_u8(info[state_attribute]);
}

static int tcp_state(struct nlattr *protoinfo, enum vg_flow_state *ret_state)
{
	switch (state_in(protoinfo, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE)) {
	case TCP_CONNTRACK_SYN_SENT:
	case TCP_CONNTRACK_SYN_SENT2:
		*ret_state = VG_FLOW_NEW;
		return 0;
	case TCP_CONNTRACK_SYN_RECV:
	case TCP_CONNTRACK_ESTABLISHED:
		*ret_state = VG_FLOW_OPEN;
		return 0;
	case TCP_CONNTRACK_FIN_WAIT: /* it doesn't tell whose FIN */
	case TCP_CONNTRACK_CLOSE_WAIT:
	case TCP_CONNTRACK_LAST_ACK:
		*ret_state = VG_FLOW_CLOSING;
		return 0;
	default:
		return -ENOENT;
	}
}

static int flow_state(int protocol, struct nlattr **connection, enum vg_flow_state *ret_state)
{
	const __u32 status =
		connection[CTA_STATUS] ? ntohl(nla_get_u32(connection[CTA_STATUS])) : 0;

	if (protocol == IPPROTO_TCP)
		return tcp_state(connection[CTA_PROTOINFO], ret_state);
	if (protocol == IPPROTO_SCTP && state_in(connection[CTA_PROTOINFO], CTA_PROTOINFO_SCTP,
						 CTA_PROTOINFO_SCTP_STATE) <= SCTP_CONNTRACK_CLOSED)
		return -ENOENT;
	*ret_state = status & IPS_SEEN_REPLY ? VG_FLOW_OPEN : VG_FLOW_NEW;
	return 0;
}

int vg_conntrack_parse(const struct nlmsghdr *header, struct vg_tracked *ret_tracked)
{
	struct nlattr *connection[CTA_MAX + 1];
	struct vg_tracked tracked = {0};
	struct extra original, reply;
	struct nfgenmsg message;
	int r, family;

	/* libnl reads headers through pointers that aren't const. */
	if (header->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    nlmsg_parse((struct nlmsghdr *)header, sizeof(message), connection, CTA_MAX,
			connection_policy) < 0)
		return -EBADMSG;
	memcpy(&message, nlmsg_data(header), sizeof(message));
	if (message.nfgen_family != AF_INET && message.nfgen_family != AF_INET6)
		return -EBADMSG;
	family = message.nfgen_family == AF_INET ? 4 : 6;
	r = parse_tuple(connection[CTA_TUPLE_ORIG], family, &tracked.original, &original);
	if (r >= 0)
		r = parse_tuple(connection[CTA_TUPLE_REPLY], family, &tracked.reply, &reply);
	if (r < 0)
		return r;
	if (!reply.answers)
		return -ENOENT;
	tracked.protocol = reply.protocol;
	r = flow_state(reply.protocol, connection, &tracked.state);
	if (r < 0)
		return r;
	*ret_tracked = tracked;
	return 0;
}

/* 1: outbound, 0: not, or a negative errno. */
static int is_outbound(struct vg_routes *routes, const struct vg_holders *tcp,
		       const struct vg_tracked *tracked)
{
	const struct vg_tuple *original = &tracked->original;
	struct vg_way begin, end;
	unsigned arrival;
	int r;

	r = vg_routes_find(routes, &original->source, NULL, 0, &begin);
	if (r < 0)
		return r;
	if (begin.side != VG_SIDE_LOCAL && begin.side != VG_SIDE_INSIDE)
		return 0;
	if (begin.side == VG_SIDE_LOCAL && tracked->protocol == IPPROTO_TCP &&
	    vg_holders_hold(tcp, &original->source, original->source_port))
		return 0;
	/* Routes may depend on the source, and are chosen before it is rewritten. */
	arrival = begin.side == VG_SIDE_INSIDE ? begin.ifindex : 0;
	r = vg_routes_find(routes, &tracked->reply.source, &original->source, arrival, &end);
	if (r < 0)
		return r;
	return end.side != VG_SIDE_LOCAL && end.side != VG_SIDE_INSIDE;
}

struct collector {
	struct vg_routes *routes;
	const struct vg_holders *tcp;
	struct vg_seeds *seeds;
};

static int add_connection(const struct nlmsghdr *header, void *context)
{
	struct collector *collector = context;
	struct vg_tracked tracked;
	int r;

	if (vg_conntrack_parse(header, &tracked) < 0)
		return 0;
	r = is_outbound(collector->routes, collector->tcp, &tracked);
	if (r <= 0)
		return r;
	return vg_seeds_add(collector->seeds, &(struct vg_seed){
						      .family = tracked.reply.source.family,
						      .protocol = tracked.protocol,
						      .remote = tracked.reply.source,
						      .local = tracked.reply.destination,
						      .remote_port = tracked.reply.source_port,
						      .local_port = tracked.reply.destination_port,
						      .state = tracked.state,
					      });
}

/* To ask a kernel that hasn't loaded it would load it. */
static bool is_loaded(void)
{
	return access("/sys/module/nf_conntrack", F_OK) == 0 ||
	       access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK) == 0;
}

int vg_conntrack_read_outbound(struct vg_routes *routes, const struct vg_holders *tcp,
			       struct vg_seeds *seeds)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	struct collector collector = {routes, tcp, seeds};
	struct nfgenmsg request = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};
	int r;

	if (!is_loaded())
		return -ENOENT;
	message = nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP);
	if (!message || nlmsg_append(message, &request, sizeof(request), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	r = vg_netlink_dump(NETLINK_NETFILTER, message, add_connection, &collector);
	/* How nfnetlink says that it has no such subsystem. */
	return r == -EINVAL || r == -EPROTONOSUPPORT || r == -EOPNOTSUPP ? -ENOENT : r;
}
