/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the oracle remembers from frame to frame, as plain lists: flows, what `monitor` let pass, and
 * fragments. Times are seconds of whichever clock the caller keeps, and wrap around.
 */
#ifndef VPCGATE_TESTS_MEMORY_H
#define VPCGATE_TESTS_MEMORY_H

#include "tests/oracle/raw.h"
#include "vpcgate/abi.h"
#include "vpcgate/verdict.h"

/* Of the packets that come in: `remote` is their source. ICMP echo: local_port is the identifier. */
struct vg_tuple {
	struct vg_raw_address remote, local;
	int protocol;
	int remote_port,
		local_port; /* 0 where the protocol has none; -1: unknown, never of a flow */
};

struct vg_memory_flow {
	struct vg_tuple tuple;
	enum vg_flow_state state;
	__u64 packets, bytes;
	__u32 opened_s, seen_s, lifetime_s;
};

struct vg_memory_note {
	struct vg_tuple tuple;
	__u32 seen_s;
};

struct vg_fragment_name {
	struct vg_raw_address source, destination;
	__u32 id;
	int protocol; /* -1 in IPv6 */
	unsigned nic;
};

struct vg_memory_fragment {
	struct vg_fragment_name name;
	enum vg_outcome outcome;
	int service;
	unsigned headers_end;
	__u32 seen_s;
};

struct vg_memory {
	struct vg_memory_flow *flows;
	struct vg_memory_note *notes;
	struct vg_memory_fragment *fragments;
	size_t n_flows, n_notes, n_fragments;
	size_t allocated_flows, allocated_notes, allocated_fragments;
	__u64 opened, expired; /* flows, as the datapath counts them */
	/* Where two notes would be kept in one place the older is lost. NULL: they never are. */
	__u64 (*note_place)(const struct vg_tuple *tuple);
};

/* Forgets everything but what was counted. */
void vg_memory_clear(struct vg_memory *memory);
void vg_memory_done(struct vg_memory *memory);

bool vg_tuple_equal(const struct vg_tuple *a, const struct vg_tuple *b);

/* The flow, over or not; NULL: there is none. A pointer is good until the next flow opens. */
struct vg_memory_flow *vg_memory_flow(const struct vg_memory *memory, const struct vg_tuple *tuple);
/* The flow, unless it is over. */
struct vg_memory_flow *vg_memory_live(const struct vg_memory *memory, const struct vg_tuple *tuple,
				      __u32 now_s);
/* Opens it, in place of one that is there. */
void vg_memory_open(struct vg_memory *memory, const struct vg_tuple *tuple, __u32 lifetime_s,
		    __u32 now_s);

void vg_memory_note(struct vg_memory *memory, const struct vg_tuple *tuple, __u32 now_s);
/* NULL: there is no note, however old. */
struct vg_memory_note *vg_memory_noted(const struct vg_memory *memory,
				       const struct vg_tuple *tuple);

/* NULL: there is none, however old. */
struct vg_memory_fragment *vg_memory_fragment(const struct vg_memory *memory,
					      const struct vg_fragment_name *name);
void vg_memory_remember(struct vg_memory *memory, const struct vg_memory_fragment *fragment);
void vg_memory_forget(struct vg_memory *memory, const struct vg_fragment_name *name);

#endif
