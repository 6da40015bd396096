/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was found: which NICs the config is for, and what the metadata says of those. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "share/cleanup.h"
#include "tools/discover.h"

static const struct vg_metadata_nic *metadata_of(const struct vg_found *found, const char *mac)
{
	for (size_t i = 0; *mac && i < found->n_metadata; i++) {
		if (!strcasecmp(found->metadata[i].mac, mac))
			return &found->metadata[i];
	}
	return NULL;
}

/*
 * VLANs, bridges and macvlans have the MAC address of the NIC below them: the one on a bus is it, or
 * the first.
 */
static bool is_copy(const struct vg_host_nic *hosts, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++) {
		if (j != i && !strcmp(hosts[j].mac, hosts[i].mac) &&
		    (hosts[j].device > hosts[i].device ||
		     (j < i && hosts[j].device == hosts[i].device)))
			return true;
	}
	return false;
}

static bool is_chosen(const struct vg_found *found, const struct vg_host_nic *hosts, size_t n,
		      size_t i, const char *name)
{
	switch (found->found_by) {
	case VG_FOUND_BY_METADATA:
		return metadata_of(found, hosts[i].mac) && !is_copy(hosts, n, i);
	case VG_FOUND_BY_DEFAULT_ROUTE:
		return hosts[i].default_route;
	default:
		return !strcmp(hosts[i].name, name);
	}
}

static void choose(struct vg_found *found, const struct vg_host_nic *hosts, size_t n,
		   const char *name)
{
	found->n_nics = 0;
	for (size_t i = 0; i < n && found->n_nics < VG_MAX_INTERFACES; i++) {
		if (is_chosen(found, hosts, n, i, name))
			found->nics[found->n_nics++] =
				(struct vg_found_nic){hosts[i], metadata_of(found, hosts[i].mac)};
	}
}

int vg_found_choose_nics(struct vg_found *found, const struct vg_host_nic *hosts, size_t n,
			 const char *name)
{
	found->nics = calloc(n + 1, sizeof(*found->nics));
	if (!found->nics)
		return -ENOMEM;
	found->found_by = name ? VG_FOUND_BY_NAME : VG_FOUND_BY_METADATA;
	choose(found, hosts, n, name);
	if (!found->n_nics && !name) {
		found->found_by = VG_FOUND_BY_DEFAULT_ROUTE;
		choose(found, hosts, n, name);
	}
	return found->n_nics ? 0 : -ENODEV;
}

/* ---- what the metadata says of them ---- */

static bool is_shared(const struct vg_found *found, const struct vg_metadata_nic *nic)
{
	return nic->network_project && found->project_number &&
	       strcmp(nic->network_project, found->project_number) != 0;
}

static int add_ranges(struct vg_found_feed *feed, const struct vg_listing *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		r = vg_listing_add(&feed->listing, &from->items[i].prefix, from->items[i].use,
				   VG_LISTING_NO_SCOPE);
	feed->read = true;
	return r;
}

int vg_found_read_metadata(struct vg_found *found)
{
	struct vg_found_feed *subnets = &found->feeds[VG_FEED_METADATA];
	struct vg_found_feed *forwarded = &found->feeds[VG_FEED_FORWARDED_IPS];
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n_nics; i++) {
		const struct vg_metadata_nic *nic = found->nics[i].metadata;

		if (!nic)
			continue;
		if (is_shared(found, nic))
			subnets->listing.shared = true;
		r = add_ranges(subnets, &nic->subnet);
		if (r == 0)
			r = add_ranges(forwarded, &nic->forwarded);
	}
	if (r == 0 && !subnets->read && !found->files)
		snprintf(subnets->reason, sizeof(subnets->reason), "%s",
			 *found->metadata_reason ? found->metadata_reason
						 : "the metadata server names none of these NICs");
	vg_listing_sort(&subnets->listing);
	vg_listing_sort(&forwarded->listing);
	return r;
}

void vg_found_done(struct vg_found *found)
{
	for (int kind = 0; kind < VG_FEED_KIND_MAX; kind++)
		vg_listing_done(&found->feeds[kind].listing);
	vg_metadata_nics_free(found->metadata, found->n_metadata);
	free(found->nics);
	free(found->name);
	free(found->zone);
	free(found->project);
	free(found->project_number);
	*found = (struct vg_found){};
}
