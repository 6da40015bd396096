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
#define VG_ABI_VERSION 2

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

/* ---- flows: pinned, opened by the recorder at egress, shared by all generations ---- */

/*
 * A flow by the tuple of its replies: `remote` is their source, `local` their destination. All in
 * network byte order. ICMP and ICMPv6 echo: remote_port is 0, local_port the identifier. Protocols
 * without ports have both 0.
 */
struct vg_flow_key4 {
	__be32 remote, local;
	__be16 remote_port, local_port;
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct vg_flow_key4) == 16, "vg_flow_key4 has padding");

struct vg_flow_key6 {
	__be32 remote[4], local[4];
	__be16 remote_port, local_port;
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct vg_flow_key6) == 40, "vg_flow_key6 has padding");

/* X(state, text). Only this host's own packets lead on from OPEN, or back to it. */
#define VG_FLOW_STATES(X)     \
	X(NEW, "new")         \
	X(OPEN, "open")       \
	X(CLOSING, "closing") \
	X(CLOSED, "closed")

/*
 * NEW: no reply yet. CLOSING: this host sent FIN. CLOSED: it sent RST; nothing from outside refreshes
 * it, and another packet of this host's opens it again.
 */
#define VG_FLOW_STATE_ENUM(state, text) VG_FLOW_##state,
enum vg_flow_state { VG_FLOW_STATES(VG_FLOW_STATE_ENUM) VG_FLOW_STATE_MAX };
#undef VG_FLOW_STATE_ENUM

/* Maps `flows4` and `flows6`, LRU hashes. A flow is over once now - seen_s >= lifetime_s. */
struct vg_flow {
	__u64 packets, bytes; /* of replies that passed */
	__u32 opened_s;	      /* CLOCK_MONOTONIC, seconds */
	__u32 seen_s;	      /* the last packet either way; written at most once a second */
	__u32 lifetime_s;
	__u8 state; /* enum vg_flow_state */
	__u8 pad[3];
};
_Static_assert(sizeof(struct vg_flow) == 32, "vg_flow has padding");

/* Lifetimes of TCP flows that aren't OPEN, as nf_conntrack has them (its sysctls' defaults). */
#define VG_FLOW_TCP_NEW_S 120
#define VG_FLOW_TCP_CLOSING_S 120
#define VG_FLOW_TCP_CLOSED_S 10

/*
 * For so long after an OPEN TCP flow is over, this host's next packet brings it back: Linux sends the
 * first keepalive probe of an idle connection after 2 h (tcp_keepalive_time), when it is just over.
 */
#define VG_FLOW_REVIVAL_S 600

#define VG_MAX_FLOWS 4194304 /* each of flows4 and flows6 */
#define VG_FLOWS_OFF 1	     /* entries of both maps under `replies: off` */

/*
 * Map `flow_filter`, 64-bit words: a one-hash Bloom filter in front of the two flow maps. Word 0 is
 * the half in use, 0 or 1; half h begins at word 1 + h * words, where `words` is a power of two. The
 * recorder sets a flow's bit in both halves, after the flow itself; the daemon clears the half that
 * is not in use, sets the bits of all flows there, then switches: a bit is never missing.
 */
#define VG_FILTER_FLOWS_PER_WORD 4 /* 16 bits for each entry that one flow map has room for */
/* Words of one half for a power of two of at least 4 flows, and entries of the whole map. */
#define VG_FILTER_WORDS(flows) ((flows) / VG_FILTER_FLOWS_PER_WORD ?: 1)
#define VG_FILTER_ENTRIES(flows) (1 + 2 * VG_FILTER_WORDS(flows))

/* Map `refused`, elements of this, direct-mapped by hash: see bpf/flows.h. */
struct vg_refused {
	__u32 tag;    /* the hash's upper half */
	__u32 seen_s; /* CLOCK_MONOTONIC; 0: free */
};
#define VG_REFUSED_MAX 65536

