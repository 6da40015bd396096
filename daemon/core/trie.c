// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"

/* What the routes met so far on the way down to an address add up to. */
struct merged {
	__u64 sets;
	__u16 flags;
	__u16 source;
	__u8 length; /* of the route that `source` comes from */
};

struct builder {
	struct vg_route *routes;
	struct vg_classes *classes;
	struct vg_trie trie;
};

static __u32 class_hash(const struct vg_trie_class *class)
{
	__u64 h = class->sets * 0x9e3779b97f4a7c15ULL;

	h ^= ((__u64) class->flags << 16 | class->source) * 0xc2b2ae3d27d4eb4fULL;
	return h ^ h >> 32;
}

static bool class_equal(const struct vg_trie_class *a, const struct vg_trie_class *b)
{
	return a->sets == b->sets && a->flags == b->flags && a->source == b->source;
}

/* Bucket that holds the class's index, or the free one (0xffffffff) where it belongs. */
static size_t class_bucket(const struct vg_classes *classes, const struct vg_trie_class *class)
{
	size_t i = class_hash(class) & (classes->n_buckets - 1);

	while (classes->buckets[i] != 0xffffffff &&
	       !class_equal(&classes->items[classes->buckets[i]], class))
		i = (i + 1) & (classes->n_buckets - 1);
	return i;
}

static int classes_intern(struct vg_classes *classes, const struct vg_trie_class *class,
			  __u32 *ret_index)
{
	const size_t bucket = class_bucket(classes, class);
	size_t allocated;
	void *items;

	if (classes->buckets[bucket] != 0xffffffff) {
		*ret_index = classes->buckets[bucket];
		return 0;
	}
	if (classes->n == VG_MAX_CLASSES)
		return -E2BIG;
	if (classes->n == classes->allocated) {
		allocated = classes->allocated ? classes->allocated * 2 : 64;
		items = reallocarray(classes->items, allocated, sizeof(*classes->items));
		if (!items)
			return -ENOMEM;
		classes->items = items;
		classes->allocated = allocated;
	}
	classes->items[classes->n] = *class;
	classes->buckets[bucket] = classes->n;
	*ret_index = classes->n++;
	return 0;
}

int vg_classes_init(struct vg_classes *classes)
{
	const struct vg_trie_class none = {.source = VG_TRIE_NO_SOURCE};
	__u32 index;
	int r;

	*classes = (struct vg_classes){.n_buckets = 2 * VG_MAX_CLASSES};
	classes->buckets = malloc(classes->n_buckets * sizeof(*classes->buckets));
	if (!classes->buckets)
		return -ENOMEM;
	memset(classes->buckets, 0xff, classes->n_buckets * sizeof(*classes->buckets));
	r = classes_intern(classes, &none, &index);
	if (r < 0)
		vg_classes_done(classes);
	return r;
}

void vg_classes_done(struct vg_classes *classes)
{
	free(classes->items);
	free(classes->buckets);
	*classes = (struct vg_classes){0};
}

/* Makes room for one more element of a growing array. */
static int grow(void **items, size_t *allocated, size_t n, size_t size)
{
	const size_t wanted = *allocated ? *allocated * 2 : 64;
	void *grown;

	if (n < *allocated)
		return 0;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*allocated = wanted;
	return 0;
}

static int node_new(struct builder *b, __u32 *ret_index)
{
	struct vg_trie *trie = &b->trie;
	void *nodes = trie->nodes;
	int r = grow(&nodes, &trie->nodes_allocated, trie->n_nodes, sizeof(*trie->nodes));

	trie->nodes = nodes;
	if (r < 0)
		return r;
	*ret_index = trie->n_nodes++;
	return 0;
}

static int skip_new(struct builder *b, __u32 *ret_index)
{
	struct vg_trie *trie = &b->trie;
	void *skips = trie->skips;
	int r = grow(&skips, &trie->skips_allocated, trie->n_skips, sizeof(*trie->skips));

	trie->skips = skips;
	if (r < 0)
		return r;
	*ret_index = trie->n_skips++;
	return 0;
}

/* `count` bits (1 to 64) of an address, right-aligned, from bit `from` on; past the end they are 0. */
static __u64 address_bits(const struct vg_address *address, unsigned from, unsigned count)
{
	__u64 word;

	if (from >= 128)
		return 0;
	if (from >= 64)
		word = address->lo << (from - 64);
	else if (from)
		word = address->hi << from | address->lo >> (64 - from);
	else
		word = address->hi;
	return word >> (64 - count);
}

static unsigned common_bits(const struct vg_address *a, const struct vg_address *b)
{
	if (a->hi != b->hi)
		return __builtin_clzll(a->hi ^ b->hi);
	if (a->lo != b->lo)
		return 64 + __builtin_clzll(a->lo ^ b->lo);
	return 128;
}

/* Routes come shortest first, equal ones lowest source first: the first of a length keeps it. */
static void merge(struct merged *m, const struct vg_route *route)
{
	m->sets |= route->sets;
	m->flags |= route->flags;
	if (route->sets && (m->source == VG_TRIE_NO_SOURCE || route->prefix.length > m->length)) {
		m->source = route->source;
		m->length = route->prefix.length;
	}
}

static int leaf(struct builder *b, const struct merged *m, __u32 *ret_entry)
{
	struct vg_trie_class class = {.sets = m->sets, .flags = m->flags, .source = m->source};
	__u32 index;
	int r;

	if (class.flags & VG_ROUTE_MARTIAN_UNLISTED && !class.sets)
		class.flags |= VG_CLASS_MARTIAN;
	class.flags &= ~VG_ROUTE_MARTIAN_UNLISTED;
	r = classes_intern(b->classes, &class, &index);
	if (r < 0)
		return r;
	*ret_entry = VG_ENTRY_LEAF | index;
	return 0;
}

