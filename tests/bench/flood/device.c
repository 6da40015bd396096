// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flood/device.h"

#include <stdio.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"

/* The number that a file begins with. */
static __u64 read_number(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	unsigned long long number;

	if (!file || fscanf(file, "%llu", &number) != 1)
		die("can't read %s", path);
	return number;
}

static __u64 device_number(const char *device, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", device, name);
	return read_number(path);
}

unsigned device_peer(const char *device)
{
	return device_number(device, "iflink");
}

__u64 device_received(const char *device)
{
	return device_number(device, "statistics/rx_packets");
}

__u64 thread_cpu_ns(pid_t thread)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)thread);
	return read_number(path);
}
