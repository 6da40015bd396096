/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/shape_parts.h"
#include "share/cleanup.h"

#define NAME_MAX_BYTES 128 /* of networks and projects: 63, and what a domain adds */
#define MTU_MAX 65535

static void nic_done(struct vg_metadata_nic *nic)
{
	free(nic->network);
	free(nic->network_project);
	vg_listing_done(&nic->subnet);
	vg_listing_done(&nic->forwarded);
}

static int read_mac(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		    const json_t *item, struct vg_metadata_nic *nic)
{
	const struct vg_shape_place place = {in, "mac", 0};
	const size_t length = sizeof(nic->mac) - 1;
	const char *text;
	int r;

	r = vg_shape_text(reader, in, item, place.key, &text);
	if (r < 0 || !text)
		return r;
	r = strlen(text) == length ? 0 : -EINVAL;
	for (size_t i = 0; r >= 0 && i < length; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			r = -EINVAL;
		nic->mac[i] = (char)tolower((unsigned char)text[i]);
	}
	if (r < 0)
		return vg_shape_refuse(reader, &place, EINVAL,
				       "'%.64s' is no MAC address like 42:01:0a:80:00:46", text);
	return 0;
}

static int copy_name(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		     const char *name, size_t n, char **ret_copy)
{
	/* Names become parts of URLs. Projects may be "example.com:name". */
	if (!n || n > NAME_MAX_BYTES ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.:") < n)
		return vg_shape_refuse(reader, place, EINVAL,
				       "expected it like projects/NUMBER/networks/NAME");
	*ret_copy = strndup(name, n);
	return *ret_copy ? 0 : -ENOMEM;
}

static int read_network(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
			const json_t *item, struct vg_metadata_nic *nic)
{
	static const char projects[] = "projects/";
	const struct vg_shape_place place = {in, "network", 0};
	const char *text, *name, *project;
	int r;

	r = vg_shape_text(reader, in, item, place.key, &text);
	if (r < 0 || !text)
		return r;
	name = vg_shape_network(text);
	r = copy_name(reader, &place, name, strlen(name), &nic->network);
	project = strstr(text, projects);
	if (r < 0 || !project)
		return r;
	project += strlen(projects);
	return copy_name(reader, &place, project, strcspn(project, "/"), &nic->network_project);
}

static int read_mtu(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		    const json_t *item, struct vg_metadata_nic *nic)
{
	const struct vg_shape_place place = {in, "mtu", 0};
	const json_t *mtu;
	int r;

	r = vg_shape_member(reader, in, item, place.key, JSON_INTEGER, &mtu);
	if (r < 0 || !mtu)
		return r;
	if (json_integer_value(mtu) < 0 || json_integer_value(mtu) > MTU_MAX)
		return vg_shape_refuse(reader, &place, EINVAL, "no MTU: they go up to %d", MTU_MAX);
	nic->mtu = (unsigned)json_integer_value(mtu);
	return 0;
}

/* Dotted, ones alone and then zeros alone. */
static int read_mask(const char *text, __u32 *ret_mask)
{
	struct vg_address address;
	__u32 hosts;

	if (vg_address_parse(text, &address) < 0 || address.family != 4)
		return -EINVAL;
	hosts = ~(__u32)(address.hi >> 32);
	if (hosts & (hosts + 1))
		return -EINVAL;
	*ret_mask = ~hosts;
	return 0;
}

/* The address in Linux is a /32: what it is in is only said here. A NIC of IPv6 alone has none. */
static int read_subnet(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		       const json_t *item, struct vg_metadata_nic *nic)
{
	const struct vg_shape_place place = {in, "ip", 0}, mask_place = {in, "subnetmask", 0};
	const char *text, *mask_text;
	struct vg_prefix prefix = {};
	__u32 mask;
	int r;

	r = vg_shape_text(reader, in, item, place.key, &text);
	if (r >= 0)
		r = vg_shape_text(reader, in, item, mask_place.key, &mask_text);
	if (r < 0 || !text || !*text)
		return r;
	if (vg_address_parse(text, &prefix.address) < 0 || prefix.address.family != 4)
		return vg_shape_refuse(reader, &place, EINVAL, "'%.64s' is no IPv4 address", text);
	if (!mask_text || read_mask(mask_text, &mask) < 0)
		return vg_shape_refuse(reader, &mask_place, EINVAL,
				       "'%.64s' is no mask like 255.255.240.0",
				       mask_text ? mask_text : "");
	prefix.address.hi &= (__u64)mask << 32;
	prefix.length = (__u8)__builtin_popcount(mask);
	return vg_shape_add(reader, &mask_place, &nic->subnet, &prefix, VG_RANGE_SUBNET,
			    VG_LISTING_NO_SCOPE);
}

/* A list of addresses or prefixes. */
static int read_ranges(const struct vg_shape_reader *reader, const struct vg_shape_place *in,
		       const json_t *item, const char *key, struct vg_listing *listing,
		       enum vg_range_use use)
{
	const struct vg_shape_place place = {in, key, 0};
	const json_t *list;
	int r;

	r = vg_shape_member(reader, in, item, key, JSON_ARRAY, &list);
	for (size_t i = 0; r >= 0 && i < json_array_size(list); i++) {
		const struct vg_shape_place at = {&place, NULL, i};
		const char *text = json_string_value(json_array_get(list, i));
		struct vg_prefix prefix;

		r = vg_shape_prefix(reader, &at, text ? text : "", &prefix);
		if (r >= 0)
			r = vg_shape_add(reader, &at, listing, &prefix, use, VG_LISTING_NO_SCOPE);
	}
	return r;
}

/* `ipv6s` are the VM's own addresses, without the subnet that they are in. */
static int read_nic(const struct vg_shape_reader *reader, const struct vg_shape_place *place,
		    const json_t *item, struct vg_metadata_nic *nic)
{
	static const char *const forwarded[] = {"forwardedIps", "forwardedIpv6s",
						"targetInstanceIps"};
	int r;

	if (vg_shape_of_item(item) != VG_SHAPE_NICS)
		return vg_shape_refuse(reader, place, EINVAL, "no network interface: no \"mac\"");
	r = read_mac(reader, place, item, nic);
	if (r >= 0)
		r = read_network(reader, place, item, nic);
	if (r >= 0)
		r = read_mtu(reader, place, item, nic);
	if (r >= 0)
		r = read_subnet(reader, place, item, nic);
	if (r >= 0)
		r = read_ranges(reader, place, item, "ipAliases", &nic->subnet, VG_RANGE_SUBNET);
	for (size_t i = 0; r >= 0 && i < VG_ARRAY_SIZE(forwarded); i++)
		r = read_ranges(reader, place, item, forwarded[i], &nic->forwarded, VG_RANGE_ANY);
	return r;
}

static int take_subnet(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		       const json_t *item, void *context)
{
	_cleanup_(nic_done) struct vg_metadata_nic nic = {};
	int r;

	(void)context;
	r = read_nic(reader, place, item, &nic);
	if (r < 0 || !vg_shape_wants(reader, nic.network))
		return r;
	for (size_t i = 0; r >= 0 && i < nic.subnet.n; i++)
		r = vg_shape_add(reader, place, reader->listing, &nic.subnet.items[i].prefix,
				 VG_RANGE_SUBNET, VG_LISTING_NO_SCOPE);
	return r;
}

int vg_shape_read_nics(struct vg_shape_reader *reader, const json_t *root)
{
	return vg_shape_each(reader, NULL, root, take_subnet, NULL);
}

struct nics {
	struct vg_metadata_nic *items;
	size_t n;
};

static void nics_done(struct nics *nics)
{
	vg_metadata_nics_free(nics->items, nics->n);
}

static int take_nic(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		    const json_t *item, void *context)
{
	struct nics *nics = context;

	return read_nic(reader, place, item, &nics->items[nics->n++]);
}

int vg_metadata_nics_read(const char *file, const char *text, size_t length,
			  struct vg_metadata_nic **ret_nics, size_t *ret_n, struct vg_diag *diag)
{
	static const struct vg_shape_wish wish = {.expected = VG_SHAPE_NICS};
	struct vg_shape_reader reader = {.file = file, .wish = &wish, .diag = diag};
	_cleanup_(nics_done) struct nics nics = {};
	json_auto_t *root = NULL;
	enum vg_shape shape;
	int r;

	r = vg_shape_load(&reader, text, length, &root);
	if (r >= 0)
		r = vg_shape_recognise(&reader, root, &shape);
	if (r < 0)
		return r;
	nics.items = calloc(json_array_size(root) + 1, sizeof(*nics.items));
	if (!nics.items)
		return -ENOMEM;
	r = vg_shape_each(&reader, NULL, root, take_nic, &nics);
	if (r < 0)
		return r;
	*ret_n = nics.n;
	*ret_nics = nics.items;
	nics = (struct nics){};
	return 0;
}

void vg_metadata_nics_free(struct vg_metadata_nic *nics, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nic_done(&nics[i]);
	free(nics);
}
