/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which networks of which projects are read: those that the feed names, and for what it leaves out
 * those that the filtered NICs are in. Under Shared VPC the NIC's network is the host project's.
 */
#include <errno.h>
#include <string.h>
#include "discovery/internal.h"
#include "discovery/reply.h"
#include "share/cleanup.h"

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int add_job(struct vg_fetch *fetch, struct vg_job *job)
{
	struct vg_job *longer;

	longer = reallocarray(fetch->jobs, fetch->n_jobs + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	fetch->jobs = longer;
	longer[fetch->n_jobs++] = *job;
	return 0;
}

int vg_plan_add(struct vg_fetch *fetch, enum vg_job_kind kind, const char *project,
		const char *network, const char *peering)
{
	struct vg_job job = {.kind = kind};
	int r = -ENOMEM;

	for (size_t i = 0; i < fetch->n_jobs; i++) {
		const struct vg_job *other = &fetch->jobs[i];

		if (other->kind == kind && is_same(other->project, project) &&
		    is_same(other->network, network) && is_same(other->peering, peering))
			return 0;
	}
	job.project = strdup(project);
	job.network = strdup(network);
	if (peering)
		job.peering = strdup(peering);
	if (job.project && job.network && (!peering || job.peering))
		r = add_job(fetch, &job);
	if (r < 0) {
		free(job.project);
		free(job.network);
		free(job.peering);
	}
	return r;
}

/* For each network of the NICs that the feed leaves open. */
static int add_of_nics(struct vg_fetch *fetch, enum vg_job_kind kind)
{
	const struct vg_feed *feed = &fetch->feed;
	int r = 0;

	for (size_t i = 0; r == 0 && i < fetch->n_nics; i++) {
		const struct vg_metadata_nic *nic = &fetch->nics[i];

		if (!nic->network || !nic->network_project ||
		    (feed->network && strcmp(feed->network, nic->network) != 0))
			continue;
		if (!vg_reply_is_name(nic->network)) /* it goes into a filter */
			return vg_fetch_fail(fetch, EPROTO,
					     "the metadata server names a network '%.64s'",
					     nic->network);
		r = vg_plan_add(fetch, kind, feed->project ?: nic->network_project, nic->network,
				NULL);
	}
	return r;
}

static int plan(struct vg_fetch *fetch, enum vg_job_kind kind)
{
	const struct vg_feed *feed = &fetch->feed;
	int r = 0;

	if (!feed->network || !feed->project)
		r = add_of_nics(fetch, kind);
	if (r == 0 && !fetch->n_jobs && feed->network)
		r = vg_plan_add(fetch, kind, feed->project ?: fetch->number, feed->network, NULL);
	if (r == 0 && !fetch->n_jobs)
		return vg_fetch_fail(fetch, EPROTO,
				     "the metadata server names no network for the filtered NICs");
	return r;
}

static bool is_own(const struct vg_fetch *fetch, const char *project)
{
	return !strcmp(project, fetch->number) || is_same(project, fetch->id);
}

int vg_plan_judge_shared(struct vg_fetch *fetch, bool own, bool foreign)
{
	if (own && foreign)
		return vg_fetch_fail(
			fetch, EINVAL,
			"filtered NICs are in networks of this VM's project and of another one, so "
			"that it can't be said what is vpc and what is shared-vpc: write for each "
			"network gcp:subnets?network=NAME&project=PROJECT");
	fetch->result.listing.shared = foreign;
	return VG_STEP_DONE;
}

int vg_step_plan_subnets(struct vg_fetch *fetch)
{
	bool own = false, foreign = false;
	int r;

	r = plan(fetch, VG_JOB_SUBNETS);
	if (r < 0)
		return r;
	for (size_t i = 0; i < fetch->n_jobs; i++) {
		own |= is_own(fetch, fetch->jobs[i].project);
		foreign |= !is_own(fetch, fetch->jobs[i].project);
	}
	return vg_plan_judge_shared(fetch, own, foreign);
}

/*
 * A connector into a Shared VPC may be in the project that uses it or in the host project
 * (https://cloud.google.com/run/docs/configuring/shared-vpc-connectors).
 */
int vg_step_plan_connectors(struct vg_fetch *fetch)
{
	size_t n;
	int r;

	r = plan(fetch, VG_JOB_CONNECTORS);
	n = fetch->n_jobs;
	for (size_t i = 0; r == 0 && !fetch->feed.project && i < n; i++)
		r = vg_plan_add(fetch, VG_JOB_CONNECTORS, fetch->number, fetch->jobs[i].network,
				NULL);
	return r < 0 ? r : VG_STEP_DONE;
}

int vg_step_plan_networks(struct vg_fetch *fetch)
{
	const int r = plan(fetch, VG_JOB_NETWORK);

	return r < 0 ? r : VG_STEP_DONE;
}
