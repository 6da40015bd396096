/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "discovery/internal.h"
#include "share/cleanup.h"

static const struct vg_position nowhere;

/* What is to be done for each kind of feed, in turn. */
static vg_fetch_step *const list_steps[] = {vg_step_list, NULL};
static vg_fetch_step *const subnet_steps[] = {
	vg_step_number, vg_step_id, vg_step_nics, vg_step_plan_subnets, vg_step_pages, NULL,
};
static vg_fetch_step *const metadata_steps[] = {
	vg_step_number,
	vg_step_nics_changed,
	vg_step_nic_ranges,
	NULL,
};
static vg_fetch_step *const forwarded_steps[] = {
	vg_step_nics_changed,
	vg_step_forwarded_ranges,
	NULL,
};
static vg_fetch_step *const connector_steps[] = {
	vg_step_number, vg_step_nics, vg_step_plan_connectors, vg_step_pages, NULL,
};
static vg_fetch_step *const route_steps[] = {
	vg_step_number, vg_step_region, vg_step_nics, vg_step_plan_networks, vg_step_pages, NULL,
};
static vg_fetch_step *const *const steps[] = {
	[VG_FEED_URL] = list_steps,
	[VG_FEED_PUBLISHED] = list_steps,
	[VG_FEED_SUBNETS] = subnet_steps,
	[VG_FEED_METADATA] = metadata_steps,
	[VG_FEED_FORWARDED_IPS] = forwarded_steps,
	[VG_FEED_CONNECTORS] = connector_steps,
	[VG_FEED_PEERING_ROUTES] = route_steps,
};

uint64_t vg_boottime_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the cloud ---- */

int vg_cloud_open(struct vg_client *client, struct vg_cloud **ret_cloud)
{
	struct vg_cloud *cloud = calloc(1, sizeof(*cloud));
	int r;

	if (!cloud)
		return -ENOMEM;
	cloud->client = client;
	cloud->timeout_ms = VG_CLIENT_TIMEOUT_MS;
	r = vg_discovery_settings_default(&cloud->settings);
	if (r < 0) {
		vg_cloud_close(cloud);
		return r;
	}
	*ret_cloud = cloud;
	return 0;
}

void vg_cloud_forget_token(struct vg_cloud *cloud)
{
	if (cloud->token)
		explicit_bzero(cloud->token, strlen(cloud->token));
	free(cloud->token);
	cloud->token = NULL;
}

void vg_cloud_close(struct vg_cloud *cloud)
{
	if (!cloud)
		return;
	vg_cloud_forget_token(cloud);
	vg_discovery_settings_done(&cloud->settings);
	free(cloud->nics.macs);
	free(cloud);
}

int vg_cloud_configure(struct vg_cloud *cloud, const struct vg_discovery_settings *settings,
		       const struct vg_cloud_nics *nics)
{
	struct vg_discovery_settings copy;
	char(*macs)[18];
	int r;

	macs = calloc(nics->n + 1, sizeof(*macs));
	if (!macs)
		return -ENOMEM;
	r = vg_discovery_settings_copy(settings, &copy);
	if (r < 0) {
		free(macs);
		return r;
	}
	if (nics->n)
		memcpy(macs, nics->macs, nics->n * sizeof(*macs));
	free(cloud->nics.macs);
	cloud->nics = (struct vg_cloud_nics){macs, nics->n, nics->all};
	vg_discovery_settings_done(&cloud->settings);
	cloud->settings = copy;
	/* It may have come from elsewhere, and be for others than those that are asked from now on. */
	vg_cloud_forget_token(cloud);
	return 0;
}

/* ---- a fetch ---- */

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void result_done(struct vg_fetch_result *result)
{
	vg_listing_done(&result->listing);
	free_texts(result->unread, result->n_unread);
	free(result->version);
	free(result->identity);
	result->unread = NULL;
	result->n_unread = 0;
	result->version = result->identity = NULL;
}

