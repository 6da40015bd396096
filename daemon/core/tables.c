// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/tables.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"

/* What an address is by itself, before any config. */
static const struct {
	const char *prefix;
	__u16 flags;
} special[] = {
	/* RFC 1122 §3.2.1.3 and RFC 1112 §4: never a source on the wire. */
	{"0.0.0.0/8", VG_CLASS_MARTIAN},
	{"127.0.0.0/8", VG_CLASS_MARTIAN},
	{"224.0.0.0/4", VG_CLASS_MARTIAN},
	{"240.0.0.0/4", VG_ROUTE_MARTIAN_UNLISTED},
	{"255.255.255.255/32", VG_CLASS_MARTIAN},
	/* RFC 4291 §2.5.2, §2.5.3, §2.7. */
	{"::/128", VG_CLASS_UNSPECIFIED6},
	{"::1/128", VG_CLASS_MARTIAN},
	{"ff00::/8", VG_CLASS_MARTIAN},
	{"fe80::/10", VG_CLASS_LINK_LOCAL6},
	/* https://cloud.google.com/compute/docs/metadata/overview */
	{"169.254.169.254/32", VG_CLASS_METADATA},
	{"fd20:ce::254/128", VG_CLASS_METADATA},
	/* RFC 1918 §3 and RFC 3927 §2.1. */
	{"10.0.0.0/8", VG_CLASS_DHCP4},
	{"172.16.0.0/12", VG_CLASS_DHCP4},
	{"192.168.0.0/16", VG_CLASS_DHCP4},
	{"169.254.0.0/16", VG_CLASS_DHCP4},
};

struct routes {
	struct vg_route *items;
	size_t n;
};

static void routes_done(struct routes *routes)
{
	free(routes->items);
}

static void routes_add(struct routes *routes, const struct vg_route *route)
{
	routes->items[routes->n++] = *route;
}

static int source_routes(const struct vg_policy *policy, int family, struct routes *ret_routes)
{
	size_t n = VG_ARRAY_SIZE(special);

	for (size_t s = 0; s < policy->n_sets; s++)
		n += policy->sets[s].n_ranges;
	ret_routes->items = calloc(n, sizeof(*ret_routes->items));
	if (!ret_routes->items)
		return -ENOMEM;
	for (size_t i = 0; i < VG_ARRAY_SIZE(special); i++) {
		struct vg_route route = {.flags = special[i].flags};
		int r = vg_prefix_parse(special[i].prefix, &route.prefix, NULL, 0);

		if (r < 0)
			return r;
		if (route.prefix.address.family == family)
			routes_add(ret_routes, &route);
	}
	for (size_t s = 0; s < policy->n_sets; s++) {
		for (size_t i = 0; i < policy->sets[s].n_ranges; i++) {
			const struct vg_route route = {
				.prefix = policy->sets[s].ranges[i].prefix,
				.sets = 1ULL << s,
				.source = s,
			};

			if (route.prefix.address.family == family)
				routes_add(ret_routes, &route);
		}
	}
	return 0;
}

static int build_sources(const struct vg_policy *policy, struct vg_tables *tables, int family,
			 struct vg_trie *ret_trie)
{
	_cleanup_(routes_done) struct routes routes = {0};
	int r = source_routes(policy, family, &routes);

	if (r < 0)
		return r;
	return vg_trie_build(routes.items, routes.n, &tables->classes, ret_trie);
}

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
	_cleanup_(routes_done) struct routes routes = {0};

	routes.items = calloc(d->n, sizeof(*routes.items));
	if (!routes.items)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		const struct vg_route route = {.prefix = d->prefixes[i], .sets = 1, .source = i};

		if (d->prefixes[i].address.family == family)
			routes_add(&routes, &route);
	}
	return vg_trie_build(routes.items, routes.n, &d->classes, ret_trie);
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

static __u16 *cell16(struct vg_page16 *pages, size_t index)
{
	return &pages[index >> 8].value[index & 255];
}

/* What an L4 class stands for: a protocol's ports that no service names, or one port. */
struct l4 {
	int protocol;
	int port; /* 0: all others */
};

struct l4_list {
	struct l4 *items; /* by L4 class; class 0 is "unknown, or a protocol not named" */
	size_t n;
};

static void l4_list_done(struct l4_list *list)
{
	free(list->items);
}

static void l4_add_protocol(struct vg_tables *tables, struct l4_list *list, int protocol)
{
	__u16 *cell = cell16(tables->l4_class, VG_L4_BLOCK_PROTOCOL + protocol);
	const int block = l4_block(protocol);

	if (*cell)
		return;
	*cell = list->n;
	for (int port = 0; block >= 0 && port < 65536; port++)
		*cell16(tables->l4_class, block + port) = list->n;
	list->items[list->n++] = (struct l4){.protocol = protocol};
}