/* Map `flow_counters`, per CPU, written by the datapath alone. */
enum vg_flow_counter {
	VG_FLOW_OPENED,	 /* flows that the recorder has added */
	VG_FLOW_EXPIRED, /* flows that were over and were opened again in place */
	VG_FLOW_FULL,	 /* flows that couldn't be added */
	VG_FLOW_COUNTER_MAX
};

/* Map `flow_totals`, one element, written by the daemon alone. */
struct vg_flow_totals {
	__u64 seeded; /* added for sockets that were open before */
	__u64 swept;  /* removed since they were over */
};
_Static_assert(sizeof(struct vg_flow_totals) == 16, "vg_flow_totals has padding");

/* ---- fragments: pinned, shared by all generations, written by the datapath alone ---- */

#define VG_MAX_FRAGMENTS 8192
/* As long as Linux keeps fragments: ipfrag_time is 30 s, ip6frag_time 60 s (net/ip.h, net/ipv6.h). */
#define VG_FRAGMENT_LIFETIME4_S 30
#define VG_FRAGMENT_LIFETIME6_S 60

/*
 * A datagram in fragments, in network byte order; an IPv4 address is in word 0. `protocol` is 0 for
 * IPv6, where that of later fragments doesn't count (RFC 8200 §4.5).
 */
struct vg_fragment_key {
	__be32 source[4], destination[4];
	__be32 id;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u16 nic;   /* counter slot of the interface */
};
_Static_assert(sizeof(struct vg_fragment_key) == 40, "vg_fragment_key has padding");

/* What later fragments follow. */
struct vg_fragment {
	__u32 seen_s;	   /* CLOCK_MONOTONIC, of the first fragment */
	__u16 outcome;	   /* enum vg_outcome */
	__u16 service;	   /* counter slot, or VG_NO_SERVICE */
	__u32 headers_end; /* offset in the datagram at which its L4 header ends */
};
_Static_assert(sizeof(struct vg_fragment) == 12, "vg_fragment has padding");

/* ---- tables of one policy: filled before the policy program is loaded, never edited ---- */

/*
 * A compiled trie: a root, entered with the first 16 address bits, and a pool of what lies below it. An
 * entry of 32 bits is a kind in its top 4 bits, and below them a class, or the place in the pool of
 * what comes next: a page, and an offset in it in units of 8 bytes. Nothing lies across two pages.
 * No step takes address bits of both halves, 64 bits each, of an IPv6 address: in the upper half, bits
 * behind its end read as 0.
 */
#define VG_ENTRY_LEAF 0u     /* a class: the walk ends */
#define VG_ENTRY_TURNS 1u    /* struct vg_trie_turns */
#define VG_ENTRY_TURNS30 2u  /* struct vg_trie_turns30 */
#define VG_ENTRY_RANGES8 3u  /* struct vg_trie_ranges8 */
#define VG_ENTRY_RANGES16 4u /* struct vg_trie_ranges16 */
#define VG_ENTRY_SKIP 5u     /* struct vg_trie_skip */
#define VG_ENTRY_NODE 6u     /* struct vg_trie_node */
#define VG_ENTRY_LOWER 7u    /* an entry (__u32), entered with the lower half of the address */
#define VG_ENTRY_PAIR 8u     /* struct vg_trie_pair */
#define VG_ENTRY_RUNS 9u     /* runs by VG_RUNS_MIN_BITS, + 1 for each VG_RUNS_STEP_BITS more */
#define VG_ENTRY_KIND_SHIFT 28
#define VG_ENTRY_PLACE 0x0fffffffu
#define VG_ENTRY_PAGE_SHIFT 19

/*
 * Pages of 4 MiB: older kernels, 6.1 among them, take no larger array elements (KMALLOC_MAX_SIZE). A
 * pool of a single page is walked without looking for the page of each step.
 */
#define VG_POOL_UNIT 8u
#define VG_POOL_PAGE_UNITS (1u << VG_ENTRY_PAGE_SHIFT)
#define VG_POOL_PAGE (VG_POOL_PAGE_UNITS * VG_POOL_UNIT) /* bytes */
#define VG_POOL_MAX_PAGES (1u << (VG_ENTRY_KIND_SHIFT - VG_ENTRY_PAGE_SHIFT))
/* Behind what is in use of a page, so much may be read: what begins at a place is no longer. */
#define VG_POOL_SLACK 1088u
#define VG_POOL_ROOM (VG_POOL_PAGE - VG_POOL_SLACK)

