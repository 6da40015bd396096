// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Links between NICs and the entry program. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

static int update_link(const struct vg_dataplane *dp, const struct vg_link_info *link)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	vg_link_path(dp->dir, link->pin, path);
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
			r = update_link(dp, &links[i]);
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
	struct bpf_prog_info info = {0};
	struct vg_xdp_programs programs;
	_cleanup_close_ int fd = -1;
	__u32 id, length = sizeof(info);

	*out = '\0';
	if (vg_xdp_programs_read(ifindex, &programs) < 0)
		return;
	id = programs.native ?: programs.generic ?: programs.offloaded;
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

static bool is_busy(unsigned ifindex)
{
	char other[64];

	describe_program(ifindex, other, sizeof(other));
	return *other;
}

int vg_dataplane_check_free(unsigned ifindex, const char *name, struct vg_diag *diag)
{
	return is_busy(ifindex) ? fail_busy(ifindex, name, diag) : 0;
}

bool vg_dataplane_is_attached(const struct vg_dataplane *dp, unsigned ifindex, const char *name)
{
	struct vg_link_info link;

	return vg_link_find(dp->dir, ifindex, name, &link) >= 0;
}

/*
 * Keeps the link that there is for this NIC, from an earlier daemon or under another name of the NIC.
 * -ENOENT: there is none.
 */
static int adopt_link(const struct vg_dataplane *dp, unsigned ifindex, const char *name,
		      const char *known_as, enum vg_attach_mode mode,
		      struct vg_attachment *ret_attachment)
{
	struct vg_attachment attachment = {.adopted = true, .program_id = dp->entry_id};
	struct vg_link_info link;
	int r;

	r = vg_link_find(dp->dir, ifindex, name, &link);
	if (r >= 0 && link.program_id != dp->entry_id) {
		attachment.replaced = link.program_id;
		r = update_link(dp, &link);
	}
	if (r >= 0 && strcmp(link.known_as, known_as) != 0)
		r = vg_link_rename(dp->dir, &link, known_as);
	if (r < 0)
		return r;
	attachment.mode = link.mode;
	if (mode != VG_ATTACH_AUTO && mode != attachment.mode)
		snprintf(
			attachment.fallback, sizeof(attachment.fallback),
			"attach: %s takes effect after `vpcgate detach %s` and a reload, between which the NIC is open",
			vg_attach_mode_text(mode), name);
	*ret_attachment = attachment;
	return 0;
}

static int create_link(const struct vg_dataplane *dp, unsigned ifindex, const char *known_as,
		       enum vg_attach_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = mode == VG_ATTACH_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r;

	r = vg_link_free_path(dp->dir, known_as, ifindex, path);
	if (r < 0)
		return r;
	fd = bpf_link_create(dp->fds[VG_PIN_ENTRY], ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return fd;
	return bpf_obj_pin(fd, path); /* on failure the link goes with its descriptor */
}

/* To a link, a NIC that is gone is but an invalid argument (bpf_xdp_link_attach()). */
static bool is_gone(unsigned ifindex)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(ifindex, name) && errno == ENXIO;
}

static int attach_fresh(const struct vg_dataplane *dp, unsigned ifindex, const char *name,
			const char *known_as, enum vg_attach_mode mode,
			struct vg_attachment *attachment, struct vg_diag *diag)
{
	char refusal[VG_REFUSAL_SIZE];
	int native = 0, r;

	if (is_busy(ifindex))
		return fail_busy(ifindex, name, diag);
	attachment->mode = VG_ATTACH_NATIVE;
	if (mode != VG_ATTACH_GENERIC) {
		native = create_link(dp, ifindex, known_as, VG_ATTACH_NATIVE);
		if (native >= 0)
			return 0;
		if (is_gone(ifindex))
			return vg_dataplane_fail(diag, ENODEV, "%s is gone", name);
		if (is_busy(ifindex))
			return fail_busy(ifindex, name, diag);
		vg_refusal_describe(dp, ifindex, native, refusal);
		if (mode == VG_ATTACH_NATIVE)
			return vg_dataplane_fail(
				diag, -native,
				"%s refuses native XDP: %s; write `attach: auto` to filter it in generic mode",
				name, refusal);
		attachment->native_error = native;
		snprintf(attachment->fallback, sizeof(attachment->fallback),
			 "native XDP was refused: %s", refusal);
	}
	attachment->mode = VG_ATTACH_GENERIC;
	r = create_link(dp, ifindex, known_as, VG_ATTACH_GENERIC);
	if (r >= 0)
		return 0;
	if (is_gone(ifindex))
		return vg_dataplane_fail(diag, ENODEV, "%s is gone", name);
	if (is_busy(ifindex))
		return fail_busy(ifindex, name, diag);
	return vg_dataplane_fail(diag, -r, "%s can't be filtered: %s%s%s", name, strerror(-r),
				 native ? "; " : "", attachment->fallback);
}

int vg_dataplane_attach(struct vg_dataplane *dp, unsigned ifindex, const char *name,
			const char *known_as, enum vg_attach_mode mode,
			struct vg_attachment *ret_attachment, struct vg_diag *diag)
{
	struct vg_attachment attachment = {.program_id = dp->entry_id};
	int r;

	if (!dp->pinned)
		return vg_dataplane_fail(diag, EINVAL,
					 "a policy must be published before %s is attached", name);
	r = adopt_link(dp, ifindex, name, known_as, mode, &attachment);
	if (r == -ENOENT)
		r = attach_fresh(dp, ifindex, name, known_as, mode, &attachment, diag);
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

int vg_dataplane_detach_link(const char *dir, const struct vg_link_info *link, struct vg_diag *diag)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r = 0;

	vg_link_path(dir, link->pin, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return vg_dataplane_fail(diag, -fd, "can't open %s: %s%s", path, strerror(-fd),
					 fd == -EPERM || fd == -EACCES ? " (run it as root)" : "");
	/* A NIC in another network namespace by now may have the number of one that is here. */
	if (link->mode != VG_ATTACH_INHERIT)
		r = vg_dataplane_unrecord(link->ifindex, link->name, diag);
	if (r < 0 && r != -ENOENT)
		return r;
	r = bpf_link_detach(fd);
	if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't detach %s: %s", link->name, strerror(-r));
	if (unlink(path) < 0)
		return vg_dataplane_fail(diag, errno, "can't remove %s: %s", path, strerror(errno));
	return 0;
}

int vg_dataplane_detach(const char *dir, const char *name, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	const struct vg_link_info *link = NULL;
	const unsigned ifindex = if_nametoindex(name);
	char own[IF_NAMESIZE];
	size_t n = 0;
	int r;

	r = vg_dataplane_links(dir, &links, &n, diag);
	if (r < 0)
		return r;
	/* A NIC may have other names than its own, by which the kernel finds it as well. */
	if (ifindex && if_indextoname(ifindex, own))
		name = own;
	/* One that is here rather than one that was left by a NIC of that name. */
	for (size_t i = 0; i < n; i++)
		if (strcmp(links[i].name, name) == 0 &&
		    (!link || links[i].mode != VG_ATTACH_INHERIT))
			link = &links[i];
	return link ? vg_dataplane_detach_link(dir, link, diag) : detach_rest(name, diag);
}
