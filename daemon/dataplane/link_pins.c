// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pins of links: which NIC each belongs to, whatever it is called by now. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

/* Between the name and the number of a NIC: no name of one has it (dev_valid_name()). */
#define SEPARATOR ' '

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
void vg_link_path(const char *dir, const char *pin, char out[PATH_MAX])
{
	char name[NAME_MAX];

	if (snprintf(name, sizeof(name), "links/%s", pin) >= (int)sizeof(name))
		name[0] = '\0';
	swap_characters(name, '.', ':');
	vg_pin_path(dir, name, out);
}

/* The mode that this program is attached to this NIC in; INHERIT where it isn't. */
static enum vg_attach_mode query_mode(unsigned ifindex, __u32 program_id)
{
	struct vg_xdp_programs programs;

	if (vg_xdp_programs_read(ifindex, &programs) < 0)
		return VG_ATTACH_INHERIT;
	if (programs.native == program_id)
		return VG_ATTACH_NATIVE;
	if (programs.generic == program_id)
		return VG_ATTACH_GENERIC;
	return VG_ATTACH_INHERIT;
}

/* 0: not a pin of ours; 1: it is; else an errno. */
static int read_pin(const char *dir, const char *pin, struct vg_link_info *ret_link)
{
	struct bpf_link_info info = {0};
	struct vg_link_info link = {0};
	__u32 size = sizeof(info);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], *end;

	if (snprintf(link.pin, sizeof(link.pin), "%s", pin) >= (int)sizeof(link.pin))
		return 0;
	end = strchrnul(link.pin, SEPARATOR);
	if (end - link.pin >= IF_NAMESIZE)
		return 0; /* no NIC has so long a name */
	memcpy(link.known_as, link.pin, end - link.pin);
	swap_characters(link.known_as, ':', '.');
	vg_link_path(dir, pin, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP)
		return 0;
	link.ifindex = info.xdp.ifindex;
	link.program_id = info.prog_id;
	if (link.ifindex)
		link.mode = query_mode(link.ifindex, link.program_id);
	if (link.mode == VG_ATTACH_INHERIT || !if_indextoname(link.ifindex, link.name))
		memcpy(link.name, link.known_as, sizeof(link.name));
	*ret_link = link;
	return 1;
}

static bool is_of_its_name(const struct vg_link_info *link)
{
	return link->mode != VG_ATTACH_INHERIT && strcmp(link->known_as, link->name) == 0;
}

/*
 * All NICs carry the same program, so that one in another network namespace, with the number of one that
 * is filtered here, looks as if it were that. A NIC has but one link: it is the one of its name.
 */
static void tell_apart(struct vg_link_info *links, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct vg_link_info *link = &links[i];

		for (size_t j = 0; !is_of_its_name(link) && j < n; j++) {
			if (links[j].ifindex != link->ifindex || !is_of_its_name(&links[j]))
				continue;
			link->mode = VG_ATTACH_INHERIT;
			memcpy(link->name, link->known_as, sizeof(link->name));
		}
	}
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
		struct vg_link_info link, *grown;
		int r;

		if (entry->d_name[0] == '.')
			continue;
		r = read_pin(dir, entry->d_name, &link);
		if (r == -ENOENT) /* removed a moment ago */
			continue;
		if (r < 0)
			return vg_dataplane_fail(diag, -r, "can't open %s/%s: %s", path,
						 entry->d_name, strerror(-r));
		if (!r)
			continue;
		grown = reallocarray(links, n + 1, sizeof(*links));
		if (!grown)
			return -ENOMEM;
		links = grown;
		links[n++] = link;
	}
	tell_apart(links, n);
	*ret_links = VG_TAKE_PTR(links);
	*ret_n = n;
	return 0;
}

int vg_link_find(const char *dir, unsigned ifindex, const char *name, struct vg_link_info *ret_link)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	struct vg_link_info link;
	size_t n = 0;
	int r;

	/* Nearly always it is where its name says. */
	if (read_pin(dir, name, &link) > 0 && link.ifindex == ifindex &&
	    link.mode != VG_ATTACH_INHERIT) {
		*ret_link = link;
		return 0;
	}
	r = vg_dataplane_links(dir, &links, &n, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (links[i].ifindex != ifindex || links[i].mode == VG_ATTACH_INHERIT)
			continue;
		*ret_link = links[i];
		return 0;
	}
	return -ENOENT;
}

int vg_link_free_path(const char *dir, const char *known_as, unsigned ifindex, char path[PATH_MAX])
{
	char numbered[VG_LINK_PIN_SIZE];
	struct vg_link_info link;
	const int r = read_pin(dir, known_as, &link);

	vg_link_path(dir, known_as, path);
	if (r == -ENOENT)
		return 0;
	/* Not one that is in use: its NIC is gone, or in another network namespace by now. */
	if (r < 0 || !r || link.mode == VG_ATTACH_INHERIT)
		return unlink(path) < 0 ? -errno : 0;
	snprintf(numbered, sizeof(numbered), "%s%c%u", known_as, SEPARATOR, ifindex);
	vg_link_path(dir, numbered, path);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int vg_link_rename(const char *dir, const struct vg_link_info *link, const char *known_as)
{
	char from[PATH_MAX], to[PATH_MAX];
	int r;

	vg_link_path(dir, link->pin, from);
	r = vg_link_free_path(dir, known_as, link->ifindex, to);
	return r < 0 ? r : rename(from, to) < 0 ? -errno : 0;
}
