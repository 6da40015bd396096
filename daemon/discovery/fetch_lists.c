/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lists that anybody may read: those that Google publishes, and URLs of the operator's choice, which
 * may be text, one prefix a line, as well. A version is "SYNCTOKEN ETAG", "-" for what there isn't.
 */
#include <errno.h>
#include <string.h>
#include "core/lines.h"
#include "discovery/internal.h"
#include "share/cleanup.h"

#define NONE "-"
#define BLANKS " \t\r\n"

static const struct vg_position nowhere;

/* The ETag of a version, or NULL. */
static const char *etag_of(const char *version)
{
	const char *space = version ? strchr(version, ' ') : NULL;

	return space && strcmp(space + 1, NONE) != 0 ? space + 1 : NULL;
}

static bool has_sync_token(const char *version, const char *sync_token)
{
	const size_t n = sync_token ? strlen(sync_token) : 0;

	return n && version && !strncmp(version, sync_token, n) && version[n] == ' ';
}

static int note_version(struct vg_fetch *fetch, const char *sync_token, const char *raw_etag)
{
	_cleanup_free_ char *etag = vg_fetch_version(raw_etag);

	if (!sync_token && !etag)
		return 0;
	if (asprintf(&fetch->result.version, "%s %s", sync_token ?: NONE, etag ?: NONE) < 0) {
		fetch->result.version = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* ---- text ---- */

struct text {
	char *bytes; /* NUL-terminated */
	size_t length;
	struct vg_listing *listing;
	struct vg_diag *diag;
};

static int read_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	const struct text *text = context;

	(void)path;
	return take(to, text->bytes, text->length);
}

static int take_prefix(void *to, const struct vg_prefix *prefix, const struct vg_place *place)
{
	const struct text *text = to;
	int r;

	if (vg_listing_is_too_wide(prefix))
		return vg_diag_set(text->diag, EINVAL, place->file, place->at,
				   "a prefix that takes in too many addresses: it would admit "
				   "about everybody");
	r = vg_listing_add(text->listing, prefix, VG_RANGE_ANY, VG_LISTING_NO_SCOPE);
	return r == -E2BIG ? vg_diag_set(text->diag, E2BIG, place->file, place->at,
					 "more than %d prefixes", VG_LISTING_MAX_RANGES)
			   : r;
}

static int read_text(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	_cleanup_free_ char *bytes = malloc(answer->length + 1);
	struct vg_diag diag;
	struct text text = {bytes, answer->length, &fetch->result.listing, &diag};
	const struct vg_reader reader = {.read_lines = read_lines, .context = &text};
	const struct vg_place place = {answer->host, nowhere};
	bool json = false;
	int r;

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, answer->body, answer->length + 1);
	r = vg_lines_read(&reader, answer->host, &place, take_prefix, &text, &json, &diag);
	return r < 0 ? vg_fetch_unreadable(fetch, r, &diag) : 0;
}

/* ---- JSON ---- */

static int read_json(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	const struct vg_feed *feed = &fetch->feed;
	const struct vg_shape_wish wish = {
		.expected = feed->kind == VG_FEED_PUBLISHED ? VG_SHAPE_PUBLISHED : VG_SHAPE_MAX,
		.scope = feed->scope,
		.service = feed->service,
	};
	_cleanup_(vg_page_done) struct vg_page page = {};
	struct vg_diag diag;
	int r;

	r = vg_shape_read(answer->host, answer->body, answer->length, &wish, &fetch->result.listing,
			  &page, &diag);
	if (r < 0)
		return vg_fetch_unreadable(fetch, r, &diag);
	if (page.next_token)
		return vg_fetch_fail(fetch, EPROTO,
				     "%s gave the first page of several: name a document that is "
				     "whole",
				     answer->host);
	if (feed->kind == VG_FEED_PUBLISHED && has_sync_token(fetch->version, page.version))
		return -EALREADY;
	r = vg_fetch_add_page(fetch, &page);
	return r < 0 ? r : note_version(fetch, page.version, answer->etag);
}

/* ---- both ---- */

static int refuse_status(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	switch (answer->status) {
	case 401:
	case 403:
		return vg_fetch_fail(fetch, EACCES,
				     "%s doesn't give it to everybody (HTTP status %u): only what "
				     "needs no login can be read",
				     answer->host, answer->status);
	case 404:
	case 410:
		return vg_fetch_fail(fetch, ENOENT,
				     "%s has no such document (HTTP status %u): check the path",
				     answer->host, answer->status);
	default:
		return vg_fetch_fail(fetch, EPROTO, "%s gave no document (HTTP status %u)",
				     answer->host, answer->status);
	}
}

static int take_list(struct vg_fetch *fetch, const struct vg_client_answer *answer)
{
	const struct vg_feed *feed = &fetch->feed;
	const size_t blanks = strspn(answer->body, BLANKS);
	int r;

	r = vg_fetch_check(fetch, answer);
	if (r < 0)
		return r;
	if (answer->status == 304 && etag_of(fetch->version))
		return -EALREADY;
	if (answer->status != 200)
		return refuse_status(fetch, answer);
	if (blanks == answer->length)
		return vg_fetch_fail(fetch, EPROTO, "%s gave an empty document", answer->host);
	if (feed->kind == VG_FEED_PUBLISHED || answer->body[blanks] == '<' ||
	    vg_shape_is_json(answer->body, answer->length)) {
		r = read_json(fetch, answer);
	} else {
		r = read_text(fetch, answer);
		if (r == 0)
			r = note_version(fetch, NULL, answer->etag);
	}
	if (r < 0)
		return r;
	if ((feed->scope || feed->service) && !fetch->result.listing.n)
		return vg_fetch_fail(fetch, EPROTO,
				     "%s has no prefix with that scope and service: check their "
				     "spelling",
				     answer->host);
	return VG_STEP_DONE;
}

int vg_step_list(struct vg_fetch *fetch)
{
	const struct vg_discovery_settings *settings = &fetch->cloud->settings;
	struct vg_client_question question = {.etag = etag_of(fetch->version), .ca = settings->ca};
	_cleanup_free_ char *url = NULL;

	if (fetch->feed.kind == VG_FEED_URL)
		url = strdup(fetch->feed.place);
	else if (asprintf(&url, "%s/%s.json", settings->published, fetch->feed.place) < 0)
		url = NULL;
	if (!url)
		return -ENOMEM;
	question.url = url;
	return vg_fetch_ask(fetch, &question, take_list);
}
