/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Three hosts as network namespaces of this process, which go with it: `pod` behind `gated`, whose
 * NIC ens4 leads to `world`. And the conversations that are collected on `gated`, as text.
 */
#ifndef VPCGATE_HOSTS_H
#define VPCGATE_HOSTS_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "service/seed.h"
#include "share/cleanup.h"

enum host { WORLD, GATED, POD, HOSTS };

static int hosts[HOSTS] = {-1, -1, -1}, hosts_home = -1;

static inline void host_enter(enum host host)
{
	assert_int_equal(setns(hosts[host], CLONE_NEWNET), 0);
}

static inline void run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command) != 0) /* NOLINT(cert-env33-c): a fixed text */
		fail_msg("failed: %s", command);
}

static inline void hosts_veth(enum host a, const char *a_name, enum host b, const char *b_name)
{
	host_enter(a);
	run("ip link add %s type veth peer name %s netns /proc/%d/fd/%d", a_name, b_name, getpid(),
	    hosts[b]);
	run("ip link set %s up", a_name);
	host_enter(b);
	run("ip link set %s up", b_name);
}

static inline int hosts_up(void **state)
{
	(void)state;
	hosts_home = open("/proc/self/ns/net", O_RDONLY);
	for (int i = 0; i < HOSTS; i++) {
		if (unshare(CLONE_NEWNET) < 0)
			return -1;
		hosts[i] = open("/proc/self/ns/net", O_RDONLY);
		run("ip link set lo up");
	}
	hosts_veth(GATED, "ens4", WORLD, "w0");
	hosts_veth(GATED, "pod0", POD, "eth0");
	host_enter(WORLD);
	run("ip address add 10.178.0.1/24 dev w0");
	run("ip address add fd20:1::1/64 dev w0 nodad");
	run("ip address add 198.51.100.9/32 dev lo");
	run("ip address add 2001:db8::9/128 dev lo nodad");
	run("ip route add 10.4.0.0/24 via 10.178.0.2");
	run("ip route add fd20:4::/64 via fd20:1::2");
	host_enter(GATED);
	run("ip address add 10.178.0.2/24 dev ens4");
	run("ip address add fd20:1::2/64 dev ens4 nodad");
	run("ip address add 10.4.0.1/24 dev pod0");
	run("ip address add fd20:4::1/64 dev pod0 nodad");
	run("ip route add default via 10.178.0.1");
	run("ip route add default via fd20:1::1");
	run("echo 1 >/proc/sys/net/ipv4/ip_forward");
	run("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	host_enter(POD);
	run("ip address add 10.4.0.5/24 dev eth0");
	run("ip address add fd20:4::5/64 dev eth0 nodad");
	run("ip route add default via 10.4.0.1");
	run("ip route add default via fd20:4::1");
	host_enter(GATED);
	return 0;
}

static inline int hosts_down(void **state)
{
	(void)state;
	if (setns(hosts_home, CLONE_NEWNET) < 0)
		return -1;
	close(hosts_home);
	for (int i = 0; i < HOSTS; i++)
		close(hosts[i]);
	return 0;
}

union endpoint {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static inline socklen_t endpoint_of(const char *address, unsigned port, union endpoint *endpoint)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (inet_pton(AF_INET, address, &endpoint->in.sin_addr) == 1) {
		endpoint->in.sin_family = AF_INET;
		endpoint->in.sin_port = htons(port);
		return sizeof(endpoint->in);
	}
	assert_int_equal(inet_pton(AF_INET6, address, &endpoint->in6.sin6_addr), 1);
	endpoint->in6.sin6_family = AF_INET6;
	endpoint->in6.sin6_port = htons(port);
	return sizeof(endpoint->in6);
}

/* A bound socket of that host. `type` is SOCK_STREAM or SOCK_DGRAM, perhaps | SOCK_NONBLOCK. */
static inline int bound(enum host host, int type, const char *address, unsigned port, int v6only)
{
	static const int on = 1;
	union endpoint endpoint;
	const socklen_t length = endpoint_of(address, port, &endpoint);
	int fd;

	host_enter(host);
	fd = socket(endpoint.any.sa_family, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (endpoint.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, &endpoint.any, length) < 0)
		fail_msg("bind %s %u: %s", address, port, strerror(errno));
	host_enter(GATED);
	return fd;
}

static inline int listener(enum host host, const char *address, unsigned port, int v6only)
{
	const int fd = bound(host, SOCK_STREAM, address, port, v6only);

	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static inline void connect_to(int fd, const char *address, unsigned port)
{
	union endpoint endpoint;
	const socklen_t length = endpoint_of(address, port, &endpoint);

	if (connect(fd, &endpoint.any, length) < 0 && errno != EINPROGRESS)
		fail_msg("connect %s %u: %s", address, port, strerror(errno));
}

static inline int accepted(int listening)
{
	/* cppcheck-suppress nullPointer ; it may have no address */
	const int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline const char *protocol_text(int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return "other";
	}
}

/* "tcp 198.51.100.9 443 > 10.178.0.2 40001 open", a line each. */
static inline void seeds_text(const struct vg_seed *seeds, size_t n, char *out, size_t size)
{
	static const char *const states[] = {"new", "open", "closing", "closed"};
	char remote[VG_PREFIX_TEXT_SIZE], local[VG_PREFIX_TEXT_SIZE];
	size_t length = 0;

	*out = '\0';
	for (size_t i = 0; i < n && length < size; i++) {
		assert_int_equal(seeds[i].family, seeds[i].remote.family);
		assert_int_equal(seeds[i].family, seeds[i].local.family);
		length += snprintf(out + length, size - length, "%s %s %u > %s %u %s\n",
				   protocol_text(seeds[i].protocol),
				   vg_address_format(&seeds[i].remote, remote),
				   seeds[i].remote_port, vg_address_format(&seeds[i].local, local),
				   seeds[i].local_port, states[seeds[i].state]);
	}
}

/* What is collected on `gated` for ens4; there is nothing to warn of. */
static inline bool collected(char *out, size_t size)
{
	_cleanup_free_ struct vg_seed *seeds = NULL;
	struct vg_diag warning;
	bool conntrack;
	unsigned ens4;
	size_t n;

	host_enter(GATED);
	ens4 = if_nametoindex("ens4");
	assert_int_equal(vg_seed_collect(&ens4, 1, &seeds, &n, &conntrack, &warning), 0);
	assert_string_equal(warning.text, "");
	seeds_text(seeds, n, out, size);
	return conntrack;
}

#endif
