/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>
#include "share/netlink.h"
#include "service/sockets.h"
#include "share/cleanup.h"

#define STATE(state) (1U << (state))

/* Not TIME_WAIT, whose last packets nobody misses, nor SYN_RECV, which the other side began. */
#define TCP_CONVERSATIONS                                                      \
	(STATE(TCP_ESTABLISHED) | STATE(TCP_SYN_SENT) | STATE(TCP_FIN_WAIT1) | \
	 STATE(TCP_FIN_WAIT2) | STATE(TCP_CLOSE_WAIT) | STATE(TCP_LAST_ACK) | STATE(TCP_CLOSING))

/* A UDP socket is in one of two states. */
#define UDP_WITHOUT_PEER STATE(TCP_CLOSE)
#define UDP_WITH_PEER STATE(TCP_ESTABLISHED)

static const struct vg_prefix mapped4 = {{.lo = 0xffff00000000, .family = 6}, 96};
static const struct vg_prefix loopback4 = {{.hi = 127ULL << 56, .family = 4}, 8};
static const struct vg_prefix loopback6 = {{.lo = 1, .family = 6}, 128};

static struct vg_address address_of(int family, const __be32 words[4])
{
	struct vg_address address;

	address = vg_address_from_bytes(family == AF_INET ? 4 : 6, (const __u8 *)words);
	if (vg_prefix_contains(&mapped4, &address))
		address = vg_address_from_bytes(4, (const __u8 *)&words[3]);
	return address;
}

int vg_socket_parse(const struct nlmsghdr *header, struct vg_socket *ret_socket)
{
	struct nlattr *attributes[INET_DIAG_MAX + 1];
	struct nlattr *v6only;
	struct inet_diag_msg message;

	/* libnl reads headers through pointers that aren't const. */
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlmsg_parse((struct nlmsghdr *)header, sizeof(message), attributes, INET_DIAG_MAX,
			NULL) < 0)
		return -EBADMSG;
	memcpy(&message, nlmsg_data(header), sizeof(message));
	if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
		return -EBADMSG;
	v6only = attributes[INET_DIAG_SKV6ONLY];
	*ret_socket = (struct vg_socket){
		.state = message.idiag_state,
		.local = address_of(message.idiag_family, message.id.idiag_src),
		.remote = address_of(message.idiag_family, message.id.idiag_dst),
		.local_port = ntohs(message.id.idiag_sport),
		.remote_port = ntohs(message.id.idiag_dport),
		.v6only = v6only && nla_len(v6only) >= 1 && nla_get_u8(v6only),
	};
	return 0;
}

static enum vg_flow_state state_of(const struct vg_socket *socket)
{
	switch (socket->state) {
	case TCP_SYN_SENT:
		return VG_FLOW_NEW;
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_LAST_ACK:
	case TCP_CLOSING:
		return VG_FLOW_CLOSING;
	default:
		return VG_FLOW_OPEN;
	}
}

static bool is_unspecified(const struct vg_address *address)
{
	return !address->hi && !address->lo;
}

bool vg_socket_is_outside(const struct vg_socket *socket)
{
	return socket->remote.family == socket->local.family && socket->remote_port &&
	       !is_unspecified(&socket->remote) && !is_unspecified(&socket->local) &&
	       !vg_prefix_contains(&loopback4, &socket->remote) &&
	       !vg_prefix_contains(&loopback6, &socket->remote) &&
	       vg_seeds_compare_addresses(&socket->remote, &socket->local) != 0;
}

bool vg_socket_is_outbound(const struct vg_socket *socket, int protocol,
			   const struct vg_holders *holders, struct vg_seed *ret_seed)
{
	if (!vg_socket_is_outside(socket) ||
	    vg_holders_hold(holders, &socket->local, socket->local_port))
		return false;
	*ret_seed = (struct vg_seed){
		.family = socket->remote.family,
		.protocol = protocol,
		.remote = socket->remote,
		.local = socket->local,
		.remote_port = socket->remote_port,
		.local_port = socket->local_port,
		.state = state_of(socket),
	};
	return true;
}

static int dump_family(int family, int protocol, unsigned states,
		       int (*each)(const struct nlmsghdr *header, void *context), void *context)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = protocol,
		.idiag_states = states,
		.id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
	};

	message = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	if (!message || nlmsg_append(message, &request, sizeof(request), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return vg_netlink_dump(NETLINK_SOCK_DIAG, message, each, context);
}

/* Where the kernel lists a protocol over IPv4 alone, there is no IPv6. */
static int dump(int protocol, unsigned states,
		int (*each)(const struct nlmsghdr *header, void *context), void *context)
{
	int r;

	r = dump_family(AF_INET, protocol, states, each, context);
	if (r < 0)
		return r;
	r = dump_family(AF_INET6, protocol, states, each, context);
	return r == -ENOENT || r == -EINVAL || r == -EAFNOSUPPORT ? 0 : r;
}

static int add_holder(const struct nlmsghdr *header, void *context)
{
	struct vg_socket socket;

	if (vg_socket_parse(header, &socket) < 0)
		return 0;
	return vg_holders_add(context, &socket.local, socket.local_port, socket.v6only);
}

int vg_sockets_read_holders(int protocol, struct vg_holders *holders)
{
	int r;

	r = dump(protocol, protocol == IPPROTO_TCP ? STATE(TCP_LISTEN) : UDP_WITHOUT_PEER,
		 add_holder, holders);
	vg_holders_sort(holders);
	return r;
}

struct outbound {
	int protocol;
	const struct vg_holders *holders;
	struct vg_seeds *seeds;
};

static int add_outbound(const struct nlmsghdr *header, void *context)
{
	const struct outbound *outbound = context;
	struct vg_socket socket;
	struct vg_seed seed;

	if (vg_socket_parse(header, &socket) < 0 ||
	    !vg_socket_is_outbound(&socket, outbound->protocol, outbound->holders, &seed))
		return 0;
	return vg_seeds_add(outbound->seeds, &seed);
}

int vg_sockets_read_outbound(int protocol, const struct vg_holders *holders, struct vg_seeds *seeds)
{
	struct outbound outbound = {protocol, holders, seeds};

	return dump(protocol, protocol == IPPROTO_TCP ? TCP_CONVERSATIONS : UDP_WITH_PEER,
		    add_outbound, &outbound);
}

struct visit {
	int (*each)(const struct vg_socket *socket, void *context);
	void *context;
};

static int visit_connection(const struct nlmsghdr *header, void *context)
{
	const struct visit *visit = context;
	struct vg_socket socket;

	return vg_socket_parse(header, &socket) < 0 ? 0 : visit->each(&socket, visit->context);
}

int vg_sockets_each_connection(int (*each)(const struct vg_socket *socket, void *context),
			       void *context)
{
	struct visit visit = {each, context};

	return dump(IPPROTO_TCP, TCP_CONVERSATIONS, visit_connection, &visit);
}
