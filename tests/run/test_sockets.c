/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which conversations are collected from real sockets of a host. */
#include <netinet/tcp.h>
#include "tests/run/hosts.h"
#include "service/conntrack.c"
#include "service/holders.c"
#include "share/netlink.c"
#include "service/routes.c"
#include "service/seed.c"
#include "service/seedlist.c"
#include "service/sockets.c"

#define WORLD4 "198.51.100.9"
#define WORLD6 "2001:db8::9"
#define MAPPED "::ffff:198.51.100.9"
#define GATED4 "10.178.0.2"
#define GATED6 "fd20:1::2"

#define UNUSED_NETLINK 31 /* the last that there could be, of MAX_LINKS */
#define POLLS 1000	  /* of 5 ms */

static char text[4096];

static void expect(const char *name, const char *expected)
{
	collected(text, sizeof(text));
	if (strcmp(text, expected) != 0)
		fail_msg("%s: expected\n%sgot\n%s", name, expected, text);
}

static void wait_for_state(int fd, int state)
{
	struct tcp_info info = {0};

	for (int i = 0; i < POLLS; i++) {
		socklen_t length = sizeof(info);

		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length);
		if (info.tcpi_state == state)
			return;
		usleep(5000);
	}
	fail_msg("TCP state %d, not %d", info.tcpi_state, state);
}

static int connected(int type, const char *local, unsigned port, const char *remote,
		     unsigned remote_port)
{
	const int fd = bound(GATED, type, local, port, 0);

	connect_to(fd, remote, remote_port);
	return fd;
}

static void tcp_that_this_host_opened(void **state)
{
	const int web4 = listener(WORLD, "0.0.0.0", 443, 0);
	const int web6 = listener(WORLD, "::", 443, 1);

	(void)state;
	expect("nothing", "");
	connected(SOCK_STREAM, GATED4, 40001, WORLD4, 443);
	connected(SOCK_STREAM, GATED6, 40002, WORLD6, 443);
	connected(SOCK_STREAM, "::", 40003, MAPPED, 443);
	/* These hold the port of the first, but neither its address nor its family. */
	listener(GATED, "127.0.0.1", 40001, 0);
	listener(GATED, "::", 40001, 1);
	/* A listener on its very address is not needed to be reached from within. */
	listener(GATED, "127.0.0.1", 9000, 0);
	connected(SOCK_STREAM, "127.0.0.1", 40004, "127.0.0.1", 9000);
	listener(GATED, GATED4, 9001, 0);
	connected(SOCK_STREAM, GATED4, 40005, GATED4, 9001);
	expect("outbound", "tcp " WORLD4 " 443 > " GATED4 " 40001 open\n"
			   "tcp " WORLD4 " 443 > " GATED4 " 40003 open\n"
			   "tcp " WORLD6 " 443 > " GATED6 " 40002 open\n");
	close(web4);
	close(web6);
}

static void tcp_that_others_opened(void **state)
{
	const int ssh = listener(GATED, "0.0.0.0", 22, 0);
	const int web = listener(GATED, "::", 80, 0);
	const int one = listener(GATED, GATED6, 8080, 1);

	(void)state;
	connect_to(bound(WORLD, SOCK_STREAM, WORLD4, 50001, 0), GATED4, 22);
	accepted(ssh);
	connect_to(bound(WORLD, SOCK_STREAM, WORLD4, 50002, 0), GATED4, 80);
	accepted(web);
	connect_to(bound(WORLD, SOCK_STREAM, WORLD6, 50003, 0), GATED6, 80);
	accepted(web);
	connect_to(bound(WORLD, SOCK_STREAM, WORLD6, 50004, 0), GATED6, 8080);
	accepted(one);
	/* Not accepted yet. */
	connect_to(bound(WORLD, SOCK_STREAM, WORLD4, 50005, 0), GATED4, 22);
	expect("inbound", "");
}

static void tcp_in_every_state(void **state)
{
	const int web = listener(WORLD, "0.0.0.0", 443, 0);
	int fd, peer;

	(void)state;
	connected(SOCK_STREAM | SOCK_NONBLOCK, GATED4, 40001, "198.51.100.200", 443);

	fd = connected(SOCK_STREAM, GATED4, 40002, WORLD4, 443);
	accepted(web);
	shutdown(fd, SHUT_WR);
	wait_for_state(fd, TCP_FIN_WAIT2);

	fd = connected(SOCK_STREAM, GATED4, 40003, WORLD4, 443);
	close(accepted(web));
	wait_for_state(fd, TCP_CLOSE_WAIT);

	/* TIME_WAIT */
	fd = connected(SOCK_STREAM, GATED4, 40004, WORLD4, 443);
	peer = accepted(web);
	shutdown(fd, SHUT_WR);
	wait_for_state(fd, TCP_FIN_WAIT2);
	close(peer);
	wait_for_state(fd, TCP_CLOSE);

	/* An orphan */
	fd = connected(SOCK_STREAM, GATED4, 40005, WORLD4, 443);
	peer = accepted(web);
	close(fd);
	wait_for_state(peer, TCP_CLOSE_WAIT);

	/* Bound, but neither connected nor listening */
	bound(GATED, SOCK_STREAM, GATED4, 40006, 0);
	expect("states", "tcp " WORLD4 " 443 > " GATED4 " 40002 closing\n"
			 "tcp " WORLD4 " 443 > " GATED4 " 40003 open\n"
			 "tcp " WORLD4 " 443 > " GATED4 " 40005 closing\n"
			 "tcp 198.51.100.200 443 > " GATED4 " 40001 new\n");
}

