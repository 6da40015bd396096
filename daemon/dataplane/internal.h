/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this folder share. */
#ifndef VPCGATE_DATAPLANE_INTERNAL_H
#define VPCGATE_DATAPLANE_INTERNAL_H

#include <limits.h>
#include "dataplane/dataplane.h"

/* What outlives a policy, in the order of vg_pin_names. */
enum vg_pin {
	VG_PIN_STATE,
	VG_PIN_LABELS,
	VG_PIN_COUNTERS,
	VG_PIN_SERVICE_COUNTERS,
	VG_PIN_FLOWS4,
	VG_PIN_FLOWS6,
	VG_PIN_FLOW_FILTER,
	VG_PIN_REFUSED,
	VG_PIN_FLOW_COUNTERS,
	VG_PIN_FLOW_TOTALS,
	VG_PIN_FRAGMENTS,
	VG_PIN_PROGRAMS,
	VG_PIN_RECORDERS,
	VG_PIN_ENTRY, /* the programs that NICs carry */
	VG_PIN_EGRESS,
	VG_PIN_MAX
};
extern const char *const vg_pin_names[VG_PIN_MAX];

/* Of no version, and there only where something was tuned (tuned.c). */
#define VG_TUNED_PIN "tuned"

/* The two tables, by family. */
#define VG_FLOW_FAMILIES 2
#define VG_FLOW_FAMILY(i) ((i) ? 6 : 4)
#define VG_FLOW_PIN(i) (VG_PIN_FLOWS4 + (i))

/* Flows a system call. No bucket of the kernel's hash holds as many. */
#define VG_FLOW_BATCH 4096

union vg_flow_key {
	struct vg_flow_key4 v4;
	struct vg_flow_key6 v6;
};

/* A walk over one flow table, a batch at a time. All zeroes, and fd -1, is a closed one. */
struct vg_flow_walk {
	int fd; /* borrowed */
	size_t key_size;
	__u32 token, n; /* `n` flows in the buffers */
	bool started, ended;
	char *keys;
	struct vg_flow *flows;
};

/* `flow_filter`, mapped. */
struct vg_filter {
	__u64 *words; /* NULL: not mapped */
	size_t bytes;
	__u32 half_words;
};

/* A sweep under way: see vg_dataplane_sweep(). */
struct vg_sweep {
	bool active;
	int table;
	struct vg_flow_walk walk;
	struct vg_filter filter;
	__u32 half;   /* the one that is built */
	__u64 opened; /* as it began */
	__u64 open[VG_FLOW_FAMILIES];
};

struct vg_dataplane {
	char dir[PATH_MAX];
	int lock_fd;
	int fds[VG_PIN_MAX];
	struct vg_state state; /* as in the map */
	struct vg_label labels[VG_LABEL_MAX];
	__u32 entry_id, egress_id;
	bool pinned;	 /* the pins are those of `fds` */
	int recorder_fd; /* the recorder in force, or -1 where an earlier daemon loaded it */
	struct vg_replies replies; /* of the policy in force */
	struct vg_sweep sweep;
	__u64 fullest, evicted, lost; /* as of the last sweep; `lost`: evicted and full */
	__u32 lost_at_s;
	bool swept; /* at least once */
};

/* Fills in `diag` with a text alone, and returns -`error`. */
#define vg_dataplane_fail(diag, error, ...) \
	vg_diag_set(diag, error, "", (struct vg_position){0}, __VA_ARGS__)

void vg_pin_path(const char *dir, const char *name, char out[PATH_MAX]); /* DIR/NAME */

/* ---- programs on NICs (xdp_programs.c) ---- */

/* Ids; 0: none. */
struct vg_xdp_programs {
	__u32 native, generic, offloaded;
};

/* Whoever has attached them. -ENODEV: no such NIC; -ENOMEM, -EIO. */
int vg_xdp_programs_read(unsigned ifindex, struct vg_xdp_programs *ret_programs);

/* ---- pins of links (link_pins.c) ---- */

/* DIR/links/PIN, with the dots of a NIC's name turned into colons. */
void vg_link_path(const char *dir, const char *pin, char out[PATH_MAX]);
/* The link of a NIC, whatever its pin is called; `name` is where to look first. -ENOENT. */
int vg_link_find(const char *dir, unsigned ifindex, const char *name,
		 struct vg_link_info *ret_link);
