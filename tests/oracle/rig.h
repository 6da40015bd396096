/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The real pipeline for a test: vpcgate.yaml as text in, frames in, counters out. Lives in mount
 * and network namespaces of its own, on one CPU, and leaves nothing behind.
 */
#ifndef VPCGATE_TESTS_RIG_H
#define VPCGATE_TESTS_RIG_H

#include "dataplane/dataplane.h"

/* What run-tests counts as a skip. */
#define VG_RIG_SKIP 77

struct vg_rig {
	const char *dir; /* on a bpffs that only this process sees */
	struct vg_dataplane *dataplane;
	int counters_fd, services_fd, labels_fd; /* -1 before the first publish */
	struct vg_label labels[VG_LABEL_MAX];	 /* as of the last publish */
	unsigned cpu, cpus;
	void *values; /* room for one per-CPU value of all CPUs */
};

/*
 * Moves this process into its namespaces and opens an empty folder on a fresh bpffs. Failures are
 * told on standard error. -EPERM: no privilege, so that the test can only be skipped.
 */
int vg_rig_open(struct vg_rig *ret_rig);
/* Takes what vg_rig_open() left, even when it failed. */
void vg_rig_close(struct vg_rig *rig);

/*
 * Config, policy, tables, publish. The policy is the caller's. What is wrong with the config goes
 * to standard error.
 */
int vg_rig_publish(struct vg_rig *rig, const char *yaml, size_t length,
		   const struct vg_target *targets, size_t n, struct vg_policy **ret_policy);

/* The same of a policy that has its tables already; `diag` as vg_dataplane_publish(). */
int vg_rig_publish_tables(struct vg_rig *rig, const struct vg_policy *policy,
			  const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			  struct vg_diag *diag);

/* The slot of a name among `n` labels from `first` (VG_LABEL_*), or -ENOENT. */
int vg_rig_slot(const struct vg_rig *rig, unsigned first, unsigned n, const char *name);

/* This CPU's counters: all of the rig's frames run here. */
int vg_rig_interface(const struct vg_rig *rig, unsigned slot,
		     struct vg_interface_counters *ret_counters);
int vg_rig_service(const struct vg_rig *rig, unsigned interface, unsigned service,
		   struct vg_service_counters *ret_counters);

/* The recorder's own map of that name, which isn't pinned. -ENOENT: nothing records. */
int vg_rig_open_recent(const struct vg_rig *rig, int *ret_fd);

/*
 * Makes the recorder look at every packet again, where it would let one that it has seen a moment
 * ago go by: for tests in which time passes between the two without passing.
 */
int vg_rig_forget_recent(const struct vg_rig *rig);

#endif
