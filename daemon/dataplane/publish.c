// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A policy becomes a program with tables of its own, then one write puts it in force. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/pool.h"
#include "dataplane/internal.h"
#include "dataplane/table_maps.h"
#include "share/cleanup.h"
#include "vpcgate/admit.h"

static void policy_destroy_p(struct policy_bpf **skeleton)
{
	policy_bpf__destroy(*skeleton);
}

/* ---- globals ---- */

static void fill_root(struct vg_trie_root *root, const struct vg_trie *trie)
{
	if (trie->root)
		*root = *trie->root;
}

/* The tables' set and service numbers turned into counter slots, and what the first NIC's rule says. */
static void fill_classes(struct vg_class *classes, const struct vg_tables *tables,
			 const struct vg_slots *slots, const struct vg_settings *settings)
{
	for (size_t i = 0; i < tables->classes.n; i++) {
		const struct vg_trie_class *class = &tables->classes.items[i];

		classes[i].sets = class->sets;
		classes[i].flags = class->flags;
		if (class->source != VG_TRIE_NO_SOURCE)
			classes[i].source = slots->source[class->source];
		vg_class_admit(&classes[i], &settings->nic[0].admission, settings->monitor);
	}
}

/* What an L4 class amounts to in the datapath: see `l4_table` in vpcgate/abi.h. */
static __u16 l4_value(const struct vg_tables *tables, __u16 class)
{
	return tables->to ? class : *vg_cell16(tables->service, class);
}

static void fill_l4(__u16 *l4, const struct vg_tables *tables)
{
	for (size_t i = 0; tables->services && i < VG_L4_PAGES * 256; i++)
		l4[i] = l4_value(tables, *vg_cell16(tables->l4_class, i));
}

/* The globals of the program, before it is loaded; its settings are made. */
static void fill_globals(struct policy_bpf *skeleton, const struct vg_tables *tables,
			 const struct vg_slots *slots)
{
	fill_root(&skeleton->bss->source4_root, &tables->source4);
	fill_root(&skeleton->bss->source6_root, &tables->source6);
	fill_root(&skeleton->bss->to4_root, &tables->destination4);
	fill_root(&skeleton->bss->to6_root, &tables->destination6);
	fill_l4(skeleton->bss->l4_table, tables);
	fill_classes(skeleton->bss->classes, tables, slots,
		     (const struct vg_settings *)&skeleton->rodata->settings);
}

static struct vg_admission *make_admission(const struct vg_tables *tables,
					   const struct vg_slots *slots)
{
	struct vg_admission *admission = calloc(tables->n_admissions, sizeof(*admission));

	for (size_t i = 0; admission && i < tables->n_admissions; i++) {
		admission[i] = tables->admission[i];
		if (admission[i].service != VG_NO_SERVICE)
			admission[i].service = slots->service[admission[i].service];
	}
	return admission;
}

/* The room of each flow table, and the words of a filter half that go with it. */
static __u32 flow_room(const struct vg_policy *policy)
{
	return policy->replies.track ? policy->replies.max_flows : VG_FLOWS_OFF;
}

static __u32 filter_words(const struct vg_policy *policy)
{
	__u32 flows = 1;

	while (flows < flow_room(policy))
		flows *= 2;
	return VG_FILTER_WORDS(flows);
}

static struct vg_pool make_pool(const struct vg_trie *trie)
{
	const struct vg_pool_shape shape = vg_pool_shape(trie);

	return (struct vg_pool){
		.last = shape.last, .paged = shape.pages > 1, .packed = trie->packed};
}

static __u32 make_options(const struct vg_policy *policy, const struct vg_tables *tables,
			  const struct vg_target *targets, size_t n, const struct vg_slots *slots)
{
	bool plain = n && !tables->to;
	__u32 options = 0;

	for (size_t i = 1; i < n; i++)
		plain = plain && (tables->services || targets[i].rule == targets[0].rule);
	if (plain)
		options |= VG_OPTION_PLAIN;
	for (size_t i = 0; i < n; i++)
		if (slots->interface[i])
			options |= VG_OPTION_SLOT;
	if (n > 1)
		options |= VG_OPTION_NICS;
	if (tables->services)
		options |= VG_OPTION_SERVICES;
	if (policy->replies.track)
		options |= VG_OPTION_TRACK;
	if (policy->monitor)
		options |= VG_OPTION_MONITOR;
	return options;
}

