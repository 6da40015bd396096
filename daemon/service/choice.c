/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "service/choice.h"
#include "service/daemon.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "share/keep.h"
#include "share/log.h"

#define BOOT_FILE "boot"
#define BOOT_TITLE "vpcgate boot 1"
#define BOOT_MAX_BYTES 256

bool vg_choice_is_refused(const struct vg_daemon *daemon, const char *config_path)
{
	_cleanup_free_ char *config = NULL;
	struct stat info;
	size_t length;

	return stat(config_path, &info) == 0 &&
	       vg_history_may_refuse(&daemon->history, info.st_size) &&
	       vg_file_read(config_path, &config, &length) >= 0 &&
	       vg_history_refuses(&daemon->history, config, length);
}

static char *text_of(const struct vg_history *history, const struct vg_entry *entry)
{
	struct vg_diag diag = {0};
	char *text = NULL;
	size_t length;

	if (entry && vg_history_read(history, entry, &text, &length, &diag) < 0)
		vg_log_warn("%s", diag.text);
	return text;
}

static size_t choose_of_trial(const struct vg_daemon *daemon, const struct vg_entry *waiting,
			      struct vg_choice choices[VG_CHOICES])
{
	const struct vg_history *history = &daemon->history;
	const struct vg_trial *trial = &waiting->trial;
	struct vg_moment now;
	const struct vg_entry *before;
	char *former = NULL;
	size_t n = 0;

	vg_confirm_now(&daemon->confirm, &now);
	if (vg_trial_left_us(trial, &now)) {
		choices[n++].text = text_of(history, waiting);
		vg_log_info("generation %llu goes on waiting to be confirmed, for %llu s",
			    waiting->generation, vg_trial_left_us(trial, &now) / 1000000);
	}
	before = vg_history_find(history, trial->back);
	if (before && before->generation == trial->back)
		former = text_of(history, before);
	if (former) {
		if (!n)
			vg_log_warn("nobody has confirmed generation %llu in time: the policy of "
				    "generation %llu comes back",
				    waiting->generation, trial->back);
		choices[n++] = (struct vg_choice){former, trial->back};
	}
	/* The kernel has it in force still; nothing is won by not knowing it. */
	if (n < 2 && !vg_trial_is_of_another_boot(trial, &now))
		choices[n++].text = text_of(history, waiting);
	return n;
}

/* A config that nobody had confirmed must not come back through the back door. */
static size_t choose_refused(const struct vg_daemon *daemon, const char *config_path,
			     struct vg_choice choices[VG_CHOICES])
{
	const struct vg_entry *newest = vg_history_newest(&daemon->history);

	choices[0].text = text_of(&daemon->history, newest);
	if (!choices[0].text)
		return 0;
	vg_log_warn("%s holds a config that was tried and never confirmed: that of generation %llu "
		    "is in force instead, until `vpcgate apply`, or another config",
		    config_path, newest->generation);
	return 1;
}

/* ---- the first start since the boot ---- */

static char *boot_path(const char *state)
{
	char *path;

	return asprintf(&path, "%s/" BOOT_FILE, state) < 0 ? NULL : path;
}

static bool is_first(const struct vg_daemon *daemon, const char *state)
{
	_cleanup_free_ char *path = boot_path(state), *text = NULL;
	char reason[VG_KEEP_REASON_SIZE];
	size_t length;

	return !path ||
	       vg_keep_read(path, BOOT_TITLE, BOOT_MAX_BYTES, &text, &length, reason) < 0 ||
	       strcmp(text, daemon->confirm.boot_id) != 0;
}

void vg_choice_remember_boot(const struct vg_daemon *daemon, const char *state)
{
	_cleanup_free_ char *path = boot_path(state);
	const char *id = daemon->confirm.boot_id;
	int r;

	if (!is_first(daemon, state))
		return;
	r = path ? vg_keep_write(path, BOOT_TITLE, id, strlen(id)) : -ENOMEM;
	if (r < 0)
		vg_log_warn("%s/" BOOT_FILE " can't be written: %s", state, strerror(-r));
}

/*
 * Nothing is in force that could stay if the config is refused, and nobody may be there to mend it.
 * Later somebody is, and may have taken off what was in force. One that is gone is meant to be.
 */
static size_t add_last_resort(const struct vg_daemon *daemon, const char *config_path,
			      const char *state, struct vg_choice choices[VG_CHOICES])
{
	struct stat info;

	if (!is_first(daemon, state) || (stat(config_path, &info) < 0 && errno == ENOENT))
		return 1;
	choices[1].text = text_of(&daemon->history, vg_history_newest(&daemon->history));
	return choices[1].text ? 2 : 1;
}

size_t vg_choice_list(const struct vg_daemon *daemon, const char *config_path, const char *state,
		      struct vg_choice choices[VG_CHOICES])
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	size_t n = 0;

	memset(choices, 0, VG_CHOICES * sizeof(*choices));
	if (waiting)
		n = choose_of_trial(daemon, waiting, choices);
	else if (vg_choice_is_refused(daemon, config_path))
		n = choose_refused(daemon, config_path, choices);
	else
		n = add_last_resort(daemon, config_path, state, choices);
	return n ? n : 1;
}
