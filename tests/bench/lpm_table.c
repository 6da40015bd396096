// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/lpm_table.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/lpm.h"
#include "tests/bench/measure.h"
#include "vpcgate/abi.h"

static void put_key(void *keys, size_t i, const struct vg_prefix *p)
{
	const __be64 words_be[2] = {htobe64(p->address.hi), htobe64(p->address.lo)};
	struct bench_key4 *key4 = (struct bench_key4 *)keys + i;
	struct bench_key6 *key6 = (struct bench_key6 *)keys + i;

	if (p->address.family == 4) {
		*key4 = (struct bench_key4){p->length, htonl(p->address.hi >> 32)};
	} else {
		key6->prefixlen = p->length;
		memcpy(&key6->addr, words_be, sizeof(key6->addr));
	}
}

void lpm_fill(int map_fd, const struct prefixes *prefixes)
{
	_cleanup_free_ struct vg_class *classes = calloc(prefixes->n, sizeof(*classes));
	_cleanup_free_ void *keys = calloc(prefixes->n, sizeof(struct bench_key6));
	__u32 n = prefixes->n;

	if (!classes || !keys)
		die("no memory");
	for (size_t i = 0; i < prefixes->n; i++) {
		put_key(keys, i, &prefixes->items[i]);
		classes[i] = (struct vg_class){.sets = 1, .source = 1};
	}
	if (bpf_map_update_batch(map_fd, keys, classes, &n, NULL) < 0)
		die("can't fill the LPM trie: %s", strerror(errno));
}
