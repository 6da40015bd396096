/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which conversations are collected from the kernel's connection tracking. */
#include <linux/netfilter/nf_tables.h>
#include <netinet/ip_icmp.h>
#include "tests/run/hosts.h"
#include "tests/oracle/track.h"
#include "service/conntrack.c"
#include "service/holders.c"
#include "share/netlink.c"
#include "service/routes.c"
#include "service/seed.c"
#include "service/seedlist.c"
#include "service/sockets.c"

#define WORLD4 "198.51.100.9"
#define WORLD6 "2001:db8::9"
#define GATED4 "10.178.0.2"
#define GATED6 "fd20:1::2"
#define POD4 "10.4.0.5"
#define POD6 "fd20:4::5"

#define LIVE TCP_CONNTRACK_ESTABLISHED

static const struct tracked_case {
	const char *name;
	struct vg_track track;
	const char *seed; /* "": none */
} entries[] = {
	{"this host's, IPv4",
	 {IPPROTO_TCP, {GATED4, 40001, WORLD4, 443}, {WORLD4, 443, GATED4, 40001}, .state = LIVE},
	 "tcp 198.51.100.9 443 > 10.178.0.2 40001 open\n"},
	{"this host's, IPv6",
	 {IPPROTO_TCP, {GATED6, 40001, WORLD6, 443}, {WORLD6, 443, GATED6, 40001}, .state = LIVE},
	 "tcp 2001:db8::9 443 > fd20:1::2 40001 open\n"},
	{"to this host",
	 {IPPROTO_TCP, {WORLD4, 50001, GATED4, 80}, {GATED4, 80, WORLD4, 50001}, .state = LIVE},
	 ""},
	{"to this host, UDP and IPv6",
	 {IPPROTO_UDP, {WORLD6, 50001, GATED6, 53}, {GATED6, 53, WORLD6, 50001}, .state = 0},
	 ""},
	{"a pod's, source rewritten",
	 {IPPROTO_TCP, {POD4, 40001, WORLD4, 443}, {WORLD4, 443, GATED4, 61001}, .state = LIVE},
	 "tcp 198.51.100.9 443 > 10.178.0.2 61001 open\n"},
	{"a pod's, routed",
	 {IPPROTO_UDP, {POD6, 40001, WORLD6, 53}, {WORLD6, 53, POD6, 40001}, .state = 0},
	 "udp 2001:db8::9 53 > fd20:4::5 40001 new\n"},
	{"a pod's, both rewritten",
	 {IPPROTO_TCP,
	  {POD4, 40001, "10.96.0.1", 443},
	  {WORLD4, 6443, GATED4, 61001},
	  .state = LIVE},
	 "tcp 198.51.100.9 6443 > 10.178.0.2 61001 open\n"},
	{"to a pod, destination rewritten",
	 {IPPROTO_TCP, {WORLD4, 50001, GATED4, 8080}, {POD4, 80, WORLD4, 50001}, .state = LIVE},
	 ""},
	{"to a pod, both rewritten",
	 {IPPROTO_TCP, {WORLD4, 50001, GATED4, 8080}, {POD4, 80, "10.4.0.1", 50001}, .state = LIVE},
	 ""},
	{"through this host from outside to outside",
	 {IPPROTO_TCP,
	  {WORLD4, 50001, "192.0.2.1", 80},
	  {"192.0.2.1", 80, WORLD4, 50001},
	  .state = LIVE},
	 ""},
	{"rewritten to leave where it came in",
	 {IPPROTO_TCP,
	  {WORLD4, 50001, GATED4, 80},
	  {"192.0.2.1", 80, GATED4, 50001},
	  .state = LIVE},
	 ""},
	{"from pod to pod",
	 {IPPROTO_TCP,
	  {POD4, 40001, "10.96.0.1", 443},
	  {"10.4.0.6", 443, POD4, 40001},
	  .state = LIVE},
	 ""},
	{"from pod to host",
	 {IPPROTO_TCP, {POD4, 40001, GATED4, 22}, {GATED4, 22, POD4, 40001}, .state = LIVE},
	 ""},
	{"from host to pod",
	 {IPPROTO_TCP, {"10.4.0.1", 40001, POD4, 80}, {POD4, 80, "10.4.0.1", 40001}, .state = LIVE},
	 ""},
	{"from host to itself",
	 {IPPROTO_TCP,
	  {"127.0.0.1", 40001, "127.0.0.1", 80},
	  {"127.0.0.1", 80, "127.0.0.1", 40001},
	  .state = LIVE},
	 ""},
	{"an answer of this host's server that was seen first",
	 {IPPROTO_TCP, {GATED4, 22, WORLD4, 50001}, {WORLD4, 50001, GATED4, 22}, .state = LIVE},
	 ""},
	{"a pod's, to a port that a server here holds",
	 {IPPROTO_TCP, {POD4, 22, WORLD4, 50001}, {WORLD4, 50001, GATED4, 22}, .state = LIVE},
	 "tcp 198.51.100.9 50001 > 10.178.0.2 22 open\n"},
	{"a source without a route",
	 {IPPROTO_TCP,
	  {"203.0.113.1", 40001, WORLD4, 443},
	  {WORLD4, 443, "203.0.113.1", 40001},
	  .state = LIVE},
	 ""},
	{"a destination without a route",
	 {IPPROTO_UDP,
	  {GATED4, 40001, "203.0.113.1", 53},
	  {"203.0.113.1", 53, GATED4, 40001},
	  .state = 0},
	 "udp 203.0.113.1 53 > 10.178.0.2 40001 new\n"},

	{"SYN sent",
	 {IPPROTO_TCP,
	  {GATED4, 40001, WORLD4, 443},
	  {WORLD4, 443, GATED4, 40001},
	  .state = TCP_CONNTRACK_SYN_SENT},
	 "tcp 198.51.100.9 443 > 10.178.0.2 40001 new\n"},
	{"SYN answered",
	 {IPPROTO_TCP,
	  {GATED4, 40001, WORLD4, 443},
	  {WORLD4, 443, GATED4, 40001},
	  .state = TCP_CONNTRACK_SYN_RECV},
	 "tcp 198.51.100.9 443 > 10.178.0.2 40001 open\n"},
	{"FIN of one side",
	 {IPPROTO_TCP,
	  {GATED4, 40001, WORLD4, 443},
	  {WORLD4, 443, GATED4, 40001},
	  .state = TCP_CONNTRACK_FIN_WAIT},
	 "tcp 198.51.100.9 443 > 10.178.0.2 40001 closing\n"},
	{"TIME_WAIT",
	 {IPPROTO_TCP,
	  {GATED4, 40001, WORLD4, 443},
	  {WORLD4, 443, GATED4, 40001},
	  .state = TCP_CONNTRACK_TIME_WAIT},
	 ""},
	{"closed",
	 {IPPROTO_TCP,
	  {GATED4, 40001, WORLD4, 443},
	  {WORLD4, 443, GATED4, 40001},
	  .state = TCP_CONNTRACK_CLOSE},
	 ""},
	{"UDP with an answer",
	 {IPPROTO_UDP, {GATED4, 40001, WORLD4, 53}, {WORLD4, 53, GATED4, 40001}, .answered = true},
	 "udp 198.51.100.9 53 > 10.178.0.2 40001 open\n"},
	{"ping",
	 {IPPROTO_ICMP, {GATED4, 7, WORLD4, 0}, {WORLD4, 0, GATED4, 7}, .icmp_type = ICMP_ECHO},
	 "icmp 198.51.100.9 0 > 10.178.0.2 7 new\n"},
	{"ping, IPv6",
	 {IPPROTO_ICMPV6,
	  {POD6, 7, WORLD6, 0},
	  {WORLD6, 0, POD6, 7},
	  .icmp_type = ICMP6_ECHO_REQUEST},
	 "icmpv6 2001:db8::9 0 > fd20:4::5 7 new\n"},
	{"ping from outside",
	 {IPPROTO_ICMP, {WORLD4, 7, GATED4, 0}, {GATED4, 0, WORLD4, 7}, .icmp_type = ICMP_ECHO},
	 ""},
	{"another ICMP question",
	 {IPPROTO_ICMP,
	  {GATED4, 7, WORLD4, 0},
	  {WORLD4, 0, GATED4, 7},
	  .icmp_type = ICMP_TIMESTAMP},
	 ""},
	{"a protocol without ports",
	 {IPPROTO_ESP, {GATED4, 0, WORLD4, 0}, {WORLD4, 0, GATED4, 0}, .state = 0},
	 "other 198.51.100.9 0 > 10.178.0.2 0 new\n"},
};

