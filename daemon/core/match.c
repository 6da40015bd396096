/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "core/match.h"
#include "share/cleanup.h"

/* ---- destinations: each distinct `to` prefix is a class of its own ---- */

struct destinations {
	struct vg_prefix *prefixes; /* sorted, each once */
	size_t n;
	struct vg_classes classes; /* `source` is an index into `prefixes` */
};

static void destinations_done(struct destinations *d)
{
	free(d->prefixes);
	vg_classes_done(&d->classes);
}

static int prefix_order(const void *a, const void *b)
{
	return vg_prefix_compare(a, b);
}

static int destinations_collect(const struct vg_policy *policy, struct destinations *d)
{
	size_t n = 0, unique = 0;

	for (size_t s = 0; s < policy->n_services; s++)
		n += policy->services[s].n_to;
	if (!n)
		return 0;
	d->prefixes = calloc(n, sizeof(*d->prefixes));
	if (!d->prefixes)
		return -ENOMEM;
	for (size_t s = 0; s < policy->n_services; s++)
		for (size_t i = 0; i < policy->services[s].n_to; i++)
			d->prefixes[d->n++] = policy->services[s].to[i];
	qsort(d->prefixes, d->n, sizeof(*d->prefixes), prefix_order);
	for (size_t i = 0; i < d->n; i++)
		if (!i || vg_prefix_compare(&d->prefixes[i], &d->prefixes[i - 1]))
			d->prefixes[unique++] = d->prefixes[i];
	d->n = unique;
	return 0;
}

static int build_destination_trie(struct destinations *d, int family, struct vg_trie *ret_trie)
{
	_cleanup_free_ struct vg_route *routes = calloc(d->n, sizeof(*routes));
	size_t n = 0;

	if (!routes)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		const struct vg_route route = {.prefix = d->prefixes[i], .sets = 1, .source = i};

		if (d->prefixes[i].address.family == family)
			routes[n++] = route;
	}
	return vg_trie_build(routes, n, &d->classes, ret_trie);
}

static int build_destinations(const struct vg_policy *policy, struct vg_tables *tables,
			      struct destinations *d)
{
	int r = vg_classes_init(&d->classes);

	if (r < 0)
		return r;
	r = destinations_collect(policy, d);
	if (r < 0 || !d->n)
		return r;
	tables->to = true;
	r = build_destination_trie(d, 4, &tables->destination4);
	if (r < 0)
		return r;
	return build_destination_trie(d, 6, &tables->destination6);
}

/* ---- services: (destination class, L4 class) → service, painted from vague to specific ---- */

static int l4_block(int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return VG_L4_BLOCK_TCP;
	case IPPROTO_UDP:
		return VG_L4_BLOCK_UDP;
	case IPPROTO_SCTP:
		return VG_L4_BLOCK_SCTP;
	default:
		return -1;
	}
}

/* What an L4 class stands for: a protocol's ports that no service names, or one port. */
struct l4 {
	int protocol; /* VG_PROTOCOL_ANY: those that no service names */
	int port;     /* 0: all others */
};

struct l4_list {
	struct l4 *items; /* by L4 class; class VG_L4_UNKNOWN stands for none */
	size_t n;
};

static void l4_list_done(struct l4_list *list)
{
	free(list->items);
}

static void l4_add_protocol(struct vg_tables *tables, struct l4_list *list, int protocol)
{
	__u16 *cell = vg_cell16(tables->l4_class, VG_L4_BLOCK_PROTOCOL + protocol);
	const int block = l4_block(protocol);

	if (*cell != VG_L4_UNNAMED)
		return;
	*cell = list->n;
	for (int port = 0; block >= 0 && port < 65536; port++)
		*vg_cell16(tables->l4_class, block + port) = list->n;
	list->items[list->n++] = (struct l4){.protocol = protocol};
}

static int build_l4_classes(const struct vg_policy *policy, struct vg_tables *tables,
			    struct l4_list *list)
{
	tables->l4_class = calloc(VG_L4_PAGES, sizeof(*tables->l4_class));
	list->items = calloc(2 + 2 * policy->n_services, sizeof(*list->items));
	if (!tables->l4_class || !list->items)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)VG_L4_PAGES * 256; i++)
		*vg_cell16(tables->l4_class, i) = VG_L4_UNNAMED;
	list->n = VG_L4_UNNAMED;
	list->items[list->n++] = (struct l4){.protocol = VG_PROTOCOL_ANY};
	for (size_t s = 0; s < policy->n_services; s++)
		if (policy->services[s].protocol != VG_PROTOCOL_ANY)
			l4_add_protocol(tables, list, policy->services[s].protocol);
	for (size_t s = 0; s < policy->n_services; s++) {
		const struct vg_service *service = &policy->services[s];
		__u16 *cell;

		if (!service->port)
			continue;
		cell = vg_cell16(tables->l4_class, l4_block(service->protocol) + service->port);
		if (list->items[*cell].port)
			continue;
		*cell = list->n;
		list->items[list->n++] = (struct l4){service->protocol, service->port};
	}
	tables->l4_classes = list->n;
	return 0;
}

