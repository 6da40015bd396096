// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flood/addresses.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"

#define SEED 4
#define STREAM 99 /* not one that prefixes are made from */

void addresses_read_prefixes(const char *path, struct prefixes *ret_prefixes)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct prefixes prefixes = {.family = 4};
	char line[VG_PREFIX_TEXT_SIZE];
	size_t room = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (prefixes.n == room) {
			room = 2 * room + 64;
			prefixes.items =
				reallocarray(prefixes.items, room, sizeof(*prefixes.items));
			if (!prefixes.items)
				die("no memory");
		}
		line[strcspn(line, "\n")] = '\0';
		if (vg_prefix_parse(line, &prefixes.items[prefixes.n++], NULL, 0) < 0)
			die("%s: %s is not a prefix", path, line);
	}
	if (prefixes.n == 0)
		die("%s: no prefixes", path);
	*ret_prefixes = prefixes;
}

__be32 *addresses_read(const char *path, size_t *ret_n)
{
	struct prefixes prefixes;
	__be32 *addresses_be;

	addresses_read_prefixes(path, &prefixes);
	addresses_be = calloc(prefixes.n, sizeof(*addresses_be));
	if (!addresses_be)
		die("no memory");
	for (size_t i = 0; i < prefixes.n; i++)
		addresses_be[i] = htonl(prefixes.items[i].address.hi >> 32);
	*ret_n = prefixes.n;
	prefixes_done(&prefixes);
	return addresses_be;
}

/* A bit for each /24: is any of it in a prefix? */
static __u8 *mark_blocks(const struct prefixes *prefixes)
{
	__u8 *blocks = calloc(1 << 21, 1);

	if (!blocks)
		die("no memory");
	for (size_t i = 0; i < prefixes->n; i++) {
		const struct vg_prefix *prefix = &prefixes->items[i];
		const __u32 first = prefix->address.hi >> 40;
		const __u32 n = prefix->length < 24 ? 1U << (24 - prefix->length) : 1;

		for (__u32 block = first; block < first + n; block++)
			blocks[block / 8] |= 1 << block % 8;
	}
	return blocks;
}

void addresses_print_outside(const struct prefixes *prefixes, size_t n)
{
	_cleanup_free_ __u8 *blocks = mark_blocks(prefixes);
	struct vg_random random;

	vg_random_init(&random, SEED, STREAM);
	while (n > 0) {
		const struct vg_address address = prefixes_anywhere(4, &random);
		const __u32 block = address.hi >> 40;
		char text[VG_PREFIX_TEXT_SIZE];

		if (blocks[block / 8] & 1 << block % 8)
			continue;
		puts(vg_address_format(&address, text));
		n--;
	}
}
