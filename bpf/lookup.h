/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From an address to its class, from which martians, essentials and set membership all follow. */
#ifndef VPCGATE_BPF_LOOKUP_H
#define VPCGATE_BPF_LOOKUP_H

#include "bpf/trie.h"

/* The mask keeps a corrupt table from reading beyond the classes; ours needs none. */
static __always_inline const struct vg_class *vg_class_at(__u32 index)
{
	return &classes[index & (VG_MAX_CLASSES - 1)];
}

static __always_inline const struct vg_class *vg_class_of4(const __be32 *address)
{
	return vg_class_at(vg_classify4(&source4_root, address, vg_source4_below));
}

static __always_inline const struct vg_class *vg_class_of6(const struct in6_addr *address)
{
	return vg_class_at(vg_classify6(&source6_root, address, vg_source6_below));
}

/* Does the root alone tell the class? */
static __always_inline bool vg_root_class4(const __be32 *address, const struct vg_class **ret_class)
{
	const __u32 entry = vg_root_entry(&source4_root, address);

	if (vg_kind(entry) != VG_ENTRY_LEAF)
		return false;
	*ret_class = vg_class_at(entry);
	return true;
}

static __always_inline bool vg_root_class6(const struct in6_addr *address,
					   const struct vg_class **ret_class)
{
	const __u32 entry = vg_root_entry(&source6_root, address);

	if (vg_kind(entry) != VG_ENTRY_LEAF)
		return false;
	*ret_class = vg_class_at(entry);
	return true;
}

/* Where it doesn't: the same as the first two, without the call. */
static __always_inline const struct vg_class *vg_class_below4(const __be32 *address)
{
	return vg_class_at(vg_classify4(&source4_root, address, vg_source4_inline));
}

static __always_inline const struct vg_class *vg_class_below6(const struct in6_addr *address)
{
	return vg_class_at(vg_classify6(&source6_root, address, vg_source6_inline));
}

#endif
