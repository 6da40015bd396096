/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walk of the compiled multibit trie (layout: vpcgate/abi.h, builder: daemon/core/trie.c). */
#ifndef VPCGATE_BPF_TRIE_H
#define VPCGATE_BPF_TRIE_H

#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include "bpf/maps.h"

/* Levels below the two root bytes. */
#define VG_TRIE_LEVELS4 2
#define VG_TRIE_LEVELS6 14

/* The rest of an address: the next bits are the top bits of `hi`. */
struct vg_bits {
	__u64 hi;
	__u64 lo;
};

/* `count` is 8 to 56, so that no shift reaches 64. */
static __always_inline void vg_bits_drop(struct vg_bits *bits, __u32 count)
{
	bits->hi = bits->hi << count | bits->lo >> (64 - count);
	bits->lo <<= count;
}

static __always_inline __u32 vg_trie_node_entry(void *nodes, __u32 index, struct vg_bits *bits)
{
	const struct vg_trie_node *node = bpf_map_lookup_elem(nodes, &index);
	const __u32 byte = bits->hi >> 56;

	if (!node)
		return VG_ENTRY_LEAF | VG_CLASS_NONE;
	vg_bits_drop(bits, 8);
	return node->entry[byte];
}

static __always_inline __u32 vg_trie_skip_entry(void *skips, __u32 index, struct vg_bits *bits)
{
	const struct vg_trie_skip *skip = bpf_map_lookup_elem(skips, &index);
	__u32 count;

	if (!skip)
		return VG_ENTRY_LEAF | VG_CLASS_NONE;
	count = skip->bits & 63;
	if ((bits->hi ^ skip->value) >> (64 - count))
		return skip->miss;
	vg_bits_drop(bits, count);
	return skip->hit;
}

/*
 * From a root entry to a class. A walk that doesn't end within `levels`, which a table of ours can't
 * cause, is in no set: an allow-list fails closed.
 */
static __always_inline __u32 vg_trie_walk(void *nodes, void *skips, __u32 entry,
					  struct vg_bits bits, int levels)
{
	for (int i = 0; i < levels; i++) {
		const __u32 kind = entry & VG_ENTRY_KIND;

		if (kind == VG_ENTRY_LEAF)
			return entry;
		if (kind == VG_ENTRY_NODE)
			entry = vg_trie_node_entry(nodes, entry & VG_ENTRY_INDEX, &bits);
		else
			entry = vg_trie_skip_entry(skips, entry & VG_ENTRY_INDEX, &bits);
	}
	return entry & VG_ENTRY_KIND ? VG_CLASS_NONE : entry;
}

/*
 * The walks below the root. Those that may be long are global functions: the verifier checks such a
 * function once, whatever its callers know, instead of once on every way that leads to it.
 */
static __always_inline __u32 vg_source4_below(__u32 entry, __u64 hi, __u64 lo)
{
	return vg_trie_walk(&source4_nodes, &source4_skips, entry, (struct vg_bits){hi, lo},
			    VG_TRIE_LEVELS4);
}

__noinline __u32 vg_source6_below(__u32 entry, __u64 hi, __u64 lo)
{
	return vg_trie_walk(&source6_nodes, &source6_skips, entry, (struct vg_bits){hi, lo},
			    VG_TRIE_LEVELS6);
}

__noinline __u32 vg_to4_below(__u32 entry, __u64 hi, __u64 lo)
{
	return vg_trie_walk(&to4_nodes, &to4_skips, entry, (struct vg_bits){hi, lo},
			    VG_TRIE_LEVELS4);
}

__noinline __u32 vg_to6_below(__u32 entry, __u64 hi, __u64 lo)
{
	return vg_trie_walk(&to6_nodes, &to6_skips, entry, (struct vg_bits){hi, lo},
			    VG_TRIE_LEVELS6);
}

typedef __u32 vg_below(__u32 entry, __u64 hi, __u64 lo);

static __always_inline __u32 vg_classify4(const struct vg_trie_root *root, __be32 address_be,
					  vg_below *below)
{
	const __u32 address = bpf_ntohl(address_be);
	const __u32 entry = root->entry[address >> 16];

	if ((entry & VG_ENTRY_KIND) == VG_ENTRY_LEAF)
		return entry;
	return below(entry, (__u64)address << 48, 0);
}

static __always_inline __u64 vg_word(const __be32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

static __always_inline __u32 vg_classify6(const struct vg_trie_root *root,
					  const struct in6_addr *address, vg_below *below)
{
	const __u32 entry = root->entry[bpf_ntohs(address->in6_u.u6_addr16[0])];
	struct vg_bits rest;

	if ((entry & VG_ENTRY_KIND) == VG_ENTRY_LEAF)
		return entry;
	rest.hi = vg_word(&address->in6_u.u6_addr32[0]);
	rest.lo = vg_word(&address->in6_u.u6_addr32[2]);
	vg_bits_drop(&rest, 16);
	return below(entry, rest.hi, rest.lo);
}

#endif
