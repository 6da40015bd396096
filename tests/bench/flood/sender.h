/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends UDP datagrams of minimum size into a veth pair, by live-frame BPF_PROG_TEST_RUN. */
#ifndef VPCGATE_FLOOD_SENDER_H
#define VPCGATE_FLOOD_SENDER_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stddef.h>
#include "tests/bench/flood/send.h"

#define FLOOD_BURST 256 /* VETH_RING_SIZE: what the receiving end has room for */

/* Where the frames go to. */
#define FLOOD_MAC 2, 0, 0, 0, 0, 1
#define FLOOD_HOST "192.0.2.1"
#define FLOOD_PORT 4433

/* 64 bytes, the least that Ethernet carries (and 4 more, its checksum). */
struct datagram {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	__u8 payload[22];
} __attribute__((packed));
_Static_assert(sizeof(struct datagram) == 64, "not of minimum size");

struct sender {
	struct send_bpf *program;
	struct {
		__u8 lead[FLOOD_LEAD];
		struct datagram datagram;
	} frame;
};

/* To the device that receives, from the other end of its pair. All of these end the program if they fail. */
void sender_open(const char *device, struct sender *ret_sender);
void sender_close(struct sender *sender);
void sender_set_sources(struct sender *sender, const __be32 *sources_be, size_t n);

/* A burst each `interval_ns`; 0: as fast as it goes. */
void sender_send(struct sender *sender, unsigned bursts, __u64 interval_ns);

#endif
