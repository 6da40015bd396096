/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "service/holders.h"
#include "service/seedlist.h"
#include "share/cleanup.h"

#define PORTS 65536

struct holder {
	struct vg_address address;
	unsigned port;
};

struct vg_holders {
	bool any4[PORTS], any6[PORTS]; /* held on all addresses */
	struct holder *holders;	       /* on one address each */
	size_t n, capacity;
};

int vg_holders_new(struct vg_holders **ret_holders)
{
	struct vg_holders *holders = calloc(1, sizeof(*holders));

	if (!holders)
		return -ENOMEM;
	*ret_holders = holders;
	return 0;
}

void vg_holders_free_p(struct vg_holders **holders)
{
	if (*holders)
		free((*holders)->holders);
	free(*holders);
}

int vg_holders_add(struct vg_holders *holders, const struct vg_address *address, unsigned port,
		   bool v6only)
{
	if (!port || port >= PORTS)
		return 0;
	if (!address->hi && !address->lo) {
		if (address->family == 6)
			holders->any6[port] = true;
		if (address->family == 4 || !v6only)
			holders->any4[port] = true;
		return 0;
	}
	if (holders->n == holders->capacity) {
		const size_t capacity = holders->capacity ? holders->capacity * 2 : 64;
		struct holder *grown = reallocarray(holders->holders, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		holders->holders = grown;
		holders->capacity = capacity;
	}
	holders->holders[holders->n++] = (struct holder){*address, port};
	return 0;
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return vg_seeds_compare_addresses(&x->address, &y->address);
}

void vg_holders_sort(struct vg_holders *holders)
{
	if (holders->n)
		qsort(holders->holders, holders->n, sizeof(*holders->holders), compare_holders);
}

bool vg_holders_hold(const struct vg_holders *holders, const struct vg_address *address,
		     unsigned port)
{
	const struct holder wanted = {*address, port};

	if (!port || port >= PORTS)
		return false;
	if (address->family == 4 ? holders->any4[port] : holders->any6[port])
		return true;
	return holders->n && bsearch(&wanted, holders->holders, holders->n,
				     sizeof(*holders->holders), compare_holders);
}
