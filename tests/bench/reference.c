// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/reference.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"
#include "bpf/policy.skel.h"
#include "tests/bench/lpm.h"
#include "tests/bench/lpm.skel.h"
#include "tests/bench/lpm_entries.h"
#include "vpcgate/admit.h"

/* ---- what the policy in force uses ---- */

struct used_map {
	int fd;
	struct bpf_map_info info;
};

struct used_maps {
	struct used_map items[64];
	__u32 n;
};

static void used_maps_close(struct used_maps *used)
{
	for (__u32 i = 0; i < used->n; i++)
		vg_close_p(&used->items[i].fd);
}

static void used_maps_open(const struct gate *gate, struct used_maps *ret_used)
{
	_cleanup_close_ int programs = gate_pin(gate, "programs"), program = -1;
	__u32 ids[VG_ARRAY_SIZE(ret_used->items)], id = 0, key = VG_PROGRAM_POLICY;
	struct bpf_prog_info info = {.nr_map_ids = VG_ARRAY_SIZE(ids),
				     .map_ids = (__u64)(unsigned long)ids};
	__u32 size = sizeof(info);

	if (bpf_map_lookup_elem(programs, &key, &id) < 0 ||
	    (program = bpf_prog_get_fd_by_id(id)) < 0 ||
	    bpf_obj_get_info_by_fd(program, &info, &size) < 0)
		die("can't find the policy in force");
	ret_used->n = 0;
	for (__u32 i = 0; i < info.nr_map_ids && i < VG_ARRAY_SIZE(ids); i++) {
		struct used_map *map = &ret_used->items[ret_used->n];

		size = sizeof(map->info);
		map->fd = bpf_map_get_fd_by_id(ids[i]);
		if (map->fd < 0 || bpf_obj_get_info_by_fd(map->fd, &map->info, &size) < 0)
			die("can't open the maps of the policy in force");
		ret_used->n++;
	}
}

/* The kernel cuts names. NULL: there is none. */
static const struct used_map *find_used(const struct used_maps *used, const char *name)
{
	for (__u32 i = 0; i < used->n; i++)
		if (strncmp(used->items[i].info.name, name, BPF_OBJ_NAME_LEN - 1) == 0)
			return &used->items[i];
	return NULL;
}

/* ---- loading ---- */

static void copy_settings(const struct used_maps *used, struct lpm_bpf *skeleton)
{
	const struct used_map *rodata = find_used(used, "policy_b.rodata");
	_cleanup_free_ struct policy_bpf__rodata *value = NULL;
	__u32 key = 0;

	value = rodata ? calloc(1, rodata->info.value_size) : NULL;
	if (!value || bpf_map_lookup_elem(rodata->fd, &key, value) < 0)
		die("can't read the settings of the policy in force");
	memcpy((void *)&skeleton->rodata->settings, (const void *)&value->settings,
	       sizeof(value->settings));
}

/* Services, counters and flows are those of the policy in force. */
static void share_maps(const struct used_maps *used, struct lpm_bpf *skeleton)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		const struct used_map *same = find_used(used, bpf_map__name(map));

		if (same && !bpf_map__is_internal(map) && bpf_map__reuse_fd(map, same->fd) < 0)
			die("can't share the map %s", bpf_map__name(map));
	}
}

static void load(const struct gate *gate, struct lpm_bpf *skeleton)
{
	const __u32 flags = gate->frags ? BPF_F_XDP_HAS_FRAGS : 0;
	_cleanup_(used_maps_close) struct used_maps used = {.n = 0};
	__u32 key = VG_PROGRAM_POLICY;
	int fd;

	used_maps_open(gate, &used);
	copy_settings(&used, skeleton);
	share_maps(&used, skeleton);
	bpf_program__set_autoload(skeleton->progs.vpcgate_recorder, false);
	bpf_program__set_flags(skeleton->progs.vpcgate_policy, flags);
	bpf_program__set_flags(skeleton->progs.lpm_entry, flags);
	if (lpm_bpf__load(skeleton) < 0)
		die("can't load the LPM reference");
	fd = bpf_program__fd(skeleton->progs.vpcgate_policy);
	if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.lpm_programs), &key, &fd, BPF_ANY) < 0)
		die("can't put the LPM reference in force");
}

/* ---- filling ---- */

static void put_key(void *keys, size_t i, const struct vg_prefix *prefix)
{
	const __be64 words_be[2] = {htobe64(prefix->address.hi), htobe64(prefix->address.lo)};
	struct bench_key4 *key4 = (struct bench_key4 *)keys + i;
	struct bench_key6 *key6 = (struct bench_key6 *)keys + i;

	if (prefix->address.family == 4) {
		*key4 = (struct bench_key4){prefix->length, htonl(prefix->address.hi >> 32)};
	} else {
		key6->prefixlen = prefix->length;
		memcpy(&key6->address, words_be, sizeof(key6->address));
	}
}

static void fill(const struct bpf_map *map, const struct lpm_entry *entries, size_t n,
		 const struct vg_admission *rule)
{
	_cleanup_free_ struct vg_class *classes = calloc(n, sizeof(*classes));
	_cleanup_free_ void *keys = calloc(n, sizeof(struct bench_key6));
	__u32 count = n;

	if (!classes || !keys)
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		put_key(keys, i, &entries[i].prefix);
		classes[i] = entries[i].class;
		vg_class_admit(&classes[i], rule, false);
	}
	if (bpf_map_update_batch(bpf_map__fd(map), keys, classes, &count, NULL) < 0)
		die("can't fill an LPM trie");
}

void reference_open(const struct gate *gate, struct reference *ret_reference)
{
	_cleanup_free_ struct lpm_entry *entries4 = NULL, *entries6 = NULL;
	__u8 slots[VG_MAX_POLICY_SETS];
	struct lpm_bpf *skeleton = lpm_bpf__open();
	const struct vg_admission *rule;
	size_t n4, n6;

	gate_source_slots(gate, slots);
	entries4 = lpm_entries_make(gate->policy, slots, 4, &n4);
	entries6 = lpm_entries_make(gate->policy, slots, 6, &n6);
	if (!skeleton || bpf_map__set_max_entries(skeleton->maps.lpm4, n4) < 0 ||
	    bpf_map__set_max_entries(skeleton->maps.lpm6, n6) < 0)
		die("can't open the LPM reference");
	load(gate, skeleton);
	rule = (const struct vg_admission *)&skeleton->rodata->settings.nic[0].admission;
	fill(skeleton->maps.lpm4, entries4, n4, rule);
	fill(skeleton->maps.lpm6, entries6, n6, rule);
	*ret_reference = (struct reference){
		.skeleton = skeleton,
		.entry_fd = bpf_program__fd(skeleton->progs.lpm_entry),
	};
}

void reference_close(struct reference *reference)
{
	lpm_bpf__destroy(reference->skeleton);
}
