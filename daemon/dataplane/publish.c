// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A policy becomes a program with tables of its own, then one write puts it in force. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "dataplane/internal.h"
#include "bpf/policy.skel.h"
#include "share/cleanup.h"

static void policy_destroy_p(struct policy_bpf **skeleton)
{
	policy_bpf__destroy(*skeleton);
}

/* ---- counter slots: kept by name ---- */

/* A range of labels, such as those of the source sets. */
struct label_range {
	struct vg_label *labels;
	unsigned first, n; /* within `labels`; slots count from `first` */
};

static int label_find(const struct label_range *range, const char *name)
{
	for (unsigned i = 0; i < range->n; i++)
		if (strncmp(range->labels[range->first + i].name, name, VG_NAME_SIZE) == 0)
			return i;
	return -ENOENT;
}

/*
 * The slot of each of `n` names, in `slots`: the one it has, else a free one, else one whose name
 * this policy doesn't use. -ENOSPC: there are more names than slots.
 */
static int labels_assign(const struct label_range *range, const char *const *names, size_t n,
			 __u16 *slots)
{
	bool used[VG_MAX_SERVICES] = {false};

	for (size_t i = 0; i < n; i++) {
		const int slot = label_find(range, names[i]);

		slots[i] = slot < 0 ? UINT16_MAX : slot;
		if (slot >= 0)
			used[slot] = true;
	}
	for (size_t i = 0; i < n; i++) {
		int slot = slots[i] == UINT16_MAX ? label_find(range, "") : slots[i];

		for (unsigned k = 0; slot < 0 && k < range->n; k++)
			if (!used[k])
				slot = k;
		if (slot < 0)
			return -ENOSPC;
		used[slot] = true;
		slots[i] = slot;
		snprintf(range->labels[range->first + slot].name, VG_NAME_SIZE, "%s", names[i]);
	}
	return 0;
}

/* The counter slots of one publish, and all labels as they will be once it is in force. */
struct slots {
	struct vg_label labels[VG_LABEL_MAX];
	__u16 interface[VG_MAX_INTERFACES];
	__u16 source[VG_MAX_POLICY_SETS];
	__u16 service[VG_MAX_SERVICES];
};

static int slots_assign(const struct vg_dataplane *dp, const struct vg_policy *policy,
			const struct vg_target *targets, size_t n, struct slots *slots)
{
	/* Slot 0 of the sources is "in no set" and never has a name. */
	const struct label_range interfaces = {slots->labels, VG_LABEL_INTERFACE,
					       VG_MAX_INTERFACES};
	const struct label_range sources = {slots->labels, VG_LABEL_SOURCE + 1, VG_MAX_SOURCES - 1};
	const struct label_range services = {slots->labels, VG_LABEL_SERVICE, VG_MAX_SERVICES};
	const char *names[VG_MAX_SERVICES];
	int r;

	memcpy(slots->labels, dp->labels, sizeof(slots->labels));
	for (size_t i = 0; i < n; i++)
		names[i] = targets[i].name;
	r = labels_assign(&interfaces, names, n, slots->interface);
	if (r < 0)
		return r;
	for (size_t i = 0; i < policy->n_sets; i++)
		names[i] = policy->sets[i].name;
	r = labels_assign(&sources, names, policy->n_sets, slots->source);
	if (r < 0)
		return r;
	for (size_t i = 0; i < policy->n_sets; i++)
		slots->source[i]++;
	for (size_t i = 0; i < policy->n_services; i++)
		names[i] = policy->services[i].name;
	return labels_assign(&services, names, policy->n_services, slots->service);
}

static int zero_element(int map_fd, __u32 key, size_t value_size)
{
	_cleanup_free_ void *zero = calloc(libbpf_num_possible_cpus(), value_size);

	return zero ? bpf_map_update_elem(map_fd, &key, zero, BPF_ANY) : -ENOMEM;
}

static int zero_source(int map_fd, unsigned source)
{
	const int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct vg_interface_counters *copies = calloc(cpus, sizeof(*copies));
	int r = copies ? 0 : -ENOMEM;

	for (__u32 key = 0; r >= 0 && key < VG_MAX_INTERFACES; key++) {
		r = bpf_map_lookup_elem(map_fd, &key, copies);
		for (int cpu = 0; r >= 0 && cpu < cpus; cpu++)
			for (unsigned row = 0; row < VG_ROW_MAX; row++)
				copies[cpu].count[row][source] = (struct vg_count){0};
		if (r >= 0)
			r = bpf_map_update_elem(map_fd, &key, copies, BPF_ANY);
	}
	return r;
}

