/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/prefix.h"

/* How much of the user's text a message repeats. */
#define QUOTED 64

struct vg_address vg_address_from_bytes(int family, const __u8 *bytes)
{
	struct vg_address address = {.family = family};
	__u8 padded[16] = {};

	memcpy(padded, bytes, family == 4 ? 4 : 16);
	memcpy(&address.hi, padded, 8);
	memcpy(&address.lo, padded + 8, 8);
	address.hi = be64toh(address.hi);
	address.lo = be64toh(address.lo);
	return address;
}

int vg_address_parse(const char *text, struct vg_address *ret_address)
{
	__u8 bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret_address = vg_address_from_bytes(4, bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret_address = vg_address_from_bytes(6, bytes);
	else
		return -EINVAL;
	return 0;
}

/* The first `bits` bits of a word, `bits` from below 0 to above 64. */
static __u64 word_mask(int bits)
{
	if (bits <= 0)
		return 0;
	return bits >= 64 ? ~0ULL : ~0ULL << (64 - bits);
}

static struct vg_address network(const struct vg_address *address, unsigned length)
{
	struct vg_address masked = *address;

	masked.hi &= word_mask((int)length);
	masked.lo &= word_mask((int)length - 64);
	return masked;
}

static unsigned bits_of(const struct vg_address *address)
{
	return address->family == 4 ? 32 : 128;
}

static bool same_address(const struct vg_address *a, const struct vg_address *b)
{
	return a->family == b->family && a->hi == b->hi && a->lo == b->lo;
}

/* Decimal digits alone, at most three of them, without leading zeros. */
static int length_parse(const char *text, unsigned *ret_length)
{
	unsigned length = 0;
	size_t digits = 0;

	for (; digits < 3 && text[digits] >= '0' && text[digits] <= '9'; digits++)
		length = length * 10 + (unsigned)(text[digits] - '0');
	if (digits == 0 || text[digits] || (text[0] == '0' && digits > 1))
		return -EINVAL;
	*ret_length = length;
	return 0;
}

static int __attribute__((format(printf, 4, 5)))
refuse(int error, char *out, size_t size, const char *format, ...)
{
	va_list arguments;

	if (out) {
		va_start(arguments, format);
		vsnprintf(out, size, format, arguments);
		va_end(arguments);
	}
	return -error;
}

/* Splits "ADDRESS/LENGTH"; the length is that of one address where none is given. */
static int split(const char *text, struct vg_address *ret_address, unsigned *ret_length)
{
	const char *slash = strchrnul(text, '/');
	const size_t n = (size_t)(slash - text);
	char address_text[INET6_ADDRSTRLEN];
	struct vg_address address;
	unsigned length;

	if (n >= sizeof(address_text))
		return -EINVAL;
	memcpy(address_text, text, n);
	address_text[n] = '\0';
	if (vg_address_parse(address_text, &address) < 0)
		return -EINVAL;
	length = bits_of(&address);
	if (*slash && length_parse(slash + 1, &length) < 0)
		return -EINVAL;
	*ret_address = address;
	*ret_length = length;
	return 0;
}

int vg_prefix_parse(const char *text, struct vg_prefix *ret_prefix, char *reterr_text,
		    size_t reterr_size)
{
	char meant[VG_PREFIX_TEXT_SIZE];
	struct vg_address address;
	struct vg_prefix prefix;
	unsigned length;

	if (split(text, &address, &length) < 0)
		return refuse(
			EINVAL, reterr_text, reterr_size,
			"'%.*s' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48",
			QUOTED, text);
	if (length > bits_of(&address))
		return refuse(ERANGE, reterr_text, reterr_size,
			      "%s is too long a prefix: IPv%u lengths go from /0 to /%u", text,
			      address.family, bits_of(&address));

	prefix.address = network(&address, length);
	prefix.length = (__u8)length;
	if (!same_address(&prefix.address, &address))
		return refuse(EADDRNOTAVAIL, reterr_text, reterr_size,
			      "%s has host bits set: write %s, or %.*s/%u for the one address",
			      text, vg_prefix_format(&prefix, meant), (int)strcspn(text, "/"), text,
			      bits_of(&address));
	*ret_prefix = prefix;
	return 0;
}

const char *vg_address_format(const struct vg_address *address, char *out)
{
	const __u64 words[2] = {htobe64(address->hi), htobe64(address->lo)};

	inet_ntop(address->family == 4 ? AF_INET : AF_INET6, words, out, VG_PREFIX_TEXT_SIZE);
	return out;
}

const char *vg_prefix_format(const struct vg_prefix *prefix, char *out)
{
	size_t n;

	vg_address_format(&prefix->address, out);
	n = strlen(out);
	snprintf(out + n, VG_PREFIX_TEXT_SIZE - n, "/%u", prefix->length);
	return out;
}

bool vg_prefix_contains(const struct vg_prefix *prefix, const struct vg_address *address)
{
	const struct vg_address masked = network(address, prefix->length);

	return same_address(&masked, &prefix->address);
}

static int compare(__u64 a, __u64 b)
{
	return (a > b) - (a < b);
}

int vg_prefix_compare(const struct vg_prefix *a, const struct vg_prefix *b)
{
	int order = compare(a->address.family, b->address.family);

	if (!order)
		order = compare(a->address.hi, b->address.hi);
	if (!order)
		order = compare(a->address.lo, b->address.lo);
	if (!order)
		order = compare(a->length, b->length);
	return order;
}
