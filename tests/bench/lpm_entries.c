// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/lpm_entries.h"

#include <stdlib.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"

#define MARTIAN_UNLISTED 0x8000 /* a martian, unless a set holds it */

/* What an address is by itself: rows 5 and 6 of the verdicts. */
static const struct {
	const char *prefix;
	__u16 flags;
} special[] = {
	{"0.0.0.0/8", VG_CLASS_MARTIAN},	  {"127.0.0.0/8", VG_CLASS_MARTIAN},
	{"224.0.0.0/4", VG_CLASS_MARTIAN},	  {"240.0.0.0/4", MARTIAN_UNLISTED},
	{"255.255.255.255/32", VG_CLASS_MARTIAN}, {"169.254.169.254/32", VG_CLASS_METADATA},
	{"10.0.0.0/8", VG_CLASS_DHCP4},		  {"172.16.0.0/12", VG_CLASS_DHCP4},
	{"192.168.0.0/16", VG_CLASS_DHCP4},	  {"169.254.0.0/16", VG_CLASS_DHCP4},
	{"::/128", VG_CLASS_UNSPECIFIED6},	  {"::1/128", VG_CLASS_MARTIAN},
	{"ff00::/8", VG_CLASS_MARTIAN},		  {"fe80::/10", VG_CLASS_LINK_LOCAL6},
	{"fd20:ce::254/128", VG_CLASS_METADATA},
};

/* Entries that say what their own prefix adds, some prefixes more than once. */
static struct lpm_entry *list_all(const struct vg_policy *policy, const __u8 *slots, int family,
				  size_t *ret_n)
{
	size_t n = VG_ARRAY_SIZE(special);
	struct lpm_entry *all;

	for (size_t s = 0; s < policy->n_sets; s++)
		n += vg_set_size(&policy->sets[s]);
	all = calloc(n, sizeof(*all));
	if (!all)
		die("no memory");
	n = 0;
	for (size_t i = 0; i < VG_ARRAY_SIZE(special); i++) {
		all[n].class.flags = special[i].flags;
		if (vg_prefix_parse(special[i].prefix, &all[n].prefix, NULL, 0) < 0)
			die("no prefix: %s", special[i].prefix);
		n += all[n].prefix.address.family == family;
	}
	for (size_t s = 0; s < policy->n_sets; s++) {
		const struct vg_set *set = &policy->sets[s];

		for (size_t i = 0; i < vg_set_size(set); i++) {
			all[n].prefix = vg_set_range(set, i).prefix;
			all[n].class = (struct vg_class){.sets = 1ULL << s, .source = slots[s]};
			n += all[n].prefix.address.family == family;
		}
	}
	*ret_n = n;
	return all;
}

static int entry_order(const void *a, const void *b)
{
	const struct lpm_entry *x = a, *y = b;

	return vg_prefix_compare(&x->prefix, &y->prefix);
}

/* Adds what holds for a prefix around this one, or for the same one in another set. */
static void inherit(struct vg_class *class, const struct vg_class *from)
{
	if (!class->sets)
		class->source = from->source;
	class->sets |= from->sets;
	class->flags |= from->flags;
}

static bool is_around(const struct vg_prefix *outer, const struct vg_prefix *inner)
{
	return outer->length <= inner->length && vg_prefix_contains(outer, &inner->address);
}

/* Sorted, a prefix comes behind all that lie around it: those are on the stack. */
static size_t merge(struct lpm_entry *all, size_t n)
{
	size_t stack[129], depth = 0, merged = 0;

	for (size_t i = 0; i < n; i++) {
		if (merged && entry_order(&all[merged - 1], &all[i]) == 0) {
			inherit(&all[merged - 1].class, &all[i].class);
			continue;
		}
		while (depth && !is_around(&all[stack[depth - 1]].prefix, &all[i].prefix))
			depth--;
		all[merged] = all[i];
		if (depth)
			inherit(&all[merged].class, &all[stack[depth - 1]].class);
		stack[depth++] = merged++;
	}
	return merged;
}

struct lpm_entry *lpm_entries_make(const struct vg_policy *policy, const __u8 *slots, int family,
				   size_t *ret_n)
{
	size_t n;
	struct lpm_entry *all = list_all(policy, slots, family, &n);

	qsort(all, n, sizeof(*all), entry_order);
	n = merge(all, n);
	for (size_t i = 0; i < n; i++) {
		struct vg_class *class = &all[i].class;

		if (class->flags & MARTIAN_UNLISTED && !class->sets)
			class->flags |= VG_CLASS_MARTIAN;
		class->flags &= ~MARTIAN_UNLISTED;
	}
	*ret_n = n;
	return all;
}