/* A slot that changes hands starts again from zero. */
static int zero_slot(const struct vg_dataplane *dp, unsigned label)
{
	const int services = dp->fds[VG_PIN_SERVICE_COUNTERS];
	int r = 0;

	if (label >= VG_LABEL_SERVICE) {
		for (unsigned i = 0; r >= 0 && i < VG_MAX_INTERFACES; i++)
			r = zero_element(services, i * VG_MAX_SERVICES + label - VG_LABEL_SERVICE,
					 sizeof(struct vg_service_counters));
		return r;
	}
	if (label >= VG_LABEL_SOURCE)
		return zero_source(dp->fds[VG_PIN_COUNTERS], label - VG_LABEL_SOURCE);
	for (unsigned i = 0; r >= 0 && i < VG_MAX_SERVICES; i++)
		r = zero_element(services, label * VG_MAX_SERVICES + i,
				 sizeof(struct vg_service_counters));
	return r < 0 ? r
		     : zero_element(dp->fds[VG_PIN_COUNTERS], label,
				    sizeof(struct vg_interface_counters));
}

static int labels_write(struct vg_dataplane *dp, const struct vg_label *labels)
{
	for (__u32 key = 0; key < VG_LABEL_MAX; key++) {
		int r = 0;

		if (memcmp(&labels[key], &dp->labels[key], sizeof(*labels)) == 0)
			continue;
		if (dp->labels[key].name[0])
			r = zero_slot(dp, key);
		if (r >= 0)
			r = bpf_map_update_elem(dp->fds[VG_PIN_LABELS], &key, &labels[key],
						BPF_ANY);
		if (r < 0)
			return r;
		dp->labels[key] = labels[key];
	}
	return 0;
}

/* ---- tables into maps ---- */

struct table {
	struct bpf_map *map;
	const void *items;
	size_t n, size;
};

#define TRIE_TABLES(nodes_map, skips_map, trie)                                \
	{nodes_map, (trie).nodes, (trie).n_nodes, sizeof(*(trie).nodes)},      \
	{                                                                      \
		skips_map, (trie).skips, (trie).n_skips, sizeof(*(trie).skips) \
	}

#define N_TABLES 11

static void list_tables(const struct policy_bpf *s, const struct vg_tables *t,
			const struct vg_admission *admission, struct table out[N_TABLES])
{
	const struct table all[N_TABLES] = {
		TRIE_TABLES(s->maps.source4_nodes, s->maps.source4_skips, t->source4),
		TRIE_TABLES(s->maps.source6_nodes, s->maps.source6_skips, t->source6),
		TRIE_TABLES(s->maps.to4_nodes, s->maps.to4_skips, t->destination4),
		TRIE_TABLES(s->maps.to6_nodes, s->maps.to6_skips, t->destination6),
		{s->maps.l4_class, t->l4_class, t->l4_class ? VG_L4_PAGES : 0,
		 sizeof(*t->l4_class)},
		{s->maps.services, t->service, t->n_service_pages, sizeof(*t->service)},
		{s->maps.admission, admission, t->n_admissions, sizeof(*admission)},
	};

	memcpy(out, all, sizeof(all));
}

static int fill_table(const struct table *table)
{
	const size_t bytes = table->n * table->size;
	void *memory;

	if (!bytes)
		return 0;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(table->map), 0);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, table->items, bytes);
	munmap(memory, bytes);
	return 0;
}

static void fill_root(struct vg_trie_root *root, const struct vg_trie *trie)
{
	if (trie->root)
		*root = *trie->root;
}

/* The tables' set and service numbers turned into counter slots. */
static void fill_classes(struct vg_class *classes, const struct vg_tables *tables,
			 const struct slots *slots)
{
	for (size_t i = 0; i < tables->classes.n; i++) {
		const struct vg_trie_class *class = &tables->classes.items[i];

		classes[i].sets = class->sets;
		classes[i].flags = class->flags;
		if (class->source != VG_TRIE_NO_SOURCE)
			classes[i].source = slots->source[class->source];
	}
}

