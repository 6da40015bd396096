/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/rig.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "core/config.h"
#include "share/cleanup.h"
#include "share/file.h"

#define BPFFS "/sys/fs/bpf"

static int fail(int error, const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	return error;
}

static int pin_to_cpu(struct vg_rig *rig)
{
	const int cpu = sched_getcpu();
	cpu_set_t set;

	if (cpu < 0)
		return fail(-errno, "sched_getcpu");
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return fail(-errno, "sched_setaffinity");
	rig->cpu = (unsigned)cpu;
	rig->cpus = (unsigned)libbpf_num_possible_cpus();
	rig->values = calloc(rig->cpus, sizeof(struct vg_interface_counters));
	return rig->values ? 0 : fail(-ENOMEM, "counters");
}

/* In a mount namespace of its own, so that nothing is left, whatever ends this process. */
static int mount_bpffs(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return fail(-errno, "unshare");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(-errno, "mount --make-rprivate /");
	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700") < 0)
		return fail(-errno, "mount -t bpf " BPFFS);
	return 0;
}

int vg_rig_open(struct vg_rig *ret_rig)
{
	struct vg_diag diag = {0};
	int r;

	*ret_rig = (struct vg_rig){
		.dir = BPFFS "/vpcgate", .counters_fd = -1, .services_fd = -1, .labels_fd = -1};
	r = pin_to_cpu(ret_rig);
	if (r < 0)
		return r;
	r = mount_bpffs();
	if (r < 0)
		return r;
	r = vg_dataplane_open(ret_rig->dir, &ret_rig->dataplane, &diag);
	if (r < 0)
		fprintf(stderr, "%s\n", diag.text);
	return r;
}

void vg_rig_close(struct vg_rig *rig)
{
	vg_close_p(&rig->counters_fd);
	vg_close_p(&rig->services_fd);
	vg_close_p(&rig->labels_fd);
	vg_dataplane_close(rig->dataplane);
	free(rig->values);
}

static int open_map(const struct vg_rig *rig, const char *name, int *fd)
{
	char path[128];

	if (*fd >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
	*fd = bpf_obj_get(path);
	return *fd < 0 ? fail(-errno, path) : 0;
}

static int open_maps(struct vg_rig *rig)
{
	int r;

	r = open_map(rig, "counters", &rig->counters_fd);
	if (r < 0)
		return r;
	r = open_map(rig, "service_counters", &rig->services_fd);
	if (r < 0)
		return r;
	return open_map(rig, "labels", &rig->labels_fd);
}

static int read_labels(struct vg_rig *rig)
{
	for (__u32 key = 0; key < VG_LABEL_MAX; key++)
		if (bpf_map_lookup_elem(rig->labels_fd, &key, &rig->labels[key]) < 0)
			return fail(-errno, "labels");
	return 0;
}

int vg_rig_publish_tables(struct vg_rig *rig, const struct vg_policy *policy,
			  const struct vg_tables *tables, const struct vg_target *targets, size_t n,
			  struct vg_diag *diag)
{
	int r;

	r = vg_dataplane_publish(rig->dataplane, policy, tables, targets, n, diag);
	if (r < 0)
		return r;
	r = open_maps(rig);
	return r < 0 ? r : read_labels(rig);
}

static int publish(struct vg_rig *rig, const char *yaml, size_t length,
		   const struct vg_target *targets, size_t n, struct vg_policy **ret_policy,
		   struct vg_diag *diag)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	int r;

	r = vg_config_parse("vpcgate.yaml", yaml, length, &config, diag);
	if (r < 0)
		return r;
	r = vg_policy_build(config, &vg_file_reader, &policy, diag);
	if (r < 0)
		return r;
	r = vg_tables_build(policy, &tables, diag);
	if (r < 0)
		return r;
	r = vg_rig_publish_tables(rig, policy, tables, targets, n, diag);
	if (r < 0)
		return r;
	*ret_policy = VG_TAKE_PTR(policy);
	return 0;
}

int vg_rig_publish(struct vg_rig *rig, const char *yaml, size_t length,
		   const struct vg_target *targets, size_t n, struct vg_policy **ret_policy)
{
	struct vg_diag diag = {0};
	char text[VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE];
	int r;

	r = publish(rig, yaml, length, targets, n, ret_policy, &diag);
	if (r < 0) {
		vg_diag_format(&diag, text, sizeof(text));
		return fail(r, text);
	}
	return 0;
}

int vg_rig_slot(const struct vg_rig *rig, unsigned first, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strncmp(rig->labels[first + i].name, name, VG_NAME_SIZE) == 0)
			return (int)i;
	return -ENOENT;
}

/* `size` is a multiple of 8, as the kernel pads per-CPU values. */
static int read_value(const struct vg_rig *rig, int fd, __u32 key, void *ret_value, size_t size)
{
	if (bpf_map_lookup_elem(fd, &key, rig->values) < 0)
		return -errno;
	memcpy(ret_value, (const char *)rig->values + rig->cpu * size, size);
	return 0;
}

int vg_rig_interface(const struct vg_rig *rig, unsigned slot,
		     struct vg_interface_counters *ret_counters)
{
	return read_value(rig, rig->counters_fd, slot, ret_counters, sizeof(*ret_counters));
}

int vg_rig_service(const struct vg_rig *rig, unsigned interface, unsigned service,
		   struct vg_service_counters *ret_counters)
{
	return read_value(rig, rig->services_fd, interface * VG_MAX_SERVICES + service,
			  ret_counters, sizeof(*ret_counters));
}

/* A map of that name among those that a program uses. */
static int find_map(int program_fd, const char *name, int *ret_fd)
{
	__u32 map_ids[64];
	struct bpf_prog_info info = {.nr_map_ids = 64, .map_ids = (__u64)(unsigned long)map_ids};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd, &info, &size) < 0)
		return -errno;
	for (__u32 i = 0; i < info.nr_map_ids; i++) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(map_ids[i]);
		struct bpf_map_info map = {0};

		size = sizeof(map);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &map, &size) < 0)
			return -errno;
		if (strcmp(map.name, name) == 0) {
			*ret_fd = VG_TAKE_FD(fd);
			return 0;
		}
	}
	return -ENOENT;
}

int vg_rig_open_recent(const struct vg_rig *rig, int *ret_fd)
{
	_cleanup_close_ int recorders = -1, program = -1;
	__u32 id = 0, key = VG_PROGRAM_RECORDER;
	int r;

	r = open_map(rig, "recorders", &recorders);
	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(recorders, &key, &id);
	if (r < 0)
		return r;
	program = bpf_prog_get_fd_by_id(id);
	return program < 0 ? program : find_map(program, "recent", ret_fd);
}

int vg_rig_forget_recent(const struct vg_rig *rig)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ void *zero = NULL;
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int r;

	r = vg_rig_open_recent(rig, &fd);
	if (r < 0)
		return r;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	zero = calloc(rig->cpus, (info.value_size + 7) / 8 * 8);
	if (!zero)
		return -ENOMEM;
	for (__u32 key = 0; r == 0 && key < info.max_entries; key++)
		r = bpf_map_update_elem(fd, &key, zero, BPF_ANY);
	return r;
}
