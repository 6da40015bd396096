/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include "service/conntrack.c"
#include "service/holders.c"
#include "share/netlink.c"
#include "service/routes.c"
#include "service/seedlist.c"
#include "service/sockets.c"
#include "tests/oracle/track.h"

/* ---- sock_diag ---- */

struct socket_message {
	struct nlmsghdr header;
	struct inet_diag_msg socket;
	struct nlattr attribute;
	__u8 v6only, pad[3];
};

static struct socket_message socket_message(const char *local, unsigned local_port,
					    const char *remote, unsigned remote_port, int state,
					    bool v6only)
{
	struct socket_message message = {
		.header = {.nlmsg_len = sizeof(message), .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.socket = {.idiag_family = strchr(local, ':') ? AF_INET6 : AF_INET,
			   .idiag_state = state,
			   .id.idiag_sport = htons(local_port),
			   .id.idiag_dport = htons(remote_port)},
		.attribute = {.nla_len = NLA_HDRLEN + 1, .nla_type = INET_DIAG_SKV6ONLY},
		.v6only = v6only,
	};

	inet_pton(message.socket.idiag_family, local, message.socket.id.idiag_src);
	inet_pton(message.socket.idiag_family, remote, message.socket.id.idiag_dst);
	return message;
}

static void sockets_that_are_outbound(void **state)
{
	static const struct {
		const char *local, *remote;
		unsigned local_port, remote_port;
		int state, flow_state; /* -1: not outbound */
	} cases[] = {
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_ESTABLISHED, VG_FLOW_OPEN},
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_SYN_SENT, VG_FLOW_NEW},
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_FIN_WAIT1, VG_FLOW_CLOSING},
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_FIN_WAIT2, VG_FLOW_CLOSING},
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_CLOSE_WAIT, VG_FLOW_OPEN},
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_LAST_ACK, VG_FLOW_CLOSING},
		{"10.0.0.1", "8.8.8.8", 40000, 443, TCP_CLOSING, VG_FLOW_CLOSING},
		{"10.0.0.1", "8.8.8.8", 22, 443, TCP_ESTABLISHED, -1},
		{"::ffff:10.0.0.1", "::ffff:8.8.8.8", 22, 443, TCP_ESTABLISHED, -1},
		{"fd20::1", "2001:db8::1", 40000, 443, TCP_ESTABLISHED, VG_FLOW_OPEN},
		{"fd20::1", "2001:db8::1", 22, 443, TCP_ESTABLISHED, VG_FLOW_OPEN},
		{"::ffff:10.0.0.1", "::ffff:8.8.8.8", 40000, 443, TCP_ESTABLISHED, VG_FLOW_OPEN},
		{"10.0.0.1", "0.0.0.0", 40000, 443, TCP_ESTABLISHED, -1},
		{"10.0.0.1", "8.8.8.8", 40000, 0, TCP_ESTABLISHED, -1},
		{"0.0.0.0", "8.8.8.8", 40000, 443, TCP_ESTABLISHED, -1},
		{"10.0.0.1", "127.9.9.9", 40000, 443, TCP_ESTABLISHED, -1},
		{"fd20::1", "::1", 40000, 443, TCP_ESTABLISHED, -1},
		{"10.0.0.1", "10.0.0.1", 40000, 443, TCP_ESTABLISHED, -1},
		{"::ffff:10.0.0.1", "fd20::1", 40000, 443, TCP_ESTABLISHED, -1},
	};
	_cleanup_(vg_holders_free_p) struct vg_holders *holders = NULL;
	const struct vg_address any = {.family = 4};

	(void)state;
	assert_int_equal(vg_holders_new(&holders), 0);
	assert_int_equal(vg_holders_add(holders, &any, 22, false), 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct socket_message message =
			socket_message(cases[i].local, cases[i].local_port, cases[i].remote,
				       cases[i].remote_port, cases[i].state, false);
		struct vg_socket socket;
		struct vg_seed seed;
		bool outbound;

		assert_int_equal(vg_socket_parse(&message.header, &socket), 0);
		outbound = vg_socket_is_outbound(&socket, IPPROTO_TCP, holders, &seed);
		if (outbound != (cases[i].flow_state >= 0) ||
		    (outbound && (int)seed.state != cases[i].flow_state))
			fail_msg("case %zu: outbound %d, flow state %d", i, outbound,
				 outbound ? (int)seed.state : -1);
	}
}

