/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "discovery/side.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Those that an answer depends on; the others count from the next answer on. */
static bool same_servers(const struct vg_discovery_settings *a,
			 const struct vg_discovery_settings *b)
{
	return same_text(a->metadata, b->metadata) && same_text(a->compute, b->compute) &&
	       same_text(a->vpcaccess, b->vpcaccess) && same_text(a->published, b->published) &&
	       same_text(a->ca, b->ca);
}

static bool same_nics(const struct vg_cloud_nics *a, const struct vg_cloud_nics *b)
{
	return a->n == b->n && (!a->n || memcmp(a->macs, b->macs, a->n * sizeof(*a->macs)) == 0);
}

int vg_cloud_nics_copy(const struct vg_cloud_nics *nics, struct vg_cloud_nics *ret_copy)
{
	*ret_copy = (struct vg_cloud_nics){calloc(nics->n + 1, sizeof(*nics->macs)), nics->n,
					   nics->all};
	if (!ret_copy->macs)
		return -ENOMEM;
	if (nics->n)
		memcpy(ret_copy->macs, nics->macs, nics->n * sizeof(*nics->macs));
	return 0;
}

bool vg_side_differs(const struct vg_side *side, const struct vg_discovery_settings *settings,
		     const struct vg_cloud_nics *nics)
{
	return !same_servers(&side->common.settings, settings) || !same_nics(&side->nics, nics);
}

int vg_side_configure(struct vg_side *side, const struct vg_discovery_settings *settings,
		      const struct vg_cloud_nics *nics)
{
	struct vg_discovery_settings copy = {};
	struct vg_cloud_nics nics_copy = {};
	int r;

	r = vg_discovery_settings_copy(settings, &copy);
	if (r >= 0)
		r = vg_cloud_nics_copy(nics, &nics_copy);
	if (r >= 0 && side->common.cloud &&
	    (!side->configured || vg_side_differs(side, settings, nics)))
		r = vg_cloud_configure(side->common.cloud, settings, nics);
	if (r < 0) {
		vg_discovery_settings_done(&copy);
		free(nics_copy.macs);
		return r;
	}
	side->configured = side->common.cloud;
	free(side->nics.macs);
	side->nics = nics_copy;
	vg_discovery_settings_done(&side->common.settings);
	side->common.settings = copy;
	return 0;
}

void vg_side_done(struct vg_side *side)
{
	vg_cloud_close(side->common.cloud);
	vg_discovery_settings_done(&side->common.settings);
	free(side->nics.macs);
}
