// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * prefixes SEED N ADDRESS...: N different IPv4 prefixes from 100.0.0.0 to 223.255.255.255, one a line, with
 * lengths as frequent as in the internet's routing table, that hold none of the addresses.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define OUTSIDE_MAX 16

/* Prefixes of each length in 10,000 of the table, about. */
static const unsigned frequent[25] = {
	[8] = 2,    [9] = 1,	[10] = 1,    [11] = 2,	 [12] = 6,    [13] = 10,
	[14] = 15,  [15] = 25,	[16] = 170,  [17] = 110, [18] = 150,  [19] = 260,
	[20] = 450, [21] = 500, [22] = 1150, [23] = 950, [24] = 6198,
};

/* A bit for each prefix of each length. */
static uint8_t used[25][1 << 21];

static bool is_used(uint32_t network, unsigned length)
{
	const uint32_t number = network >> (32 - length);
	uint8_t *byte = &used[length][number / 8], bit = 1 << number % 8;
	const bool was = *byte & bit;

	*byte |= bit;
	return was;
}

static unsigned random_length(void)
{
	unsigned length = 8;

	for (unsigned n = (unsigned)(drand48() * 10000); n >= frequent[length]; length++)
		n -= frequent[length];
	return length;
}

static bool holds_any(uint32_t network, uint32_t mask, const uint32_t *addresses, int n)
{
	for (int i = 0; i < n; i++)
		if ((addresses[i] & mask) == network)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	uint32_t outside[OUTSIDE_MAX];
	const int n_outside = argc - 3;

	if (n_outside < 0 || n_outside > OUTSIDE_MAX)
		return 2;
	srand48(atol(argv[1]));
	for (int i = 0; i < n_outside; i++)
		outside[i] = ntohl(inet_addr(argv[3 + i]));
	for (long n = atol(argv[2]); n > 0;) {
		const unsigned length = random_length();
		const uint32_t mask = UINT32_MAX << (32 - length);
		const uint32_t network =
			((100U << 24) + (uint32_t)(drand48() * (124U << 24))) & mask;

		if (holds_any(network, mask, outside, n_outside) || is_used(network, length))
			continue;
		printf("%u.%u.%u.%u/%u\n", network >> 24, network >> 16 & 255, network >> 8 & 255,
		       network & 255, length);
		n--;
	}
	return fflush(stdout) != 0;
}
