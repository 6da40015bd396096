/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "service/seed.h"
#include "service/switchover.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "share/log.h"

/* Above so many prefixes looked at, nothing is left out: a flow that isn't needed harms nothing. */
#define SEED_COMPARISONS_MAX 50000000

/* A conversation needs a flow if one of the NICs would refuse its replies. */
static bool needs_flow(const struct vg_policy *policy, const struct vg_wanted *const *nics,
		       size_t n, const struct vg_seed *seed)
{
	for (size_t i = 0; i < n; i++)
		if (vg_seed_is_wanted(policy, nics[i]->rule, seed))
			return true;
	return false;
}

static size_t choose_flows(const struct vg_policy *policy, const struct vg_wanted *const *nics,
			   size_t n_nics, const struct vg_seed *seeds, size_t n,
			   struct vg_flow_info *flows)
{
	const size_t prefixes = policy->n_prefixes4 + policy->n_prefixes6;
	const bool few = n * n_nics * (prefixes + 1) <= SEED_COMPARISONS_MAX;
	size_t chosen = 0;

	for (size_t i = 0; i < n; i++) {
		if (few && !needs_flow(policy, nics, n_nics, &seeds[i]))
			continue;
		flows[chosen++] = (struct vg_flow_info){
			.remote = seeds[i].remote,
			.local = seeds[i].local,
			.remote_port = seeds[i].remote_port,
			.local_port = seeds[i].local_port,
			.protocol = (unsigned)seeds[i].protocol,
			.flow.state = seeds[i].state,
		};
	}
	return chosen;
}

/* A failure is survived: the NIC is filtered all the same, and what was open may be cut. */
void vg_switchover_keep(struct vg_dataplane *dataplane, const struct vg_policy *policy,
			const struct vg_wanted *const *nics, size_t n)
{
	_cleanup_free_ unsigned *ifindexes = calloc(n, sizeof(*ifindexes));
	_cleanup_free_ struct vg_flow_info *flows = NULL;
	_cleanup_free_ struct vg_seed *seeds = NULL;
	struct vg_diag diag = {0};
	bool conntrack = false;
	size_t n_seeds = 0, added = 0;
	int r = ifindexes ? 0 : -ENOMEM;

	for (size_t i = 0; ifindexes && i < n; i++)
		ifindexes[i] = nics[i]->ifindex;
	if (r >= 0)
		r = vg_seed_collect(ifindexes, n, &seeds, &n_seeds, &conntrack, &diag);
	if (r >= 0 && *diag.text)
		vg_log_warn("%s", diag.text);
	flows = r >= 0 ? calloc(n_seeds + 1, sizeof(*flows)) : NULL;
	r = flows ? 0 : -ENOMEM;
	if (r >= 0) {
		n_seeds = choose_flows(policy, nics, n, seeds, n_seeds, flows);
		diag = (struct vg_diag){0};
		r = vg_dataplane_seed(dataplane, flows, n_seeds, &added, &diag);
	}
	if (r < 0)
		vg_log_warn("%s; conversations that are open now may be cut",
			    *diag.text ? diag.text : strerror(-r));
	else if (added)
		vg_log_info("%zu conversations that were open already go on (known from sockets%s)",
			    added, conntrack ? " and conntrack" : "");
}

/* ---- what others have opened ---- */

#define CLIENT_PORTS "/proc/sys/net/ipv4/ip_local_port_range"

/* Linux's defaults where the file can't be read. */
static void read_client_ports(unsigned *first, unsigned *last)
{
	_cleanup_fclose_ FILE *file = fopen(CLIENT_PORTS, "re");

	if (!file || fscanf(file, "%u %u", first, last) != 2) {
		*first = 32768;
		*last = 60999;
	}
}

void vg_switchover_end_answers(struct vg_dataplane *dataplane, __u32 since_s)
{
	unsigned first = 0, last = 0;
	struct vg_diag diag = {0};
	size_t n = 0;

	read_client_ports(&first, &last);
	if (vg_dataplane_end_answers(dataplane, first, last, since_s, &n, &diag) < 0)
		vg_log_warn("%s; conversations that others began may go on as replies", diag.text);
	else if (n)
		vg_log_info(
			"%zu conversations that others may have begun are no flows of this host's",
			n);
}
