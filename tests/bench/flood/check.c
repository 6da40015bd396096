// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flood/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"
#include "tests/bench/flood/device.h"
#include "tests/bench/flood/sender.h"

#define INTERVAL_NS 1000000 /* of bursts */
#define PATIENCE_US 200000  /* without a datagram */
#define ROOM (8 << 20)	    /* for a burst: the kernel counts a page and more for each */

static int open_socket(const char *device)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(FLOOD_PORT)};
	const struct timeval patience = {.tv_usec = PATIENCE_US};
	const int room = ROOM;
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die("can't open a socket: %s", strerror(errno));
	return fd;
}

static size_t count_datagrams(int fd)
{
	size_t n = 0;
	char byte;

	while (recv(fd, &byte, sizeof(byte), 0) >= 0)
		n++;
	return n;
}

struct counts {
	size_t received, passed; /* by the device, to a socket */
};

static struct counts send_through(const char *device, const __be32 *sources_be, size_t n,
				  unsigned bursts)
{
	_cleanup_close_ int fd = open_socket(device);
	const __u64 before = device_received(device);
	struct counts counts;
	struct sender sender;

	sender_open(device, &sender);
	sender_set_sources(&sender, sources_be, n);
	sender_send(&sender, bursts, INTERVAL_NS);
	sender_close(&sender);
	counts.passed = count_datagrams(fd);
	counts.received = device_received(device) - before;
	/* On a busy machine the receiver may be late for some bursts. */
	if (counts.received == 0)
		die("%s received none of %u frames", device, bursts * FLOOD_BURST);
	return counts;
}

void check_refused(const char *device, const __be32 *sources_be, size_t n)
{
	const unsigned bursts = (n + FLOOD_BURST - 1) / FLOOD_BURST;
	const struct counts counts = send_through(device, sources_be, n, bursts);

	if (counts.passed > 0)
		die("%s passes %zu of %zu frames that must be dropped", device, counts.passed,
		    counts.received);
}

void check_admitted(const char *device, __be32 source_be)
{
	const struct counts counts = send_through(device, &source_be, 1, 1);

	if (counts.passed != counts.received)
		die("%s passes %zu of %zu admitted frames", device, counts.passed, counts.received);
}
