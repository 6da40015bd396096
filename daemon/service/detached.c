/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "service/detached.h"

/* By its number: it may have another name by now. By its name, where another one has come. */
bool vg_detached_holds(const struct vg_detached *detached, const struct vg_wanted *nic,
		       const char *pattern)
{
	for (size_t i = 0; i < detached->n; i++) {
		const struct vg_detached_nic *item = &detached->nics[i];

		if ((nic->ifindex && item->ifindex == nic->ifindex) ||
		    strcmp(item->name, nic->name) == 0)
			return true;
		/* What has come for a rule that none was there for. */
		if (!item->ifindex && strcmp(item->name, pattern) == 0)
			return true;
	}
	return detached->all;
}

int vg_detached_add(struct vg_detached *detached, const char *name, unsigned ifindex)
{
	struct vg_detached_nic *grown;

	grown = reallocarray(detached->nics, detached->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	detached->nics = grown;
	grown += detached->n++;
	memcpy(grown->name, name, sizeof(grown->name));
	grown->ifindex = ifindex;
	return 0;
}

int vg_detached_join(struct vg_detached *detached, const struct vg_detached *from)
{
	int r = 0;

	detached->all |= from->all;
	for (size_t i = 0; r >= 0 && i < from->n; i++)
		r = vg_detached_add(detached, from->nics[i].name, from->nics[i].ifindex);
	return r;
}

void vg_detached_clear(struct vg_detached *detached)
{
	free(detached->nics);
	*detached = (struct vg_detached){0};
}
