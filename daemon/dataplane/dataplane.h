/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as userspace sees it. Everything lives in one bpffs folder, DIR:
 *   DIR/state, labels, counters, service_counters   maps shared by all generations
 *   DIR/flows4, flows6, flow_filter, refused,       flows that this host has opened, and what is
 *       flow_counters, flow_totals, fragments       known of datagrams in fragments
 *   DIR/programs, recorders                         PROG_ARRAYs; slot 0 is what is in force
 *   DIR/entry, egress                               the programs that NICs carry
 *   DIR/links/IFNAME                                a bpf_link for each filtered NIC; "IFNAME IFINDEX"
 *                                                   while the link of another NIC has that name
 *   DIR/tuned                                       what was changed on NICs for native mode, if anything
 * Nothing here logs: functions return a negative errno and fill `diag` (text only, no file).
 */
#ifndef VPCGATE_DATAPLANE_H
#define VPCGATE_DATAPLANE_H

#include <net/if.h>
#include "core/diag.h"
#include "core/obstacles.h"
#include "core/policy.h"
#include "core/tables.h"
#include "vpcgate/abi.h"

#define VG_BPFFS_DEFAULT "/sys/fs/bpf/vpcgate"

struct vg_dataplane;

/* Sends libbpf's own messages, the verifier's included, to `log` from now on. */
void vg_dataplane_set_log(void (*log)(const char *text));

/*
 * Opens the folder, which it creates where missing: pins of this ABI version are adopted, those of
 * another are replaced at the first publish, without a gap. Only the daemon calls this.
 * -ENOTSUP: not on a bpffs; -EPERM: privilege is missing; -EEXIST: another daemon holds the folder.
 */
int vg_dataplane_open(const char *dir, struct vg_dataplane **ret_dataplane, struct vg_diag *diag);
void vg_dataplane_close(struct vg_dataplane *dataplane);
void vg_dataplane_close_p(struct vg_dataplane **dataplane);

/*
 * Holds the folder as a daemon does, for as long as `ret_fd` is open. -EEXIST: a daemon holds it.
 */
int vg_dataplane_lock(const char *dir, int *ret_fd, struct vg_diag *diag);

/* Whether the kernel's XDP takes frames of several buffers, as it does since Linux 5.18. */
bool vg_dataplane_has_frags(const struct vg_dataplane *dataplane);

/* What is published from now on has later numbers, though the pins of an earlier boot are gone. */
void vg_dataplane_count_from(struct vg_dataplane *dataplane, __u64 generation);

/* False once somebody has removed one of the pins; the next publish puts them back. */
bool vg_dataplane_is_pinned(const struct vg_dataplane *dataplane);

/* A NIC to filter, and the row of the policy's rules that it follows. */
struct vg_target {
	unsigned ifindex;
	char name[IF_NAMESIZE];
	size_t rule;
};

/*
 * Loads a fresh policy program with its tables, then puts it in force by one write; the recorder
 * likewise, just before. On failure the policy in force stays. Counter slots are assigned by name
 * and kept. Flows are kept too, also where `max-flows` is another: of more than there is room for,
 * those seen last. -E2BIG: more than VG_MAX_INTERFACES targets. -ESTALE: the folder is
 * gone, and this process can't make it again: the policy outlives it no more. Must come before
 * vg_dataplane_attach() of a new target.
 */
int vg_dataplane_publish(struct vg_dataplane *dataplane, const struct vg_policy *policy,
			 const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			 struct vg_diag *diag);

/* How a NIC is filtered. */
struct vg_attachment {
	enum vg_attach_mode mode; /* VG_ATTACH_NATIVE or VG_ATTACH_GENERIC */
	bool adopted;		  /* an earlier daemon's link was kept */
	__u32 replaced;		  /* the program that was in that link in place of ours, or 0 */
	__u32 program_id;	  /* of the entry program */
	int native_error;	  /* what native mode was refused with, or 0 */
	char fallback[256];	  /* why not native, where auto chose generic; else "" */
};

/*
 * Attaches the entry program to a NIC with a pinned link, or adopts the link that is there, which stays
 * with the NIC when that gets another name. `known_as` is the name that the pin keeps: see struct
 * vg_link_info.
 * -EBUSY: another program is attached (the text names it); -ENODEV: no such NIC; else what the
 * kernel refused native mode with.
 */
