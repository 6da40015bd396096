/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a source address to its class, from which martians, essentials and set membership all follow. */
#ifndef VPCGATE_BPF_LOOKUP_H
#define VPCGATE_BPF_LOOKUP_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include "bpf/trie.h"

/* The mask keeps a corrupt table from reading beyond the classes; ours needs none. */
static __always_inline const struct vg_class *vg_class_at(__u32 index)
{
	return &classes[index & (VG_MAX_CLASSES - 1)];
}

static __always_inline const struct vg_class *vg_source_class4(const struct iphdr *ip)
{
	return vg_class_at(vg_classify4(&source4_root, ip->saddr, vg_source4_below));
}

static __always_inline const struct vg_class *vg_source_class6(const struct ipv6hdr *ip)
{
	return vg_class_at(vg_classify6(&source6_root, &ip->saddr, vg_source6_below));
}

#endif