static void sockets_as_they_are_told(void **state)
{
	struct socket_message message = socket_message("::", 22, "::", 0, TCP_LISTEN, false);
	struct vg_socket socket;

	(void)state;
	assert_int_equal(vg_socket_parse(&message.header, &socket), 0);
	assert_int_equal(socket.state, TCP_LISTEN);
	assert_int_equal(socket.local.family, 6);
	assert_int_equal(socket.local_port, 22);
	assert_false(socket.v6only);
	message.v6only = 1;
	assert_int_equal(vg_socket_parse(&message.header, &socket), 0);
	assert_true(socket.v6only);
	message.attribute.nla_len = NLA_HDRLEN;
	assert_int_equal(vg_socket_parse(&message.header, &socket), 0);
	assert_false(socket.v6only);
	message.socket.idiag_family = AF_UNIX;
	assert_int_equal(vg_socket_parse(&message.header, &socket), -EBADMSG);
	message.socket.idiag_family = AF_INET;
	message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY + 1;
	assert_int_equal(vg_socket_parse(&message.header, &socket), -EBADMSG);
}

/* Calls `parse` on every beginning of the message, in a buffer of just that size. */
static void parse_beginnings(const struct nlmsghdr *message, int (*parse)(const struct nlmsghdr *))
{
	for (__u32 length = sizeof(*message); length < message->nlmsg_len; length++) {
		_cleanup_free_ struct nlmsghdr *cut = malloc(length);

		assert_non_null(cut);
		memcpy(cut, message, length);
		cut->nlmsg_len = length;
		parse(cut);
	}
}

static int parse_socket(const struct nlmsghdr *message)
{
	struct vg_socket socket;
	const int r = vg_socket_parse(message, &socket);

	if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(struct inet_diag_msg))
		assert_int_equal(r, -EBADMSG);
	return r;
}

static int parse_tracked(const struct nlmsghdr *message)
{
	struct vg_tracked tracked;

	return vg_conntrack_parse(message, &tracked);
}

static void messages_that_are_cut(void **state)
{
	static const struct vg_track track = {IPPROTO_TCP,
					      {"10.0.0.1", 40000, "8.8.8.8", 443},
					      {"8.8.8.8", 443, "10.0.0.1", 40000},
					      .state = TCP_CONNTRACK_ESTABLISHED};
	_cleanup_(vg_netlink_message_p) struct nl_msg *tracked = vg_track_message(&track);
	const struct socket_message socket =
		socket_message("10.0.0.1", 1, "8.8.8.8", 2, TCP_ESTABLISHED, false);

	(void)state;
	parse_beginnings(&socket.header, parse_socket);
	parse_beginnings(nlmsg_hdr(tracked), parse_tracked);
	assert_int_equal(parse_tracked(nlmsg_hdr(tracked)), 0);
}

/* ---- ctnetlink ---- */

/* Every byte of a message in turn becomes 0, 255 and its neighbours: no answer is wrong, none reads
 * past the end. */
static void connections_with_wrong_bytes(void **state)
{
	static const struct vg_track track = {IPPROTO_ICMPV6,
					      {"fd20::1", 7, "2001:db8::1", 0},
					      {"2001:db8::1", 0, "fd20::1", 7},
					      .icmp_type = ICMP6_ECHO_REQUEST};
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = vg_track_message(&track);
	const __u32 length = nlmsg_hdr(message)->nlmsg_len;
	_cleanup_free_ __u8 *copy = malloc(length);

	(void)state;
	assert_non_null(copy);
	for (__u32 i = NLMSG_HDRLEN; i < length; i++) {
		for (int change = -2; change <= 2; change++) {
			memcpy(copy, nlmsg_hdr(message), length);
			copy[i] = change == -2 ? 0 : change == 2 ? 255 : copy[i] + change;
			parse_tracked((struct nlmsghdr *)copy);
		}
	}
}

