/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses and prefixes as the bytes of a frame, for the oracle and what feeds it. Shares nothing
 * with core/prefix.h, whose results the oracle judges.
 */
#ifndef VPCGATE_TESTS_RAW_H
#define VPCGATE_TESTS_RAW_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define VG_RAW_TEXT_SIZE 64

struct vg_raw_address {
	__u8 family;	/* 4 or 6 */
	__u8 bytes[16]; /* wire order; IPv4 uses the first four, the rest is 0 */
};

struct vg_raw_prefix {
	struct vg_raw_address address; /* host bits are 0 */
	__u8 length;
};

static inline unsigned vg_raw_bits(const struct vg_raw_address *address)
{
	return address->family == 4 ? 32 : 128;
}

/* Of a literal in the test's own code; anything else aborts. */
struct vg_raw_address vg_raw_address(const char *text);
struct vg_raw_prefix vg_raw_prefix(const char *text);

/* 4 or 16 bytes. */
struct vg_raw_address vg_raw_from_bytes(unsigned family, const __u8 *bytes);

/* The prefix of that length around an address. */
struct vg_raw_prefix vg_raw_around(const struct vg_raw_address *address, unsigned length);

bool vg_raw_contains(const struct vg_raw_prefix *prefix, const struct vg_raw_address *address);
bool vg_raw_equal(const struct vg_raw_prefix *a, const struct vg_raw_prefix *b);

/* The prefix with the host bits of another address of its family. */
struct vg_raw_address vg_raw_inside(const struct vg_raw_prefix *prefix,
				    const struct vg_raw_address *host);
struct vg_raw_address vg_raw_last(const struct vg_raw_prefix *prefix);
/* The neighbour below or above; wraps around. */
struct vg_raw_address vg_raw_before(struct vg_raw_address address);
struct vg_raw_address vg_raw_after(struct vg_raw_address address);

/* "ADDRESS/LENGTH" into `out` of VG_RAW_TEXT_SIZE bytes. Returns `out`. */
const char *vg_raw_format(const struct vg_raw_prefix *prefix, char *out);

#endif
