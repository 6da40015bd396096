/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lists of Google's APIs, page by page, one job after the other.
 * https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks/aggregatedList
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "discovery/internal.h"
#include "discovery/reply.h"
#include "share/cleanup.h"

static int run_jobs(struct vg_fetch *fetch);
static int ask_page(struct vg_fetch *fetch);
static int ask_with_token(struct vg_fetch *fetch);

static struct vg_job *job_of(struct vg_fetch *fetch)
{
	return &fetch->jobs[fetch->job];
}

/* ---- questions ---- */

static int __attribute__((format(printf, 2, 3))) print(char **ret_url, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(ret_url, format, arguments);
	va_end(arguments);
	if (n < 0)
		*ret_url = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/* Without the token of a page. Projects may hold a colon, which a path may have. */
static int print_list(const struct vg_fetch *fetch, const struct vg_job *job, char **ret_url)
{
	const char *compute = fetch->cloud->settings.compute;

	switch (job->kind) {
	case VG_JOB_SUBNETS:
		return print(ret_url,
			     "%s/compute/v1/projects/%s/aggregated/subnetworks?maxResults=500"
			     "&returnPartialSuccess=true"
			     "&filter=network%%20eq%%20%%22.%%2A%%2Fnetworks%%2F%s%%22",
			     compute, job->project, job->network);
	case VG_JOB_USABLE:
		return print(ret_url,
			     "%s/compute/v1/projects/%s/aggregated/subnetworks/listUsable"
			     "?maxResults=500&returnPartialSuccess=true",
			     compute, job->project);
	case VG_JOB_CONNECTORS:
		return print(ret_url, "%s/v1/projects/%s/locations/-/connectors?pageSize=500",
			     fetch->cloud->settings.vpcaccess, job->project);
	case VG_JOB_ROUTES:
		return print(ret_url,
			     "%s/compute/v1/projects/%s/global/networks/%s/listPeeringRoutes"
			     "?maxResults=500&direction=INCOMING&peeringName=%s&region=%s",
			     compute, job->project, job->network, job->peering, fetch->region);
	default:
		return print(ret_url, "%s/compute/v1/projects/%s/global/networks/%s", compute,
			     job->project, job->network);
	}
}

static int print_page(const struct vg_fetch *fetch, const struct vg_job *job, char **ret_url)
{
	_cleanup_free_ char *list = NULL, *token = NULL;
	int r;

	if (!fetch->page_token)
		return print_list(fetch, job, ret_url);
	r = print_list(fetch, job, &list);
	if (r < 0)
		return r;
	token = vg_reply_escape(fetch->page_token);
	return token ? print(ret_url, "%s&pageToken=%s", list, token) : -ENOMEM;
}

/* ---- answers ---- */

static int next_job(struct vg_fetch *fetch)
{
	fetch->job++;
	return run_jobs(fetch);
}

/*
 * Takes the token of the next page. One that has come before would lead round for ever: that of an
 * earlier page is kept, a later one each time that their number has doubled (Brent's algorithm).
 */
static int follow(struct vg_fetch *fetch, const char *token)
{
	const unsigned n = ++fetch->job_pages;

	if (fetch->seen_token && !strcmp(fetch->seen_token, token))
		return vg_fetch_fail(fetch, EPROTO,
				     "the pages of project %s's list lead back to an earlier one",
				     job_of(fetch)->project);
	free(fetch->page_token);
	fetch->page_token = strdup(token);
	if (!fetch->page_token)
		return -ENOMEM;
	if (!(n & (n - 1))) {
		free(fetch->seen_token);
		fetch->seen_token = strdup(token);
		if (!fetch->seen_token)
			return -ENOMEM;
	}
	return ask_page(fetch);
}

/* Each network has subnets, at least the one that this VM is in: to see none is not to see them. */
static int judge_list(struct vg_fetch *fetch)
{
	const struct vg_job *job = job_of(fetch);

	if (fetch->result.listing.n > fetch->n_before || fetch->result.n_unread)
		return 0;
	if (job->kind == VG_JOB_SUBNETS)
		return vg_fetch_fail(
			fetch, ENOENT,
			"project %s has no subnets in a network '%s': check the names, "
			"?network=NAME&project=PROJECT",
			job->project, job->network);
	if (job->kind == VG_JOB_USABLE)
		return vg_fetch_fail(fetch, EACCES, "%s", fetch->refusal);
	return 0;
}

static int take_list(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	static const enum vg_shape shapes[] = {
		[VG_JOB_SUBNETS] = VG_SHAPE_SUBNETS,
		[VG_JOB_USABLE] = VG_SHAPE_SUBNETS,
		[VG_JOB_CONNECTORS] = VG_SHAPE_CONNECTORS,
		[VG_JOB_ROUTES] = VG_SHAPE_ROUTES,
	};
	const struct vg_job *job = job_of(fetch);
	const struct vg_shape_wish wish = {
		.expected = shapes[job->kind],
		.network = job->kind == VG_JOB_ROUTES ? NULL : job->network,
	};
	_cleanup_(vg_page_done) struct vg_page page = {};
	struct vg_diag diag;
	int r;

	r = vg_shape_read(answer->host, answer->body, answer->length, &wish, &fetch->result.listing,
			  &page, &diag);
	if (r < 0)
		return vg_fetch_unreadable(fetch, r, &diag);
	r = vg_fetch_add_page(fetch, &page);
	if (r < 0)
		return r;
	if (page.next_token)
		return follow(fetch, page.next_token);
	r = judge_list(fetch);
	if (r < 0)
		return r;
	fetch->result.usable |= job->kind == VG_JOB_USABLE;
	return next_job(fetch);
}

static int take_network(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	_cleanup_free_ char *project = NULL, *network = NULL;
	_cleanup_free_ char(*names)[VG_REPLY_NAME_SIZE] = NULL;
	size_t n = 0;
	int r;

	r = vg_reply_peerings(answer->body, answer->length, &names, &n);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return vg_fetch_fail(fetch, EPROTO,
				     "%s gave no network with up to %d peerings that can be read",
				     answer->host, VG_REPLY_MAX_PEERINGS);
	project = strdup(job_of(fetch)->project); /* new jobs may move those that there are */
	network = strdup(job_of(fetch)->network);
	if (!project || !network)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = vg_plan_add(fetch, VG_JOB_ROUTES, project, network, names[i]);
	return r < 0 ? r : next_job(fetch);
}

/* Whoever may use a subnet may list it, though not all of them. */
static int fall_back(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	vg_fetch_refused(fetch, answer);
	memcpy(fetch->refusal, fetch->result.reason, sizeof(fetch->refusal));
	fetch->result.reason[0] = '\0';
	job_of(fetch)->kind = VG_JOB_USABLE;
	return ask_page(fetch);
}

static int take_page(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	struct vg_job *job = job_of(fetch);
	int r;

	r = vg_fetch_check(fetch, answer);
	if (r < 0)
		return r;
	if (answer->status == 401 && !fetch->token_refused) { /* it may have been withdrawn */
		fetch->token_refused = true;
		vg_cloud_forget_token(fetch->cloud);
		return vg_metadata_ask_token(fetch, ask_with_token);
	}
	if (answer->status == 403 && job->kind == VG_JOB_SUBNETS && !fetch->page_token &&
	    !vg_refused_for_all(answer))
		return fall_back(fetch, answer);
	if (job->kind == VG_JOB_USABLE && (answer->status == 403 || answer->status == 404) &&
	    !vg_refused_for_all(answer))
		return vg_fetch_fail(fetch, EACCES, "%s", fetch->refusal);
	if (answer->status != 200)
		return vg_fetch_refused(fetch, answer);
	fetch->token_refused = false;
	return job->kind == VG_JOB_NETWORK ? take_network(fetch, answer) : take_list(fetch, answer);
}

static int ask_with_token(struct vg_fetch *fetch)
{
	const struct vg_cloud *cloud = fetch->cloud;
	_cleanup_free_ char *url = NULL, *authorization = NULL;
	const char *headers[2] = {};
	struct vg_client_question question = {.headers = headers, .ca = cloud->settings.ca};
	int r;

	if (fetch->pages++ == VG_FETCH_MAX_PAGES)
		return vg_fetch_fail(fetch, EPROTO, "the lists have more than %d pages",
				     VG_FETCH_MAX_PAGES);
	r = print_page(fetch, job_of(fetch), &url);
	if (r == 0)
		r = print(&authorization, "Authorization: Bearer %s", cloud->token);
	if (r < 0)
		return r;
	question.url = url;
	headers[0] = authorization;
	r = vg_fetch_ask(fetch, &question, take_page);
	explicit_bzero(authorization, strlen(authorization));
	return r;
}

static int ask_page(struct vg_fetch *fetch)
{
	const struct vg_cloud *cloud = fetch->cloud;

	if (!cloud->token || vg_boottime_us() >= cloud->token_until_us)
		return vg_metadata_ask_token(fetch, ask_with_token);
	return ask_with_token(fetch);
}

static int run_jobs(struct vg_fetch *fetch)
{
	free(fetch->page_token);
	free(fetch->seen_token);
	fetch->page_token = fetch->seen_token = NULL;
	fetch->job_pages = 0;
	fetch->n_before = fetch->result.listing.n;
	return fetch->job < fetch->n_jobs ? ask_page(fetch) : VG_STEP_DONE;
}

int vg_step_pages(struct vg_fetch *fetch)
{
	return run_jobs(fetch);
}