#define VG_TRIE_LEVELS4 2  /* steps from the root to a class, at most */
#define VG_TRIE_LEVELS6 15 /* 6 for the 48 bits behind the root, 1 to the lower half, 8 for that */

/* By the first 16 address bits as they lie in the frame, in network byte order. */
struct vg_trie_root {
	__u32 entry[65536];
};

/* The next `bits` address bits equal `value` (left-aligned, the rest 0): go to hit, else miss. */
struct vg_trie_skip {
	__u64 value;
	__u32 hit;  /* entry */
	__u16 miss; /* class */
	__u8 bits;  /* 1 to VG_TRIE_SKIP_MAX_BITS */
	__u8 pad;
};
#define VG_TRIE_SKIP_MAX_BITS 63
_Static_assert(sizeof(struct vg_trie_skip) == 16, "vg_trie_skip has padding");

/* A skip of 0 to 63 bits, and behind it the next 8 choose an entry. */
#define VG_NODE_BITS 8
struct vg_trie_node {
	__u64 value;
	__u16 miss; /* class */
	__u8 bits;
	__u8 pad[5];
	__u32 entry[1 << VG_NODE_BITS];
};
_Static_assert(sizeof(struct vg_trie_node) == 1040, "vg_trie_node has padding");

/*
 * The next 8 to 16 address bits choose a slot, where neighbours with equal entries are kept once. A word
 * tells of 48 slots: a bit each, the first the lowest, which is set where the entry differs from the one
 * before, and slot 0's; and in its upper 16 bits, how many are set in the words before. So many as are
 * set up to a slot, minus 1, is the number of its entry. The entries (__u32) begin at the place; the
 * words lie before it, the first of them last.
 */
#define VG_RUNS_MIN_BITS 8
#define VG_RUNS_MAX_BITS 16
#define VG_RUNS_STEP_BITS 2
#define VG_RUNS_SLOTS 48 /* of a word */
#define VG_RUNS_WORDS(bits) (((1u << (bits)) + VG_RUNS_SLOTS - 1) / VG_RUNS_SLOTS)

/* The next 8 address bits choose one of two entries: a bit for each value, 64 a word. */
#define VG_PAIR_BITS 8
struct vg_trie_pair {
	__u64 which[(1 << VG_PAIR_BITS) / 64];
	__u32 entry[2];
};
_Static_assert(sizeof(struct vg_trie_pair) == 40, "vg_trie_pair has padding");

/*
 * A walk that ends here: up to 8 or 16 intervals of the next 16 address bits, four starts a word, in
 * order. The first starts at 0; those not needed start at 0xffff and have the class of the one before.
 */
#define VG_RANGES_BITS 16
struct vg_trie_ranges8 {
	__u64 starts[2];
	__u16 class[8];
};
struct vg_trie_ranges16 {
	__u64 starts[4];
	__u16 class[16];
};
_Static_assert(sizeof(struct vg_trie_ranges16) == 64, "vg_trie_ranges16 is one cache line");

/*
 * A walk that ends here, where the intervals of the next 16 address bits have one class and another in
 * turns, as those of two classes always do: class[0] at first, and at each start the other one. In no
 * order; a start that isn't needed is 0, which is one all the same. The starts are complements.
 */
struct vg_trie_turns {
	__u16 class[2];
	__u16 starts[14];
};
struct vg_trie_turns30 {
	__u16 class[2];
	__u16 starts[30];
};
_Static_assert(sizeof(struct vg_trie_turns) == 32, "vg_trie_turns is half a cache line");
_Static_assert(sizeof(struct vg_trie_turns30) == 64, "vg_trie_turns30 is one cache line");

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
	/* Of a frame for no service, where all NICs have one rule; not for an essential or a martian: */
	__u8 pass;     /* 1, or 0 where it is refused, before replies */
	__u16 cell;    /* row * VG_MAX_SOURCES + source: where it is counted */
	__u16 refused; /* the same of one that some service refuses */
};
_Static_assert(sizeof(struct vg_class) == 16, "vg_class has padding");