static void send_netfilter(struct nl_msg *message)
{
	_cleanup_(vg_netlink_close_p) struct nl_sock *socket = NULL;
	int r;

	assert_int_equal(vg_netlink_open(NETLINK_NETFILTER, &socket), 0);
	nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
	assert_true(nl_send_auto(socket, message) > 0);
	r = nl_recvmsgs_default(socket);
	if (r < 0)
		fail_msg("netfilter: %s", nl_geterror(r));
}

static void forget_all(void)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	struct nfgenmsg header = {.nfgen_family = AF_UNSPEC};

	message = nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0);
	nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
	send_netfilter(message);
}

static void entries_of_every_kind(void **state)
{
	char text[4096];

	(void)state;
	run("ip route add unreachable 203.0.113.0/24");
	listener(GATED, "0.0.0.0", 22, 0);
	for (size_t i = 0; i < VG_ARRAY_SIZE(entries); i++) {
		_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;

		message = vg_track_message(&entries[i].track);
		send_netfilter(message);
		assert_true(collected(text, sizeof(text)));
		if (strcmp(text, entries[i].seed) != 0)
			fail_msg("%s: expected '%s', got '%s'", entries[i].name, entries[i].seed,
				 text);
		forget_all();
	}
}

/* A VM with a NIC in each of two networks has a table for each, chosen by the source. */
static void routes_by_source(void **state)
{
	static const struct vg_track tracks[] = {
		{IPPROTO_UDP, {GATED4, 40001, WORLD4, 53}, {WORLD4, 53, GATED4, 40001}, .state = 0},
		{IPPROTO_UDP,
		 {"10.4.0.1", 40002, WORLD4, 53},
		 {WORLD4, 53, "10.4.0.1", 40002},
		 .state = 0},
	};
	char text[4096];

	(void)state;
	run("ip route replace default via 10.4.0.5");
	run("ip route add default via 10.178.0.1 table 100");
	run("ip rule add from 10.178.0.2 lookup 100");
	for (size_t i = 0; i < VG_ARRAY_SIZE(tracks); i++) {
		_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;

		message = vg_track_message(&tracks[i]);
		send_netfilter(message);
	}
	assert_true(collected(text, sizeof(text)));
	assert_string_equal(text, "udp 198.51.100.9 53 > 10.178.0.2 40001 new\n");
}

