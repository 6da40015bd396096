// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * flood NIC MAC SOURCE4 TO4 SOURCE6 TO6 PACKETS: TCP SYNs and UDP datagrams in turns, in both families,
 * from random sources and ports, as fast as they go. One of 16 comes from SOURCE4 or SOURCE6 itself.
 * All have a source port below 5000, so that none belongs to a flow towards a port above.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32

struct frame {
	struct ether_header ethernet;
	union {
		struct {
			struct iphdr ip;
			union {
				struct tcphdr tcp;
				struct udphdr udp;
			};
		} __attribute__((packed)) v4;
		struct {
			struct ip6_hdr ip;
			union {
				struct tcphdr tcp;
				struct udphdr udp;
			};
		} __attribute__((packed)) v6;
	};
} __attribute__((packed));

struct flood {
	struct ether_header ethernet;
	struct in_addr source4, to4;
	struct in6_addr source6, to6;
	uint64_t random; /* xorshift64, never 0 */
};

static uint64_t next_random(struct flood *flood)
{
	flood->random ^= flood->random << 13;
	flood->random ^= flood->random >> 7;
	flood->random ^= flood->random << 17;
	return flood->random;
}

/* Checksums are left out: what is dropped needs none. */
static size_t fill_l4(void *l4, bool tcp, uint64_t random)
{
	const uint16_t source = htons(1 + random % 4999), port = htons(random >> 16);

	if (tcp) {
		*(struct tcphdr *)l4 = (struct tcphdr){
			.source = source, .dest = port, .seq = random >> 32, .doff = 5, .syn = 1};
		return sizeof(struct tcphdr);
	}
	*(struct udphdr *)l4 = (struct udphdr){
		.source = source, .dest = port, .len = htons(sizeof(struct udphdr))};
	return sizeof(struct udphdr);
}

/* 11.0.0.0 to 99.255.255.255: no martian, and in no set of the test's. */
static size_t fill4(struct flood *flood, struct frame *frame, bool tcp, bool own)
{
	const uint64_t random = next_random(flood);
	const size_t size = sizeof(frame->v4.ip) + fill_l4(&frame->v4.tcp, tcp, next_random(flood));

	frame->ethernet.ether_type = htons(ETHERTYPE_IP);
	frame->v4.ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(size),
		.ttl = 64,
		.protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.saddr = own ? flood->source4.s_addr
			     : htonl((11 + random % 89) << 24 | (random >> 40)),
		.daddr = flood->to4.s_addr,
	};
	return size;
}

static size_t fill6(struct flood *flood, struct frame *frame, bool tcp, bool own)
{
	const uint64_t low = next_random(flood), high = next_random(flood);
	const size_t size = fill_l4(&frame->v6.tcp, tcp, next_random(flood));

	frame->ethernet.ether_type = htons(ETHERTYPE_IPV6);
	frame->v6.ip = (struct ip6_hdr){
		.ip6_flow = htonl(6 << 28),
		.ip6_plen = htons(size),
		.ip6_nxt = tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.ip6_hlim = 64,
		.ip6_src = flood->source6,
		.ip6_dst = flood->to6,
	};
	if (!own) {
		memcpy(&frame->v6.ip.ip6_src.s6_addr[4], &high, 4);
		memcpy(&frame->v6.ip.ip6_src.s6_addr[8], &low, 8);
	}
	return sizeof(frame->v6.ip) + size;
}

static size_t fill(struct flood *flood, struct frame *frame, uint64_t number)
{
	const bool tcp = number & 1, own = number % 16 < 2;

	frame->ethernet = flood->ethernet;
	return sizeof(frame->ethernet) +
	       (number & 2 ? fill4(flood, frame, tcp, own) : fill6(flood, frame, tcp, own));
}

static int open_wire(const char *nic, struct flood *flood)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(nic)};
	const int fd = socket(AF_PACKET, SOCK_RAW, 0), bypass = 1;
	struct ifreq request = {};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", nic);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) < 0 ||
	    ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(flood->ethernet.ether_shost, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return fd;
}

/* What the NIC has no room for isn't sent again. */
static int send_all(struct flood *flood, int fd, uint64_t packets)
{
	static struct frame frames[BATCH];
	static struct iovec parts[BATCH];
	static struct mmsghdr messages[BATCH];
	uint64_t sent = 0;

	while (sent < packets) {
		for (unsigned i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){&frames[i], fill(flood, &frames[i], sent + i)};
			messages[i].msg_hdr =
				(struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		}
		if (sendmmsg(fd, messages, BATCH, 0) < 0 && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
		sent += BATCH;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct flood flood = {.random = getpid() * 0x9e3779b97f4a7c15ULL | 1};
	int fd, r;

	if (argc != 8 || !ether_aton_r(argv[2], (struct ether_addr *)flood.ethernet.ether_dhost) ||
	    inet_pton(AF_INET, argv[3], &flood.source4) != 1 ||
	    inet_pton(AF_INET, argv[4], &flood.to4) != 1 ||
	    inet_pton(AF_INET6, argv[5], &flood.source6) != 1 ||
	    inet_pton(AF_INET6, argv[6], &flood.to6) != 1) {
		fputs("usage: flood NIC MAC SOURCE4 TO4 SOURCE6 TO6 PACKETS\n", stderr);
		return 2;
	}
	fd = open_wire(argv[1], &flood);
	r = fd < 0 ? fd : send_all(&flood, fd, strtoull(argv[7], NULL, 10));
	if (r < 0)
		fprintf(stderr, "flood: %s\n", strerror(-r));
	return r < 0;
}
