// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The folder of pins: made, adopted, replaced and removed. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "dataplane/internal.h"
#include "bpf/entry.skel.h"
#include "share/cleanup.h"

const char *const vg_pin_names[VG_PIN_MAX] = {
	[VG_PIN_STATE] = "state",
	[VG_PIN_LABELS] = "labels",
	[VG_PIN_COUNTERS] = "counters",
	[VG_PIN_SERVICE_COUNTERS] = "service_counters",
	[VG_PIN_FLOWS4] = "flows4",
	[VG_PIN_FLOWS6] = "flows6",
	[VG_PIN_FLOW_FILTER] = "flow_filter",
	[VG_PIN_REFUSED] = "refused",
	[VG_PIN_FLOW_COUNTERS] = "flow_counters",
	[VG_PIN_FLOW_TOTALS] = "flow_totals",
	[VG_PIN_FRAGMENTS] = "fragments",
	[VG_PIN_PROGRAMS] = "programs",
	[VG_PIN_RECORDERS] = "recorders",
	[VG_PIN_ENTRY] = "entry",
	[VG_PIN_EGRESS] = "egress",
};

/* Of a pin that is about to get its name. */
#define NEW_PIN "new"

/* See keep_old(). */
static const enum vg_pin arrays[] = {VG_PIN_PROGRAMS, VG_PIN_RECORDERS};
#define OLD_MAX 8 /* pins of each; that many starts in a row must have been killed halfway */

static void entry_destroy_p(struct entry_bpf **skeleton)
{
	entry_bpf__destroy(*skeleton);
}

static void (*log_line)(const char *text);

static int print_line(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[4096];

	(void)level;
	if (!log_line)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_line(text);
	return 0;
}

void vg_dataplane_set_log(void (*log)(const char *text))
{
	log_line = log;
	libbpf_set_print(print_line);
}

void vg_pin_path(const char *dir, const char *name, char out[PATH_MAX])
{
	/* vg_dataplane_open() bounds `dir`; a longer one from the CLI names nothing that exists. */
	if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		out[0] = '\0';
}

static bool on_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

