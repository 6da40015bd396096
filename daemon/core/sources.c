/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/feeds.h"
#include "core/filling.h"
#include "core/ranges.h"
#include "core/sources.h"
#include "share/cleanup.h"

#define GOOGLE_SCHEME "google:"
#define FILE_SCHEME "file:"

/* The first origin is the config itself. */
#define ORIGIN_CONFIG 0
_Static_assert(VG_MAX_FEEDS + VG_MAX_DIFFERENCES + 100 < 1 << 24,
	       "the config, feeds, differences and Google's pages are numbered in 24 bits");

/* Where subnets go, by what they are for. */
static const char *const network_sets[] = {"vpc", "shared-vpc", "regional-proxy", "psc"};
#define VPC 0
#define SHARED_VPC 1
#define REGIONAL_PROXY 2
#define PSC 3

static const char *const google_sets[] = {"load-balancer", "health-check"};

static size_t count_missing(const struct vg_policy *policy, const char *const *names, size_t n)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++)
		missing += vg_policy_set(policy, names[i]) < 0;
	return missing;
}

/* An entry that is a feed, or the difference of two. */
struct entry {
	struct vg_filling *filling;
	size_t set; /* where it stands */
	struct vg_place place;
	unsigned origin;
};

static const char *text_of(const struct entry *entry)
{
	return entry->filling->policy->origins[entry->origin].text;
}

/* Has the sets that an entry's ranges may go to. */
static int add_network_sets(const struct entry *entry)
{
	struct vg_filling *filling = entry->filling;
	struct vg_policy *policy = filling->policy;
	const size_t own = policy->n_sets;
	const size_t more = count_missing(policy, network_sets, VG_ARRAY_SIZE(network_sets)) +
			    count_missing(policy, google_sets, VG_ARRAY_SIZE(google_sets));

	if (own + more > VG_MAX_POLICY_SETS)
		return vg_diag_set(
			filling->diag, E2BIG, entry->place.file, entry->place.at,
			"more than %u source sets, with vpc, shared-vpc, regional-proxy, "
			"psc, load-balancer and health-check, which there are with "
			"'%.64s': merge some",
			VG_MAX_POLICY_SETS, text_of(entry));
	for (size_t i = 0; i < VG_ARRAY_SIZE(network_sets); i++) {
		if (vg_policy_set(policy, network_sets[i]) < 0)
			vg_filling_begin_set(filling, network_sets[i]);
	}
	return 0;
}

static int refuse_list(struct vg_filling *filling, const char *name, const struct vg_place *place)
{
	char known[VG_DIAG_TEXT_SIZE] = "";
	size_t n, used = 0;
	const struct vg_builtin_list *lists = vg_builtin_lists(&n);

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, GOOGLE_SCHEME "%s, ",
					 lists[i].name);
	return vg_diag_set(filling->diag, EINVAL, place->file, place->at,
			   "unknown list '" GOOGLE_SCHEME "%.64s': write %sgoogle:goog or "
			   "google:cloud",
			   name, known);
}

static int add_google(struct vg_filling *filling, size_t set, const char *name,
		      const struct vg_place *place)
{
	const struct vg_builtin_list *list = vg_builtin_find(name);
	struct vg_prefix prefix;
	char text[128];
	unsigned origin;
	int r = 0;

	if (!list)
		return refuse_list(filling, name, place);
	snprintf(text, sizeof(text), GOOGLE_SCHEME "%s (%s)", list->name, list->date);
	for (size_t i = 0; r == 0 && i < list->n_ranges; i++) {
		r = vg_filling_origin(filling, text, list->ranges[i].source, &origin);
		if (r == 0)
			r = vg_filling_note(filling, set, origin);
		if (r == 0)
			r = vg_prefix_parse(list->ranges[i].prefix, &prefix, NULL, 0);
		if (r == 0)
			r = vg_filling_add(filling, set, &prefix, origin, place);
	}
	return r;
}

/* ---- feeds ---- */

static bool stands_in(const struct entry *entry, unsigned network_set)
{
	return !strcmp(entry->filling->policy->sets[entry->set].name, network_sets[network_set]);
}

/*
 * Marks the sets that a remote feed may fill, and has them all: a config that names one of them must
 * not be right or wrong by what a server answers.
 */
