/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the metadata server knows of this VM: its project, its NICs, and a token of its service account.
 * https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "discovery/internal.h"
#include "discovery/reply.h"
#include "share/cleanup.h"

#define BASE "/computeMetadata/v1/"
#define NICS "instance/network-interfaces/?recursive=true&alt=json"

#define TOKEN_SPARE_S 60 /* a token that expires so soon isn't begun with any more */
#define DIGITS "0123456789"
#define PROJECT_ID DIGITS "abcdefghijklmnopqrstuvwxyz-.:"
#define MAX_TEXT 255

static int ask(struct vg_fetch *fetch, const char *path, unsigned timeout_ms, vg_fetch_take *take)
{
	struct vg_client_question question = {.metadata = true, .timeout_ms = timeout_ms};
	_cleanup_free_ char *url = NULL;

	if (asprintf(&url, "%s" BASE "%s", fetch->cloud->settings.metadata, path) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	question.url = url;
	return vg_fetch_ask(fetch, &question, take);
}

static int check(struct vg_fetch *fetch, const struct vg_client_answer *answer, const char *what)
{
	int r;

	r = vg_fetch_check(fetch, answer);
	if (r < 0 || answer->status == 200)
		return r;
	return vg_fetch_fail(fetch, answer->status == 404 ? ENOENT : EPROTO,
			     "the metadata server has no %s (HTTP status %u)", what,
			     answer->status);
}

/* An answer that is one text of those characters, blanks at its end aside. */
static int take_text(struct vg_fetch *fetch, const struct vg_client_answer *answer,
		     const char *what, const char *characters, char **ret_text)
{
	size_t n = answer->length;
	int r;

	r = check(fetch, answer, what);
	if (r < 0)
		return r;
	while (n && strchr(" \t\r\n", answer->body[n - 1]))
		n--;
	if (!n || n > MAX_TEXT || strspn(answer->body, characters) != n)
		return vg_fetch_fail(fetch, EPROTO,
				     "the metadata server says '%.*s' where the %s was expected",
				     (int)(n < 64 ? n : 64), answer->body, what);
	free(*ret_text);
	*ret_text = strndup(answer->body, n);
	return *ret_text ? VG_STEP_DONE : -ENOMEM;
}

static int take_number(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	return take_text(fetch, answer, "number of this VM's project", DIGITS, &fetch->number);
}

int vg_step_number(struct vg_fetch *fetch)
{
	return ask(fetch, "project/numeric-project-id", 0, take_number);
}

static int take_id(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	return take_text(fetch, answer, "ID of this VM's project", PROJECT_ID, &fetch->id);
}

int vg_step_id(struct vg_fetch *fetch)
{
	const char *project = fetch->feed.project;

	if (!project || !project[strspn(project, DIGITS)])
		return VG_STEP_DONE;
	return ask(fetch, "project/project-id", 0, take_id);
}

/* "projects/NUMBER/zones/us-central1-a": the region is the zone's name without its last part. */
static int take_zone(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	char *zone, *dash;
	int r;

	r = take_text(fetch, answer, "zone of this VM", PROJECT_ID "/", &fetch->region);
	if (r < 0)
		return r;
	zone = strrchr(fetch->region, '/');
	zone = zone ? zone + 1 : fetch->region;
	dash = strrchr(zone, '-');
	if (dash)
		*dash = '\0';
	if (!dash || !vg_reply_is_name(zone))
		return vg_fetch_fail(fetch, EPROTO, "the metadata server says '%.64s' for a zone",
				     answer->body);
	memmove(fetch->region, zone, strlen(zone) + 1);
	return VG_STEP_DONE;
}

int vg_step_region(struct vg_fetch *fetch)
{
	return ask(fetch, "instance/zone", 0, take_zone);
}

/* ---- NICs ---- */

static bool is_filtered(const struct vg_cloud_nics *nics, const char *mac)
{
	for (size_t i = 0; i < nics->n; i++) {
		if (!strcasecmp(nics->macs[i], mac))
			return true;
	}
	return nics->all;
}

/* MACs of both sides, which is all that there is to compare. */
static int refuse_nics(struct vg_fetch *fetch)
{
	const struct vg_cloud_nics *filtered = &fetch->cloud->nics;
	char here[160] = "", there[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < filtered->n && used < sizeof(here); i++)
		used += (size_t)snprintf(here + used, sizeof(here) - used, "%s%s", i ? ", " : "",
					 filtered->macs[i]);
	used = 0;
	for (size_t i = 0; i < fetch->n_all_nics && used < sizeof(there); i++)
		used += (size_t)snprintf(there + used, sizeof(there) - used, "%s%s", i ? ", " : "",
					 fetch->nics[i].mac);
	return vg_fetch_fail(fetch, EINVAL,
			     "no filtered NIC is one that the metadata server knows: filtered are "
			     "%s, this VM has %s",
			     here, *there ? there : "none");
}

/* Brings those that are filtered to the front. */
static int select_nics(struct vg_fetch *fetch)
{
	fetch->n_nics = 0;
	for (size_t i = 0; i < fetch->n_all_nics; i++) {
		struct vg_metadata_nic nic = fetch->nics[i];

		if (!is_filtered(&fetch->cloud->nics, nic.mac))
			continue;
		fetch->nics[i] = fetch->nics[fetch->n_nics];
		fetch->nics[fetch->n_nics++] = nic;
	}
	return fetch->n_nics ? VG_STEP_DONE : refuse_nics(fetch);
}

static int take_nics(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	struct vg_diag diag;
	int r;

	r = check(fetch, answer, "NICs of this VM");
	if (r < 0)
		return r;
	r = vg_metadata_nics_read(answer->host, answer->body, answer->length, &fetch->nics,
				  &fetch->n_all_nics, &diag);
	return r < 0 ? vg_fetch_unreadable(fetch, r, &diag) : select_nics(fetch);
}

static int take_changed_nics(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	if (!answer->error && answer->status == 200) {
		fetch->result.version = vg_fetch_version(answer->etag);
		if (fetch->version && fetch->result.version &&
		    !strcmp(fetch->version, fetch->result.version))
			return -EALREADY;
	}
	return take_nics(fetch, answer);
}

int vg_step_nics(struct vg_fetch *fetch)
{
	if (fetch->feed.network && fetch->feed.project)
		return VG_STEP_DONE;
	return ask(fetch, NICS, 0, take_nics);
}

int vg_step_nics_changed(struct vg_fetch *fetch)
{
	_cleanup_free_ char *path = NULL, *etag = NULL;

	if (!fetch->version)
		return ask(fetch, NICS, 0, take_changed_nics);
	etag = vg_reply_escape(fetch->version);
	if (!etag)
		return -ENOMEM;
	if (asprintf(&path, NICS "&wait_for_change=true&last_etag=%s&timeout_sec=%d", etag,
		     VG_FETCH_WAIT_S) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return ask(fetch, path, VG_FETCH_WAIT_MS, take_changed_nics);
}

static int add_listing(struct vg_fetch *fetch, const struct vg_listing *listing)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < listing->n; i++)
		r = vg_listing_add(&fetch->result.listing, &listing->items[i].prefix,
				   listing->items[i].use, VG_LISTING_NO_SCOPE);
	return r == -E2BIG
		       ? vg_fetch_fail(fetch, EPROTO, "more than %d ranges", VG_LISTING_MAX_RANGES)
		       : r;
}

