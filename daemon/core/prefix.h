/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 and IPv6 addresses and prefixes, as text and as numbers. */
#ifndef VPCGATE_PREFIX_H
#define VPCGATE_PREFIX_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define VG_PREFIX_TEXT_SIZE 64

/* Host byte order, the first address bit on top of `hi`; IPv4 fills the upper half of `hi`. */
struct vg_address {
	__u64 hi;
	__u64 lo;
	__u8 family; /* 4 or 6 */
};

struct vg_prefix {
	struct vg_address address;
	__u8 length; /* 0 to 32 or 128 */
};

/* -EINVAL: not an address. No zone ("%eth0"), no surrounding space. */
int vg_address_parse(const char *text, struct vg_address *ret_address);

/*
 * "ADDRESS/LENGTH", or an address alone for the prefix of that one address.
 * -EINVAL: not a prefix; -ERANGE: length too large; -EADDRNOTAVAIL: host bits are set. Where
 * `reterr_text` is given it receives what is wrong and what would be right.
 */
int vg_prefix_parse(const char *text, struct vg_prefix *ret_prefix, char *reterr_text,
		    size_t reterr_size);

/* Bytes in wire order, 4 or 16 of them. */
struct vg_address vg_address_from_bytes(int family, const __u8 *bytes);

/* Canonical text (RFC 5952 for IPv6); `out` has VG_PREFIX_TEXT_SIZE bytes. Returns `out`. */
const char *vg_address_format(const struct vg_address *address, char *out);
const char *vg_prefix_format(const struct vg_prefix *prefix, char *out);

/* False where the families differ. */
bool vg_prefix_contains(const struct vg_prefix *prefix, const struct vg_address *address);

/* By family, address, then length: a prefix comes before those it contains. For qsort(). */
int vg_prefix_compare(const struct vg_prefix *a, const struct vg_prefix *b);

#endif
