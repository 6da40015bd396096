/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rig's maps of flows and fragments, in the oracle's words. */
#ifndef VPCGATE_TESTS_RIG_FLOWS_H
#define VPCGATE_TESTS_RIG_FLOWS_H

#include "tests/oracle/memory.h"
#include "tests/oracle/rig.h"

struct vg_rig_flows {
	int flow_fds[2]; /* IPv4, IPv6 */
	int refused_fd, fragments_fd, counters_fd;
	int recent_fd; /* -1 where nothing records */
	int egress_fd;
	__u64 *filter; /* mapped */
	size_t filter_size;
	unsigned cpu, cpus;
};

#define VG_RIG_FLOWS_NONE                                                                      \
	{                                                                                      \
		.flow_fds = {-1, -1}, .refused_fd = -1, .fragments_fd = -1, .counters_fd = -1, \
		.recent_fd = -1, .egress_fd = -1                                               \
	}

/* The maps in force; another policy may bring others. Failures are told on standard error. */
int vg_rig_flows_open(const struct vg_rig *rig, struct vg_rig_flows *ret_flows);
void vg_rig_flows_close(struct vg_rig_flows *flows);

/*
 * A frame leaves by ifindex 1, after it has come in by `from`; 0: it is this host's. Returns the
 * classifier's action or a negative errno.
 */
int vg_rig_send(const struct vg_rig_flows *flows, const void *frame, size_t length, unsigned from);

/* -ENOENT: there is no such flow. */
int vg_rig_flow_get(const struct vg_rig_flows *flows, const struct vg_tuple *tuple,
		    struct vg_flow *ret_flow);
/* Replaces a flow that is there. */
int vg_rig_flow_put(const struct vg_rig_flows *flows, const struct vg_tuple *tuple,
		    const struct vg_flow *flow);
int vg_rig_flow_delete(const struct vg_rig_flows *flows, const struct vg_tuple *tuple);
/* Is there no flow of either family, over or not, and no fragment? */
bool vg_rig_flows_are_empty(const struct vg_rig_flows *flows);

/* Removes every flow, note and fragment. */
int vg_rig_flows_clear(const struct vg_rig_flows *flows);
/* Clears both halves of the filter, which is sound only where there are no flows. */
void vg_rig_filter_clear(const struct vg_rig_flows *flows, unsigned half);

/*
 * Makes the recorder look at the tuple's next packet, which it would let go by if it saw another a
 * moment ago: for tests in which time passes between the two without passing.
 */
int vg_rig_forget_sent(const struct vg_rig_flows *flows, const struct vg_tuple *tuple);

/* Where the datapath keeps a note: for struct vg_memory. */
__u64 vg_rig_note_place(const struct vg_tuple *tuple);
/* Makes the note of that tuple, whatever is in its place, `seen_s` old; 0 removes it. */
int vg_rig_note_put(const struct vg_rig_flows *flows, const struct vg_tuple *tuple, __u32 seen_s);
/* When the tuple was noted; 0: it isn't, or another is in its place. */
int vg_rig_note_get(const struct vg_rig_flows *flows, const struct vg_tuple *tuple,
		    __u32 *ret_seen_s);

/* -ENOENT: nothing is remembered. `slot` is the NIC's. */
int vg_rig_fragment_get(const struct vg_rig_flows *flows, const struct vg_fragment_name *name,
			unsigned slot, struct vg_fragment *ret_fragment);
/* Replaces one that is there. */
int vg_rig_fragment_put(const struct vg_rig_flows *flows, const struct vg_fragment_name *name,
			unsigned slot, const struct vg_fragment *fragment);
int vg_rig_fragment_delete(const struct vg_rig_flows *flows, const struct vg_fragment_name *name,
			   unsigned slot);

/* This CPU's. */
int vg_rig_flow_counters(const struct vg_rig_flows *flows, __u64 ret_values[VG_FLOW_COUNTER_MAX]);

#endif
