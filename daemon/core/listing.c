/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/intervals.h"
#include "core/listing.h"
#include "share/cleanup.h"

#define FIRST_ALLOCATION 16

const char *vg_range_use_text(enum vg_range_use use)
{
#define USE_TEXT(use, text) text,
	static const char *const texts[] = {VG_RANGE_USES(USE_TEXT)};
#undef USE_TEXT

	return texts[use];
}

bool vg_listing_is_too_wide(const struct vg_prefix *prefix)
{
	return prefix->length < (prefix->address.family == 4 ? 4 : 8);
}

int vg_range_use_parse(const char *text, enum vg_range_use *ret_use)
{
	for (int use = 0; use < VG_RANGE_USE_MAX; use++) {
		if (!strcmp(vg_range_use_text(use), text)) {
			*ret_use = use;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- what a listing holds ---- */

static int grow(struct vg_listing *listing)
{
	const size_t wanted = listing->allocated ? 2 * listing->allocated : FIRST_ALLOCATION;
	struct vg_listed *items = reallocarray(listing->items, wanted, sizeof(*items));

	if (!items)
		return -ENOMEM;
	listing->items = items;
	listing->allocated = wanted;
	return 0;
}

int vg_listing_add(struct vg_listing *listing, const struct vg_prefix *prefix,
		   enum vg_range_use use, __u16 scope)
{
	int r;

	if (listing->n >= VG_LISTING_MAX_RANGES)
		return -E2BIG;
	if (listing->n == listing->allocated) {
		r = grow(listing);
		if (r < 0)
			return r;
	}
	listing->items[listing->n++] = (struct vg_listed){*prefix, use, scope};
	return 0;
}

int vg_listing_scope(struct vg_listing *listing, const char *name, __u16 *ret_scope)
{
	_cleanup_free_ char *copy = NULL;
	char **scopes;
	size_t i;

	/* Documents list scope by scope, so that it is the last one most of the time. */
	for (i = listing->n_scopes; i-- > 0;) {
		if (!strcmp(listing->scopes[i], name)) {
			*ret_scope = i;
			return 0;
		}
	}
	if (listing->n_scopes >= VG_LISTING_MAX_SCOPES)
		return -E2BIG;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	scopes = reallocarray(listing->scopes, listing->n_scopes + 1, sizeof(*scopes));
	if (!scopes)
		return -ENOMEM;
	listing->scopes = scopes;
	scopes[listing->n_scopes] = VG_TAKE_PTR(copy);
	*ret_scope = listing->n_scopes++;
	return 0;
}

int vg_listed_compare(const struct vg_listed *a, const struct vg_listed *b)
{
	const int order = vg_prefix_compare(&a->prefix, &b->prefix);

	return order ? order : a->use - b->use;
}

/* Scopes too, so that the one of several equal ranges that stays doesn't depend on their order. */
static int compare_listed(const void *a, const void *b)
{
	const struct vg_listed *left = a, *right = b;
	const int order = vg_listed_compare(left, right);

	return order ? order : left->scope - right->scope;
}

void vg_listing_sort(struct vg_listing *listing)
{
	size_t n = 0;

	if (!listing->n)
		return;
	qsort(listing->items, listing->n, sizeof(*listing->items), compare_listed);
	for (size_t i = 1; i < listing->n; i++) {
		if (vg_listed_compare(&listing->items[n], &listing->items[i]))
			listing->items[++n] = listing->items[i];
	}
	listing->n = n + 1;
}

void vg_listing_done(struct vg_listing *listing)
{
	for (size_t i = 0; i < listing->n_scopes; i++)
		free(listing->scopes[i]);
	free(listing->scopes);
	free(listing->items);
	*listing = (struct vg_listing){};
}

bool vg_listing_equal(const struct vg_listing *a, const struct vg_listing *b)
{
	if (a->n != b->n || a->shared != b->shared)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (vg_listed_compare(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

void vg_listing_count_changes(const struct vg_listing *old, const struct vg_listing *new,
			      size_t *ret_added, size_t *ret_removed)
{
	size_t i = 0, j = 0, added = 0, removed = 0;

	while (i < old->n || j < new->n) {
		const int order = i == old->n	? 1
				  : j == new->n ? -1
						: vg_listed_compare(&old->items[i], &new->items[j]);

		removed += order < 0;
		added += order > 0;
		i += order <= 0;
		j += order >= 0;
	}
	*ret_added = added;
	*ret_removed = removed;
}

int vg_listing_keep(struct vg_listing *listing, const struct vg_listing *old,
		    const char *const *scopes, size_t n_scopes)
{
	_cleanup_free_ bool *kept = calloc(old->n_scopes + 1, sizeof(*kept));
	bool all = false;

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < n_scopes; i++) {
		all = all || !strcmp(scopes[i], VG_LISTING_ANY_SCOPE);
		for (size_t s = 0; s < old->n_scopes; s++)
			kept[s] = kept[s] || !strcmp(scopes[i], old->scopes[s]);
	}
	for (size_t i = 0; i < old->n; i++) {
		const struct vg_listed *item = &old->items[i];
		const bool scoped = item->scope < old->n_scopes;
		__u16 scope = VG_LISTING_NO_SCOPE;
		int r = 0;

		if (!all && !(scoped && kept[item->scope]))
			continue;
		if (scoped)
			r = vg_listing_scope(listing, old->scopes[item->scope], &scope);
		if (r >= 0)
			r = vg_listing_add(listing, &item->prefix, item->use, scope);
		if (r < 0)
			return r;
	}
	vg_listing_sort(listing);
	return 0;
}

/* ---- sets of addresses ---- */

/* Addresses from `first` to `last`. An IPv4 address stands for all numbers that begin with it. */
struct span {
	vg_number first, last;
	__u8 family;
};

struct spans {
	struct span *items;
	size_t n;
};

static void spans_done(struct spans *spans)
{
	free(spans->items);
}

static struct span span_of(const struct vg_prefix *prefix)
{
	const vg_number first = vg_number_of(&prefix->address);
	const vg_number inside = prefix->length < 128 ? ~(vg_number)0 >> prefix->length : 0;

	return (struct span){first, first | inside, prefix->address.family};
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	if (left->family != right->family)
		return left->family - right->family;
	return (left->first > right->first) - (left->first < right->first);
}

/* Joins those that overlap or touch: no address before one's first or after its last is in the set. */
static void join(struct spans *spans)
{
	size_t n = 0;

	for (size_t i = 1; i < spans->n; i++) {
		struct span *before = &spans->items[n];
		const struct span *span = &spans->items[i];

		if (span->family != before->family ||
		    (span->first > before->last && span->first - before->last > 1))
			spans->items[++n] = *span;
		else if (span->last > before->last)
			before->last = span->last;
	}
	spans->n = spans->n ? n + 1 : 0;
}

/* The ranges of one use, or of all with VG_RANGE_USE_MAX. In order, and apart from each other. */
static int spans_build(const struct vg_listing *listing, enum vg_range_use use,
		       struct spans *ret_spans)
{
	struct spans spans = {calloc(listing->n + 1, sizeof(*spans.items)), 0};

	if (!spans.items)
		return -ENOMEM;
	for (size_t i = 0; i < listing->n; i++) {
		if (use == VG_RANGE_USE_MAX || listing->items[i].use == use)
			spans.items[spans.n++] = span_of(&listing->items[i].prefix);
	}
	qsort(spans.items, spans.n, sizeof(*spans.items), compare_spans);
	join(&spans);
	*ret_spans = spans;
	return 0;
}

/* Since they don't touch, a range that several of the listing's cover lies in one of them. */
static bool covers(const struct spans *spans, const struct span *span)
{
	size_t low = 0, high = spans->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare_spans(&spans->items[middle], span) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && spans->items[low - 1].family == span->family &&
	       spans->items[low - 1].last >= span->last;
}

int vg_listing_gone(const struct vg_listing *old, const struct vg_listing *new, bool *ret_gone)
{
	for (int use = 0; use < VG_RANGE_USE_MAX; use++) {
		_cleanup_(spans_done) struct spans spans = {};
		const int r = spans_build(new, use, &spans);

		if (r < 0)
			return r;
		for (size_t i = 0; i < old->n; i++) {
			const struct span span = span_of(&old->items[i].prefix);

			if (old->items[i].use == use)
				ret_gone[i] = !covers(&spans, &span);
		}
	}
	return 0;
}

double vg_listing_share(const struct vg_listing *disjoint, int family)
{
	double share = 0;

	for (size_t i = 0; i < disjoint->n; i++) {
		const struct vg_prefix *prefix = &disjoint->items[i].prefix;
		const unsigned half = prefix->length / 2;

		/* In two steps: 2^128 is no number of any type. */
		if (prefix->address.family == family)
			share += 1.0 / (double)((vg_number)1 << half) /
				 (double)((vg_number)1 << (prefix->length - half));
	}
	return share;
}

/* How many of the bits of `number` behind the last one that is set: 128 of none. */
static unsigned trailing_zeros(vg_number number)
{
	const __u64 hi = number >> 64, lo = number;

	if (lo)
		return __builtin_ctzll(lo);
	return hi ? 64 + __builtin_ctzll(hi) : 128;
}

/* Adds the fewest prefixes that make up a span: each time the largest that begins where it does. */
static int add_span(struct vg_listing *listing, struct span span)
{
	for (;;) {
		unsigned bits = trailing_zeros(span.first);
		struct vg_prefix prefix = {{span.first >> 64, span.first, span.family}, 0};
		vg_number last;
		int r;

		while (bits && ~(vg_number)0 >> (128 - bits) > span.last - span.first)
			bits--;
		prefix.length = 128 - bits;
		r = vg_listing_add(listing, &prefix, VG_RANGE_ANY, VG_LISTING_NO_SCOPE);
		if (r < 0)
			return r;
		last = span_of(&prefix).last;
		if (last == span.last)
			return 0;
		span.first = last + 1;
	}
}

static bool before(const struct span *a, const struct span *b)
{
	return a->family != b->family ? a->family < b->family : a->last < b->first;
}

/* Adds what is left of `rest` without those of `minus` from `*at` on, which moves along. */
static int add_rest(struct vg_listing *listing, struct span rest, const struct spans *minus,
		    size_t *at)
{
	while (*at < minus->n && before(&minus->items[*at], &rest))
		++*at;
	for (; *at < minus->n && !before(&rest, &minus->items[*at]); ++*at) {
		const struct span *hole = &minus->items[*at];

		if (hole->first > rest.first) {
			const struct span piece = {rest.first, hole->first - 1, rest.family};
			const int r = add_span(listing, piece);

			if (r < 0)
				return r;
		}
		if (hole->last >= rest.last)
			return 0;
		rest.first = hole->last + 1;
	}
	return add_span(listing, rest);
}

int vg_listing_subtract(const struct vg_listing *from, const struct vg_listing *minus,
			struct vg_listing *ret_difference)
{
	_cleanup_(vg_listing_done) struct vg_listing difference = {};
	_cleanup_(spans_done) struct spans whole = {}, holes = {};
	size_t at = 0;
	int r;

	r = spans_build(from, VG_RANGE_USE_MAX, &whole);
	if (r >= 0)
		r = spans_build(minus, VG_RANGE_USE_MAX, &holes);
	for (size_t i = 0; r >= 0 && i < whole.n; i++)
		r = add_rest(&difference, whole.items[i], &holes, &at);
	if (r < 0)
		return r;
	*ret_difference = difference;
	difference = (struct vg_listing){};
	return 0;
}
