// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pinned links between NICs and the entry program. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

static void closedir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void swap_characters(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

/*
 * bpffs refuses names with a dot (kernel/bpf/inode.c), which VLAN NICs have; no NIC's name has a
 * colon (dev_valid_name() in net/core/dev.c).
 */
void vg_link_path(const char *dir, const char *interface, char out[PATH_MAX])
{
	char name[NAME_MAX];

	if (snprintf(name, sizeof(name), "links/%s", interface) >= (int)sizeof(name))
		name[0] = '\0';
	swap_characters(name, '.', ':');
	vg_pin_path(dir, name, out);
}

static int link_info(int fd, struct bpf_link_info *ret_info)
{
	__u32 size = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return bpf_obj_get_info_by_fd(fd, ret_info, &size);
}

/* The mode that this program is attached to this NIC in; INHERIT where it isn't. */
static enum vg_attach_mode query_mode(unsigned ifindex, __u32 program_id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query) < 0)
		return VG_ATTACH_INHERIT;
	if (query.drv_prog_id == program_id)
		return VG_ATTACH_NATIVE;
	if (query.skb_prog_id == program_id)
		return VG_ATTACH_GENERIC;
	return VG_ATTACH_INHERIT;
}

int vg_dataplane_links(const char *dir, struct vg_link_info **ret_links, size_t *ret_n,
		       struct vg_diag *diag)
{
	_cleanup_(closedir_p) DIR *folder = NULL;
	_cleanup_free_ struct vg_link_info *links = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];
	size_t n = 0;

	vg_pin_path(dir, "links", path);
	folder = opendir(path);
	if (!folder && errno != ENOENT)
		return vg_dataplane_fail(diag, errno, "can't read %s: %s", path, strerror(errno));
	while (folder && (entry = readdir(folder))) {
		_cleanup_close_ int fd = -1;
		struct bpf_link_info info;
		struct vg_link_info *grown;

		if (entry->d_name[0] == '.')
			continue;
		vg_link_path(dir, entry->d_name, path);
		fd = bpf_obj_get(path);
		if (fd < 0 || link_info(fd, &info) < 0)
			return vg_dataplane_fail(diag, fd < 0 ? -fd : errno, "can't open %s: %s",
						 path, strerror(fd < 0 ? -fd : errno));
		if (info.type != BPF_LINK_TYPE_XDP)
			continue; /* not a pin of ours */
		grown = reallocarray(links, n + 1, sizeof(*links));
		if (!grown)
			return -ENOMEM;
		links = grown;
		links[n] = (struct vg_link_info){.ifindex = info.xdp.ifindex,
						 .program_id = info.prog_id};
		if (snprintf(links[n].name, sizeof(links[n].name), "%s", entry->d_name) >=
		    IF_NAMESIZE)
			continue; /* not a pin of ours: no NIC has so long a name */
		swap_characters(links[n].name, ':', '.');
		if (info.xdp.ifindex)
			links[n].mode = query_mode(info.xdp.ifindex, info.prog_id);
		n++;
	}
	*ret_links = VG_TAKE_PTR(links);
	*ret_n = n;
	return 0;
}

static int update_link(const struct vg_dataplane *dp, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	vg_link_path(dp->dir, name, path);
	fd = bpf_obj_get(path);
	return fd < 0 ? fd : bpf_link_update(fd, dp->fds[VG_PIN_ENTRY], NULL);
}

int vg_link_update_all(const struct vg_dataplane *dp, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	size_t n = 0;
	int r = vg_dataplane_links(dp->dir, &links, &n, diag);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (!links[i].ifindex)
			continue;
		/* The recorder first: what it opens the other side has to know. */
		r = vg_egress_update(dp, links[i].ifindex);
		if (r >= 0)
			r = update_link(dp, links[i].name);
		if (r < 0)
			return vg_dataplane_fail(
				diag, -r,
				"can't replace the programs on %s: %s; the filter in force there stays",
				links[i].name, strerror(-r));
	}
	return r;
}

/* "id 17 'name'" of the program attached to a NIC, or "" where there is none. */
static void describe_program(unsigned ifindex, char *out, size_t size)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	_cleanup_close_ int fd = -1;
	__u32 id, length = sizeof(info);

	*out = '\0';
	if (bpf_xdp_query(ifindex, 0, &query) < 0)
		return;
	id = query.drv_prog_id ?: query.skb_prog_id ?: query.hw_prog_id;
	if (!id)
		return;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0)
		bpf_obj_get_info_by_fd(fd, &info, &length);
	snprintf(out, size, "id %u '%s'", id, info.name);
}

static int fail_busy(unsigned ifindex, const char *name, struct vg_diag *diag)
{
	char other[64];

	describe_program(ifindex, other, sizeof(other));
	return vg_dataplane_fail(
		diag, EBUSY,
		"%s already has an XDP program, %s: remove it (`ip link set dev %s xdp off`, or stop what attached it) and try again",
		name, *other ? other : "attached or removed just now", name);
}

bool vg_dataplane_is_attached(const struct vg_dataplane *dp, unsigned ifindex, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct bpf_link_info info;
	char path[PATH_MAX];

	vg_link_path(dp->dir, name, path);
	fd = bpf_obj_get(path);
	return fd >= 0 && link_info(fd, &info) >= 0 && info.xdp.ifindex == ifindex &&
	       query_mode(ifindex, info.prog_id) != VG_ATTACH_INHERIT;
}

/*
 * Keeps the link that an earlier daemon pinned. -ENOENT: there is none for this NIC; one whose NIC
 * is gone or another by now is removed.
 */