/* A service that may be meant by frames to one destination class. */
struct candidate {
	size_t service;
	int to_length; /* of its longest `to` that contains the destination; -1 without `to` */
	const struct vg_service *s;
};

/* Least specific first: longest `to`, then port, then protocol wins. */
static int candidate_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->to_length != y->to_length)
		return x->to_length - y->to_length;
	if (!x->s->port != !y->s->port)
		return !y->s->port - !x->s->port;
	return (y->s->protocol == VG_PROTOCOL_ANY) - (x->s->protocol == VG_PROTOCOL_ANY);
}

/* The length of the longest `to` around `inner`, -1 without `to`, -2 where none contains it. */
static int longest_to(const struct vg_service *service, const struct vg_prefix *inner)
{
	int longest = service->has_to ? -2 : -1;

	if (!inner)
		return longest;
	for (size_t i = 0; i < service->n_to; i++) {
		const struct vg_prefix *to = &service->to[i];

		if (to->length <= inner->length && to->length > longest &&
		    vg_prefix_contains(to, &inner->address))
			longest = to->length;
	}
	return longest;
}

static void paint_row(struct vg_tables *tables, const struct l4_list *l4, size_t row,
		      const struct candidate *candidate)
{
	const struct vg_service *s = candidate->s;
	const __u16 painted = candidate->service + 1;

	if (s->port) {
		const __u16 k = *vg_cell16(tables->l4_class, l4_block(s->protocol) + s->port);

		*vg_cell16(tables->service, row * l4->n + k) = painted;
		return;
	}
	for (size_t k = VG_L4_UNNAMED; k < l4->n; k++)
		if (s->protocol == VG_PROTOCOL_ANY || s->protocol == l4->items[k].protocol)
			*vg_cell16(tables->service, row * l4->n + k) = painted;
}

/* ---- frames whose L4 can't be told: as strict as the strictest that they may be for ---- */

/* What the cells of a row of `service` come to, all at once: an admission for each rule. */
struct mixes {
	const struct vg_effective *effective; /* n_rules * services: see effective_all() */
	size_t services, n_rules;
	struct vg_effective *items; /* n * n_rules */
	size_t n;
};

static void mixes_done(struct mixes *mixes)
{
	free(mixes->items);
}

static bool mix_equal(const struct vg_effective *a, const struct vg_effective *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].open != b[i].open || a[i].sets != b[i].sets)
			return false;
	return true;
}

/* The number of the mix at the end of the list, which goes again if it is there already. */
static size_t mixes_find_last(struct mixes *mixes)
{
	const struct vg_effective *last = &mixes->items[mixes->n * mixes->n_rules];

	for (size_t i = 0; i < mixes->n; i++)
		if (mix_equal(&mixes->items[i * mixes->n_rules], last, mixes->n_rules))
			return i;
	return mixes->n++;
}