int vg_step_nic_ranges(struct vg_fetch *fetch)
{
	bool own = false, foreign = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < fetch->n_nics; i++) {
		const char *project = fetch->nics[i].network_project;
		const bool is_own = !project || !strcmp(project, fetch->number);

		own |= is_own;
		foreign |= !is_own;
		r = add_listing(fetch, &fetch->nics[i].subnet);
	}
	return r < 0 ? r : vg_plan_judge_shared(fetch, own, foreign);
}

int vg_step_forwarded_ranges(struct vg_fetch *fetch)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < fetch->n_nics; i++)
		r = add_listing(fetch, &fetch->nics[i].forwarded);
	return r < 0 ? r : VG_STEP_DONE;
}

/* ---- the access token ---- */

static int take_token(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	struct vg_cloud *cloud = fetch->cloud;
	unsigned expires_s;
	char *token;
	int r;

	if (!answer->error && answer->status == 404)
		return vg_fetch_fail(
			fetch, ENOENT,
			"this VM has no service account, in whose name Google's APIs could be asked: "
			"stop it, then gcloud compute instances set-service-account");
	r = check(fetch, answer, "access token");
	if (r < 0)
		return r;
	r = vg_reply_token(answer->body, answer->length, &token, &expires_s);
	if (r == -EINVAL) /* whatever it is, it may be secret */
		return vg_fetch_fail(fetch, EPROTO,
				     "the metadata server's access token can't be read");
	if (r < 0)
		return r;
	vg_cloud_forget_token(cloud);
	cloud->token = token;
	cloud->token_until_us = vg_boottime_us();
	if (expires_s > TOKEN_SPARE_S)
		cloud->token_until_us += (expires_s - TOKEN_SPARE_S) * 1000000ULL;
	return fetch->after_token(fetch);
}

int vg_metadata_ask_token(struct vg_fetch *fetch, vg_fetch_step *then)
{
	fetch->after_token = then;
	return ask(fetch, "instance/service-accounts/default/token", 0, take_token);
}
