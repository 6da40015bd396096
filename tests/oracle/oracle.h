/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The independent judge: what the design says about one frame under one policy, by plain reading
 * and linear scans. It shares no code with the datapath or with daemon/core, only the names of
 * outcomes and of flow states.
 */
#ifndef VPCGATE_TESTS_ORACLE_H
#define VPCGATE_TESTS_ORACLE_H

#include "tests/oracle/memory.h"
#include "tests/oracle/scenario.h"
#include "vpcgate/verdict.h"

enum vg_seen_part {
	VG_SEEN_WHOLE, /* not a fragment, or an IPv6 fragment header that cuts nothing off */
	VG_SEEN_FIRST,
	VG_SEEN_LATER,
};

/* What a frame says. -1: unknown, or not there. */
struct vg_seen {
	struct vg_raw_address source, destination;
	int protocol;
	int source_port, port;
	int tcp_flags;
	int icmp_type; /* first byte of protocols 1 and 58, whatever the family */
	int icmp_id;   /* theirs too, whatever the type: known once their header is whole */
	int hop_limit; /* IPv4: time to live */
	size_t l4_at;  /* offset in the frame; only with a protocol */
	enum vg_seen_part part;
	bool cut;	      /* a first fragment without its whole L4 header */
	unsigned headers_end; /* of a first fragment: offset in the datagram behind its headers */
	unsigned fragment_offset;
	int fragment_protocol; /* as the fragment itself names it */
	__u32 fragment_id;
};

struct vg_judgement {
	enum vg_outcome outcome;
	enum vg_verdict verdict;
	int set;		     /* counted, or -1 */
	struct vg_raw_prefix prefix; /* why it is counted there; only with a set */
	__u64 sets;		     /* bit i: set i contains the source */
	int service;		     /* counted, or -1 */
	bool ip;		     /* a sound IP header was found, `seen` is filled in */
	bool unread;		     /* the services with a feed unread made the difference */
	bool followed;		     /* a later fragment that its first one decided */
	bool has_tuple;		     /* it could be a reply of the flow of `tuple` */
	struct vg_tuple tuple;
	struct vg_seen seen;
};

/* Where and when a frame comes in or leaves. */
struct vg_gate {
	const struct vg_scenario *scenario;
	size_t rule;
	unsigned nic; /* any number that tells NICs apart */
	int from;     /* rule of the filtered NIC that a frame has come in by which leaves, or -1 */
	struct vg_memory *memory;
	__u32 now_s;
};

void vg_oracle_judge(const struct vg_gate *gate, const __u8 *frame, size_t length,
		     struct vg_judgement *ret_judgement);

/* A frame that this host sends. True: `ret_tuple` is of the flow that it could belong to. */
bool vg_oracle_send(const struct vg_gate *gate, const __u8 *frame, size_t length,
		    struct vg_tuple *ret_tuple);

/*
 * What rows 5 to 8, 11 and 12 say about the answers to a packet, given their tuple: to whom and from
 * which port counts, and of the essentials only the metadata server.
 */
enum vg_outcome vg_oracle_answer(const struct vg_gate *gate, const struct vg_tuple *tuple);

/* Is the address in a set that a NIC of that rule admits, be it open or not? */
bool vg_oracle_admits(const struct vg_scenario *scenario, size_t rule,
		      const struct vg_raw_address *address);

const char *vg_oracle_outcome(enum vg_outcome outcome);
const char *vg_oracle_verdict(enum vg_verdict verdict);

/* The counter row that DESIGN and vpcgate/verdict.h give a judgement. */
unsigned vg_oracle_row(const struct vg_judgement *judgement);

#endif