static void udp_with_and_without_a_peer(void **state)
{
	(void)state;
	connected(SOCK_DGRAM, GATED4, 40001, WORLD4, 53);
	connected(SOCK_DGRAM, GATED6, 40002, WORLD6, 53);
	connected(SOCK_DGRAM, "::", 40003, MAPPED, 53);
	connected(SOCK_DGRAM, "127.0.0.1", 40004, "127.0.0.1", 53);
	bound(GATED, SOCK_DGRAM, GATED4, 40005, 0);
	/* Servers that connect a socket to each peer */
	bound(GATED, SOCK_DGRAM, "::", 53, 0);
	connected(SOCK_DGRAM, GATED4, 53, WORLD4, 5353);
	connected(SOCK_DGRAM, GATED6, 53, WORLD6, 5353);
	bound(GATED, SOCK_DGRAM, GATED4, 443, 0);
	connected(SOCK_DGRAM, GATED4, 443, WORLD4, 5353);
	/* TCP and UDP have ports of their own. */
	listener(GATED, "0.0.0.0", 40001, 0);
	expect("udp", "udp " WORLD4 " 53 > " GATED4 " 40001 open\n"
		      "udp " WORLD4 " 53 > " GATED4 " 40003 open\n"
		      "udp " WORLD6 " 53 > " GATED6 " 40002 open\n");
}

/* More than one message of a dump holds. */
static void many_sockets(void **state)
{
	enum { MANY = 600 };
	_cleanup_free_ struct vg_seed *seeds = NULL;
	bool conntrack;
	size_t n;

	(void)state;
	for (int i = 0; i < MANY; i++)
		connected(SOCK_DGRAM, GATED4, 20000 + i, WORLD4, 53);
	assert_int_equal(vg_seed_collect(NULL, 0, &seeds, &n, &conntrack, NULL), 0);
	assert_int_equal(n, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(seeds[i].local_port, 20000 + i);
}

static int count_messages(const struct nlmsghdr *header, void *context)
{
	(void)header;
	++*(int *)context;
	return 0;
}

static int refuse_message(const struct nlmsghdr *header, void *context)
{
	(void)header;
	++*(int *)context;
	return -E2BIG;
}

static void what_the_kernel_refuses(void **state)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = nlmsg_alloc_simple(1, 0);
	int n = 0;

	(void)state;
	/* A protocol that has no sockets: an error at the start or in the dump's last message. */
	assert_int_equal(dump_family(AF_INET, IPPROTO_IGMP, ~0U, count_messages, &n), -ENOENT);
	assert_int_equal(dump_family(AF_UNIX + 100, IPPROTO_TCP, ~0U, count_messages, &n), -EINVAL);
	assert_int_equal(vg_netlink_dump(UNUSED_NETLINK, message, count_messages, &n),
			 -EPROTONOSUPPORT);
	assert_int_equal(n, 0);
	bound(GATED, SOCK_DGRAM, "0.0.0.0", 53, 0);
	bound(GATED, SOCK_DGRAM, "0.0.0.0", 54, 0);
	assert_int_equal(dump_family(AF_INET, IPPROTO_UDP, ~0U, refuse_message, &n), -E2BIG);
	assert_int_equal(n, 1);
}

static void conntrack_without_privilege(void **state)
{
	_cleanup_free_ struct vg_seed *seeds = NULL;
	struct vg_diag warning;
	bool conntrack = true;
	size_t n;
	int r;

	(void)state;
	connected(SOCK_DGRAM, GATED4, 40001, WORLD4, 53);
	assert_int_equal(seteuid(65534), 0);
	r = vg_seed_collect(NULL, 0, &seeds, &n, &conntrack, &warning);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, 0);
	assert_int_equal(n, 1);
	assert_false(conntrack);
	assert_string_equal(warning.text, "connection tracking can't be read: Operation not "
					  "permitted (it needs CAP_NET_ADMIN)");
}

/* Descriptors are left to hosts_down() of the process's end; each test has namespaces of its own. */
#define TEST(function) cmocka_unit_test_setup_teardown(function, hosts_up, hosts_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tcp_that_this_host_opened),
		TEST(tcp_that_others_opened),
		TEST(tcp_in_every_state),
		TEST(udp_with_and_without_a_peer),
		TEST(many_sockets),
		TEST(what_the_kernel_refuses),
		TEST(conntrack_without_privilege),
	};

	if (geteuid() != 0) {
		puts("needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
