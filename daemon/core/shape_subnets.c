/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "core/shape_parts.h"
#include "share/cleanup.h"

/* A subnet while its ranges are read. */
struct subnet {
	const char *purpose; /* where it is left out; else NULL */
	bool wanted;	     /* its network is */
	enum vg_range_use use;
	__u16 scope;
};

/* https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks, `purpose`. -ENOENT: others. */
static int use_of(const char *purpose, enum vg_range_use *ret_use)
{
	static const struct {
		const char *purpose;
		enum vg_range_use use;
	} uses[] = {
		{"PRIVATE", VG_RANGE_SUBNET},
		{"PRIVATE_RFC_1918", VG_RANGE_SUBNET},
		{"GLOBAL_MANAGED_PROXY", VG_RANGE_GLOBAL_PROXY},
		{"REGIONAL_MANAGED_PROXY", VG_RANGE_REGIONAL_PROXY},
		{"INTERNAL_HTTPS_LOAD_BALANCER", VG_RANGE_REGIONAL_PROXY},
		{"PRIVATE_SERVICE_CONNECT", VG_RANGE_PSC},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(uses); i++) {
		if (!purpose || !strcmp(uses[i].purpose, purpose)) {
			*ret_use = uses[i].use;
			return 0;
		}
	}
	return -ENOENT;
}

/* Refuses a text that is no prefix, wherever it stands; adds it where it is wanted. */
static int take_range(struct vg_shape_reader *reader, const struct vg_shape_place *in,
		      const json_t *object, const char *key, const struct subnet *subnet)
{
	const struct vg_shape_place place = {in, key, 0};
	struct vg_prefix prefix;
	const char *text;
	int r;

	r = vg_shape_text(reader, in, object, key, &text);
	if (r < 0 || !text)
		return r;
	r = vg_shape_prefix(reader, &place, text, &prefix);
	if (r < 0 || !subnet->wanted)
		return r;
	if (subnet->purpose) {
		vg_shape_leave_out(reader, subnet->purpose);
		return 0;
	}
	return vg_shape_add(reader, &place, reader->listing, &prefix, subnet->use, subnet->scope);
}

static int take_secondary(struct vg_shape_reader *reader, const struct vg_shape_place *place,
			  const json_t *item, void *context)
{
	return take_range(reader, place, item, "ipCidrRange", context);
}

static int take_ranges(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		       const json_t *item, struct subnet *subnet)
{
	static const char *const keys[] = {"ipCidrRange", "ipv6CidrRange", "internalIpv6Prefix",
					   "externalIpv6Prefix"};
	const struct vg_shape_place secondary = {place, "secondaryIpRanges", 0};
	const json_t *list;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < VG_ARRAY_SIZE(keys); i++)
		r = take_range(reader, place, item, keys[i], subnet);
	if (r >= 0)
		r = vg_shape_member(reader, place, item, secondary.key, JSON_ARRAY, &list);
	if (r >= 0)
		r = vg_shape_each(reader, &secondary, list, take_secondary, subnet);
	return r;
}

/* `context` is the scope that the subnet is listed under, or NULL where it says so itself. */
static int take_subnet(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		       const json_t *item, void *context)
{
	struct subnet subnet = {.scope = VG_LISTING_NO_SCOPE};
	const char *purpose, *network, *region, *url;
	int r;

	if (vg_shape_of_item(item) != VG_SHAPE_SUBNETS)
		return vg_shape_refuse(reader, place, EINVAL, "no subnet: it has no range");
	r = vg_shape_text(reader, place, item, "purpose", &purpose);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "network", &network);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "region", &region);
	if (r >= 0)
		r = vg_shape_text(reader, place, item, "subnetwork", &url);
	if (r < 0)
		return r;
	subnet.wanted = vg_shape_wants(reader, network);
	if (use_of(purpose, &subnet.use) < 0)
		subnet.purpose = purpose;
	else if (subnet.wanted)
		r = vg_shape_scope(reader, place,
				   context  ? context
				   : region ? region
					    : url,
				   &subnet.scope);
	return r < 0 ? r : take_ranges(reader, place, item, &subnet);
}

/* The subnets of one scope of an aggregated list, or why there are none. */
static int take_scope(struct vg_shape_reader *reader, const struct vg_shape_place *place,
		      const json_t *scope)
{
	const struct vg_shape_place subnetworks = {place, "subnetworks", 0};
	const json_t *list;
	int r;

	r = vg_shape_member(reader, place, scope, subnetworks.key, JSON_ARRAY, &list);
	if (r < 0)
		return r;
	if (!list && json_object_size(scope) && !json_object_get(scope, "warning"))
		return vg_shape_refuse(reader, place, EINVAL,
				       "neither \"subnetworks\" nor a \"warning\"");
	r = vg_shape_read_warning(reader, place, scope, place->key);
	return r < 0 ? r
		     : vg_shape_each(reader, &subnetworks, list, take_subnet, (void *)place->key);
}

int vg_shape_read_subnets(struct vg_shape_reader *reader, const json_t *root)
{
	static const struct vg_shape_place place = {NULL, "items", 0};
	json_t *items = json_object_get(root, place.key), *scope;
	const char *name;
	int r;

	if (json_is_array(root))
		return vg_shape_each(reader, NULL, root, take_subnet, NULL);
	r = vg_shape_read_page(reader, root);
	if (r < 0 || json_is_array(items))
		return r < 0 ? r : vg_shape_each(reader, &place, items, take_subnet, NULL);
	json_object_foreach(items, name, scope) {
		const struct vg_shape_place at = {&place, name, 0};

		r = json_is_object(scope) ? take_scope(reader, &at, scope)
					  : vg_shape_refuse(reader, &at, EINVAL,
							    "no object with \"subnetworks\"");
		if (r < 0)
			break;
	}
	return r;
}