/* Appends the strictest of the services that `painted` marks. */
static int mixes_append(struct mixes *mixes, const bool *painted)
{
	struct vg_effective *grown, *mix;

	grown = reallocarray(mixes->items, (mixes->n + 1) * mixes->n_rules + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	mixes->items = grown;
	mix = &grown[mixes->n * mixes->n_rules];
	for (size_t rule = 0; rule < mixes->n_rules; rule++) {
		mix[rule] = (struct vg_effective){.open = true};
		for (size_t s = 0; s < mixes->services; s++)
			if (painted[s])
				mix[rule] =
					vg_policy_stricter(&mix[rule],
							   &mixes->effective
								    [rule * mixes->services + s]);
	}
	return 0;
}

/* One service (or none) for all of the row is that one; else a mix, numbered behind the services. */
static int paint_unknown(struct vg_tables *tables, const struct l4_list *l4, size_t row,
			 struct mixes *mixes)
{
	__u16 *unknown = vg_cell16(tables->service, row * l4->n + VG_L4_UNKNOWN);
	bool painted[VG_MAX_SERVICES + 1] = {false};
	size_t n = 0;
	int r;

	for (size_t k = VG_L4_UNNAMED; k < l4->n; k++) {
		const __u16 service = *vg_cell16(tables->service, row * l4->n + k);

		n += !painted[service];
		painted[service] = true;
		*unknown = service;
	}
	if (n == 1)
		return 0;
	r = mixes_append(mixes, painted);
	if (r == 0)
		*unknown = mixes->services + mixes_find_last(mixes);
	return r;
}

static int paint_services(const struct vg_policy *policy, struct vg_tables *tables,
			  const struct destinations *d, const struct l4_list *l4,
			  struct mixes *mixes)
{
	int r = 0;

	_cleanup_free_ struct candidate *candidates = NULL;

	candidates = calloc(policy->n_services, sizeof(*candidates));
	if (!candidates)
		return -ENOMEM;
	for (size_t row = 0; r == 0 && row < d->classes.n; row++) {
		const __u16 index = d->classes.items[row].source;
		size_t n = 0;

		for (size_t s = 0; s < policy->n_services; s++) {
			const struct vg_service *service = &policy->services[s];
			const int length =
				longest_to(service,
					   index == VG_TRIE_NO_SOURCE ? NULL : &d->prefixes[index]);

			if (length > -2)
				candidates[n++] = (struct candidate){s, length, service};
		}
		if (n)
			qsort(candidates, n, sizeof(*candidates), candidate_order);
		for (size_t i = 0; i < n; i++)
			paint_row(tables, l4, row, &candidates[i]);
		r = paint_unknown(tables, l4, row, mixes);
	}
	return r;
}

static int build_services(const struct vg_policy *policy, struct vg_tables *tables,
			  struct mixes *mixes)
{
	_cleanup_(destinations_done) struct destinations d = {0};
	_cleanup_(l4_list_done) struct l4_list l4 = {0};
	int r;

	r = build_destinations(policy, tables, &d);
	if (r < 0)
		return r;
	r = build_l4_classes(policy, tables, &l4);
	if (r < 0)
		return r;
	tables->n_service_pages = (d.classes.n * l4.n + 255) / 256;
	tables->service = calloc(tables->n_service_pages, sizeof(*tables->service));
	if (!tables->service)
		return -ENOMEM;
	return paint_services(policy, tables, &d, &l4, mixes);
}

static struct vg_admission make_admission(const struct vg_effective *e, __u16 service)
{
	return (struct vg_admission){
		.sets = e->sets,
		.service = service,
		.cell = (e->open ? VG_PASS_OPEN : VG_PASS_ADMITTED) * VG_MAX_SOURCES,
		.open = e->open,
	};
}

static int build_admissions(const struct mixes *mixes, struct vg_tables *tables)
{
	struct vg_admission *next;

	tables->admissions = mixes->services + mixes->n;
	tables->n_admissions = mixes->n_rules * tables->admissions;
	tables->admission = calloc(tables->n_admissions, sizeof(*tables->admission));
	if (!tables->admission)
		return -ENOMEM;
	next = tables->admission;
	for (size_t rule = 0; rule < mixes->n_rules; rule++) {
		for (size_t s = 0; s < mixes->services; s++)
			*next++ = make_admission(&mixes->effective[rule * mixes->services + s],
						 s ? s - 1 : VG_NO_SERVICE);
		for (size_t i = 0; i < mixes->n; i++)
			*next++ = make_admission(&mixes->items[i * mixes->n_rules + rule],
						 VG_NO_SERVICE);
	}
	return 0;
}

/* For each rule: no service, then each of the services. */
static struct vg_effective *effective_all(const struct vg_policy *policy)
{
	const size_t services = policy->n_services + 1;
	struct vg_effective *all = calloc(policy->n_rules * services + 1, sizeof(*all));

	for (size_t i = 0; all && i < policy->n_rules * services; i++)
		all[i] = vg_policy_effective(policy, i / services, (int)(i % services) - 1);
	return all;
}

int vg_match_build(const struct vg_policy *policy, struct vg_tables *tables)
{
	_cleanup_free_ struct vg_effective *effective = effective_all(policy);
	_cleanup_(mixes_done) struct mixes mixes = {
		.effective = effective,
		.services = policy->n_services + 1,
		.n_rules = policy->n_rules,
	};
	int r = 0;

	if (!effective)
		return -ENOMEM;
	tables->services = policy->n_services;
	if (policy->n_services)
		r = build_services(policy, tables, &mixes);
	return r < 0 ? r : build_admissions(&mixes, tables);
}
