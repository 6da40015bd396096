/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include "share/netlink.h"
#include "share/cleanup.h"

/* The most that the kernel puts into one message of a dump. */
#define RECEIVE_BYTES 32768

struct answer {
	int (*each)(const struct nlmsghdr *header, void *context);
	void *context;
	int error; /* the first of the kernel's or of `each` */
};

/* libnl's error numbers are its own. */
static int netlink_error(int nl_error)
{
	switch (-nl_error) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_AF_NOSUPPORT:
	case NLE_PROTO_MISMATCH:
		return -EPROTONOSUPPORT;
	default:
		return -EIO;
	}
}

int vg_netlink_open(int protocol, struct nl_sock **ret_socket)
{
	_cleanup_(vg_netlink_close_p) struct nl_sock *socket = nl_socket_alloc();
	int r;

	if (!socket)
		return -ENOMEM;
	nl_socket_disable_auto_ack(socket);
	r = nl_connect(socket, protocol);
	if (r >= 0)
		r = nl_socket_set_msg_buf_size(socket, RECEIVE_BYTES);
	if (r < 0)
		return netlink_error(r);
	*ret_socket = VG_TAKE_PTR(socket);
	return 0;
}

void vg_netlink_close_p(struct nl_sock **socket)
{
	nl_socket_free(*socket);
}

static void note_error(struct answer *answer, int error)
{
	if (error < 0 && !answer->error)
		answer->error = error;
}

static int on_message(struct nl_msg *message, void *context)
{
	struct answer *answer = context;

	if (!answer->error)
		note_error(answer, answer->each(nlmsg_hdr(message), answer->context));
	return NL_OK;
}

/* A dump that fails on the way says so in its last message. */
static int on_finish(struct nl_msg *message, void *context)
{
	const struct nlmsghdr *header = nlmsg_hdr(message);
	int error = 0;

	if (nlmsg_datalen(header) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(header), sizeof(error));
	note_error(context, error);
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *message, void *context)
{
	(void)from;
	note_error(context, message->error);
	return NL_STOP;
}

static void callbacks_put_p(struct nl_cb **callbacks)
{
	if (*callbacks)
		nl_cb_put(*callbacks);
}

int vg_netlink_ask(struct nl_sock *socket, struct nl_msg *message,
		   int (*each)(const struct nlmsghdr *header, void *context), void *context)
{
	_cleanup_(callbacks_put_p) struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	struct answer answer = {.each = each, .context = context};
	int r = -NLE_DUMP_INTR;

	if (!callbacks)
		return -ENOMEM;
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_message, &answer);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &answer);
	nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, &answer);
	for (int i = 0; i < VG_NETLINK_ATTEMPTS && r == -NLE_DUMP_INTR; i++) {
		nlmsg_hdr(message)->nlmsg_seq = NL_AUTO_SEQ;
		r = nl_send_auto(socket, message);
		if (r >= 0)
			r = nl_recvmsgs(socket, callbacks);
		if (answer.error)
			return answer.error;
	}
	return r < 0 && r != -NLE_DUMP_INTR ? netlink_error(r) : 0;
}

int vg_netlink_dump(int protocol, struct nl_msg *message,
		    int (*each)(const struct nlmsghdr *header, void *context), void *context)
{
	_cleanup_(vg_netlink_close_p) struct nl_sock *socket = NULL;
	int r;

	r = vg_netlink_open(protocol, &socket);
	if (r < 0)
		return r;
	return vg_netlink_ask(socket, message, each, context);
}