static void fetch_free(struct vg_fetch *fetch)
{
	vg_client_cancel(fetch->call);
	result_done(&fetch->result);
	vg_metadata_nics_free(fetch->nics, fetch->n_all_nics);
	for (size_t i = 0; i < fetch->n_jobs; i++) {
		free(fetch->jobs[i].project);
		free(fetch->jobs[i].network);
		free(fetch->jobs[i].peering);
	}
	free(fetch->jobs);
	free(fetch->page_token);
	free(fetch->seen_token);
	free(fetch->number);
	free(fetch->id);
	free(fetch->region);
	free(fetch->version);
	vg_feed_done(&fetch->feed);
	free(fetch);
}

int vg_fetch_fail(struct vg_fetch *fetch, int error, const char *format, ...)
{
	char text[VG_FETCH_REASON_SIZE];
	struct vg_diag diag;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	vg_diag_set(&diag, error, NULL, nowhere, "%s", text); /* makes it printable */
	snprintf(fetch->result.reason, sizeof(fetch->result.reason), "%s", diag.text);
	return -error;
}

int vg_fetch_unreadable(struct vg_fetch *fetch, int error, const struct vg_diag *diag)
{
	char text[VG_FETCH_REASON_SIZE];

	if (error == -ENOMEM)
		return error;
	vg_diag_format(diag, text, sizeof(text));
	return vg_fetch_fail(fetch, EPROTO, "%s", text);
}

/* What a good answer lacks. */
static void write_note(const struct vg_fetch *fetch, char *note, size_t size)
{
	const struct vg_fetch_result *result = &fetch->result;
	const size_t n = fetch->n_left_out, unread = result->n_unread;
	size_t used = 0;

	if (result->usable)
		used = (size_t)snprintf(
			note, size,
			"only the subnets that this VM's service account may use were listed: give "
			"it roles/compute.networkViewer for all of them");
	if (unread && !strcmp(result->unread[0], VG_LISTING_ANY_SCOPE))
		used += (size_t)snprintf(note + used, size - used,
					 "%sthe server left out a part, and doesn't say which",
					 used ? "; " : "");
	else if (unread)
		used += (size_t)snprintf(note + used, size - used,
					 "%s%.64s%s couldn't be read by the server",
					 used ? "; " : "", result->unread[0],
					 unread > 1 ? " and others" : "");
	if (n)
		snprintf(note + used, size - used, "%s%zu range%s left out (%s)", used ? "; " : "",
			 n, n > 1 ? "s are" : " is", fetch->left_out);
}

/* "42:01:0a:80:00:02 5551234/default, ...", where the NICs had to be known. */
static int write_identity(const struct vg_fetch *fetch, char **ret_identity)
{
	size_t size;
	FILE *out;

	if (!fetch->n_nics)
		return 0;
	out = open_memstream(ret_identity, &size);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < fetch->n_nics; i++)
		fprintf(out, "%s%s %s/%s", i ? ", " : "", fetch->nics[i].mac,
			fetch->nics[i].network_project ?: "", fetch->nics[i].network ?: "");
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

/* A good answer isn't used in part: nothing of one is left after a failure. */
static void finish(struct vg_fetch *fetch, int r)
{
	struct vg_fetch_result *result = &fetch->result;

	if (r >= 0)
		r = write_identity(fetch, &result->identity);
	if (r < 0) {
		result_done(result);
		result->error = r;
		if (r == -ENOMEM)
			snprintf(result->reason, sizeof(result->reason), "no memory");
	} else {
		vg_listing_sort(&result->listing);
		write_note(fetch, result->note, sizeof(result->note));
	}
	fetch->done(fetch->context, result);
	fetch_free(fetch);
}

/* Goes on with the steps behind `r`, which is what the last one returned. */
static int proceed(struct vg_fetch *fetch, int r)
{
	while (r == VG_STEP_DONE && *fetch->step)
		r = (*fetch->step++)(fetch);
	return r;
}

static void on_answer(void *context, const struct vg_client_answer *answer)
{
	struct vg_fetch *fetch = context;
	int r;

	fetch->call = NULL;
	r = proceed(fetch, fetch->take(fetch, answer));
	if (r != VG_STEP_ASKED)
		finish(fetch, r);
}

