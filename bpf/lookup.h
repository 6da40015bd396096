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

static __always_inline const struct vg_class *vg_class_of4(__be32 address_be)
{
	return vg_class_at(vg_classify4(&source4_root, address_be, vg_source4_below));
}

static __always_inline const struct vg_class *vg_class_of6(const struct in6_addr *address)
{
	return vg_class_at(vg_classify6(&source6_root, address, vg_source6_below));
}

#endif
