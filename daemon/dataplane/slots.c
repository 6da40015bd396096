// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counter slots: kept by name from one policy to the next. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

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

int vg_slots_assign(const struct vg_dataplane *dp, const struct vg_policy *policy,
		    const struct vg_target *targets, size_t n, struct vg_slots *slots)
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

int vg_labels_write(struct vg_dataplane *dp, const struct vg_label *labels)
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