int vg_fetch_ask(struct vg_fetch *fetch, struct vg_client_question *question, vg_fetch_take *take)
{
	const uint64_t now_us = vg_boottime_us();
	struct vg_diag diag = {};
	uint64_t left_ms;
	int r;

	if (now_us + 1000 > fetch->deadline_us)
		return vg_fetch_fail(fetch, EAGAIN, "not done within %llu s",
				     VG_FETCH_TIMEOUT_US / 1000000);
	left_ms = (fetch->deadline_us - now_us) / 1000;
	if (!question->timeout_ms)
		question->timeout_ms = fetch->cloud->timeout_ms;
	if (question->timeout_ms > left_ms)
		question->timeout_ms = (unsigned)left_ms;
	fetch->take = take;
	r = vg_client_ask(fetch->cloud->client, question, on_answer, fetch, &fetch->call, &diag);
	if (r == -ENOMEM)
		return r;
	return r < 0 ? vg_fetch_fail(fetch, -r, "%s", diag.text) : VG_STEP_ASKED;
}

int vg_fetch_check(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	const unsigned status = answer->status;

	fetch->result.retry_after_s = answer->retry_after_s;
	if (answer->error)
		return vg_fetch_fail(fetch, -answer->error, "%s", answer->text);
	if (answer->redirect_host)
		return vg_fetch_fail(fetch, EPROTO,
				     "%s sends us on to %.200s (HTTP status %u), which isn't "
				     "followed: write the address of the document itself",
				     answer->host, answer->redirect_host, status);
	if (status == 429)
		return vg_fetch_fail(fetch, EAGAIN, "%s was asked too often (HTTP status 429)",
				     answer->host);
	if (status == 408 || status >= 500)
		return vg_fetch_fail(fetch, EAGAIN, "%s can't answer now (HTTP status %u)",
				     answer->host, status);
	return 0;
}

static int add_unread(struct vg_fetch_result *result, const char *scope)
{
	char **longer;

	for (size_t i = 0; i < result->n_unread; i++) {
		if (!strcmp(result->unread[i], scope))
			return 0;
	}
	longer = reallocarray(result->unread, result->n_unread + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	result->unread = longer;
	longer[result->n_unread] = strdup(scope);
	if (!longer[result->n_unread])
		return -ENOMEM;
	result->n_unread++;
	return 0;
}

int vg_fetch_add_page(struct vg_fetch *fetch, const struct vg_page *page)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < page->n_unread; i++)
		r = add_unread(&fetch->result, page->unread[i]);
	if (page->n_left_out && !fetch->n_left_out)
		snprintf(fetch->left_out, sizeof(fetch->left_out), "%s", page->left_out);
	fetch->n_left_out += page->n_left_out;
	return r;
}

char *vg_fetch_version(const char *etag)
{
	if (!etag || !*etag || strlen(etag) > VG_VERSION_MAX)
		return NULL;
	for (const char *c = etag; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return NULL;
	}
	return strdup(etag);
}

int vg_fetch_begin(struct vg_cloud *cloud, const struct vg_feed *feed, const char *version,
		   vg_fetch_done *done, void *context, struct vg_fetch **ret_fetch)
{
	struct vg_fetch *fetch;
	char wrong[VG_DIAG_TEXT_SIZE];
	int r;

	if (!vg_feed_is_remote(feed))
		return -EINVAL;
	fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return -ENOMEM;
	fetch->cloud = cloud;
	fetch->done = done;
	fetch->context = context;
	fetch->step = steps[feed->kind];
	fetch->deadline_us = vg_boottime_us() + VG_FETCH_TIMEOUT_US;
	r = vg_feed_parse(feed->text, &fetch->feed, wrong, sizeof(wrong));
	if (r == 0 && version) {
		fetch->version = strdup(version);
		r = fetch->version ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = proceed(fetch, VG_STEP_DONE);
	if (r < 0) {
		fetch_free(fetch);
		return r == -ENOMEM ? r : -EINVAL;
	}
	*ret_fetch = fetch;
	return 0;
}

void vg_fetch_cancel(struct vg_fetch *fetch)
{
	if (fetch)
		fetch_free(fetch);
}