static void sockets_and_entries_are_one(void **state)
{
	static const struct vg_track track = {IPPROTO_TCP,
					      {GATED4, 40001, WORLD4, 443},
					      {WORLD4, 443, GATED4, 40001},
					      .state = TCP_CONNTRACK_SYN_SENT};
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	char text[4096];

	(void)state;
	listener(WORLD, "0.0.0.0", 443, 0);
	connect_to(bound(GATED, SOCK_STREAM, GATED4, 40001, 0), WORLD4, 443);
	message = vg_track_message(&track);
	send_netfilter(message);
	assert_true(collected(text, sizeof(text)));
	assert_string_equal(text, "tcp 198.51.100.9 443 > 10.178.0.2 40001 open\n");
}

/* ---- real traffic ---- */

struct batch {
	char bytes[2048];
	size_t length;
};

static struct nl_msg *nft(int type, int family, int flags, unsigned resource)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
	struct nfgenmsg header = {.nfgen_family = family, .res_id = htons(resource)};

	nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
	return message;
}

static void batch_add(struct batch *batch, struct nl_msg *message)
{
	const size_t length = NLMSG_ALIGN(nlmsg_hdr(message)->nlmsg_len);

	assert_true(batch->length + length <= sizeof(batch->bytes));
	memcpy(batch->bytes + batch->length, nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len);
	batch->length += length;
	nlmsg_free(message);
}

