/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stage 5, for fragments: the later ones follow the first, which is remembered where the verdict
 * depended on its L4. A receiver puts a datagram together only if it has the first fragment, so that
 * a verdict on that one holds for all, as long as no other fragment can change what it says.
 */
#ifndef VPCGATE_BPF_FRAGMENTS_H
#define VPCGATE_BPF_FRAGMENTS_H

#include "bpf/admission.h"
#include "bpf/flows.h"

static __always_inline struct vg_fragment_key
vg_fragment_key4(const struct iphdr *ip, const struct vg_l4 *l4, const struct vg_judged *j)
{
	struct vg_fragment_key key = {
		.id = l4->fragment_id, .protocol = ip->protocol, .family = 4, .nic = j->nic->slot};

	key.source[0] = ip->saddr;
	key.destination[0] = ip->daddr;
	return key;
}

static __always_inline struct vg_fragment_key
vg_fragment_key6(const struct ipv6hdr *ip, const struct vg_l4 *l4, const struct vg_judged *j)
{
	struct vg_fragment_key key = {.id = l4->fragment_id, .family = 6, .nic = j->nic->slot};

	__builtin_memcpy(key.source, &ip->saddr, sizeof(key.source));
	__builtin_memcpy(key.destination, &ip->daddr, sizeof(key.destination));
	return key;
}

/* The verdict on a later fragment, or VG_CONTINUE where it is judged with unknown L4. */
static __always_inline __u32 vg_follow(const struct vg_fragment_key *key, const struct vg_l4 *l4,
				       struct vg_judged *j)
{
	const __u32 lifetime_s =
		key->family == 4 ? VG_FRAGMENT_LIFETIME4_S : VG_FRAGMENT_LIFETIME6_S;
	const struct vg_fragment *first;

	if (l4->offset < vg_header_size(l4->fragment_protocol))
		return VG_DROP_FRAGMENT;
	first = bpf_map_lookup_elem(&fragments, key);
	if (!first || vg_is_over(first->seen_s, lifetime_s, vg_now_s()))
		return VG_CONTINUE;
	if (l4->offset < first->headers_end)
		return VG_DROP_FRAGMENT;
	j->service = first->service;
	return first->outcome;
}

/*
 * Remembers a first fragment, or forgets an earlier one of the same id. `unknown` is how its later
 * fragments would be judged on their own: where that is the same, or another reason to drop, memory
 * has nothing to add, and what is refused from outside can't push out what was admitted.
 */
static __always_inline void vg_remember(const struct vg_fragment_key *key, const struct vg_l4 *l4,
					const struct vg_ruling *ruling,
					const struct vg_ruling *unknown)
{
	struct vg_fragment first = {.outcome = ruling->outcome, .service = ruling->service};

	if ((first.outcome == unknown->outcome && first.service == unknown->service) ||
	    (first.outcome >= VG_DROP_FIRST && unknown->outcome >= VG_DROP_FIRST)) {
		bpf_map_delete_elem(&fragments, key);
		return;
	}
	first.seen_s = vg_now_s();
	first.headers_end = l4->offset + vg_header_size(l4->protocol);
	bpf_map_update_elem(&fragments, key, &first, BPF_ANY);
}

/* Out of line, so that they cost the others no registers, and their keys no stack. */
static __noinline __u32 vg_follow4(const struct iphdr *ip, const struct vg_l4 *l4,
				   struct vg_judged *j)
{
	const struct vg_fragment_key key = vg_fragment_key4(ip, l4, j);

	return vg_follow(&key, l4, j);
}

static __noinline __u32 vg_follow6(const struct ipv6hdr *ip, const struct vg_l4 *l4,
				   struct vg_judged *j)
{
	const struct vg_fragment_key key = vg_fragment_key6(ip, l4, j);

	return vg_follow(&key, l4, j);
}

static __noinline void vg_remember4(const struct iphdr *ip, const struct vg_l4 *l4,
				    const struct vg_judged *j, const struct vg_ruling *ruling,
				    const struct vg_ruling *unknown)
{
	const struct vg_fragment_key key = vg_fragment_key4(ip, l4, j);

	vg_remember(&key, l4, ruling, unknown);
}

static __noinline void vg_remember6(const struct ipv6hdr *ip, const struct vg_l4 *l4,
				    const struct vg_judged *j, const struct vg_ruling *ruling,
				    const struct vg_ruling *unknown)
{
	const struct vg_fragment_key key = vg_fragment_key6(ip, l4, j);

	vg_remember(&key, l4, ruling, unknown);
}

#endif