static int adopt_link(const struct vg_dataplane *dp, unsigned ifindex, const char *name,
		      enum vg_attach_mode mode, struct vg_attachment *ret_attachment)
{
	struct vg_attachment attachment = {.adopted = true, .program_id = dp->entry_id};
	_cleanup_close_ int fd = -1;
	struct bpf_link_info info;
	char path[PATH_MAX];

	vg_link_path(dp->dir, name, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	if (link_info(fd, &info) < 0)
		return -errno;
	if (info.xdp.ifindex == ifindex && info.prog_id != dp->entry_id &&
	    bpf_link_update(fd, dp->fds[VG_PIN_ENTRY], NULL) < 0)
		return -errno;
	/* A link goes with its NIC, which may be gone, or in another network namespace by now. */
	if (info.xdp.ifindex == ifindex)
		attachment.mode = query_mode(ifindex, dp->entry_id);
	if (attachment.mode == VG_ATTACH_INHERIT)
		return unlink(path) < 0 ? -errno : -ENOENT;
	if (mode != VG_ATTACH_AUTO && mode != attachment.mode)
		snprintf(
			attachment.fallback, sizeof(attachment.fallback),
			"attach: %s takes effect after `vpcgate detach %s` and a reload, between which the NIC is open",
			vg_attach_mode_text(mode), name);
	*ret_attachment = attachment;
	return 0;
}

static int create_link(const struct vg_dataplane *dp, unsigned ifindex, const char *name,
		       enum vg_attach_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = mode == VG_ATTACH_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	fd = bpf_link_create(dp->fds[VG_PIN_ENTRY], ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return fd;
	vg_link_path(dp->dir, name, path);
	return bpf_obj_pin(fd, path); /* on failure the link goes with its descriptor */
}

static bool is_busy(unsigned ifindex)
{
	char other[64];

	describe_program(ifindex, other, sizeof(other));
	return *other;
}

static int attach_fresh(const struct vg_dataplane *dp, unsigned ifindex, const char *name,
			enum vg_attach_mode mode, struct vg_attachment *attachment,
			struct vg_diag *diag)
{
	int native = 0, r;

	if (is_busy(ifindex))
		return fail_busy(ifindex, name, diag);
	attachment->mode = VG_ATTACH_NATIVE;
	if (mode != VG_ATTACH_GENERIC) {
		native = create_link(dp, ifindex, name, VG_ATTACH_NATIVE);
		if (native >= 0)
			return 0;
		if (native == -ENODEV)
			return vg_dataplane_fail(diag, ENODEV, "%s is gone", name);
		if (is_busy(ifindex))
			return fail_busy(ifindex, name, diag);
		if (mode == VG_ATTACH_NATIVE)
			return vg_dataplane_fail(
				diag, -native,
				"%s refuses native XDP: %s; write `attach: auto` to filter it in generic mode",
				name, strerror(-native));
		snprintf(attachment->fallback, sizeof(attachment->fallback),
			 "native XDP was refused: %s", strerror(-native));
	}
	attachment->mode = VG_ATTACH_GENERIC;
	r = create_link(dp, ifindex, name, VG_ATTACH_GENERIC);
	if (r >= 0)
		return 0;
	if (is_busy(ifindex))
		return fail_busy(ifindex, name, diag);
	return vg_dataplane_fail(diag, -r, "%s can't be filtered: %s%s%s", name, strerror(-r),
				 native ? "; " : "", attachment->fallback);
}

int vg_dataplane_attach(struct vg_dataplane *dp, unsigned ifindex, const char *name,
			enum vg_attach_mode mode, struct vg_attachment *ret_attachment,
			struct vg_diag *diag)
{
	struct vg_attachment attachment = {.program_id = dp->entry_id};
	int r;

	if (!dp->pinned)
		return vg_dataplane_fail(diag, EINVAL,
					 "a policy must be published before %s is attached", name);
	r = adopt_link(dp, ifindex, name, mode, &attachment);
	if (r == -ENOENT)
		r = attach_fresh(dp, ifindex, name, mode, &attachment, diag);
	else if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't adopt the link of %s: %s", name,
					 strerror(-r));
	if (r < 0)
		return r;
	*ret_attachment = attachment;
	return 0;
}

/* Without a link there may still be a recorder, where somebody has removed the link by hand. */
static int detach_rest(const char *name, struct vg_diag *diag)
{
	const unsigned ifindex = if_nametoindex(name);
	const int r = ifindex ? vg_dataplane_unrecord(ifindex, name, diag) : -ENOENT;

	return r == -ENOENT ? vg_dataplane_fail(diag, ENOENT, "%s is not filtered", name) : r;
}

int vg_dataplane_detach(const char *dir, const char *name, struct vg_diag *diag)
{
	_cleanup_close_ int fd = -1;
	struct bpf_link_info info;
	char path[PATH_MAX];
	int r = 0;

	vg_link_path(dir, name, path);
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return detach_rest(name, diag);
	if (fd < 0)
		return vg_dataplane_fail(diag, -fd, "can't open %s: %s%s", path, strerror(-fd),
					 fd == -EPERM || fd == -EACCES ? " (run it as root)" : "");
	if (link_info(fd, &info) < 0)
		return vg_dataplane_fail(diag, errno, "can't read %s: %s", path, strerror(errno));
	/* A NIC in another network namespace by now may have the number of one that is here. */
	if (info.xdp.ifindex && query_mode(info.xdp.ifindex, info.prog_id) != VG_ATTACH_INHERIT)
		r = vg_dataplane_unrecord(info.xdp.ifindex, name, diag);
	if (r < 0 && r != -ENOENT)
		return r;
	r = bpf_link_detach(fd);
	if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't detach %s: %s", name, strerror(-r));
	if (unlink(path) < 0)
		return vg_dataplane_fail(diag, errno, "can't remove %s: %s", path, strerror(errno));
	return 0;
}