static int mark_fed(const struct entry *entry, const struct vg_feed *feed)
{
	struct vg_policy *policy = entry->filling->policy;
	int r;

	if (!vg_feed_is_remote(feed))
		return 0;
	policy->sets[entry->set].fed = true;
	if (feed->kind != VG_FEED_SUBNETS && feed->kind != VG_FEED_METADATA &&
	    feed->kind != VG_FEED_URL)
		return 0;
	r = add_network_sets(entry);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < VG_ARRAY_SIZE(network_sets); i++) {
		const bool internal = i == VPC || i == SHARED_VPC;

		if (stands_in(entry, REGIONAL_PROXY) || stands_in(entry, PSC) ||
		    (internal && !stands_in(entry, VPC) && !stands_in(entry, SHARED_VPC)))
			continue;
		policy->sets[vg_policy_set(policy, network_sets[i])].fed = true;
	}
	return 0;
}

#define NOWHERE (-1)

/*
 * The set that each use of a range leads to: subnets stay where the entry stands, but for the two sets
 * that `internal` is made of. Proxy-only subnets of a region are shared by internal and external
 * load balancers, and PSC's by other organisations, so that they are never internal by accident.
 */
static void find_targets(const struct entry *entry, bool shared, int targets[VG_RANGE_USE_MAX])
{
	const struct vg_policy *policy = entry->filling->policy;
	const int here = (int)entry->set;
	const bool proxy = stands_in(entry, REGIONAL_PROXY), psc = stands_in(entry, PSC);

	targets[VG_RANGE_ANY] = here;
	targets[VG_RANGE_SUBNET] = targets[VG_RANGE_GLOBAL_PROXY] = here;
	targets[VG_RANGE_REGIONAL_PROXY] = vg_policy_set(policy, network_sets[REGIONAL_PROXY]);
	targets[VG_RANGE_PSC] = vg_policy_set(policy, network_sets[PSC]);
	if (stands_in(entry, VPC) || stands_in(entry, SHARED_VPC)) {
		targets[VG_RANGE_SUBNET] =
			vg_policy_set(policy, network_sets[shared ? SHARED_VPC : VPC]);
		targets[VG_RANGE_GLOBAL_PROXY] = vg_policy_set(policy, network_sets[VPC]);
	}
	if (proxy || psc) {
		targets[VG_RANGE_SUBNET] = targets[VG_RANGE_GLOBAL_PROXY] = NOWHERE;
		targets[proxy ? VG_RANGE_PSC : VG_RANGE_REGIONAL_PROXY] = NOWHERE;
	}
}

static int add_listing(const struct entry *entry, const struct vg_listing *listing)
{
	int targets[VG_RANGE_USE_MAX], r = 0;

	for (size_t i = 0; r == 0 && i < listing->n; i++) {
		if (listing->items[i].use != VG_RANGE_ANY) {
			r = add_network_sets(entry);
			break;
		}
	}
	find_targets(entry, listing->shared, targets);
	entry->filling->feed = text_of(entry);
	for (size_t i = 0; r == 0 && i < listing->n; i++) {
		const struct vg_listed *item = &listing->items[i];
		const int target = targets[item->use];

		if (target == NOWHERE)
			continue;
		r = vg_filling_note(entry->filling, target, entry->origin);
		if (r == 0)
			r = vg_filling_add(entry->filling, target, &item->prefix, entry->origin,
					   &entry->place);
	}
	entry->filling->feed = NULL;
	return r;
}

/* What a feed's origin is called: "file:" has the path that was found, and its parameters. */
static char *origin_text(const struct vg_feed *feed)
{
	char *text;

	if (feed->kind != VG_FEED_FILE)
		return strdup(feed->text);
	if (asprintf(&text, FILE_SCHEME "%s%s", feed->place, strchrnul(feed->text, '?')) < 0)
		return NULL;
	return text;
}

static int begin_origin(struct entry *entry, const char *text)
{
	struct vg_filling *filling = entry->filling;
	int r;

	r = vg_filling_origin(filling, text, NULL, &entry->origin);
	if (r < 0)
		return r;
	filling->policy->origins[entry->origin].feed = true;
	return vg_filling_note(filling, entry->set, entry->origin);
}

static int take_line(void *to, const struct vg_prefix *prefix, const struct vg_place *place)
{
	const struct entry *entry = to;

	return vg_filling_add(entry->filling, entry->set, prefix, entry->origin, place);
}

