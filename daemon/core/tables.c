// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/large.h"
#include "core/match.h"
#include "core/pool.h"
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
	const size_t n =
		VG_ARRAY_SIZE(special) + (family == 4 ? policy->n_prefixes4 : policy->n_prefixes6);

	ret_routes->items = vg_large_alloc(n, sizeof(*ret_routes->items));
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
		for (size_t i = 0; i < vg_set_size(&policy->sets[s]); i++) {
			const struct vg_route route = {
				.prefix = vg_set_range(&policy->sets[s], i).prefix,
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
	return vg_match_build(policy, tables);
}

static int refuse_size(const struct vg_policy *policy, size_t bytes, struct vg_diag *diag)
{
	const __u64 mib = 1 << 20, needed = (bytes + mib - 1) / mib * mib;
	const struct vg_limits *limits = &policy->limits;
	char takes[16], allowed[16];

	vg_size_text(needed, takes);
	vg_size_text(limits->table_bytes, allowed);
	return vg_diag_set(diag, E2BIG, policy->path, limits->table_bytes_at,
			   "the tables would take %s, and `table-memory` allows %s: write `limits: "
			   "{table-memory: %s}`, or merge neighbours into shorter prefixes",
			   takes, allowed, takes);
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
	if (vg_tables_bytes(tables) > policy->limits.table_bytes)
		return refuse_size(policy, vg_tables_bytes(tables), diag);
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

/* The root is there, unused, where there is no trie. */
static size_t trie_bytes(const struct vg_trie *trie)
{
	const struct vg_pool_shape shape = vg_pool_shape(trie);

	return sizeof(*trie->root) + (size_t)shape.pages * shape.element;
}

size_t vg_tables_bytes(const struct vg_tables *tables)
{
	return trie_bytes(&tables->source4) + trie_bytes(&tables->source6) +
	       trie_bytes(&tables->destination4) + trie_bytes(&tables->destination6) +
	       VG_MAX_CLASSES * sizeof(struct vg_class) + VG_L4_MAX * sizeof(__u16) +
	       (tables->to ? tables->n_service_pages : 1) * sizeof(struct vg_page16) +
	       tables->n_admissions * sizeof(struct vg_admission);
}
