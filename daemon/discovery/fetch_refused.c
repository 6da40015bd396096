/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands behind an HTTP status of Google's APIs, and who can change it: the scopes of the VM,
 * the roles of its service account, an API that is switched off.
 */
#include <errno.h>
#include <string.h>
#include "discovery/internal.h"
#include "discovery/reply.h"
#include "share/cleanup.h"

/* google.rpc.ErrorInfo, and the older names of the Compute API. */
static bool is_one_of(const char *reason, const char *const *reasons)
{
	for (; *reasons; reasons++) {
		if (!strcmp(*reasons, reason))
			return true;
	}
	return false;
}

static bool is_scope(const struct vg_reply_error *error)
{
	return !strcmp(error->reason, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") ||
	       strstr(error->message, "insufficient authentication scopes");
}

static bool is_off(const struct vg_reply_error *error)
{
	static const char *const reasons[] = {"SERVICE_DISABLED", "accessNotConfigured", NULL};

	return is_one_of(error->reason, reasons);
}

static bool is_quota(const struct vg_reply_error *error)
{
	static const char *const reasons[] = {"rateLimitExceeded",   "userRateLimitExceeded",
					      "quotaExceeded",	     "dailyLimitExceeded",
					      "RATE_LIMIT_EXCEEDED", NULL};

	return is_one_of(error->reason, reasons);
}

bool vg_refused_for_all(const struct vg_client_answer *answer)
{
	struct vg_reply_error error = {};

	vg_reply_error(answer->body, answer->length, &error);
	return is_scope(&error) || is_off(&error) || is_quota(&error);
}

/* What the job is about, and what it takes. */
static const struct {
	const char *what, *role, *scopes, *api;
} needs[] = {
	[VG_JOB_SUBNETS] = {"subnets", "roles/compute.networkViewer",
			    "compute.readonly or cloud-platform", "compute.googleapis.com"},
	[VG_JOB_USABLE] = {"subnets", "roles/compute.networkViewer",
			   "compute.readonly or cloud-platform", "compute.googleapis.com"},
	[VG_JOB_CONNECTORS] = {"connectors", "roles/vpcaccess.viewer", "cloud-platform",
			       "vpcaccess.googleapis.com"},
	[VG_JOB_NETWORK] = {"peerings", "roles/compute.networkViewer",
			    "compute.readonly or cloud-platform", "compute.googleapis.com"},
	[VG_JOB_ROUTES] = {"peering routes", "roles/compute.networkViewer",
			   "compute.readonly or cloud-platform", "compute.googleapis.com"},
};

static int forbidden(struct vg_fetch *fetch, const struct vg_client_answer *answer,
		     const struct vg_reply_error *error)
{
	const struct vg_job *job = &fetch->jobs[fetch->job];
	const char *colon = *error->message ? ": " : "";

	if (is_quota(error))
		return vg_fetch_fail(fetch, EAGAIN, "%s was asked too often%s%s", answer->host,
				     colon, error->message);
	if (is_scope(error))
		return vg_fetch_fail(
			fetch, EACCES,
			"this VM's access scopes don't let it ask %s: it needs the scope %s; stop the "
			"VM, then gcloud compute instances set-service-account --scopes, and start "
			"it again",
			answer->host, needs[job->kind].scopes);
	if (is_off(error))
		return vg_fetch_fail(fetch, EACCES,
				     "the API isn't enabled: gcloud services enable %s "
				     "--project %s%s%s",
				     needs[job->kind].api, job->project, colon, error->message);
	return vg_fetch_fail(fetch, EACCES,
			     "this VM's service account may not list the %s of project %s: give it "
			     "%s there%s%s%s",
			     needs[job->kind].what, job->project, needs[job->kind].role,
			     strcmp(job->project, fetch->number) != 0
				     ? " (under Shared VPC that is the host project)"
				     : "",
			     colon, error->message);
}

int vg_fetch_refused(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	const struct vg_job *job = &fetch->jobs[fetch->job];
	struct vg_reply_error error = {};
	const char *colon;

	vg_reply_error(answer->body, answer->length, &error);
	colon = *error.message ? ": " : "";
	switch (answer->status) {
	case 401:
		return vg_fetch_fail(fetch, EACCES,
				     "%s takes no access token of this VM's service account: is "
				     "the account disabled or deleted?%s%s",
				     answer->host, *error.message ? " " : "", error.message);
	case 403:
		return forbidden(fetch, answer, &error);
	case 404:
		return vg_fetch_fail(fetch, ENOENT, "%s finds no network '%s' of project %s%s%s",
				     answer->host, job->network, job->project, colon,
				     error.message);
	default:
		return vg_fetch_fail(fetch, EPROTO, "%s refuses the question (HTTP status %u)%s%s",
				     answer->host, answer->status, colon, error.message);
	}
}