static int add_file(struct entry *entry, const struct vg_feed *feed)
{
	const struct vg_filling *filling = entry->filling;
	_cleanup_(vg_holding_done) struct vg_holding holding = {};
	bool json = false;
	int r;

	r = vg_lines_read(filling->reader, feed->place, &entry->place, take_line, entry, &json,
			  filling->diag);
	if (r < 0)
		return r;
	if (!json)
		return vg_feeds_refuse_parameters(feed, &entry->place, filling->diag);
	r = vg_feeds_read_json(filling->reader, feed, &entry->place, &holding, filling->diag);
	if (r == 0 && holding.subnets)
		r = add_network_sets(entry);
	if (r < 0)
		return r;
	return add_listing(entry, holding.listing);
}

static int add_answer(const struct entry *entry, const struct vg_feed *feed)
{
	const struct vg_filling *filling = entry->filling;
	_cleanup_(vg_holding_done) struct vg_holding holding = {};
	struct vg_origin *origin;
	int r;

	r = vg_feeds_read(filling->reader, feed, &entry->place, &holding, filling->diag);
	if (r < 0)
		return r;
	origin = &filling->policy->origins[entry->origin];
	origin->unread = holding.unread;
	origin->read_s = holding.read_s;
	return add_listing(entry, holding.listing);
}

static int add_feed(struct entry *entry, const struct vg_feed *feed)
{
	_cleanup_free_ char *text = origin_text(feed);
	int r;

	if (!text)
		return -ENOMEM;
	r = begin_origin(entry, text);
	if (r == 0)
		r = mark_fed(entry, feed);
	if (r < 0)
		return r;
	return vg_feed_is_remote(feed) ? add_answer(entry, feed) : add_file(entry, feed);
}

/* ---- {google: goog, minus: cloud} ---- */

struct difference {
	const struct vg_feed *from, *minus;
	struct vg_place minus_place;
};

/* What both feeds hold; nothing as long as one of them hasn't answered: cloud's would be in goog's. */
static int add_holdings(const struct entry *entry, const struct difference *difference)
{
	const struct vg_filling *filling = entry->filling;
	_cleanup_(vg_holding_done) struct vg_holding from = {}, minus = {};
	_cleanup_(vg_listing_done) struct vg_listing left = {};
	struct vg_origin *origin;
	int r;

	r = vg_feeds_read(filling->reader, difference->from, &entry->place, &from, filling->diag);
	if (r == 0)
		r = vg_feeds_read(filling->reader, difference->minus, &difference->minus_place,
				  &minus, filling->diag);
	if (r < 0)
		return r;
	origin = &filling->policy->origins[entry->origin];
	origin->unread = from.unread || minus.unread;
	if (origin->unread)
		return 0;
	origin->read_s = from.read_s < minus.read_s ? from.read_s : minus.read_s;
	r = vg_listing_subtract(from.listing, minus.listing, &left);
	if (r == -E2BIG)
		return vg_diag_set(filling->diag, E2BIG, entry->place.file, entry->place.at,
				   "%.255s is more than %u prefixes: take less away",
				   text_of(entry), VG_LISTING_MAX_RANGES);
	return r < 0 ? r : add_listing(entry, &left);
}

static int name_difference(const struct difference *difference, char **ret_text)
{
	_cleanup_free_ char *from = origin_text(difference->from);
	_cleanup_free_ char *minus = origin_text(difference->minus);

	if (!from || !minus || asprintf(ret_text, "%s minus %s", from, minus) < 0)
		return -ENOMEM;
	return 0;
}

static int find_side(struct vg_filling *filling, const struct vg_text *side,
		     const struct vg_place *place, const struct vg_feed **ret_feed)
{
	const int r = vg_feeds_find(filling->policy, side->text, place, ret_feed, filling->diag);

	if (r == -ENOENT)
		return vg_diag_set(filling->diag, EINVAL, place->file, place->at,
				   "'%.64s' can't be taken from or away: write goog or cloud",
				   side->text);
	return r;
}

