// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/intervals.h"
#include "core/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"

/*
 * The routes stay where they are, and are visited in another order: each visit would wait for memory
 * if it were not asked for some visits before.
 */
#define AHEAD 16

static const struct vg_route *visit(const struct vg_route *routes, const __u32 *order, size_t i,
				    size_t n)
{
	if (i + AHEAD < n)
		__builtin_prefetch(&routes[order[i + AHEAD]]);
	return &routes[order[i]];
}

/* ---- order: by address, then length, then source ---- */

#define DIGIT_BITS 16
#define DIGITS (1u << DIGIT_BITS)

/* What routes are sorted by, the least digit first: source, length, then the address from its end. */
#define N_KEY_DIGITS 10

static unsigned key_digit(const struct vg_route *route, unsigned digit)
{
	const struct vg_address *address = &route->prefix.address;

	if (digit == 0)
		return route->source;
	if (digit == 1)
		return route->prefix.length;
	if (digit < 6)
		return address->lo >> (DIGIT_BITS * (digit - 2)) & (DIGITS - 1);
	return address->hi >> (DIGIT_BITS * (digit - 6)) & (DIGITS - 1);
}

/* Counts how often each value of a digit occurs; false where all routes have the same. */
static bool count_digit(const struct vg_route *routes, size_t n, unsigned digit, __u32 *counts)
{
	memset(counts, 0, DIGITS * sizeof(*counts));
	for (size_t i = 0; i < n; i++)
		counts[key_digit(&routes[i], digit)]++;
	return counts[key_digit(&routes[0], digit)] != n;
}

static void sort_by_digit(const struct vg_route *routes, size_t n, unsigned digit, __u32 *next,
			  const __u32 *from, __u32 *to)
{
	__u32 sum = 0;

	for (unsigned value = 0; value < DIGITS; value++) {
		const __u32 count = next[value];

		next[value] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[next[key_digit(visit(routes, from, i, n), digit)]++] = from[i];
}

/* Radix sort of the routes' indices. */
static int sort_routes(const struct vg_route *routes, size_t n, __u32 **ret_order)
{
	_cleanup_free_ __u32 *order = vg_large_alloc(n, sizeof(*order));
	_cleanup_free_ __u32 *spare = vg_large_alloc(n, sizeof(*spare));
	_cleanup_free_ __u32 *counts = calloc(DIGITS, sizeof(*counts));

	if (!order || !spare || !counts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (unsigned digit = 0; digit < N_KEY_DIGITS; digit++) {
		__u32 *sorted = spare;

		if (!count_digit(routes, n, digit, counts))
			continue;
		sort_by_digit(routes, n, digit, counts, order, sorted);
		spare = order;
		order = sorted;
	}
	*ret_order = VG_TAKE_PTR(order);
	return 0;
}

/* ---- sweep: from the first address to the last, with the prefixes around it on a stack ---- */

/* A prefix around the address that the sweep is at, and what it and those around it add up to. */
struct scope {
	vg_number last; /* address */
	__u64 sets;
	__u16 flags;
	__u16 source;
	__u32 class;
};

#define MAX_SCOPES 130 /* all addresses, then lengths 0 to 128 */

struct sweep {
	struct scope scopes[MAX_SCOPES];
	struct scope *top;
	struct vg_classes *classes;
	struct vg_intervals intervals;
};

static int scope_class(struct sweep *s)
{
	struct vg_trie_class class = {s->top->sets, s->top->flags, s->top->source};

	if (class.flags & VG_ROUTE_MARTIAN_UNLISTED && !class.sets)
		class.flags |= VG_CLASS_MARTIAN;
	class.flags &= ~VG_ROUTE_MARTIAN_UNLISTED;
	return vg_classes_intern(s->classes, &class, &s->top->class);
}

/* From `start` on, the class is that of the innermost prefix. */
static void begin_interval(struct sweep *s, vg_number start)
{
	struct vg_intervals *all = &s->intervals;

	if (all->n && all->items[all->n - 1].start == start)
		all->n--;
	if (!all->n || all->items[all->n - 1].class != s->top->class)
		all->items[all->n++] = (struct vg_interval){start, s->top->class};
}

static void leave_scopes_before(struct sweep *s, vg_number start)
{
	while (s->top->last < start) {
		const vg_number end = s->top->last + 1;

		s->top--;
		begin_interval(s, end);
	}
}

/* Enters the prefix of `n` routes, the first of which has the lowest source. */
static int enter_scope(struct sweep *s, const struct vg_route *routes, const __u32 *order, size_t n)
{
	const struct vg_prefix *prefix = &routes[*order].prefix;
	const vg_number start = vg_number_of(&prefix->address);
	const vg_number inside = prefix->length < 128 ? ~(vg_number)0 >> prefix->length : 0;
	bool listed = false;
	int r;

	leave_scopes_before(s, start);
	s->top[1] = s->top[0];
	s->top++;
	s->top->last = start | inside;
	for (size_t i = 0; i < n; i++) {
		const struct vg_route *route = &routes[order[i]];

		s->top->sets |= route->sets;
		s->top->flags |= route->flags;
		if (route->sets && !listed) {
			s->top->source = route->source;
			listed = true;
		}
	}
	r = scope_class(s);
	if (r >= 0)
		begin_interval(s, start);
	return r;
}

static int sweep_routes(struct sweep *s, const struct vg_route *routes, const __u32 *order,
			size_t n)
{
	size_t same;

	for (size_t i = 0; i < n; i += same) {
		int r;

		for (same = 1; i + same < n; same++)
			if (vg_prefix_compare(&routes[order[i]].prefix,
					      &visit(routes, order, i + same, n)->prefix))
				break;
		r = enter_scope(s, routes, &order[i], same);
		if (r < 0)
			return r;
	}
	while (s->top > s->scopes) {
		const vg_number last = s->top->last;

		s->top--;
		if (last != ~(vg_number)0)
			begin_interval(s, last + 1);
	}
	return 0;
}

static int sweep_begin(struct sweep *s, size_t n_routes, struct vg_classes *classes)
{
	int r;

	*s = (struct sweep){.top = s->scopes, .classes = classes};
	s->scopes[0] = (struct scope){.last = ~(vg_number)0, .source = VG_TRIE_NO_SOURCE};
	s->intervals.items = vg_large_alloc(2 * n_routes + 1, sizeof(*s->intervals.items));
	if (!s->intervals.items)
		return -ENOMEM;
	r = scope_class(s);
	if (r >= 0)
		begin_interval(s, 0);
	return r;
}

int vg_intervals_build(const struct vg_route *routes, size_t n, struct vg_classes *classes,
		       struct vg_intervals *ret_intervals)
{
	_cleanup_free_ __u32 *order = NULL;
	struct sweep s;
	int r = n ? sort_routes(routes, n, &order) : 0;

	if (r < 0)
		return r;
	r = sweep_begin(&s, n, classes);
	if (r >= 0)
		r = sweep_routes(&s, routes, order, n);
	if (r < 0) {
		vg_intervals_done(&s.intervals);
		return r;
	}
	*ret_intervals = s.intervals;
	return 0;
}

void vg_intervals_done(struct vg_intervals *intervals)
{
	free(intervals->items);
	*intervals = (struct vg_intervals){0};
}