/* Where a link of this NIC can be pinned; what a NIC that is gone has left there is removed. */
int vg_link_free_path(const char *dir, const char *known_as, unsigned ifindex, char path[PATH_MAX]);
int vg_link_rename(const char *dir, const struct vg_link_info *link, const char *known_as);

/* Puts pins of `fds` in place of whatever is pinned, and the NICs' links moved over (object.c). */
int vg_object_pin(struct vg_dataplane *dataplane, struct vg_diag *diag);

/* The counter slots of one publish, and all labels as they will be once it is in force (slots.c). */
struct vg_slots {
	struct vg_label labels[VG_LABEL_MAX];
	__u16 interface[VG_MAX_INTERFACES];
	__u16 source[VG_MAX_POLICY_SETS];
	__u16 service[VG_MAX_SERVICES];
};

int vg_slots_assign(const struct vg_dataplane *dataplane, const struct vg_policy *policy,
		    const struct vg_target *targets, size_t n, struct vg_slots *ret_slots);
/* Makes the pinned labels these; a slot that changes hands starts again from zero. */
int vg_labels_write(struct vg_dataplane *dataplane, const struct vg_label *labels);

/* Pins one of `fds` in place of what is pinned there. */
int vg_object_replace_pin(const struct vg_dataplane *dataplane, enum vg_pin pin,
			  struct vg_diag *diag);

/*
 * Makes each attached link run the entry program, in place of an older version's, and each recorder
 * that there is beside one the egress program.
 */
int vg_link_update_all(const struct vg_dataplane *dataplane, struct vg_diag *diag);

/* strerror() of why a NIC refused the entry program, and the driver's reason (refusal.c). */
#define VG_REFUSAL_SIZE 192
void vg_refusal_describe(const struct vg_dataplane *dataplane, unsigned ifindex, int error,
			 char out[VG_REFUSAL_SIZE]);

/* Puts the egress program in place of an older version's on one NIC, if there is one (egress.c). */
int vg_egress_update(const struct vg_dataplane *dataplane, unsigned ifindex);

/* ---- flows (flows.c) ---- */

bool vg_flow_is_over(const struct vg_flow *flow, __u32 now_s);
bool vg_flow_is_gone(const void *key, size_t key_size, const struct vg_flow *flow, __u32 now_s);
__u64 vg_flow_hash(const void *key, size_t key_size);

/* `max_entries` of a map, or 0. */
__u32 vg_map_room(int fd);

int vg_flow_walk_open(int fd, int table, struct vg_flow_walk *ret_walk);
void vg_flow_walk_done(struct vg_flow_walk *walk);
/* 1: there are `n` more flows; 0: none is left; else an errno. */
int vg_flow_walk_next(struct vg_flow_walk *walk);

int vg_filter_open(int fd, struct vg_filter *ret_filter);
void vg_filter_done(struct vg_filter *filter);
/* The bit of a flow in one half; the datapath may set others in the same word. */
void vg_filter_set(const struct vg_filter *filter, __u32 half, __u64 hash);

/* Forgets a sweep under way (sweep.c): its maps are no longer those in force. */
void vg_sweep_cancel(struct vg_dataplane *dataplane);

/* Adds to the map `flow_totals`. */
int vg_flow_totals_add(const struct vg_dataplane *dataplane, __u64 seeded, __u64 swept);

/* ---- moving flows to tables of another size (flow_move.c) ---- */

struct vg_flow_move {
	int to[VG_FLOW_FAMILIES];		    /* borrowed */
	struct vg_flow_walk walk[VG_FLOW_FAMILIES]; /* over the old tables */
	struct vg_filter filter;		    /* the new one */
	__u32 since_s;				    /* when the first copy began */
};

/* Copies what there is, into tables that nobody uses yet. */
int vg_flow_move_begin(const int from[VG_FLOW_FAMILIES], const int to[VG_FLOW_FAMILIES],
		       int filter_fd, struct vg_flow_move *ret_move);
/* Copies what has changed since, while the recorder writes to the new ones already. */
int vg_flow_move_finish(struct vg_flow_move *move);
void vg_flow_move_done(struct vg_flow_move *move);

#endif