/* Answers of one side are to be judged by the other. */
static int note_difference(struct vg_policy *policy, const struct difference *difference)
{
	const struct vg_difference both = {(size_t)(difference->from - policy->feeds),
					   (size_t)(difference->minus - policy->feeds)};
	struct vg_difference *larger;

	if (!vg_feed_is_remote(difference->from) || !vg_feed_is_remote(difference->minus))
		return 0;
	larger = reallocarray(policy->differences, policy->n_differences + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	policy->differences = larger;
	larger[policy->n_differences++] = both;
	return 0;
}

static int add_difference(struct entry *entry, const struct vg_text *from,
			  const struct vg_text *minus)
{
	struct vg_filling *filling = entry->filling;
	struct difference difference = {.minus_place = {entry->place.file, minus->at}};
	_cleanup_free_ char *text = NULL;
	int r;

	r = find_side(filling, from, &entry->place, &difference.from);
	if (r == 0)
		r = find_side(filling, minus, &difference.minus_place, &difference.minus);
	if (r == 0)
		r = name_difference(&difference, &text);
	if (r == 0)
		r = begin_origin(entry, text);
	if (r == 0)
		r = note_difference(filling->policy, &difference);
	if (r < 0)
		return r;
	filling->policy->sets[entry->set].fed |=
		vg_feed_is_remote(difference.from) || vg_feed_is_remote(difference.minus);
	return add_holdings(entry, &difference);
}

/* ---- all entries of all sets ---- */

static int add_entry(struct vg_filling *filling, size_t set, const struct vg_text *text)
{
	struct entry entry = {filling, set, {filling->policy->path, text->at}, ORIGIN_CONFIG};
	const struct vg_feed *feed;
	struct vg_prefix prefix;
	int r;

	r = vg_feeds_find(filling->policy, text->text, &entry.place, &feed, filling->diag);
	if (r == 0)
		return add_feed(&entry, feed);
	if (r != -ENOENT)
		return r;
	if (!strncmp(text->text, GOOGLE_SCHEME, strlen(GOOGLE_SCHEME)))
		return add_google(filling, set, text->text + strlen(GOOGLE_SCHEME), &entry.place);
	r = vg_lines_prefix(text->text,
			    ", or google:NAME, gcp:NAME, file:PATH or https://HOST/PATH",
			    &entry.place, &prefix, filling->diag);
	if (r == 0)
		r = vg_filling_note(filling, set, ORIGIN_CONFIG);
	return r < 0 ? r : vg_filling_add(filling, set, &prefix, ORIGIN_CONFIG, &entry.place);
}

static int add_source(struct vg_filling *filling, size_t set, const struct vg_config_source *source)
{
	size_t difference = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < source->entries.n; i++) {
		const struct vg_text *text = &source->entries.items[i];

		if (difference < source->n_differences &&
		    source->differences[difference].entry == i) {
			struct entry entry = {filling, set, {filling->policy->path, text->at}, 0};

			r = add_difference(&entry, text, &source->differences[difference++].minus);
		} else {
			r = add_entry(filling, set, text);
		}
	}
	return r;
}

static int add_google_sets(struct vg_filling *filling)
{
	const struct vg_place nowhere = {filling->policy->path, {}};
	int r = 0;

	filling->implicit = true;
	for (size_t i = 0; r == 0 && i < VG_ARRAY_SIZE(google_sets); i++) {
		if (vg_policy_set(filling->policy, google_sets[i]) >= 0)
			continue;
		vg_filling_begin_set(filling, google_sets[i]);
		r = add_google(filling, filling->policy->n_sets - 1, google_sets[i], &nowhere);
	}
	return r;
}

int vg_sources_build(const struct vg_config *config, const struct vg_reader *reader,
		     struct vg_policy *policy, struct vg_diag *diag)
{
	struct vg_filling filling = {.policy = policy, .reader = reader, .diag = diag};
	unsigned config_origin;
	int r;

	policy->sets = calloc(VG_MAX_POLICY_SETS, sizeof(*policy->sets));
	if (!policy->sets)
		return -ENOMEM;
	r = vg_filling_origin(&filling, policy->path, NULL, &config_origin);
	if (r < 0)
		return r;
	assert(config_origin == ORIGIN_CONFIG);
	for (size_t i = 0; i < config->n_sources; i++)
		vg_filling_begin_set(&filling, config->sources[i].name.text);
	for (size_t i = 0; r == 0 && i < config->n_sources; i++)
		r = add_source(&filling, i, &config->sources[i]);
	return r < 0 ? r : add_google_sets(&filling);
}