/* One of the 256 ways on from a node: what covers it, and the routes that lie deeper inside it. */
struct slot {
	struct merged merged;
	size_t first, n;
};

/*
 * Sorts the routes [first, first + n), which share their first `depth` bits and are longer than that,
 * by their next byte: those of up to depth + 8 bits cover slots, each other one is inside one.
 */
static void spread(const struct builder *b, size_t first, size_t n, unsigned depth, struct merged m,
		   struct slot slots[256])
{
	for (unsigned s = 0; s < 256; s++)
		slots[s] = (struct slot){.merged = m};
	for (size_t i = first; i < first + n; i++) {
		const struct vg_prefix *p = &b->routes[i].prefix;
		const unsigned s = address_bits(&p->address, depth, 8);

		if (p->length > depth + 8) {
			if (!slots[s].n++)
				slots[s].first = i;
			continue;
		}
		for (unsigned k = 0; k < 1u << (depth + 8 - p->length); k++)
			merge(&slots[s + k].merged, &b->routes[i]);
	}
}

static int build_below(struct builder *b, size_t first, size_t n, unsigned depth, struct merged m,
		       __u32 *ret_entry);

/* The 256 entries behind `depth` bits that the routes [first, first + n) share. */
static int fill_entries(struct builder *b, size_t first, size_t n, unsigned depth, struct merged m,
			__u32 entries[256])
{
	struct slot slots[256];
	int r = 0;

	spread(b, first, n, depth, m, slots);
	for (unsigned s = 0; r >= 0 && s < 256; s++)
		r = build_below(b, slots[s].first, slots[s].n, depth + 8, slots[s].merged,
				&entries[s]);
	return r;
}

static int build_node(struct builder *b, size_t first, size_t n, unsigned depth, struct merged m,
		      __u32 *ret_entry)
{
	struct vg_trie_node node;
	__u32 index;
	int r;

	r = fill_entries(b, first, n, depth, m, node.entry);
	if (r < 0)
		return r;
	r = node_new(b, &index);
	if (r < 0)
		return r;
	b->trie.nodes[index] = node;
	*ret_entry = VG_ENTRY_NODE | index;
	return 0;
}

/* How many whole bytes behind `depth` all these routes have in common. */
static unsigned common_bytes(const struct builder *b, size_t first, size_t n, unsigned depth)
{
	unsigned bits = common_bits(&b->routes[first].prefix.address,
				    &b->routes[first + n - 1].prefix.address);

	for (size_t i = first; i < first + n && bits >= depth + 8; i++)
		if (b->routes[i].prefix.length < bits)
			bits = b->routes[i].prefix.length;
	return bits > depth ? (bits - depth) / 8 : 0;
}

static int build_skip(struct builder *b, size_t first, size_t n, unsigned depth, unsigned bytes,
		      struct merged m, __u32 *ret_entry)
{
	struct vg_trie_skip skip = {.bits = bytes * 8};
	__u32 index;
	int r;

	skip.value = address_bits(&b->routes[first].prefix.address, depth, skip.bits)
		     << (64 - skip.bits);
	r = leaf(b, &m, &skip.miss);
	if (r < 0)
		return r;
	for (; n && b->routes[first].prefix.length == depth + skip.bits; first++, n--)
		merge(&m, &b->routes[first]);
	r = build_below(b, first, n, depth + skip.bits, m, &skip.hit);
	if (r < 0)
		return r;
	r = skip_new(b, &index);
	if (r < 0)
		return r;
	b->trie.skips[index] = skip;
	*ret_entry = VG_ENTRY_SKIP | index;
	return 0;
}

/* The entry for routes that share their first `depth` bits and are longer than that. */
static int build_below(struct builder *b, size_t first, size_t n, unsigned depth, struct merged m,
		       __u32 *ret_entry)
{
	const unsigned max = VG_TRIE_SKIP_MAX_BITS / 8;
	unsigned bytes;

	if (!n)
		return leaf(b, &m, ret_entry);
	bytes = common_bytes(b, first, n, depth);
	if (bytes)
		return build_skip(b, first, n, depth, bytes < max ? bytes : max, m, ret_entry);
	return build_node(b, first, n, depth, m, ret_entry);
}

static int route_compare(const void *a, const void *b)
{
	const struct vg_route *x = a, *y = b;
	const int order = vg_prefix_compare(&x->prefix, &y->prefix);

	return order ? order : (x->source > y->source) - (x->source < y->source);
}

/* Two bytes at once: each first byte's 256 entries, one after the other. */
static int build_root(struct builder *b, size_t n)
{
	struct slot slots[256];
	int r = 0;

	b->trie.root = malloc(sizeof(*b->trie.root));
	if (!b->trie.root)
		return -ENOMEM;
	spread(b, 0, n, 0, (struct merged){.source = VG_TRIE_NO_SOURCE}, slots);
	for (unsigned s = 0; r >= 0 && s < 256; s++)
		r = fill_entries(b, slots[s].first, slots[s].n, 8, slots[s].merged,
				 &b->trie.root->entry[s * 256]);
	return r;
}

int vg_trie_build(struct vg_route *routes, size_t n, struct vg_classes *classes,
		  struct vg_trie *ret_trie)
{
	struct builder b = {.routes = routes, .classes = classes};
	int r;

	if (n)
		qsort(routes, n, sizeof(*routes), route_compare);
	r = build_root(&b, n);
	if (r < 0) {
		vg_trie_done(&b.trie);
		return r;
	}
	*ret_trie = b.trie;
	return 0;
}

void vg_trie_done(struct vg_trie *trie)
{
	free(trie->root);
	free(trie->nodes);
	free(trie->skips);
	*trie = (struct vg_trie){0};
}