/* The globals of the program, before it is loaded. */
static void fill_globals(struct policy_bpf *skeleton, const struct vg_tables *tables,
			 const struct slots *slots)
{
	fill_root(&skeleton->bss->source4_root, &tables->source4);
	fill_root(&skeleton->bss->source6_root, &tables->source6);
	fill_root(&skeleton->bss->to4_root, &tables->destination4);
	fill_root(&skeleton->bss->to6_root, &tables->destination6);
	fill_classes(skeleton->bss->classes, tables, slots);
}

static struct vg_admission *make_admission(const struct vg_tables *tables,
					   const struct slots *slots)
{
	struct vg_admission *admission = calloc(tables->n_admissions, sizeof(*admission));

	for (size_t i = 0; admission && i < tables->n_admissions; i++) {
		admission[i] = tables->admission[i];
		if (admission[i].service != VG_NO_SERVICE)
			admission[i].service = slots->service[admission[i].service];
	}
	return admission;
}

static void make_settings(const struct vg_dataplane *dp, const struct vg_policy *policy,
			  const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			  const struct slots *slots, struct vg_settings *settings)
{
	*settings = (struct vg_settings){
		.nics = n,
		.services = tables->services,
		.l4_classes = tables->l4_classes,
		.to = tables->to,
		.monitor = policy->monitor,
		.non_ip_pass = policy->non_ip_pass,
		.frags = dp->state.frags,
	};
	for (size_t i = 0; i < n; i++)
		settings->nic[i] = (struct vg_nic){
			.admission = tables->admission[targets[i].rule * (tables->services + 1)],
			.ifindex = targets[i].ifindex,
			.slot = slots->interface[i],
			.rule = targets[i].rule,
		};
}

static int load_program(const struct vg_dataplane *dp, struct policy_bpf *skeleton,
			const struct table tables[N_TABLES])
{
	int r;

	bpf_program__set_flags(skeleton->progs.vpcgate_policy,
			       dp->state.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	r = bpf_map__reuse_fd(skeleton->maps.counters, dp->fds[VG_PIN_COUNTERS]);
	if (r < 0)
		return r;
	r = bpf_map__reuse_fd(skeleton->maps.service_counters, dp->fds[VG_PIN_SERVICE_COUNTERS]);
	for (size_t i = 0; r >= 0 && i < N_TABLES; i++)
		r = bpf_map__set_max_entries(tables[i].map, tables[i].n ? tables[i].n : 1);
	if (r >= 0)
		r = policy_bpf__load(skeleton);
	for (size_t i = 0; r >= 0 && i < N_TABLES; i++)
		r = fill_table(&tables[i]);
	return r;
}

/* ---- the switch ---- */

static int put_in_force(struct vg_dataplane *dp, int program_fd, const struct vg_policy *policy,
			const struct vg_label *labels)
{
	struct vg_state state = dp->state;
	__u32 key = VG_PROGRAM_POLICY;
	int r;

	r = labels_write(dp, labels);
	if (r < 0)
		return r;
	r = bpf_map_update_elem(dp->fds[VG_PIN_PROGRAMS], &key, &program_fd, BPF_ANY);
	if (r < 0)
		return r;
	state.generation++;
	state.published_s = time(NULL);
	state.monitor = policy->monitor;
	snprintf(state.config, sizeof(state.config), "%s", policy->path);
	dp->state = state;
	key = 0;
	return bpf_map_update_elem(dp->fds[VG_PIN_STATE], &key, &state, BPF_ANY);
}

static int publish(struct vg_dataplane *dp, const struct vg_policy *policy,
		   const struct vg_tables *tables, const struct vg_target *targets, size_t n,
		   struct slots *slots)
{
	_cleanup_(policy_destroy_p) struct policy_bpf *skeleton = NULL;
	_cleanup_free_ struct vg_admission *admission = NULL;
	struct table list[N_TABLES];
	int r;

	r = slots_assign(dp, policy, targets, n, slots);
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
	list_tables(skeleton, tables, admission, list);
	r = load_program(dp, skeleton, list);
	if (r < 0)
		return r;
	return put_in_force(dp, bpf_program__fd(skeleton->progs.vpcgate_policy), policy,
			    slots->labels);
}

int vg_dataplane_publish(struct vg_dataplane *dp, const struct vg_policy *policy,
			 const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			 struct vg_diag *diag)
{
	_cleanup_free_ struct slots *slots = NULL;
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