#define VG_NO_SERVICE 0xffff

/*
 * Element rule * admissions + service; service 0 is a frame that matches no service, those behind the
 * services are for frames that may be for several: of unknown L4, or with a service whose destinations
 * aren't known yet. They are judged by the strictest.
 */
struct vg_admission {
	__u64 sets;    /* bit i: set i is admitted */
	__u16 service; /* counter slot of the service, or VG_NO_SERVICE */
	__u16 cell;    /* row * VG_MAX_SOURCES of those that it admits */
	__u8 open;     /* 1: ingress is `all` */
	__u8 pad[3];
};
_Static_assert(sizeof(struct vg_admission) == 16, "vg_admission has padding");

/*
 * Global `l4_table`: TCP, UDP and SCTP ports, a block of 65,536 each, then one element an IP protocol; what
 * can't be told is settings.l4_unknown. They name a service, 0 for none, where no service names
 * destinations. Where one does, they are L4 classes, and map `services`, element i at page i / 256, has
 * the service of destination class * l4_classes + L4 class.
 */
struct vg_page16 {
	__u16 value[256];
};
#define VG_L4_BLOCK_TCP 0
#define VG_L4_BLOCK_UDP 65536
#define VG_L4_BLOCK_SCTP 131072
#define VG_L4_BLOCK_PROTOCOL 196608
#define VG_L4_PAGES (VG_L4_BLOCK_PROTOCOL / 256 + 1)
#define VG_L4_MAX 262144 /* elements, so that a mask keeps within them */
/* L4 classes: what can't be told, and the protocols that no service names. */
#define VG_L4_UNKNOWN 0
#define VG_L4_UNNAMED 1

/* A pool's map: the largest offset in an element that VG_POOL_SLACK bytes follow. */
struct vg_pool {
	__u32 last;
	__u8 paged;  /* 1: it has more than one element */
	__u8 packed; /* 1: ranges and runs in it and no nodes; 0: nodes, on a single page */
	__u8 pad[2];
};

struct vg_nic {
	struct vg_admission admission; /* of frames for no service */
	__u32 ifindex;
	__u16 slot; /* counter slot, below VG_MAX_INTERFACES */
	__u16 rule; /* row of the admission table */
};

/* What the short way of bpf/plain.h needs to know, in one word. */
enum vg_plain_option {
	VG_OPTION_PLAIN =
		1 << 0, /* no `to`; services, or one rule for all NICs: there is a short way */
	VG_OPTION_NICS = 1 << 1, /* more than one NIC */
	VG_OPTION_TRACK = 1 << 2,
	VG_OPTION_MONITOR = 1 << 3,
	VG_OPTION_SERVICES = 1 << 4,
	VG_OPTION_SLOT = 1 << 5, /* some NIC has another counter slot than 0 */
};

/* rodata of the policy program: the verifier removes what a policy doesn't use. */
struct vg_settings {
	struct vg_nic nic[VG_MAX_INTERFACES]; /* a frame from any other NIC is judged as nic[0] */
	struct vg_pool source4, source6, to4, to6;
	__u32 options; /* enum vg_plain_option */
	__u32 nics;
	__u32 services; /* 0: L4 is never looked at but for essentials and replies */
	__u32 admissions;
	__u32 l4_classes;
	__u16 l4_unknown;
	__u8 to; /* 1: some service names destinations */
	__u8 monitor;
	__u8 non_ip_pass;
	__u8 frags;
	__u8 track; /* 1: replies pass, and the recorder runs */
	__u8 pad;
	__u32 filter_words;	    /* of one half of `flow_filter` */
	__u32 tcp_s, udp_s, icmp_s; /* lifetimes of flows; other protocols have UDP's */
};

/* Slots of `programs` and `recorders` that hold the policy program and the recorder in force. */
#define VG_PROGRAM_POLICY 0
#define VG_PROGRAM_RECORDER 0

#endif