int vg_dataplane_attach(struct vg_dataplane *dataplane, unsigned ifindex, const char *name,
			const char *known_as, enum vg_attach_mode mode,
			struct vg_attachment *ret_attachment, struct vg_diag *diag);

/* -EBUSY, as vg_dataplane_attach(), where a NIC without a link of ours has another program. */
int vg_dataplane_check_free(unsigned ifindex, const char *name, struct vg_diag *diag);

/* True where vg_dataplane_attach() would adopt a link. */
bool vg_dataplane_is_attached(const struct vg_dataplane *dataplane, unsigned ifindex,
			      const char *name);

/* ---- the recorder's side of a NIC: a classifier at the egress of its clsact qdisc ---- */

/*
 * Makes sure that packets which leave by the NIC meet the recorder: keeps the filter that is there,
 * replaces an older version's in place, or adds one beside those of others, which are left alone.
 * Comes before vg_dataplane_attach(), so that no flow is opened unseen. `ret_adopted`: there was one.
 * -ENOTSUP: the kernel or the NIC's qdisc can't; -ENODEV: no such NIC.
 */
int vg_dataplane_record(const struct vg_dataplane *dataplane, unsigned ifindex, const char *name,
			bool *ret_adopted, struct vg_diag *diag);

/* Takes it off again; the qdisc stays, since others may use it. -ENOENT: there was none. */
int vg_dataplane_unrecord(unsigned ifindex, const char *name, struct vg_diag *diag);

/* Is there a recorder's filter, of any version, on that NIC? */
bool vg_dataplane_is_recorded(unsigned ifindex);

/* What is pinned and attached now. */
#define VG_LINK_PIN_SIZE (IF_NAMESIZE + 12)
struct vg_link_info {
	char pin[VG_LINK_PIN_SIZE]; /* name of its file */
	char name[IF_NAMESIZE];	    /* of the NIC; `known_as` where it is not here */
	char known_as[IF_NAMESIZE]; /* the name by which the config wanted it */
	unsigned ifindex;	    /* 0: the NIC is gone, or somebody has detached the link */
	enum vg_attach_mode mode;   /* VG_ATTACH_INHERIT: not on a NIC of this network namespace */
	__u32 program_id;
};

/*
 * Takes the filter and the recorder off one NIC. Needs no open dataplane, so that the CLI can do it
 * while no daemon runs. -ENOENT: there is no link of that name.
 */
int vg_dataplane_detach(const char *dir, const char *name, struct vg_diag *diag);
int vg_dataplane_detach_link(const char *dir, const struct vg_link_info *link,
			     struct vg_diag *diag);

/* Removes every link and then every other pin: nothing of vpcgate is left in the folder. */
int vg_dataplane_remove(const char *dir, struct vg_diag *diag);

/* `ret_links` is a heap array of `ret_n`. No folder is no links. */
int vg_dataplane_links(const char *dir, struct vg_link_info **ret_links, size_t *ret_n,
		       struct vg_diag *diag);

/* -ENOENT: nothing was ever published here; -EPROTO: another ABI version. */
int vg_dataplane_state(const char *dir, struct vg_state *ret_state, struct vg_diag *diag);

/* ---- settings of NICs that were changed for native mode (core/tuning.h) ---- */

/*
 * Remembered in the folder of the pins, which is as old as this boot: it ends when the settings do.
 * Needs no open dataplane. Of NICs in other network namespaces nothing is seen.
 */
#define VG_MAX_TUNED (4 * VG_MAX_INTERFACES * VG_NIC_SETTING_MAX)
struct vg_tuned {
	unsigned ifindex;
	char name[IF_NAMESIZE]; /* of the NIC, then */
	struct vg_nic_change change;
};

/* `ret_list` is a heap array of `ret_n`, by NIC and setting. -EPROTO: not in this version's form. */
int vg_tuned_list(const char *dir, struct vg_tuned **ret_list, size_t *ret_n, struct vg_diag *diag);

/* Remembers one, in place of what is remembered of that setting. -E2BIG: more than VG_MAX_TUNED. */
int vg_tuned_put(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag);

/* Forgets what is remembered of that NIC's setting. */
int vg_tuned_drop(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag);

/* ---- counters ---- */

