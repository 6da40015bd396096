/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/change.h"
#include "service/daemon.h"
#include "share/cleanup.h"
#include "share/file.h"

static const struct vg_position nowhere;

bool vg_change_is_plain(const struct vg_change *change)
{
	return !*change->staged && !change->confirm_s && !change->restores;
}

/* Nothing to read where the unit hides other users' processes. */
static void read_comm(pid_t pid, char out[VG_COMM_SIZE])
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (vg_file_read(path, &text, &length) >= 0)
		snprintf(out, VG_COMM_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
}

void vg_change_set_actor(struct vg_change *change, uid_t uid, pid_t pid, const char *login)
{
	struct vg_actor *actor = &change->actor;

	*actor = (struct vg_actor){.known = true, .uid = uid, .pid = pid};
	read_comm(pid, actor->comm);
	if (login && strlen(login) < sizeof(actor->login))
		strcpy(actor->login, login);
}

int vg_change_allow(const struct vg_daemon *daemon, const struct vg_change *change,
		    struct vg_diag *diag)
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	struct vg_moment now;

	if (!waiting || change->confirm_s || change->restores)
		return 0;
	vg_confirm_now(&daemon->confirm, &now);
	return vg_diag_set(
		diag, EBUSY, NULL, nowhere,
		"generation %llu is on trial for another %llu s: `vpcgate confirm` it or "
		"`vpcgate rollback` first, or apply with --confirm",
		waiting->generation, vg_trial_left_us(&waiting->trial, &now) / 1000000);
}

int vg_change_find(const struct vg_daemon *daemon, __u64 generation,
		   const struct vg_entry **ret_entry, struct vg_diag *diag)
{
	const struct vg_entry *entry = vg_history_find(&daemon->history, generation);

	if (!entry || generation > daemon->gate->state.generation)
		return vg_diag_set(diag, ENOENT, NULL, nowhere,
				   "generation %llu is not in the history; see `vpcgate history`",
				   generation);
	*ret_entry = entry;
	return 0;
}

static int read_former(const struct vg_daemon *daemon, __u64 generation, bool exact,
		       char **ret_text, size_t *ret_length, struct vg_diag *diag)
{
	const struct vg_entry *entry = NULL;
	int r;

	r = vg_change_find(daemon, generation, &entry, diag);
	/* Nobody looks at what comes back by itself: no other will do. */
	if (r >= 0 && exact && entry->generation != generation)
		r = vg_diag_set(diag, ENOENT, NULL, nowhere,
				"the config of generation %llu is missing in the history",
				generation);
	return r < 0 ? r : vg_history_read(&daemon->history, entry, ret_text, ret_length, diag);
}

static int read_staged(const struct vg_daemon *daemon, const struct vg_change *change,
		       char **ret_text, size_t *ret_length, struct vg_diag *diag)
{
	const char *slash = strrchr(daemon->socket, '/');
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - daemon->socket) : 0, daemon->socket,
		     change->staged) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = vg_file_read(path, ret_text, ret_length);
	return r < 0 ? vg_diag_set(diag, -r, NULL, nowhere, "%s can't be read: %s", path,
				   strerror(-r))
		     : 0;
}

int vg_change_read(const struct vg_daemon *daemon, const struct vg_change *change, char **ret_text,
		   size_t *ret_length, struct vg_diag *diag)
{
	const struct vg_gate *gate = daemon->gate;
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	if (change->restores)
		return read_former(daemon, change->restores, change->cause == VG_CAUSE_RETURN,
				   ret_text, ret_length, diag);
	if (*change->staged)
		return read_staged(daemon, change, ret_text, ret_length, diag);
	r = vg_file_read(gate->config_path, &text, &length);
	if (r < 0)
		return vg_diag_set(diag, -r, gate->config_path, nowhere, "can't be read: %s",
				   strerror(-r));
	if (change->cause == VG_CAUSE_RELOAD && vg_history_refuses(&daemon->history, text, length))
		return vg_diag_set(diag, EPERM, gate->config_path, nowhere,
				   "was tried, and nobody confirmed it: `vpcgate apply` puts it in "
				   "force all the same");
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

struct vg_reader vg_change_spectator(const struct vg_daemon *daemon, bool accept_shrink)
{
	const struct vg_reader *own = daemon->gate->reader;

	/* Reading plain files takes no context. */
	return (struct vg_reader){
		.read = vg_file_reader.read,
		.read_lines = vg_file_reader.read_lines,
		.answer = accept_shrink ? vg_discovery_if_accepted : own->answer,
		.context = own->context,
	};
}