static void connections_as_they_are_told(void **state)
{
	static const struct {
		const char *name;
		struct vg_track track;
		int error;
		enum vg_flow_state state;
		unsigned remote_port, local_port;
	} cases[] = {
		{"TCP",
		 {IPPROTO_TCP,
		  {"10.0.0.1", 40000, "8.8.8.8", 443},
		  {"8.8.8.8", 443, "10.0.0.1", 40000},
		  .state = TCP_CONNTRACK_ESTABLISHED},
		 0,
		 VG_FLOW_OPEN,
		 443,
		 40000},
		{"TCP in no state",
		 {IPPROTO_TCP,
		  {"10.0.0.1", 40000, "8.8.8.8", 443},
		  {"8.8.8.8", 443, "10.0.0.1", 40000},
		  .state = TCP_CONNTRACK_NONE},
		 -ENOENT,
		 VG_FLOW_NEW,
		 0,
		 0},
		{"LAST_ACK",
		 {IPPROTO_TCP,
		  {"10.0.0.1", 40000, "8.8.8.8", 443},
		  {"8.8.8.8", 443, "10.0.0.1", 40000},
		  .state = TCP_CONNTRACK_LAST_ACK},
		 0,
		 VG_FLOW_CLOSING,
		 443,
		 40000},
		{"SCTP without its state",
		 {IPPROTO_SCTP,
		  {"10.0.0.1", 40000, "8.8.8.8", 443},
		  {"8.8.8.8", 443, "10.0.0.1", 40000},
		  .answered = true},
		 -ENOENT,
		 VG_FLOW_NEW,
		 0,
		 0},
		{"GRE, whose keys are told as ports",
		 {IPPROTO_GRE,
		  {"10.0.0.1", 40000, "8.8.8.8", 443},
		  {"8.8.8.8", 443, "10.0.0.1", 40000},
		  .answered = true},
		 0,
		 VG_FLOW_OPEN,
		 0,
		 0},
		{"ping, its identifier rewritten",
		 {IPPROTO_ICMP,
		  {"10.4.0.5", 7, "8.8.8.8", 0},
		  {"8.8.8.8", 0, "10.0.0.1", 9},
		  .icmp_type = ICMP_ECHO},
		 0,
		 VG_FLOW_NEW,
		 0,
		 9},
		{"ICMP without answers",
		 {IPPROTO_ICMP,
		  {"10.4.0.5", 7, "8.8.8.8", 0},
		  {"8.8.8.8", 0, "10.0.0.1", 9},
		  .icmp_type = ICMP_TIMESTAMP},
		 -ENOENT,
		 VG_FLOW_NEW,
		 0,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_netlink_message_p) struct nl_msg *message =
			vg_track_message(&cases[i].track);
		struct vg_tracked tracked = {0};
		const int r = vg_conntrack_parse(nlmsg_hdr(message), &tracked);

		if (r != cases[i].error ||
		    (!r && (tracked.state != cases[i].state ||
			    tracked.reply.source_port != cases[i].remote_port ||
			    tracked.reply.destination_port != cases[i].local_port)))
			fail_msg("%s: %d, state %d, ports %u and %u", cases[i].name, r,
				 tracked.state, tracked.reply.source_port,
				 tracked.reply.destination_port);
	}
}

/* ---- dumps ---- */

/* A dump's last message may hold an error, which is the kernel's word before any other. */
static void dumps_that_fail_at_the_end(void **state)
{
	static const int errors[] = {0, -ENOENT};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(errors); i++) {
		_cleanup_(vg_netlink_message_p) struct nl_msg *message =
			nlmsg_alloc_simple(NLMSG_DONE, 0);
		struct answer answer = {0};

		assert_int_equal(on_finish(message, &answer), NL_OK);
		assert_int_equal(answer.error, 0);
		nlmsg_append(message, (void *)&errors[i], sizeof(errors[i]), NLMSG_ALIGNTO);
		assert_int_equal(on_finish(message, &answer), NL_OK);
		assert_int_equal(answer.error, errors[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_that_are_outbound),
		cmocka_unit_test(sockets_as_they_are_told),
		cmocka_unit_test(messages_that_are_cut),
		cmocka_unit_test(connections_with_wrong_bytes),
		cmocka_unit_test(connections_as_they_are_told),
		cmocka_unit_test(dumps_that_fail_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
