/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the datapath and userspace share: map values, limits and the settings of a policy program.
 * Numbers are in host byte order unless a name ends in _be. Addresses are two 64-bit words in host
 * order with the first address bit on top; an IPv4 address fills the upper half of the first.
 */
#ifndef VPCGATE_ABI_H
#define VPCGATE_ABI_H

#include <linux/types.h>
#include "vpcgate/verdict.h"

/* Changes with every layout below; pins of another version are replaced, never adopted. */
#define VG_ABI_VERSION 1

#define VG_NAME_SIZE 32	     /* names of sets, services and interfaces, with the NUL */
#define VG_MAX_INTERFACES 16 /* NICs filtered at once */
#define VG_MAX_SETS 60	     /* source sets that a config may name */
#define VG_MAX_SERVICES 1024
#define VG_MAX_DESTINATIONS 4096 /* `to` prefixes of all services together */
#define VG_MAX_PREFIXES4 1000000
#define VG_MAX_PREFIXES6 250000
#define VG_MAX_VLAN_TAGS 2
#define VG_MAX_EXTENSION_HEADERS 8

/* ---- counters: pinned, shared by all generations, written by the datapath alone ---- */

#define VG_MAX_SOURCES 64 /* counter slots of source sets; slot 0 is "in no set" */
#define VG_SOURCE_NONE 0

struct vg_count {
	__u64 packets;
	__u64 bytes;
};

/* Map `counters`, per CPU, one element an interface slot. */
struct vg_interface_counters {
	struct vg_count count[VG_ROW_MAX][VG_MAX_SOURCES];
};
_Static_assert(
	sizeof(struct vg_interface_counters) <= 32768,
	"a per-CPU value may not exceed PCPU_MIN_UNIT_SIZE, 32 KiB (include/linux/percpu.h)");

/* Map `service_counters`, per CPU, element interface slot * VG_MAX_SERVICES + service slot. */
struct vg_service_counters {
	struct vg_count count[VG_VERDICT_MAX];
};
_Static_assert(sizeof(struct vg_service_counters) == 48, "vg_service_counters has padding");

/*
 * Map `labels`: which name each counter slot belongs to, written by the daemon. An empty name is a
 * free slot. Interfaces come first, then sources, then services.
 */
struct vg_label {
	char name[VG_NAME_SIZE];
};
#define VG_LABEL_INTERFACE 0
#define VG_LABEL_SOURCE VG_MAX_INTERFACES
#define VG_LABEL_SERVICE (VG_LABEL_SOURCE + VG_MAX_SOURCES)
#define VG_LABEL_MAX (VG_LABEL_SERVICE + VG_MAX_SERVICES)

/* Map `state`, one element, written by the daemon at each publish. */
struct vg_state {
	__u32 abi_version;
	__u32 frags;	   /* 1: the programs are loaded as xdp.frags */
	__u64 generation;  /* 0: nothing published yet */
	__u64 published_s; /* seconds since 1970 */
	__u32 monitor;	   /* 1: drops are passed and counted as would-drop */
	__u32 pad;
	char config[256]; /* the file that the policy came from, cut to fit */
};
_Static_assert(sizeof(struct vg_state) == 288, "vg_state has padding");

/* ---- tables of one policy: filled before the policy program is loaded, never edited ---- */

/*
 * A table entry of 32 bits: the kind in the two top bits, an index below them. A walk starts at the
 * root, with the first two address bytes.
 */
#define VG_ENTRY_LEAF 0x00000000u /* index of a class */
#define VG_ENTRY_NODE 0x40000000u /* index of a node, entered with the next address byte */
#define VG_ENTRY_SKIP 0x80000000u /* index of a path-compressed run of bytes */
#define VG_ENTRY_KIND 0xc0000000u
#define VG_ENTRY_INDEX 0x3fffffffu

#define VG_TRIE_SKIP_MAX_BITS 56

struct vg_trie_root {
	__u32 entry[65536];
};

struct vg_trie_node {
	__u32 entry[256];
};

/* The next `bits` address bits equal `value` (left-aligned, the rest 0): go to hit, else miss. */
struct vg_trie_skip {
	__u64 value;
	__u32 bits; /* a multiple of 8, 8 to VG_TRIE_SKIP_MAX_BITS */
	__u32 hit;  /* entry */
	__u32 miss; /* entry, always a leaf */
	__u32 pad;
};
_Static_assert(sizeof(struct vg_trie_skip) == 24, "vg_trie_skip has padding");

/* Class 0 is an address in no set, with no flag. */
#define VG_CLASS_NONE 0
#define VG_MAX_CLASSES 65536

enum vg_class_flag {
	VG_CLASS_MARTIAN = 1 << 0,	/* can't be a sender */
	VG_CLASS_METADATA = 1 << 1,	/* Google's metadata server: DNS, NTP, DHCP */
	VG_CLASS_DHCP4 = 1 << 2,	/* a DHCPv4 server may live here: private or link-local */
	VG_CLASS_LINK_LOCAL6 = 1 << 3,	/* fe80::/10 */
	VG_CLASS_UNSPECIFIED6 = 1 << 4, /* `::`, a sender only in neighbour discovery and MLD */
};

struct vg_class {
	__u64 sets;  /* bit i: the policy's set i has a prefix that contains it */
	__u16 flags; /* enum vg_class_flag */
	__u8 source; /* counter slot of the set of the longest prefix */
	__u8 pad[5];
};
_Static_assert(sizeof(struct vg_class) == 16, "vg_class has padding");

#define VG_NO_SERVICE 0xffff

/* Element rule * (services + 1) + service; service 0 is a frame that matches no service. */
struct vg_admission {
	__u64 sets;    /* bit i: set i is admitted */
	__u16 service; /* counter slot of the service, or VG_NO_SERVICE */
	__u8 open;     /* 1: ingress is `all` */
	__u8 pad[5];
};
_Static_assert(sizeof(struct vg_admission) == 16, "vg_admission has padding");

/*
 * 16-bit tables, element i at page i / 256. Map `l4_class`: TCP, UDP and SCTP ports, a block of
 * 65,536 each, then one element an IP protocol. Map `services`: destination class * l4_classes +
 * L4 class gives the service, 0 for none. L4 class 0 is "unknown".
 */
struct vg_page16 {
	__u16 value[256];
};
#define VG_L4_BLOCK_TCP 0
#define VG_L4_BLOCK_UDP 65536
#define VG_L4_BLOCK_SCTP 131072
#define VG_L4_BLOCK_PROTOCOL 196608
#define VG_L4_PAGES (VG_L4_BLOCK_PROTOCOL / 256 + 1)
#define VG_L4_UNKNOWN 0

struct vg_nic {
	struct vg_admission admission; /* of frames for no service */
	__u32 ifindex;
	__u16 slot; /* counter slot, below VG_MAX_INTERFACES */
	__u16 rule; /* row of the admission table */
};

/* rodata of the policy program: the verifier removes what a policy doesn't use. */
struct vg_settings {
	struct vg_nic nic[VG_MAX_INTERFACES]; /* a frame from any other NIC is judged as nic[0] */
	__u32 nics;
	__u32 services; /* 0: L4 is never looked at but for essentials */
	__u32 l4_classes;
	__u8 to; /* 1: some service names destinations */
	__u8 monitor;
	__u8 non_ip_pass;
	__u8 frags;
};

/* Slot of the map `programs` that holds the policy program in force. */
#define VG_PROGRAM_POLICY 0

#endif