static int build_l4_classes(const struct vg_policy *policy, struct vg_tables *tables,
			    struct l4_list *list)
{
	tables->l4_class = calloc(VG_L4_PAGES, sizeof(*tables->l4_class));
	list->items = calloc(1 + 2 * policy->n_services, sizeof(*list->items));
	if (!tables->l4_class || !list->items)
		return -ENOMEM;
	list->items[list->n++] = (struct l4){.protocol = VG_PROTOCOL_ANY};
	for (size_t s = 0; s < policy->n_services; s++)
		if (policy->services[s].protocol != VG_PROTOCOL_ANY)
			l4_add_protocol(tables, list, policy->services[s].protocol);
	for (size_t s = 0; s < policy->n_services; s++) {
		const struct vg_service *service = &policy->services[s];
		__u16 *cell;

		if (!service->port)
			continue;
		cell = cell16(tables->l4_class, l4_block(service->protocol) + service->port);
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
	int longest = service->n_to ? -2 : -1;

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
		const __u16 k = *cell16(tables->l4_class, l4_block(s->protocol) + s->port);

		*cell16(tables->service, row * l4->n + k) = painted;
		return;
	}
	for (size_t k = 0; k < l4->n; k++)
		if (s->protocol == VG_PROTOCOL_ANY || s->protocol == l4->items[k].protocol)
			*cell16(tables->service, row * l4->n + k) = painted;
}

static int paint_services(const struct vg_policy *policy, struct vg_tables *tables,
			  const struct destinations *d, const struct l4_list *l4)
{
	_cleanup_free_ struct candidate *candidates = NULL;

	candidates = calloc(policy->n_services, sizeof(*candidates));
	if (!candidates)
		return -ENOMEM;
	for (size_t row = 0; row < d->classes.n; row++) {
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
	}
	return 0;
}

static int build_services(const struct vg_policy *policy, struct vg_tables *tables)
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
	return paint_services(policy, tables, &d, &l4);
}

static int build_admissions(const struct vg_policy *policy, struct vg_tables *tables)
{
	const size_t row = policy->n_services + 1;

	tables->n_admissions = policy->n_rules * row;
	tables->admission = calloc(tables->n_admissions, sizeof(*tables->admission));
	if (!tables->admission)
		return -ENOMEM;
	for (size_t i = 0; i < tables->n_admissions; i++) {
		const int service = (int)(i % row) - 1;
		const struct vg_effective e = vg_policy_effective(policy, i / row, service);

		tables->admission[i] = (struct vg_admission){
			.sets = e.sets,
			.open = e.open,
			.service = service < 0 ? VG_NO_SERVICE : service,
		};
	}
	return 0;
}

static int build_all(const struct vg_policy *policy, struct vg_tables *tables)
{
	int r = vg_classes_init(&tables->classes);

	if (r < 0)
		return r;
	r = build_sources(policy, tables, 4, &tables->source4);
	if (r < 0)
		return r;
	r = build_sources(policy, tables, 6, &tables->source6);
	if (r < 0)
		return r;
	tables->services = policy->n_services;
	if (policy->n_services) {
		r = build_services(policy, tables);
		if (r < 0)
			return r;
	}
	return build_admissions(policy, tables);
}

int vg_tables_build(const struct vg_policy *policy, struct vg_tables **ret_tables,
		    struct vg_diag *diag)
{
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	int r;

	tables = calloc(1, sizeof(*tables));
	r = tables ? build_all(policy, tables) : -ENOMEM;
	if (r == -E2BIG)
		return vg_diag_set(diag, E2BIG, policy->path, (struct vg_position){0},
				   "the source sets overlap in more than %d different ways: "
				   "use fewer sets, or sets that overlap less",
				   VG_MAX_CLASSES);
	if (r < 0)
		return vg_diag_set(diag, -r, policy->path, (struct vg_position){0},
				   "can't compile the policy: %s", strerror(-r));
	*ret_tables = VG_TAKE_PTR(tables);
	return 0;
}

void vg_tables_free(struct vg_tables *tables)
{
	if (!tables)
		return;
	vg_trie_done(&tables->source4);
	vg_trie_done(&tables->source6);
	vg_trie_done(&tables->destination4);
	vg_trie_done(&tables->destination6);
	vg_classes_done(&tables->classes);
	free(tables->l4_class);
	free(tables->service);
	free(tables->admission);
	free(tables);
}

void vg_tables_free_p(struct vg_tables **tables)
{
	vg_tables_free(*tables);
}

static size_t trie_bytes(const struct vg_trie *trie)
{
	return sizeof(*trie->root) + trie->n_nodes * sizeof(*trie->nodes) +
	       trie->n_skips * sizeof(*trie->skips);
}

size_t vg_tables_bytes(const struct vg_tables *tables)
{
	return trie_bytes(&tables->source4) + trie_bytes(&tables->source6) +
	       trie_bytes(&tables->destination4) + trie_bytes(&tables->destination6) +
	       VG_MAX_CLASSES * sizeof(struct vg_class) +
	       (tables->l4_class ? VG_L4_PAGES : 0) * sizeof(struct vg_page16) +
	       tables->n_service_pages * sizeof(struct vg_page16) +
	       tables->n_admissions * sizeof(struct vg_admission);
}