/* table ip t { chain c { type nat hook postrouting priority 100; masquerade; } } */
static void masquerade(void)
{
	const int subsystem = NFNL_SUBSYS_NFTABLES << 8;
	struct batch batch = {.length = 0};
	struct nl_msg *message;
	struct nlattr *outer, *inner;
	int fd;

	batch_add(&batch, nft(NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, 0, NFNL_SUBSYS_NFTABLES));
	message = nft(subsystem | NFT_MSG_NEWTABLE, AF_INET, NLM_F_CREATE, 0);
	nla_put_string(message, NFTA_TABLE_NAME, "t");
	batch_add(&batch, message);
	message = nft(subsystem | NFT_MSG_NEWCHAIN, AF_INET, NLM_F_CREATE, 0);
	nla_put_string(message, NFTA_CHAIN_TABLE, "t");
	nla_put_string(message, NFTA_CHAIN_NAME, "c");
	outer = nla_nest_start(message, NFTA_CHAIN_HOOK | NLA_F_NESTED);
	nla_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(4));
	nla_put_u32(message, NFTA_HOOK_PRIORITY, htonl(100));
	nla_nest_end(message, outer);
	nla_put_string(message, NFTA_CHAIN_TYPE, "nat");
	batch_add(&batch, message);
	message = nft(subsystem | NFT_MSG_NEWRULE, AF_INET, NLM_F_CREATE | NLM_F_APPEND, 0);
	nla_put_string(message, NFTA_RULE_TABLE, "t");
	nla_put_string(message, NFTA_RULE_CHAIN, "c");
	outer = nla_nest_start(message, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
	inner = nla_nest_start(message, NFTA_LIST_ELEM | NLA_F_NESTED);
	nla_put_string(message, NFTA_EXPR_NAME, "masq");
	nla_nest_end(message, inner);
	nla_nest_end(message, outer);
	nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
	batch_add(&batch, message);
	batch_add(&batch, nft(NFNL_MSG_BATCH_END, AF_UNSPEC, 0, NFNL_SUBSYS_NFTABLES));

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	assert_int_equal(send(fd, batch.bytes, batch.length, 0), batch.length);
	/* The one acknowledgement, or the first error */
	assert_true(recv(fd, batch.bytes, sizeof(batch.bytes), 0) >= (ssize_t)NLMSG_HDRLEN + 4);
	assert_int_equal(*(int *)NLMSG_DATA(batch.bytes), 0);
	close(fd);
}

static void real_traffic_of_host_and_pod(void **state)
{
	const int web = listener(WORLD, "0.0.0.0", 443, 0);
	const int ssh = listener(GATED, "0.0.0.0", 22, 0);
	union endpoint peer;
	socklen_t length = sizeof(peer);
	char text[4096], expected[512];
	int fd;

	(void)state;
	masquerade();
	connect_to(bound(GATED, SOCK_STREAM, GATED4, 40001, 0), WORLD4, 443);
	accepted(web);
	/* The same port, so that the kernel has to choose another for the pod. */
	connect_to(bound(POD, SOCK_STREAM, POD4, 40001, 0), WORLD4, 443);
	fd = accepted(web);
	assert_int_equal(getpeername(fd, &peer.any, &length), 0);
	assert_int_not_equal(ntohs(peer.in.sin_port), 40001);
	connect_to(bound(WORLD, SOCK_STREAM, WORLD4, 50001, 0), GATED4, 22);
	accepted(ssh);
	connect_to(bound(POD, SOCK_STREAM, POD4, 40002, 0), GATED4, 22);
	accepted(ssh);

	assert_true(collected(text, sizeof(text)));
	if (ntohs(peer.in.sin_port) > 40001)
		snprintf(expected, sizeof(expected),
			 "tcp 198.51.100.9 443 > 10.178.0.2 40001 open\n"
			 "tcp 198.51.100.9 443 > 10.178.0.2 %u open\n",
			 ntohs(peer.in.sin_port));
	else
		snprintf(expected, sizeof(expected),
			 "tcp 198.51.100.9 443 > 10.178.0.2 %u open\n"
			 "tcp 198.51.100.9 443 > 10.178.0.2 40001 open\n",
			 ntohs(peer.in.sin_port));
	assert_string_equal(text, expected);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, hosts_up, hosts_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entries_of_every_kind),
		TEST(routes_by_source),
		TEST(sockets_and_entries_are_one),
		TEST(real_traffic_of_host_and_pod),
	};

	if (geteuid() != 0) {
		puts("needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
