// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flood/sender.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include "tests/bench/die.h"
#include "tests/bench/flood/device.h"
#include "tests/bench/flood/send.skel.h"

/* The checksum of a header whose own field is 0 (RFC 1071). */
static __u16 header_check(const void *header)
{
	__u32 sum = 0;
	__u16 word;

	for (size_t i = 0; i < sizeof(struct iphdr); i += sizeof(word)) {
		memcpy(&word, (const __u8 *)header + i, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Without source; the datagram has no checksum, as IPv4 allows. */
static struct datagram make_datagram(void)
{
	struct datagram datagram = {
		.ethernet = {.h_dest = {FLOOD_MAC}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4,
		       .ihl = sizeof(struct iphdr) / 4,
		       .tot_len = htons(sizeof(datagram) - offsetof(struct datagram, ip)),
		       .ttl = 64,
		       .protocol = IPPROTO_UDP},
		.udp = {.source = htons(40000),
			.dest = htons(FLOOD_PORT),
			.len = htons(sizeof(datagram) - offsetof(struct datagram, udp))},
	};

	if (inet_pton(AF_INET, FLOOD_HOST, &datagram.ip.daddr) != 1)
		die("%s is not an address", FLOOD_HOST);
	datagram.ip.check = header_check(&datagram.ip);
	return datagram;
}

void sender_open(const char *device, struct sender *ret_sender)
{
	struct sender sender = {
		.program = send_bpf__open_and_load(),
		.frame.datagram = make_datagram(),
	};

	if (!sender.program)
		die("can't load the program that sends");
	sender.program->bss->settings = (struct flood_settings){
		.ifindex = device_peer(device),
		.check = sender.frame.datagram.ip.check,
		.burst = FLOOD_BURST,
	};
	*ret_sender = sender;
}

void sender_close(struct sender *sender)
{
	send_bpf__destroy(sender->program);
}

void sender_set_sources(struct sender *sender, const __be32 *sources_be, size_t n)
{
	struct flood_settings *settings = &sender->program->bss->settings;

	if (n == 0 || n > FLOOD_MAX_SOURCES)
		die("%zu sources: 1 to %d can be sent from", n, FLOOD_MAX_SOURCES);
	memcpy(sender->program->bss->sources, sources_be, n * sizeof(*sources_be));
	settings->n_sources = n;
	settings->next = 0;
}

void sender_send(struct sender *sender, unsigned bursts, __u64 interval_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &sender->frame,
		    .data_size_in = sizeof(sender->frame), .repeat = bursts * FLOOD_BURST,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = FLOOD_BURST);

	sender->program->bss->settings.interval_ns = interval_ns;
	if (bpf_prog_test_run_opts(bpf_program__fd(sender->program->progs.flood_send), &opts) < 0)
		die("live frames: %s", strerror(errno));
}
