// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What was changed on NICs for native mode: a pinned map, which no program reads. A file would outlive
 * the settings that it tells of, and the CLI wouldn't know where to look for it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

struct key {
	__u64 netns; /* cookie of the network namespace, in which NICs have numbers of their own */
	__u32 ifindex, setting;
};
_Static_assert(sizeof(struct key) == 16, "struct key has padding");

struct value {
	char name[IF_NAMESIZE];
	struct vg_nic_value from, to;
};
_Static_assert(sizeof(struct value) == 32, "struct value has padding");

/* Whatever other NICs there are, this number is no other namespace's before the next boot. */
static int netns_cookie(__u64 *ret_cookie)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret_cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret_cookie, &size) < 0)
		return -errno;
	return 0;
}

static int fail(int error, const char *path, struct vg_diag *diag)
{
	if (error == -EPROTO)
		return vg_dataplane_fail(diag, EPROTO,
					 "%s is of another version of vpcgate: its `vpcgate "
					 "detach` puts back what it tells of",
					 path);
	return vg_dataplane_fail(diag, -error, "can't open %s: %s", path, strerror(-error));
}

/* -ENOENT: nothing was ever remembered here; -EPROTO. */
static int open_map(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_HASH || info.key_size != sizeof(struct key) ||
	    info.value_size != sizeof(struct value))
		return -EPROTO;
	*ret_fd = VG_TAKE_FD(fd);
	return 0;
}

static int create_map(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_HASH, "vpcgate_tuned", sizeof(struct key),
			       sizeof(struct value), VG_MAX_TUNED, NULL);
	int r;

	if (fd < 0)
		return fd;
	r = bpf_obj_pin(fd, path);
	if (r < 0)
		return r;
	*ret_fd = VG_TAKE_FD(fd);
	return 0;
}

static int make_key(const struct vg_tuned *tuned, struct key *ret_key)
{
	*ret_key = (struct key){.ifindex = tuned->ifindex, .setting = tuned->change.setting};
	return netns_cookie(&ret_key->netns);
}

int vg_tuned_put(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag)
{
	struct value value = {.from = tuned->change.from, .to = tuned->change.to};
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct key key;
	int r;

	vg_pin_path(dir, VG_TUNED_PIN, path);
	snprintf(value.name, sizeof(value.name), "%s", tuned->name);
	r = open_map(path, &fd);
	if (r == -ENOENT)
		r = create_map(path, &fd);
	if (r >= 0)
		r = make_key(tuned, &key);
	if (r >= 0)
		r = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
	return r < 0 ? fail(r, path, diag) : 0;
}

int vg_tuned_drop(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct key key;
	int r;

	vg_pin_path(dir, VG_TUNED_PIN, path);
	r = open_map(path, &fd);
	if (r >= 0)
		r = make_key(tuned, &key);
	if (r >= 0)
		r = bpf_map_delete_elem(fd, &key);
	return r < 0 && r != -ENOENT ? fail(r, path, diag) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct vg_tuned *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return (x->change.setting > y->change.setting) - (x->change.setting < y->change.setting);
}

/* Those of this namespace; numbers of settings are checked, since they become indexes. */
static int read_all(int fd, struct vg_tuned *list, size_t *ret_n)
{
	struct key key, *previous = NULL;
	size_t n = 0;
	__u64 netns;
	int r;

	r = netns_cookie(&netns);
	if (r < 0)
		return r;
	while (n < VG_MAX_TUNED && bpf_map_get_next_key(fd, previous, &key) == 0) {
		struct vg_tuned *tuned = &list[n];
		struct value value;

		previous = &key;
		if (key.netns != netns || key.setting >= VG_NIC_SETTING_MAX ||
		    bpf_map_lookup_elem(fd, &key, &value) < 0)
			continue;
		tuned->ifindex = key.ifindex;
		tuned->change = (struct vg_nic_change){key.setting, value.from, value.to};
		snprintf(tuned->name, sizeof(tuned->name), "%.*s", IF_NAMESIZE - 1, value.name);
		n++;
	}
	qsort(list, n, sizeof(*list), compare);
	*ret_n = n;
	return 0;
}

int vg_tuned_list(const char *dir, struct vg_tuned **ret_list, size_t *ret_n, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_tuned *list = NULL;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	size_t n = 0;
	int r;

	vg_pin_path(dir, VG_TUNED_PIN, path);
	r = open_map(path, &fd);
	if (r == -ENOENT || r == -ENOTDIR) {
		*ret_list = NULL;
		*ret_n = 0;
		return 0;
	}
	list = calloc(VG_MAX_TUNED, sizeof(*list));
	if (!list)
		return -ENOMEM;
	if (r >= 0)
		r = read_all(fd, list, &n);
	if (r < 0)
		return fail(r, path, diag);
	*ret_list = VG_TAKE_PTR(list);
	*ret_n = n;
	return 0;
}
