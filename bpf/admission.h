/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 5: which service the frame is for, and whether its ingress setting admits the source. */
#ifndef VPCGATE_BPF_ADMISSION_H
#define VPCGATE_BPF_ADMISSION_H

#include "bpf/l4.h"
#include "bpf/trie.h"
#include "vpcgate/admit.h"

/*
 * Index into settings.nic of the NIC that a frame comes in or leaves by; one that no policy names is judged as
 * the first. Arithmetic and not branches: the verifier would follow each NIC through the program.
 */
static __always_inline __u32 vg_find_nic(__u32 ifindex)
{
	__u32 found = 0;

#pragma unroll
	for (__u32 i = 1; i < VG_MAX_INTERFACES; i++) {
		__u32 differ;

		if (i >= settings.nics)
			break;
		differ = settings.nic[i].ifindex ^ ifindex;
		differ |= -differ;   /* the top bit says whether it was 0 */
		barrier_var(differ); /* or clang makes a branch of it again */
		found += i * (1 - (differ >> 31));
	}
	return found & (VG_MAX_INTERFACES - 1);
}

/* A table that lacks the element, which ours don't, answers 0: unknown, or no service. */
static __always_inline __u32 vg_lookup16(void *table, __u32 index)
{
	const __u32 key = index >> 8;
	const struct vg_page16 *page = bpf_map_lookup_elem(table, &key);

	return page ? page->value[index & 255] : 0;
}

static __always_inline __u32 vg_l4_at(__u32 at)
{
	barrier_var(at); /* or clang leaves out the mask, which older verifiers need */
	return l4_table[at & (VG_L4_MAX - 1)];
}

/* An element of `l4_table` of a protocol that has ports. */
static __always_inline __u32 vg_look_up_port(__u32 protocol, __u32 port)
{
	if (protocol == IPPROTO_TCP)
		return vg_l4_at(VG_L4_BLOCK_TCP + port);
	if (protocol == IPPROTO_UDP)
		return vg_l4_at(VG_L4_BLOCK_UDP + port);
	return vg_l4_at(VG_L4_BLOCK_SCTP + port);
}

/* An element of `l4_table`; `port` is the destination's. */
static __always_inline __u32 vg_look_up_l4(__u32 protocol, __u32 port)
{
	if (protocol == VG_PROTOCOL_UNKNOWN)
		return settings.l4_unknown;
	if (port < VG_UNKNOWN)
		return vg_look_up_port(protocol, port);
	return vg_l4_at(VG_L4_BLOCK_PROTOCOL + (protocol & 255));
}

/* 1 + the index of the service for that destination class and L4, or 0. */
static __always_inline __u32 vg_find_service(__u32 destination, __u32 protocol, __u32 port)
{
	const __u32 found = vg_look_up_l4(protocol, port);

	return settings.to ? vg_lookup16(&services, destination * settings.l4_classes + found)
			   : found;
}

/* What is known of a frame once it was judged, for the counters. */
struct vg_judged {
	const volatile struct vg_nic *nic;
	__u32 nic_index; /* in settings.nic */
	__u32 source;	 /* counter slot */
	__u32 service;	 /* counter slot, or VG_NO_SERVICE */
	__u32 from; /* ifindex by which a packet that leaves has come in; 0: it is this host's */
	__u32 error_at; /* offset of an ICMP error's header, for row 10; 0: it isn't one */
};

static __always_inline struct vg_judged vg_judged_by(__u32 nic_index)
{
	return (struct vg_judged){
		.nic = &settings.nic[nic_index & (VG_MAX_INTERFACES - 1)],
		.nic_index = nic_index,
		.source = VG_SOURCE_NONE,
		.service = VG_NO_SERVICE,
	};
}

static __always_inline __u32 vg_admit_any(const struct vg_class *class,
					  const volatile struct vg_nic *nic)
{
	return vg_admit(nic->admission.open, nic->admission.sets, class->sets);
}

/* What rows 7, 8, 11 and 12 say, and by which service (counter slot, or VG_NO_SERVICE). */
struct vg_ruling {
	__u16 outcome;
	__u16 service;
};

/* NULL where it is missing, which ours never is. `service`: 0 for none, else 1 + its index. */
static __always_inline const struct vg_admission *
vg_admission_row(const volatile struct vg_nic *nic, __u32 service)
{
	const __u32 key = nic->rule * settings.admissions + service;

	return bpf_map_lookup_elem(&admission, &key);
}

/* `destination` is the class of the frame's destination, 0 where no `to` names it. */
static __always_inline struct vg_ruling vg_admit_l4(const struct vg_class *class,
						    const volatile struct vg_nic *nic,
						    __u32 destination, __u32 protocol, __u32 port)
{
	const struct vg_admission *a;

	if (!settings.services)
		return (struct vg_ruling){vg_admit_any(class, nic), VG_NO_SERVICE};
	a = vg_admission_row(nic, vg_find_service(destination, protocol, port));
	if (!a)
		return (struct vg_ruling){VG_DROP_UNLISTED, VG_NO_SERVICE};
	return (struct vg_ruling){vg_admit(a->open, a->sets, class->sets), a->service};
}

#endif
