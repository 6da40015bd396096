// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/classes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

int vg_classes_intern(struct vg_classes *classes, const struct vg_trie_class *class,
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
	r = vg_classes_intern(classes, &none, &index);
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