static int make_folder(const char *dir, struct vg_diag *diag)
{
	_cleanup_free_ char *parent = NULL;
	char links[PATH_MAX];
	char *slash;

	parent = strdup(dir);
	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return vg_dataplane_fail(
			diag, EINVAL,
			"'%s' is not a folder on a bpffs: give a path such as " VG_BPFFS_DEFAULT,
			dir);
	*slash = '\0';
	/* The folder may be all of a bpffs that this process sees, as in vpcgated.service. */
	if (!on_bpffs(dir) && !on_bpffs(parent))
		return vg_dataplane_fail(diag, ENOTSUP,
					 "no bpffs at %s: mount it with `mount -t bpf bpf %s`",
					 parent, parent);
	vg_pin_path(dir, "links", links);
	if ((mkdir(dir, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(links, 0700) < 0 && errno != EEXIST))
		return vg_dataplane_fail(diag, errno, "can't make the folder %s: %s", dir,
					 strerror(errno));
	return 0;
}

int vg_dataplane_lock(const char *dir, int *ret_fd, struct vg_diag *diag)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return vg_dataplane_fail(diag, errno, "can't open %s: %s", dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return vg_dataplane_fail(diag, EEXIST, "a running vpcgated holds %s", dir);
	*ret_fd = VG_TAKE_FD(fd);
	return 0;
}

static void close_fds(struct vg_dataplane *dp)
{
	for (int i = 0; i < VG_PIN_MAX; i++) {
		vg_close_p(&dp->fds[i]);
		dp->fds[i] = -1;
	}
}

/* -EPROTO: the program doesn't jump through that PROG_ARRAY. */
static int check_jump(int program_fd, int array_fd, __u32 *ret_id)
{
	__u32 map_ids[VG_PIN_MAX] = {0};
	struct bpf_prog_info program = {.nr_map_ids = VG_PIN_MAX,
					.map_ids = (__u64)(unsigned long)map_ids};
	__u32 program_size = sizeof(program), array_size;
	struct bpf_map_info array = {0};

	array_size = sizeof(array);
	if (bpf_obj_get_info_by_fd(program_fd, &program, &program_size) < 0 ||
	    bpf_obj_get_info_by_fd(array_fd, &array, &array_size) < 0)
		return -errno;
	for (__u32 i = 0; i < program.nr_map_ids && i < VG_PIN_MAX; i++) {
		if (map_ids[i] != array.id)
			continue;
		*ret_id = program.id;
		return 0;
	}
	return -EPROTO;
}

/* -ENOENT: there are no pins, or not all of them; -EPROTO: of another version, or not of a piece. */
static int adopt(struct vg_dataplane *dp)
{
	char path[PATH_MAX];
	int r;

	r = vg_dataplane_state(dp->dir, &dp->state, NULL);
	if (r < 0)
		return r;
	for (int i = 0; i < VG_PIN_MAX; i++) {
		vg_pin_path(dp->dir, vg_pin_names[i], path);
		dp->fds[i] = bpf_obj_get(path);
		if (dp->fds[i] < 0)
			return dp->fds[i];
	}
	for (__u32 key = 0; key < VG_LABEL_MAX; key++) {
		r = bpf_map_lookup_elem(dp->fds[VG_PIN_LABELS], &key, &dp->labels[key]);
		if (r < 0)
			return r;
	}
	r = check_jump(dp->fds[VG_PIN_ENTRY], dp->fds[VG_PIN_PROGRAMS], &dp->entry_id);
	if (r >= 0)
		r = check_jump(dp->fds[VG_PIN_EGRESS], dp->fds[VG_PIN_RECORDERS], &dp->egress_id);
	dp->pinned = r >= 0;
	return r;
}

/* Dups of the object's descriptors: the skeleton closes its own. */
static int keep_fds(struct vg_dataplane *dp, const struct entry_bpf *skeleton)
{
	const int fds[VG_PIN_MAX] = {
		[VG_PIN_STATE] = bpf_map__fd(skeleton->maps.state),
		[VG_PIN_LABELS] = bpf_map__fd(skeleton->maps.labels),
		[VG_PIN_COUNTERS] = bpf_map__fd(skeleton->maps.counters),
		[VG_PIN_SERVICE_COUNTERS] = bpf_map__fd(skeleton->maps.service_counters),
		[VG_PIN_FLOWS4] = bpf_map__fd(skeleton->maps.flows4),
		[VG_PIN_FLOWS6] = bpf_map__fd(skeleton->maps.flows6),
		[VG_PIN_FLOW_FILTER] = bpf_map__fd(skeleton->maps.flow_filter),
		[VG_PIN_REFUSED] = bpf_map__fd(skeleton->maps.refused),
		[VG_PIN_FLOW_COUNTERS] = bpf_map__fd(skeleton->maps.flow_counters),
		[VG_PIN_FLOW_TOTALS] = bpf_map__fd(skeleton->maps.flow_totals),
		[VG_PIN_FRAGMENTS] = bpf_map__fd(skeleton->maps.fragments),
		[VG_PIN_PROGRAMS] = bpf_map__fd(skeleton->maps.programs),
		[VG_PIN_RECORDERS] = bpf_map__fd(skeleton->maps.recorders),
		[VG_PIN_ENTRY] = bpf_program__fd(skeleton->progs.vpcgate_entry),
		[VG_PIN_EGRESS] = bpf_program__fd(skeleton->progs.vpcgate_egress),
	};
	int r;

	for (int i = 0; i < VG_PIN_MAX; i++) {
		dp->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (dp->fds[i] < 0)
			return -errno;
	}
	r = check_jump(dp->fds[VG_PIN_ENTRY], dp->fds[VG_PIN_PROGRAMS], &dp->entry_id);
	return r < 0 ? r
		     : check_jump(dp->fds[VG_PIN_EGRESS], dp->fds[VG_PIN_RECORDERS],
				  &dp->egress_id);
}

static int load_entry(struct vg_dataplane *dp, bool frags)
{
	_cleanup_(entry_destroy_p) struct entry_bpf *skeleton = entry_bpf__open();
	int r;

	if (!skeleton)
		return -errno;
	bpf_program__set_flags(skeleton->progs.vpcgate_entry, frags ? BPF_F_XDP_HAS_FRAGS : 0);
	r = entry_bpf__load(skeleton);
	if (r < 0)
		return r;
	dp->state = (struct vg_state){.abi_version = VG_ABI_VERSION, .frags = frags};
	memset(dp->labels, 0, sizeof(dp->labels));
	return keep_fds(dp, skeleton);
}

/* Kernels before 5.18 don't know multi-buffer XDP. */
static int load_fresh(struct vg_dataplane *dp, struct vg_diag *diag)
{
	int r;

	close_fds(dp);
	dp->pinned = false;
	r = load_entry(dp, true);
	if (r == -EINVAL) {
		close_fds(dp);
		r = load_entry(dp, false);
	}
	if (r == -EPERM || r == -EACCES)
		return vg_dataplane_fail(
			diag, EPERM,
			"vpcgated needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run it as root or from its systemd unit");
	if (r < 0)
		return vg_dataplane_fail(
			diag, -r,
			"can't load the entry program: %s (it needs Linux 5.15 or newer with CONFIG_BPF_SYSCALL; --log-level debug shows the kernel's log)",
			strerror(-r));
	return 0;
}

/* ---- pins ---- */

static int unlink_pin(const char *dir, const char *name, struct vg_diag *diag)
{
	char path[PATH_MAX];

	vg_pin_path(dir, name, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return vg_dataplane_fail(diag, errno, "can't remove %s: %s", path, strerror(errno));
	return 0;
}

/* There is no moment without a pin of that name. */
int vg_object_replace_pin(const struct vg_dataplane *dp, enum vg_pin pin, struct vg_diag *diag)
{
	char new[PATH_MAX], path[PATH_MAX];
	int r = unlink_pin(dp->dir, NEW_PIN, diag);

	if (r < 0)
		return r;
	vg_pin_path(dp->dir, NEW_PIN, new);
	vg_pin_path(dp->dir, vg_pin_names[pin], path);
	r = bpf_obj_pin(dp->fds[pin], new);
	if (r >= 0 && rename(new, path) < 0)
		r = -errno;
	if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't pin %s: %s", path, strerror(-r));
	return 0;
}

static void old_path(const char *dir, enum vg_pin array, unsigned n, char out[PATH_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "%s_old%u", vg_pin_names[array], n);
	vg_pin_path(dir, name, out);
}

/*
 * The kernel empties a PROG_ARRAY that no pin and no descriptor is left of: an old one keeps a pin
 * of another name for as long as a NIC may still jump through it. Those that are there already are
 * of starts that didn't come this far.
 */
static int keep_old(const char *dir, struct vg_diag *diag)
{
	char old[PATH_MAX], path[PATH_MAX];

	for (size_t i = 0; i < VG_ARRAY_SIZE(arrays); i++) {
		unsigned n = 0;

		do
			old_path(dir, arrays[i], n, old);
		while (access(old, F_OK) == 0 && ++n < OLD_MAX);
		vg_pin_path(dir, vg_pin_names[arrays[i]], path);
		if (n < OLD_MAX && rename(path, old) < 0 && errno != ENOENT)
			return vg_dataplane_fail(diag, errno, "can't rename the pin %s: %s", path,
						 strerror(errno));
	}
	return 0;
}

static int drop_old(const char *dir, struct vg_diag *diag)
{
	int r = unlink_pin(dir, NEW_PIN, diag);
	char path[PATH_MAX];

	for (size_t i = 0; r >= 0 && i < VG_ARRAY_SIZE(arrays); i++) {
		for (unsigned n = 0; n < OLD_MAX; n++) {
			old_path(dir, arrays[i], n, path);
			if (unlink(path) < 0 && errno != ENOENT)
				r = vg_dataplane_fail(diag, errno, "can't remove %s: %s", path,
						      strerror(errno));
		}
	}
	return r;
}

/* ---- life ---- */

int vg_dataplane_open(const char *dir, struct vg_dataplane **ret_dataplane, struct vg_diag *diag)
{
	_cleanup_(vg_dataplane_close_p) struct vg_dataplane *dp = NULL;
	int r;

	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return -ENOMEM;
	dp->lock_fd = -1;
	dp->recorder_fd = -1;
	for (int i = 0; i < VG_PIN_MAX; i++)
		dp->fds[i] = -1;
	if (strlen(dir) >= sizeof(dp->dir) - 64)
		return vg_dataplane_fail(diag, ENAMETOOLONG, "the path '%s' is too long", dir);
	strcpy(dp->dir, dir);
	r = make_folder(dir, diag);
	if (r < 0)
		return r;
	r = vg_dataplane_lock(dir, &dp->lock_fd, diag);
	if (r < 0)
		return r;
	/* One that was killed may have left old arrays, in whose place later ones would not be kept. */
	if (adopt(dp) >= 0)
		r = drop_old(dir, diag);
	else
		r = load_fresh(dp, diag);
	if (r < 0)
		return r;
	*ret_dataplane = VG_TAKE_PTR(dp);
	return 0;
}

void vg_dataplane_close(struct vg_dataplane *dp)
{
	if (!dp)
		return;
	vg_sweep_cancel(dp);
	close_fds(dp);
	vg_close_p(&dp->recorder_fd);
	vg_close_p(&dp->lock_fd);
	free(dp);
}

void vg_dataplane_close_p(struct vg_dataplane **dp)
{
	vg_dataplane_close(*dp);
}

/* The folder may have been removed and made again: the lock must be on the one that is there. */
static int renew_lock(struct vg_dataplane *dp, struct vg_diag *diag)
{
	struct stat locked, there;
	int fd = -1, r;

	if (fstat(dp->lock_fd, &locked) == 0 && stat(dp->dir, &there) == 0 &&
	    locked.st_ino == there.st_ino && locked.st_dev == there.st_dev)
		return 0;
	r = vg_dataplane_lock(dp->dir, &fd, diag);
	if (r < 0)
		return r;
	vg_close_p(&dp->lock_fd);
	dp->lock_fd = fd;
	return 0;
}

/* Its parent may be another's, as root's where the daemon has a user of its own. */
static int make_folder_again(const char *dir, struct vg_diag *diag)
{
	const int r = make_folder(dir, diag);
	const bool lost = r == -EACCES || r == -EPERM || r == -EROFS || r == -ENOENT;

	return lost ? -ESTALE : r;
}

/*
 * NICs move to the new entry program only when all that it needs is pinned. The state comes last and
 * goes first: after a crash in between, the next start replaces the folder again.
 */
int vg_object_pin(struct vg_dataplane *dp, struct vg_diag *diag)
{
	int r = make_folder_again(dp->dir, diag);

	if (r >= 0)
		r = renew_lock(dp, diag);
	if (r >= 0)
		r = unlink_pin(dp->dir, vg_pin_names[VG_PIN_STATE], diag);
	if (r >= 0)
		r = keep_old(dp->dir, diag);
	for (int i = VG_PIN_MAX - 1; r >= 0 && i > VG_PIN_STATE; i--)
		r = vg_object_replace_pin(dp, i, diag);
	if (r >= 0)
		r = vg_link_update_all(dp, diag);
	if (r >= 0)
		r = vg_object_replace_pin(dp, VG_PIN_STATE, diag);
	if (r >= 0)
		r = drop_old(dp->dir, diag);
	dp->pinned = r >= 0;
	return r;
}

bool vg_dataplane_has_frags(const struct vg_dataplane *dp)
{
	return dp->state.frags;
}

bool vg_dataplane_is_pinned(const struct vg_dataplane *dp)
{
	char path[PATH_MAX];

	for (int i = 0; i < VG_PIN_MAX; i++) {
		vg_pin_path(dp->dir, vg_pin_names[i], path);
		if (access(path, F_OK) < 0)
			return false;
	}
	vg_pin_path(dp->dir, "links", path);
	return dp->pinned && access(path, F_OK) == 0;
}

int vg_dataplane_state(const char *dir, struct vg_state *ret_state, struct vg_diag *diag)
{
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {0};
	struct vg_state state = {0};
	__u32 size = sizeof(info), key = 0;
	char path[PATH_MAX];

	vg_pin_path(dir, vg_pin_names[VG_PIN_STATE], path);
	fd = bpf_obj_get(path);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return vg_dataplane_fail(
			diag, ENOENT,
			"no filter is pinned in %s: start vpcgated, or name the folder with --bpffs",
			dir);
	if (fd < 0)
		return vg_dataplane_fail(diag, -fd, "can't open %s: %s%s", path, strerror(-fd),
					 fd == -EPERM || fd == -EACCES ? " (run it as root)" : "");
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.value_size != sizeof(state) ||
	    bpf_map_lookup_elem(fd, &key, &state) < 0 || state.abi_version != VG_ABI_VERSION)
		return vg_dataplane_fail(
			diag, EPROTO,
			"the filter pinned in %s is of another version of vpcgate: restart vpcgated to replace it",
			dir);
	*ret_state = state;
	return 0;
}

int vg_dataplane_remove(const char *dir, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	char path[PATH_MAX];
	size_t n = 0;
	int r;

	r = vg_dataplane_links(dir, &links, &n, diag);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = vg_dataplane_detach_link(dir, &links[i], diag);
	if (r < 0)
		return r;
	r = drop_old(dir, diag);
	for (int i = 0; r >= 0 && i < VG_PIN_MAX; i++)
		r = unlink_pin(dir, vg_pin_names[i], diag);
	if (r >= 0)
		r = unlink_pin(dir, VG_TUNED_PIN, diag);
	if (r < 0)
		return r;
	vg_pin_path(dir, "links", path);
	if ((rmdir(path) < 0 || rmdir(dir) < 0) && errno != ENOENT)
		return vg_dataplane_fail(diag, errno, "can't remove %s: %s", dir, strerror(errno));
	return 0;
}

int vg_dataplane_test_run(struct vg_dataplane *dp, const void *frame, size_t length,
			  unsigned ifindex, unsigned repeat, __u32 *ret_ns)
{
	struct xdp_md ctx = {.data_end = length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
		    .ctx_in = ifindex ? &ctx : NULL, .ctx_size_in = ifindex ? sizeof(ctx) : 0,
		    .repeat = repeat);
	const int r = bpf_prog_test_run_opts(dp->fds[VG_PIN_ENTRY], &opts);

	if (r < 0)
		return r;
	if (ret_ns)
		*ret_ns = opts.duration;
	return opts.retval;
}

int vg_dataplane_test_egress(struct vg_dataplane *dp, const void *frame, size_t length,
			     unsigned ifindex, unsigned repeat, __u32 *ret_ns)
{
	struct __sk_buff ctx = {.ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
		    .ctx_in = ifindex ? &ctx : NULL, .ctx_size_in = ifindex ? sizeof(ctx) : 0,
		    .repeat = repeat);
	const int r = bpf_prog_test_run_opts(dp->fds[VG_PIN_EGRESS], &opts);

	if (r < 0)
		return r;
	if (ret_ns)
		*ret_ns = opts.duration;
	return (int)opts.retval;
}