static void make_settings(const struct vg_dataplane *dp, const struct vg_policy *policy,
			  const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			  const struct vg_slots *slots, struct vg_settings *settings)
{
	*settings = (struct vg_settings){
		.source4 = make_pool(&tables->source4),
		.source6 = make_pool(&tables->source6),
		.to4 = make_pool(&tables->destination4),
		.to6 = make_pool(&tables->destination6),
		.options = make_options(policy, tables, targets, n, slots),
		.nics = n,
		.services = tables->services,
		.admissions = tables->admissions,
		.l4_classes = tables->l4_classes,
		.l4_unknown = tables->services ? l4_value(tables, VG_L4_UNKNOWN) : 0,
		.to = tables->to,
		.monitor = policy->monitor,
		.non_ip_pass = policy->non_ip_pass,
		.frags = dp->state.frags,
		.track = policy->replies.track,
		.filter_words = filter_words(policy),
		.tcp_s = policy->replies.tcp_s,
		.udp_s = policy->replies.udp_s,
		.icmp_s = policy->replies.icmp_s,
	};
	for (size_t i = 0; i < n; i++)
		settings->nic[i] = (struct vg_nic){
			.admission = tables->admission[targets[i].rule * tables->admissions],
			.ifindex = targets[i].ifindex,
			.slot = slots->interface[i],
			.rule = targets[i].rule,
		};
}

/* ---- the maps that outlive this policy ---- */

#define N_FLOW_MAPS 3 /* VG_PIN_FLOWS4 to VG_PIN_FLOW_FILTER: those whose size a policy gives */

static void list_flow_maps(const struct policy_bpf *s, struct bpf_map *out[N_FLOW_MAPS])
{
	out[0] = s->maps.flows4;
	out[1] = s->maps.flows6;
	out[2] = s->maps.flow_filter;
}

/* Do the flow maps in force have the size that a policy wants? */
static bool fits(const struct vg_dataplane *dp, const struct vg_policy *policy)
{
	const __u32 room = flow_room(policy);

	return vg_map_room(dp->fds[VG_PIN_FLOWS4]) == room &&
	       vg_map_room(dp->fds[VG_PIN_FLOWS6]) == room &&
	       vg_map_room(dp->fds[VG_PIN_FLOW_FILTER]) == 1 + 2 * filter_words(policy);
}

/* Where they don't fit, loading makes new flow maps. */
static int reuse_maps(const struct vg_dataplane *dp, struct policy_bpf *s,
		      const struct vg_policy *policy, bool resize)
{
	const struct {
		struct bpf_map *map;
		enum vg_pin pin;
	} shared[] = {
		{s->maps.counters, VG_PIN_COUNTERS},
		{s->maps.service_counters, VG_PIN_SERVICE_COUNTERS},
		{s->maps.refused, VG_PIN_REFUSED},
		{s->maps.flow_counters, VG_PIN_FLOW_COUNTERS},
		{s->maps.fragments, VG_PIN_FRAGMENTS},
	};
	const __u32 room = flow_room(policy);
	const __u32 sizes[N_FLOW_MAPS] = {room, room, 1 + 2 * filter_words(policy)};
	struct bpf_map *maps[N_FLOW_MAPS];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < VG_ARRAY_SIZE(shared); i++)
		r = bpf_map__reuse_fd(shared[i].map, dp->fds[shared[i].pin]);
	list_flow_maps(s, maps);
	for (int i = 0; r >= 0 && i < N_FLOW_MAPS; i++)
		r = resize ? bpf_map__set_max_entries(maps[i], sizes[i])
			   : bpf_map__reuse_fd(maps[i], dp->fds[VG_PIN_FLOWS4 + i]);
	return r;
}

