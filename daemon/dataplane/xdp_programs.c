// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which XDP programs are on a NIC: IFLA_XDP of RTM_GETLINK. libbpf's bpf_xdp_query() has the kernel list
 * all links for it, of which a node with containers has hundreds.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

static void close_socket(struct nl_sock **socket)
{
	nl_socket_free(*socket);
}

static void free_message(struct nl_msg **message)
{
	nlmsg_free(*message);
}

static struct nl_msg *make_question(unsigned ifindex)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, 0);

	if (message && (nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO) < 0 ||
			nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static __u32 id_of(struct nlattr *const *attributes, int type)
{
	return attributes[type] ? nla_get_u32(attributes[type]) : 0;
}

static int read_answer(struct nlmsghdr *header, int length, struct vg_xdp_programs *ret_programs)
{
	struct nlattr *link[IFLA_MAX + 1], *xdp[IFLA_XDP_MAX + 1] = {0};

	if (!nlmsg_ok(header, length))
		return -EIO;
	if (header->nlmsg_type == NLMSG_ERROR)
		return nlmsg_datalen(header) < (int)sizeof(struct nlmsgerr)
			       ? -EIO
			       : ((struct nlmsgerr *)nlmsg_data(header))->error ?: -EIO;
	if (nlmsg_parse(header, sizeof(struct ifinfomsg), link, IFLA_MAX, NULL) < 0 ||
	    (link[IFLA_XDP] && nla_parse_nested(xdp, IFLA_XDP_MAX, link[IFLA_XDP], NULL) < 0))
		return -EIO;
	*ret_programs = (struct vg_xdp_programs){
		.native = id_of(xdp, IFLA_XDP_DRV_PROG_ID),
		.generic = id_of(xdp, IFLA_XDP_SKB_PROG_ID),
		.offloaded = id_of(xdp, IFLA_XDP_HW_PROG_ID),
	};
	return 0;
}

int vg_xdp_programs_read(unsigned ifindex, struct vg_xdp_programs *ret_programs)
{
	_cleanup_(close_socket) struct nl_sock *socket = nl_socket_alloc();
	_cleanup_(free_message) struct nl_msg *question = make_question(ifindex);
	_cleanup_free_ unsigned char *answer = NULL;
	struct sockaddr_nl from;
	int length;

	if (!socket || !question)
		return -ENOMEM;
	if (nl_connect(socket, NETLINK_ROUTE) < 0 || nl_send_auto(socket, question) < 0)
		return -EIO;
	length = nl_recv(socket, &from, &answer, NULL);
	return length <= 0 ? -EIO : read_answer((struct nlmsghdr *)answer, length, ret_programs);
}
