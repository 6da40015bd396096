/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The services of a policy: which frames they match, and what those admit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/build.h"
#include "core/feeds.h"
#include "share/cleanup.h"

/* Services while they are built. */
struct building {
	const struct vg_config *config;
	const struct vg_reader *reader;
	struct vg_policy *policy;
	struct vg_diag *diag;
	size_t n_destinations; /* of all services */
};

static bool same_l4(const struct vg_service *a, const struct vg_service *b)
{
	return a->protocol == b->protocol && a->port == b->port;
}

static bool has_destination(const struct vg_service *service, const struct vg_prefix *to)
{
	for (size_t i = 0; i < service->n_to; i++) {
		if (!vg_prefix_compare(&service->to[i], to))
			return true;
	}
	return false;
}

/* Index of a prefix of `to` that both services have; n_to of `a` where there is none. */
static size_t shared_destination(const struct vg_service *a, const struct vg_service *b)
{
	for (size_t i = 0; i < a->n_to; i++) {
		if (has_destination(b, &a->to[i]))
			return i;
	}
	return a->n_to;
}

/* Where the config has prefix number `n` of a service's `to`: feeds among them don't count. */
static struct vg_position position_of(const struct vg_text_list *to, size_t n)
{
	struct vg_prefix prefix;
	size_t i = 0;

	for (; i < to->n; i++) {
		if (vg_prefix_parse(to->items[i].text, &prefix, NULL, 0) == 0 && !n--)
			break;
	}
	return to->items[i].at;
}

/* A text that both lists have, by its place in `a`, or NULL. */
static const struct vg_text *shared_text(const struct vg_text_list *a, const struct vg_text_list *b)
{
	for (size_t i = 0; i < a->n; i++) {
		for (size_t j = 0; j < b->n; j++) {
			if (!strcmp(a->items[i].text, b->items[j].text))
				return &a->items[i];
		}
	}
	return NULL;
}

/*
 * Two services that a frame matches equally well would leave the choice to chance; service `i` may
 * not tie with the earlier service `j`. A range of a feed's is another matter: see add_range().
 */
static int refuse_tie_with(const struct building *building, size_t i, size_t j)
{
	const struct vg_policy *policy = building->policy;
	const struct vg_service *service = &policy->services[i], *earlier = &policy->services[j];
	const struct vg_config_service *from = &building->config->services[i];
	const struct vg_config_service *other = &building->config->services[j];
	const size_t to = shared_destination(service, earlier);
	const struct vg_text *feed = NULL;
	char text[VG_PREFIX_TEXT_SIZE];

	if (!service->has_to && !earlier->has_to)
		return vg_diag_set(building->diag, EINVAL, policy->path, from->at,
				   "service '%s' matches the same frames as '%s' on line %u: "
				   "change its protocol, port or to, or remove one",
				   service->name, earlier->name, other->at.line);
	if (to < service->n_to)
		return vg_diag_set(building->diag, EINVAL, policy->path, position_of(&from->to, to),
				   "service '%s' shares %s, protocol and port with '%s' on "
				   "line %u: change one of them, or remove it",
				   service->name, vg_prefix_format(&service->to[to], text),
				   earlier->name, other->at.line);
	/* Only the prefixes have been read yet: what is left are feeds. */
	if (from->to.n > service->n_to && other->to.n > earlier->n_to)
		feed = shared_text(&from->to, &other->to);
	if (feed)
		return vg_diag_set(building->diag, EINVAL, policy->path, feed->at,
				   "service '%s' shares %.64s, protocol and port with '%s' on "
				   "line %u: change one of them, or remove it",
				   service->name, feed->text, earlier->name, other->at.line);
	return 0;
}

static int refuse_tie(const struct building *building, size_t i)
{
	const struct vg_service *services = building->policy->services;
	int r = 0;

	for (size_t j = 0; r == 0 && j < i; j++) {
		if (same_l4(&services[i], &services[j]))
			r = refuse_tie_with(building, i, j);
	}
	return r;
}

