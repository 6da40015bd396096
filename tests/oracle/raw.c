/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/raw.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vg_raw_address vg_raw_address(const char *text)
{
	struct vg_raw_address address = {.family = strchr(text, ':') ? 6 : 4};

	if (inet_pton(address.family == 4 ? AF_INET : AF_INET6, text, address.bytes) != 1)
		abort();
	return address;
}

struct vg_raw_prefix vg_raw_prefix(const char *text)
{
	const char *slash = strchr(text, '/');
	struct vg_raw_address address;
	char part[VG_RAW_TEXT_SIZE];

	assert(slash && (size_t)(slash - text) < sizeof(part));
	memcpy(part, text, (size_t)(slash - text));
	part[slash - text] = '\0';
	address = vg_raw_address(part);
	return vg_raw_around(&address, (unsigned)strtoul(slash + 1, NULL, 10));
}

struct vg_raw_address vg_raw_from_bytes(unsigned family, const __u8 *bytes)
{
	struct vg_raw_address address = {.family = (__u8)family};

	memcpy(address.bytes, bytes, family == 4 ? 4 : 16);
	return address;
}

static unsigned get_bit(const struct vg_raw_address *address, unsigned i)
{
	return (address->bytes[i / 8] >> (7 - i % 8)) & 1;
}

static void put_bit(struct vg_raw_address *address, unsigned i, unsigned bit)
{
	const __u8 mask = (__u8)(0x80 >> i % 8);

	if (bit)
		address->bytes[i / 8] |= mask;
	else
		address->bytes[i / 8] &= (__u8)~mask;
}

struct vg_raw_prefix vg_raw_around(const struct vg_raw_address *address, unsigned length)
{
	struct vg_raw_prefix prefix = {.address = *address, .length = (__u8)length};

	assert(length <= vg_raw_bits(address));
	for (unsigned i = length; i < vg_raw_bits(address); i++)
		put_bit(&prefix.address, i, 0);
	return prefix;
}

bool vg_raw_contains(const struct vg_raw_prefix *prefix, const struct vg_raw_address *address)
{
	const unsigned whole = prefix->length / 8;

	if (prefix->address.family != address->family)
		return false;
	if (memcmp(prefix->address.bytes, address->bytes, whole) != 0)
		return false;
	for (unsigned i = whole * 8; i < prefix->length; i++)
		if (get_bit(&prefix->address, i) != get_bit(address, i))
			return false;
	return true;
}

bool vg_raw_equal(const struct vg_raw_prefix *a, const struct vg_raw_prefix *b)
{
	return a->length == b->length && a->address.family == b->address.family &&
	       memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0;
}

struct vg_raw_address vg_raw_inside(const struct vg_raw_prefix *prefix,
				    const struct vg_raw_address *host)
{
	struct vg_raw_address address = *host;

	for (unsigned i = 0; i < prefix->length; i++)
		put_bit(&address, i, get_bit(&prefix->address, i));
	return address;
}

struct vg_raw_address vg_raw_last(const struct vg_raw_prefix *prefix)
{
	struct vg_raw_address last = prefix->address;

	for (unsigned i = prefix->length; i < vg_raw_bits(&last); i++)
		put_bit(&last, i, 1);
	return last;
}

struct vg_raw_address vg_raw_before(struct vg_raw_address address)
{
	for (unsigned i = vg_raw_bits(&address) / 8; i-- > 0;)
		if (address.bytes[i]--)
			break;
	return address;
}

struct vg_raw_address vg_raw_after(struct vg_raw_address address)
{
	for (unsigned i = vg_raw_bits(&address) / 8; i-- > 0;)
		if (++address.bytes[i])
			break;
	return address;
}

const char *vg_raw_format(const struct vg_raw_prefix *prefix, char *out)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(prefix->address.family == 4 ? AF_INET : AF_INET6, prefix->address.bytes, text,
		  sizeof(text));
	snprintf(out, VG_RAW_TEXT_SIZE, "%s/%u", text, prefix->length);
	return out;
}
