/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The oracle's memory beside the datapath's: what is in the one must be in the other. */
#ifndef VPCGATE_TESTS_FLOW_BOOK_H
#define VPCGATE_TESTS_FLOW_BOOK_H

#include "tests/oracle/ledger.h"
#include "tests/oracle/rig_flows.h"

struct vg_flow_book {
	const struct vg_ledger *ledger; /* borrowed: slots of NICs and services */
	struct vg_rig_flows maps;
	struct vg_memory memory;
};

/* Of maps that are not open yet. */
void vg_flow_book_init(struct vg_flow_book *book, const struct vg_ledger *ledger);
void vg_flow_book_done(struct vg_flow_book *book);

/* Opens the maps in force: comes after each publish. The memory stays. */
int vg_flow_book_open(struct vg_flow_book *book);

/*
 * All -EBADMSG where map and memory differ, which is told on standard error: one flow, over or not,
 * or that there is none; how many were opened and expired; all that is remembered.
 */
int vg_flow_book_check_flow(const struct vg_flow_book *book, const struct vg_tuple *tuple);
int vg_flow_book_check_counters(const struct vg_flow_book *book);
int vg_flow_book_check(const struct vg_flow_book *book);

/* Makes what is at `index` of the memory's list older, on both sides. */
int vg_flow_book_age_flow(struct vg_flow_book *book, size_t index, __u32 seconds);
int vg_flow_book_age_note(struct vg_flow_book *book, size_t index, __u32 seconds);
int vg_flow_book_age_fragment(struct vg_flow_book *book, size_t index, __u32 seconds);

/* Forgets the flows that are gone from the maps: -EBADMSG where one could still be used at `now_s`. */
int vg_flow_book_sweep(struct vg_flow_book *book, __u32 now_s);

/* Removes what is remembered from both sides. With `count`: -EBADMSG where there is more. */
int vg_flow_book_forget(struct vg_flow_book *book, bool count);
/* Starts from nothing, whatever has happened. */
int vg_flow_book_reset(struct vg_flow_book *book);

#endif
