/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/feeds.h"
#include "core/shapes.h"
#include "share/cleanup.h"

/* `path`, or where it is relative, beside the config. */
static char *resolve_path(const char *config_path, const char *path)
{
	const char *slash = strrchr(config_path, '/');
	char *resolved;

	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&resolved, "%.*s%s", (int)(slash - config_path) + 1, config_path, path) < 0)
		return NULL;
	return resolved;
}

/* Takes over what `feed` holds. */
static int add_feed(struct vg_policy *policy, struct vg_feed *feed, const struct vg_place *place,
		    struct vg_diag *diag)
{
	char *resolved;

	if (policy->n_feeds == VG_MAX_FEEDS)
		return vg_diag_set(diag, E2BIG, place->file, place->at,
				   "more than %u different feeds: put lists together in one file",
				   VG_MAX_FEEDS);
	if (!policy->feeds)
		policy->feeds = calloc(VG_MAX_FEEDS, sizeof(*policy->feeds));
	if (!policy->feeds)
		return -ENOMEM;
	if (feed->kind == VG_FEED_FILE) {
		resolved = resolve_path(policy->path, feed->place);
		if (!resolved)
			return -ENOMEM;
		free(feed->place);
		feed->place = resolved;
	}
	feed->at = place->at;
	policy->feeds[policy->n_feeds++] = *feed;
	*feed = (struct vg_feed){};
	return 0;
}

int vg_feeds_find(struct vg_policy *policy, const char *text, const struct vg_place *place,
		  const struct vg_feed **ret_feed, struct vg_diag *diag)
{
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_feed feed;
	int r;

	r = vg_feed_parse(text, &feed, wrong, sizeof(wrong));
	if (r == -EINVAL)
		return vg_diag_set(diag, EINVAL, place->file, place->at, "%s", wrong);
	if (r < 0)
		return r;
	for (size_t i = 0; i < policy->n_feeds; i++) {
		if (!strcmp(policy->feeds[i].text, text)) {
			vg_feed_done(&feed);
			*ret_feed = &policy->feeds[i];
			return 0;
		}
	}
	r = add_feed(policy, &feed, place, diag);
	vg_feed_done(&feed);
	if (r < 0)
		return r;
	*ret_feed = &policy->feeds[policy->n_feeds - 1];
	return 0;
}

/* An entry that says no more than this is no error of the file's, and all other shapes have none. */
int vg_feeds_refuse_parameters(const struct vg_feed *feed, const struct vg_place *place,
			       struct vg_diag *diag)
{
	if (!feed->scope && !feed->service)
		return 0;
	return vg_diag_set(diag, EINVAL, place->file, place->at,
			   "'%.255s' has no scopes and services, as cloud.json has: remove what "
			   "follows '?'",
			   feed->text);
}

/* A document of an API that says itself that something is missing. */
static int refuse_part(const struct vg_feed *feed, const struct vg_page *page,
		       const struct vg_place *place, struct vg_diag *diag)
{
	if (page->next_token)
		return vg_diag_set(diag, EINVAL, place->file, place->at,
				   "'%.255s' is one page of several (nextPageToken): save all of "
				   "them as one list, as gcloud ... list --format=json does",
				   feed->text);
	if (page->n_unread)
		return vg_diag_set(diag, EINVAL, place->file, place->at,
				   "'%.255s' lacks %.64s, which the server couldn't read: save it "
				   "again",
				   feed->text, page->unread[0]);
	return 0;
}

int vg_feeds_read_json(const struct vg_reader *reader, const struct vg_feed *feed,
		       const struct vg_place *place, struct vg_holding *ret_holding,
		       struct vg_diag *diag)
{
	const struct vg_shape_wish wish = {
		.expected = VG_SHAPE_MAX, .scope = feed->scope, .service = feed->service};
	_cleanup_(vg_listing_done) struct vg_listing listing = {};
	_cleanup_(vg_page_done) struct vg_page page = {};
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	r = reader->read(reader->context, feed->place, &text, &length);
	if (r < 0 && r != -ENOMEM)
		return vg_diag_set(diag, -r, place->file, place->at,
				   "can't read '%.255s': %s: make it readable or remove the entry",
				   feed->place, strerror(-r));
	if (r == 0)
		r = vg_shape_read(feed->place, text, length, &wish, &listing, &page, diag);
	if (r < 0)
		return r;
	r = refuse_part(feed, &page, place, diag);
	if (r == 0 && page.shape != VG_SHAPE_PUBLISHED)
		r = vg_feeds_refuse_parameters(feed, place, diag);
	if (r == 0 && (feed->scope || feed->service) && !listing.n)
		r = vg_diag_set(diag, EINVAL, place->file, place->at,
				"'%.255s' has no prefix with that scope and service: look how "
				"cloud.json spells them",
				feed->text);
	if (r < 0)
		return r;
	*ret_holding = (struct vg_holding){
		.listing = &ret_holding->own,
		.own = listing,
		.subnets = page.shape == VG_SHAPE_SUBNETS || page.shape == VG_SHAPE_NICS,
	};
	listing = (struct vg_listing){};
	return 0;
}

/* A text file on its way into a listing. */
struct listing_lines {
	struct vg_listing *listing;
	struct vg_diag *diag;
};

static int list_line(void *to, const struct vg_prefix *prefix, const struct vg_place *place)
{
	const struct listing_lines *lines = to;
	const int r = vg_listing_add(lines->listing, prefix, VG_RANGE_ANY, VG_LISTING_NO_SCOPE);

	if (r == -E2BIG)
		return vg_diag_set(lines->diag, E2BIG, place->file, place->at,
				   "more than %u prefixes in one list: merge neighbours into "
				   "shorter ones",
				   VG_LISTING_MAX_RANGES);
	return r;
}

static int read_file(const struct vg_reader *reader, const struct vg_feed *feed,
		     const struct vg_place *place, struct vg_holding *holding, struct vg_diag *diag)
{
	struct listing_lines lines = {&holding->own, diag};
	bool json = false;
	int r;

	r = vg_lines_read(reader, feed->place, place, list_line, &lines, &json, diag);
	if (r < 0)
		return r;
	if (json)
		return vg_feeds_read_json(reader, feed, place, holding, diag);
	return vg_feeds_refuse_parameters(feed, place, diag);
}

static int read_answer(const struct vg_reader *reader, const struct vg_feed *feed,
		       const struct vg_place *place, struct vg_holding *holding,
		       struct vg_diag *diag)
{
	int r = -ENODATA;

	if (reader->answer)
		r = reader->answer(reader->context, feed->text, &holding->listing,
				   &holding->read_s);
	if (r == -ENODATA) {
		holding->unread = true;
		return 0;
	}
	if (r < 0 && r != -ENOMEM)
		return vg_diag_set(diag, -r, place->file, place->at, "can't read '%.255s': %s",
				   feed->text, strerror(-r));
	return r;
}

int vg_feeds_read(const struct vg_reader *reader, const struct vg_feed *feed,
		  const struct vg_place *place, struct vg_holding *ret_holding,
		  struct vg_diag *diag)
{
	int r;

	*ret_holding = (struct vg_holding){.listing = &ret_holding->own};
	r = vg_feed_is_remote(feed) ? read_answer(reader, feed, place, ret_holding, diag)
				    : read_file(reader, feed, place, ret_holding, diag);
	if (r < 0)
		vg_holding_done(ret_holding);
	return r;
}

void vg_holding_done(struct vg_holding *holding)
{
	vg_listing_done(&holding->own);
}
