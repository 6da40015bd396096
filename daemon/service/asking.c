/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/asking.h"
#include "service/daemon.h"
#include "share/cleanup.h"
#include "share/log.h"

static size_t list_macs(const struct vg_wanted *wanted, size_t n_wanted, char (*macs)[18])
{
	size_t n = 0;

	for (size_t i = 0; i < n_wanted; i++)
		if (wanted[i].ifindex && *wanted[i].mac)
			memcpy(macs[n++], wanted[i].mac, sizeof(*macs));
	return n;
}

static int nics_of(const struct vg_wanted *wanted, size_t n_wanted, struct vg_cloud_nics *ret_nics)
{
	char(*macs)[18] = calloc(n_wanted + 1, sizeof(*macs));

	if (!macs)
		return -ENOMEM;
	*ret_nics = (struct vg_cloud_nics){macs, list_macs(wanted, n_wanted, macs), false};
	return 0;
}

int vg_asking_next(struct vg_daemon *daemon, struct vg_diag *diag)
{
	const struct vg_policy *next = daemon->gate->next.policy;
	_cleanup_free_ struct vg_wanted *wanted = NULL;
	struct vg_cloud_nics nics = {};
	size_t n = 0;
	int r;

	r = vg_gate_plan(daemon->gate, next, &wanted, &n);
	if (r >= 0)
		r = nics_of(wanted, n, &nics);
	if (r >= 0)
		r = vg_discovery_want_next(daemon->discovery, daemon->gate->policy, next, &nics,
					   diag);
	free(nics.macs);
	return r;
}

void vg_asking_in_force(struct vg_daemon *daemon)
{
	const struct vg_gate *gate = daemon->gate;
	struct vg_asking *asking = &daemon->asking;
	struct vg_cloud_nics nics = {};
	struct vg_diag diag = {0};
	int r;

	r = nics_of(gate->wanted, gate->n_wanted, &nics);
	if (r >= 0) {
		free(asking->macs);
		asking->macs = nics.macs;
		asking->n_macs = nics.n;
		r = vg_discovery_want(daemon->discovery, gate->policy, &nics, &diag);
	}
	if (r < 0)
		vg_log_warn("%s", *diag.text ? diag.text : strerror(-r));
}

void vg_asking_renew(struct vg_daemon *daemon)
{
	const struct vg_gate *gate = daemon->gate;
	const struct vg_asking *asking = &daemon->asking;
	_cleanup_free_ char(*macs)[18] = calloc(gate->n_wanted + 1, sizeof(*macs));
	size_t n;

	if (!macs || daemon->apply.pending)
		return;
	n = list_macs(gate->wanted, gate->n_wanted, macs);
	if (n != asking->n_macs || (n && memcmp(macs, asking->macs, n * sizeof(*macs)) != 0))
		vg_asking_in_force(daemon);
}

void vg_asking_close(struct vg_asking *asking)
{
	free(asking->macs);
	*asking = (struct vg_asking){};
}