struct vg_counter {
	char interface[VG_NAME_SIZE];
	char source[VG_NAME_SIZE]; /* "" where the source is in no set */
	enum vg_outcome outcome;
	enum vg_verdict verdict;
	struct vg_count count;
};

struct vg_service_counter {
	char interface[VG_NAME_SIZE];
	char service[VG_NAME_SIZE];
	enum vg_verdict verdict;
	struct vg_count count;
};

/* All counters that are not zero, summed over the CPUs, by interface, row and source slot. */
struct vg_counters {
	struct vg_counter *items;
	size_t n;
	struct vg_service_counter *services;
	size_t n_services;
};

/* Reads the pinned maps; needs no daemon. -ENOENT, -EPROTO, -EPERM as vg_dataplane_state(). */
int vg_counters_read(const char *dir, struct vg_counters **ret_counters, struct vg_diag *diag);
void vg_counters_free(struct vg_counters *counters);
void vg_counters_free_p(struct vg_counters **counters);

/* ---- flows that this host has opened ---- */

struct vg_flow_info {
	struct vg_address remote, local;  /* source and destination of its replies */
	unsigned remote_port, local_port; /* host byte order; see struct vg_flow_key4 */
	unsigned protocol;
	struct vg_flow flow;
};

/*
 * The flows that are not over, in no order; reads the pinned maps and needs no daemon. `ret_now_s`
 * is the time that theirs compare with. -ENODATA: replies are not tracked; else as
 * vg_counters_read().
 */
int vg_flows_read(const char *dir, struct vg_flow_info **ret_flows, size_t *ret_n, __u32 *ret_now_s,
		  struct vg_diag *diag);

/*
 * True where there are flows from before: false on pins that the next publish fills, and where the
 * last one had `replies: off`.
 */
bool vg_dataplane_tracks(const struct vg_dataplane *dataplane);

/*
 * Adds flows that were open before anything recorded them: tuple and `flow.state` count, NEW,
 * OPEN or CLOSING. Those that are known already stay as they are. -ENODATA: replies are not tracked.
 */
int vg_dataplane_seed(struct vg_dataplane *dataplane, const struct vg_flow_info *flows, size_t n,
		      size_t *ret_added, struct vg_diag *diag);

/*
 * Ends the flows that answers to others may have opened since `since_s` (as struct vg_flow has it): of
 * neither TCP nor ICMP, from a local port that is not one of `first_port` to `last_port`, which the
 * host gives to its clients. If it was its own after all, its next packet opens it again.
 */
int vg_dataplane_end_answers(struct vg_dataplane *dataplane, unsigned first_port,
			     unsigned last_port, __u32 since_s, size_t *ret_n,
			     struct vg_diag *diag);

__u32 vg_flow_now_s(void); /* the clock of flows */

/*
 * Removes flows that are over and builds the idle half of the filter anew. Works for about
 * `budget_us`, then returns 1: there is more to do, call again soon. 0: done, until the next time.
 */
int vg_dataplane_sweep(struct vg_dataplane *dataplane, unsigned budget_us, struct vg_diag *diag);

struct vg_flow_stats {
	__u64 open, max; /* flows of both families; the room for each of them */
	__u64 fullest;	 /* flows of the family that has more, as of the last sweep */
	__u64 opened, expired, evicted, full;
	__u32 lost_s; /* since a flow was last seen evicted or refused; UINT32_MAX: never */
};

/* opened = open + expired + evicted, always. -ENODATA: replies are not tracked. */
int vg_dataplane_flow_stats(const struct vg_dataplane *dataplane, struct vg_flow_stats *ret_stats);

/* ---- test and bench: one frame through entry and policy program, or egress and recorder ---- */

/*
 * BPF_PROG_TEST_RUN of the entry program. `ifindex` 0 takes the kernel's default device. Returns the
 * XDP action (>= 0) or a negative errno; `ret_ns`, if given, the kernel's time a run.
 */
int vg_dataplane_test_run(struct vg_dataplane *dataplane, const void *frame, size_t length,
			  unsigned ifindex, unsigned repeat, __u32 *ret_ns);

/* The same of the egress program; returns the classifier's action. */
int vg_dataplane_test_egress(struct vg_dataplane *dataplane, const void *frame, size_t length,
			     unsigned ifindex, unsigned repeat, __u32 *ret_ns);

#endif