static int add_destination(struct building *building, struct vg_service *service,
			   const struct vg_prefix *prefix)
{
	struct vg_prefix *larger =
		reallocarray(service->to, service->n_to + 1, sizeof(*service->to));

	if (!larger)
		return -ENOMEM;
	service->to = larger;
	service->to[service->n_to++] = *prefix;
	building->n_destinations++;
	return 0;
}

/* The prefixes of `to`; feeds are only found, not read. */
static int add_prefixes(struct building *building, size_t i)
{
	const struct vg_text_list *to = &building->config->services[i].to;
	struct vg_policy *policy = building->policy;
	const struct vg_feed *feed;
	struct vg_prefix prefix;
	int r = 0;

	for (size_t k = 0; r == 0 && k < to->n; k++) {
		const struct vg_place place = {policy->path, to->items[k].at};

		r = vg_feeds_find(policy, to->items[k].text, &place, &feed, building->diag);
		if (r != -ENOENT)
			continue;
		r = vg_lines_prefix(to->items[k].text, ", or a feed such as gcp:forwarded-ips",
				    &place, &prefix, building->diag);
		if (r == 0)
			r = add_destination(building, &policy->services[i], &prefix);
	}
	return r;
}

static int build_service(struct building *building, size_t i)
{
	const struct vg_config_service *from = &building->config->services[i];
	struct vg_service *service = &building->policy->services[i];
	int r;

	snprintf(service->name, sizeof(service->name), "%s", from->name.text);
	service->protocol = from->protocol;
	service->port = from->port;
	service->has_to = from->to.given;
	service->ingress = from->ingress;
	service->has_also_admit = from->also_admit.given;
	r = vg_build_named_sets(building->policy, &from->also_admit, &service->also_admit,
				building->diag);
	return r < 0 ? r : add_prefixes(building, i);
}

/*
 * A range of a feed's. One that would tie is left to the other service, which has it in the config,
 * or its feed further up: an answer of a server can't make a config wrong that was right.
 */
static int add_range(struct building *building, size_t i, const struct vg_prefix *prefix,
		     const char *feed, const struct vg_place *place)
{
	const struct vg_policy *policy = building->policy;

	for (size_t j = 0; j < policy->n_services; j++) {
		if (same_l4(&policy->services[i], &policy->services[j]) &&
		    has_destination(&policy->services[j], prefix))
			return 0;
	}
	if (building->n_destinations == VG_MAX_DESTINATIONS)
		return vg_diag_set(building->diag, E2BIG, place->file, place->at,
				   "to: more than %u destinations in all services, with those of "
				   "'%.255s': merge prefixes",
				   VG_MAX_DESTINATIONS, feed);
	return add_destination(building, &policy->services[i], prefix);
}

static int add_feeds(struct building *building, size_t i)
{
	const struct vg_text_list *to = &building->config->services[i].to;
	struct vg_service *service = &building->policy->services[i];
	const struct vg_feed *feed;
	int r = 0;

	for (size_t k = 0; r == 0 && k < to->n; k++) {
		_cleanup_(vg_holding_done) struct vg_holding holding = {};
		const struct vg_place place = {building->policy->path, to->items[k].at};

		r = vg_feeds_find(building->policy, to->items[k].text, &place, &feed,
				  building->diag);
		if (r == -ENOENT) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = vg_feeds_read(building->reader, feed, &place, &holding, building->diag);
		if (r < 0)
			return r;
		service->needs_replies |= vg_feed_needs_replies(feed);
		if (holding.unread)
			service->unread = feed;
		for (size_t n = 0; r == 0 && n < holding.listing->n; n++)
			r = add_range(building, i, &holding.listing->items[n].prefix, feed->text,
				      &place);
	}
	return r;
}

int vg_build_services(const struct vg_config *config, const struct vg_reader *reader,
		      struct vg_policy *policy, struct vg_diag *diag)
{
	struct building building = {config, reader, policy, diag, 0};
	int r = 0;

	policy->services =
		calloc(config->n_services ? config->n_services : 1, sizeof(*policy->services));
	if (!policy->services)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < config->n_services; i++) {
		policy->n_services++;
		r = build_service(&building, i);
		if (r == 0)
			r = refuse_tie(&building, i);
	}
	for (size_t i = 0; r == 0 && i < config->n_services; i++)
		r = add_feeds(&building, i);
	return r;
}