static int load_programs(const struct vg_dataplane *dp, struct policy_bpf *skeleton,
			 const struct vg_table_map maps[VG_N_TABLE_MAPS],
			 const struct vg_policy *policy, bool resize)
{
	int r;

	bpf_program__set_flags(skeleton->progs.vpcgate_policy,
			       dp->state.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	bpf_program__set_autoload(skeleton->progs.vpcgate_recorder, policy->replies.track);
	r = reuse_maps(dp, skeleton, policy, resize);
	if (r >= 0)
		r = vg_table_maps_size(maps);
	if (r >= 0)
		r = policy_bpf__load(skeleton);
	return r < 0 ? r : vg_table_maps_fill(maps);
}

/* ---- the switch ---- */

void vg_dataplane_count_from(struct vg_dataplane *dp, __u64 generation)
{
	if (dp->state.generation < generation)
		dp->state.generation = generation;
}

static int put_in_force(struct vg_dataplane *dp, int program_fd, const struct vg_policy *policy,
			const struct vg_label *labels)
{
	struct vg_state state = dp->state;
	__u32 key = VG_PROGRAM_POLICY;
	int r;

	r = vg_labels_write(dp, labels);
	if (r < 0)
		return r;
	r = bpf_map_update_elem(dp->fds[VG_PIN_PROGRAMS], &key, &program_fd, BPF_ANY);
	if (r < 0)
		return r;
	dp->replies = policy->replies;
	state.generation++;
	state.published_s = time(NULL);
	state.monitor = policy->monitor;
	snprintf(state.config, sizeof(state.config), "%s", policy->path);
	dp->state = state;
	key = 0;
	return bpf_map_update_elem(dp->fds[VG_PIN_STATE], &key, &state, BPF_ANY);
}

/*
 * The recorder goes first: what the policy in force would not let in again must be recorded before.
 * Where the policy fails then, the recorder from before comes back.
 */
static int switch_tracked(struct vg_dataplane *dp, const struct policy_bpf *skeleton,
			  const struct vg_policy *policy, const struct vg_label *labels,
			  struct vg_flow_move *move)
{
	const int fd = bpf_program__fd(skeleton->progs.vpcgate_recorder);
	_cleanup_close_ int kept_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	__u32 key = VG_PROGRAM_RECORDER;
	int r;

	if (kept_fd < 0)
		return -errno;
	r = bpf_map_update_elem(dp->fds[VG_PIN_RECORDERS], &key, &fd, BPF_ANY);
	if (r < 0)
		return r;
	/* A flow that can't be copied now is lost, as if evicted; all but TCP open again by themselves. */
	vg_flow_move_finish(move);
	r = put_in_force(dp, bpf_program__fd(skeleton->progs.vpcgate_policy), policy, labels);
	if (r < 0) {
		if (dp->recorder_fd >= 0)
			bpf_map_update_elem(dp->fds[VG_PIN_RECORDERS], &key, &dp->recorder_fd,
					    BPF_ANY);
		return r;
	}
	vg_close_p(&dp->recorder_fd);
	dp->recorder_fd = VG_TAKE_FD(kept_fd);
	return 0;
}

/* Flows that there are no more once nothing tracks them. */
static __u64 count_flows(const struct vg_dataplane *dp)
{
	__u64 n = 0;

	for (int table = 0; table < VG_FLOW_FAMILIES; table++) {
		_cleanup_(vg_flow_walk_done) struct vg_flow_walk walk = {.fd = -1};

		if (vg_flow_walk_open(dp->fds[VG_FLOW_PIN(table)], table, &walk) < 0)
			continue;
		while (vg_flow_walk_next(&walk) > 0)
			n += walk.n;
	}
	return n;
}

static int switch_untracked(struct vg_dataplane *dp, const struct policy_bpf *skeleton,
			    const struct vg_policy *policy, const struct vg_label *labels)
{
	__u32 key = VG_PROGRAM_RECORDER;
	int r;

	r = put_in_force(dp, bpf_program__fd(skeleton->progs.vpcgate_policy), policy, labels);
	if (r < 0)
		return r;
	r = bpf_map_delete_elem(dp->fds[VG_PIN_RECORDERS], &key);
	vg_close_p(&dp->recorder_fd);
	dp->recorder_fd = -1;
	return r == -ENOENT ? 0 : r;
}

static void close_flow_maps(const int (*fds)[N_FLOW_MAPS])
{
	for (int i = 0; i < N_FLOW_MAPS; i++)
		vg_close_p(&(*fds)[i]);
}

static int dup_flow_maps(const struct policy_bpf *skeleton, int fds[N_FLOW_MAPS])
{
	struct bpf_map *maps[N_FLOW_MAPS];

	list_flow_maps(skeleton, maps);
	for (int i = 0; i < N_FLOW_MAPS; i++) {
		fds[i] = fcntl(bpf_map__fd(maps[i]), F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			return -errno;
	}
	return 0;
}

/* The programs in force use other flow maps from now on: so do we, and the pins. */
static void take_flow_maps(struct vg_dataplane *dp, int fds[N_FLOW_MAPS])
{
	vg_sweep_cancel(dp);
	for (int i = 0; i < N_FLOW_MAPS; i++) {
		vg_close_p(&dp->fds[VG_PIN_FLOWS4 + i]);
		dp->fds[VG_PIN_FLOWS4 + i] = VG_TAKE_FD(fds[i]);
		/* What fails here is made up for with the whole folder. */
		if (dp->pinned && vg_object_replace_pin(dp, VG_PIN_FLOWS4 + i, NULL) < 0)
			dp->pinned = false;
	}
}

static int switch_over(struct vg_dataplane *dp, const struct policy_bpf *skeleton,
		       const struct vg_policy *policy, const struct vg_label *labels, bool resize)
{
	_cleanup_(vg_flow_move_done) struct vg_flow_move move = {.walk = {{.fd = -1}, {.fd = -1}}};
	_cleanup_(close_flow_maps) int fds[N_FLOW_MAPS] = {-1, -1, -1};
	const bool track = policy->replies.track;
	__u64 dropped = 0;
	int r;

	r = resize ? dup_flow_maps(skeleton, fds) : 0;
	if (r >= 0 && resize && track)
		r = vg_flow_move_begin(&dp->fds[VG_PIN_FLOWS4], fds, fds[VG_FLOW_FAMILIES], &move);
	if (r < 0)
		return r;
	if (track) {
		r = switch_tracked(dp, skeleton, policy, labels, &move);
	} else {
		r = switch_untracked(dp, skeleton, policy, labels);
		dropped = resize ? count_flows(dp) : 0;
	}
	if (r < 0)
		return r;
	if (resize)
		take_flow_maps(dp, fds);
	return vg_flow_totals_add(dp, 0, dropped);
}

static int publish(struct vg_dataplane *dp, const struct vg_policy *policy,
		   const struct vg_tables *tables, const struct vg_target *targets, size_t n,
		   struct vg_slots *slots)
{
	_cleanup_(policy_destroy_p) struct policy_bpf *skeleton = NULL;
	_cleanup_free_ struct vg_admission *admission = NULL;
	const bool resize = !fits(dp, policy);
	struct vg_table_map maps[VG_N_TABLE_MAPS];
	int r;

	r = vg_slots_assign(dp, policy, targets, n, slots);
	if (r < 0)
		return r;
	admission = make_admission(tables, slots);
	if (!admission)
		return -ENOMEM;
	skeleton = policy_bpf__open();
	if (!skeleton)
		return -errno;
	make_settings(dp, policy, tables, targets, n, slots,
		      (struct vg_settings *)&skeleton->rodata->settings);
	fill_globals(skeleton, tables, slots);
	vg_table_maps_list(skeleton, tables, admission, maps);
	r = load_programs(dp, skeleton, maps, policy, resize);
	if (r < 0)
		return r;
	return switch_over(dp, skeleton, policy, slots->labels, resize);
}

int vg_dataplane_publish(struct vg_dataplane *dp, const struct vg_policy *policy,
			 const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			 struct vg_diag *diag)
{
	_cleanup_free_ struct vg_slots *slots = NULL;
	int r;

	if (n > VG_MAX_INTERFACES)
		return vg_dataplane_fail(
			diag, E2BIG,
			"%zu NICs match `interfaces`: at most %d can be filtered at once", n,
			VG_MAX_INTERFACES);
	slots = calloc(1, sizeof(*slots));
	r = slots ? publish(dp, policy, tables, targets, n, slots) : -ENOMEM;
	if (r < 0)
		return vg_dataplane_fail(
			diag, -r,
			"can't publish the policy: %s; the policy in force stays (--log-level debug shows the kernel's log)",
			strerror(-r));
	return vg_dataplane_is_pinned(dp) ? 0 : vg_object_pin(dp, diag);
}
