/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "core/admissions.h"
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

/*
 * A service that may be meant by frames to one destination class. One whose destinations aren't all
 * known may name any address: then it is in the list as if it named this very one.
 */
struct candidate {
	size_t service;
	int to_length; /* of its longest `to` that contains the destination; -1 without `to` */
	bool unread;
	const struct vg_service *s;
};

/* Least specific first: longest `to`, then port, then protocol wins. Of equals, what is known first. */
static int candidate_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->to_length != y->to_length)
		return x->to_length - y->to_length;
	if (!x->s->port != !y->s->port)
		return !y->s->port - !x->s->port;
	if ((x->s->protocol == VG_PROTOCOL_ANY) != (y->s->protocol == VG_PROTOCOL_ANY))
		return (y->s->protocol == VG_PROTOCOL_ANY) - (x->s->protocol == VG_PROTOCOL_ANY);
	return x->unread - y->unread;
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

/* `inner`: the longest `to` that contains the destination, or NULL. */
static size_t list_candidates(const struct vg_policy *policy, const struct vg_prefix *inner,
			      struct candidate *candidates)
{
	const int bits = inner && inner->address.family == 4 ? 32 : 128;
	size_t n = 0;

	for (size_t i = 0; i < policy->n_services; i++) {
		const struct vg_service *service = &policy->services[i];
		const int length = longest_to(service, inner);

		if (length > -2)
			candidates[n++] = (struct candidate){i, length, false, service};
		if (service->unread)
			candidates[n++] = (struct candidate){i, bits, true, service};
	}
	if (n)
		qsort(candidates, n, sizeof(*candidates), candidate_order);
	return n;
}

/* What is painted over `below`: where it isn't known whether the service is meant, the stricter. */
static __u16 paint_over(struct vg_admissions *admissions, __u16 below,
			const struct candidate *candidate)
{
	const __u16 painted = candidate->service + 1;

	if (!candidate->unread)
		return painted;
	vg_admissions_begin(admissions, below);
	vg_admissions_tighten(admissions, painted);
	return vg_admissions_end(admissions, admissions->service[below]);
}

static void paint_row(struct vg_tables *tables, const struct l4_list *l4, size_t row,
		      const struct candidate *candidate, struct vg_admissions *admissions)
{
	const struct vg_service *s = candidate->s;
	__u16 below = 0, painted = paint_over(admissions, below, candidate);
	size_t first = VG_L4_UNNAMED, end = l4->n;

	if (s->port) {
		first = *vg_cell16(tables->l4_class, l4_block(s->protocol) + s->port);
		end = first + 1;
	}
	for (size_t k = first; k < end; k++) {
		__u16 *cell = vg_cell16(tables->service, row * l4->n + k);

		if (s->protocol != VG_PROTOCOL_ANY && s->protocol != l4->items[k].protocol)
			continue;
		if (*cell != below) {
			below = *cell;
			painted = paint_over(admissions, below, candidate);
		}
		*cell = painted;
	}
}

/* What can't be told, for the cells of a row all at once: the strictest, counted where all are. */
static void paint_unknown(struct vg_tables *tables, const struct l4_list *l4, size_t row,
			  struct vg_admissions *admissions)
{
	const __u16 first = *vg_cell16(tables->service, row * l4->n + VG_L4_UNNAMED);
	bool painted[VG_MAX_ADMISSIONS] = {[0] = false};
	__u16 service = admissions->service[first];

	vg_admissions_begin(admissions, first);
	for (size_t k = VG_L4_UNNAMED; k < l4->n; k++) {
		const __u16 cell = *vg_cell16(tables->service, row * l4->n + k);

		if (painted[cell])
			continue;
		painted[cell] = true;
		vg_admissions_tighten(admissions, cell);
		if (admissions->service[cell] != service)
			service = VG_NO_SERVICE;
	}
	*vg_cell16(tables->service, row * l4->n + VG_L4_UNKNOWN) =
		vg_admissions_end(admissions, service);
}

static int paint_services(const struct vg_policy *policy, struct vg_tables *tables,
			  const struct destinations *d, const struct l4_list *l4,
			  struct vg_admissions *admissions)
{
	_cleanup_free_ struct candidate *candidates = NULL;

	candidates = calloc(2 * policy->n_services, sizeof(*candidates));
	if (!candidates)
		return -ENOMEM;
	for (size_t row = 0; row < d->classes.n; row++) {
		const __u16 index = d->classes.items[row].source;
		const struct vg_prefix *inner =
			index == VG_TRIE_NO_SOURCE ? NULL : &d->prefixes[index];
		const size_t n = list_candidates(policy, inner, candidates);

		for (size_t i = 0; i < n; i++)
			paint_row(tables, l4, row, &candidates[i], admissions);
		paint_unknown(tables, l4, row, admissions);
	}
	return 0;
}

static int build_services(const struct vg_policy *policy, struct vg_tables *tables,
			  struct vg_admissions *admissions)
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
	return paint_services(policy, tables, &d, &l4, admissions);
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

static int build_admissions(const struct vg_admissions *admissions, struct vg_tables *tables)
{
	struct vg_admission *next;

	tables->admissions = admissions->n;
	tables->n_admissions = admissions->n_rules * admissions->n;
	tables->admission = calloc(tables->n_admissions, sizeof(*tables->admission));
	if (!tables->admission)
		return -ENOMEM;
	next = tables->admission;
	for (size_t rule = 0; rule < admissions->n_rules; rule++)
		for (size_t row = 0; row < admissions->n; row++)
			*next++ = make_admission(&admissions->effective[row * admissions->n_rules +
									rule],
						 admissions->service[row]);
	return 0;
}

int vg_match_build(const struct vg_policy *policy, struct vg_tables *tables)
{
	_cleanup_(vg_admissions_done) struct vg_admissions admissions = {0};
	int r;

	r = vg_admissions_init(&admissions, policy);
	if (r < 0)
		return r;
	tables->services = policy->n_services;
	if (policy->n_services)
		r = build_services(policy, tables, &admissions);
	return r < 0 ? r : build_admissions(&admissions, tables);
}
