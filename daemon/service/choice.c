/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "service/choice.h"
#include "service/daemon.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "share/log.h"

/* Long enough for the disks, and for a node's first pods; too short for somebody to change their mind. */
#define AT_BOOT_US (5 * 60 * 1000000ULL)

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

static struct vg_choice choice_of(const struct vg_history *history, const struct vg_entry *entry)
{
	return (struct vg_choice){.text = text_of(history, entry), .generation = entry->generation};
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
		choices[n++] = choice_of(history, waiting);
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
		choices[n++] = (struct vg_choice){former, trial->back, trial->back};
	}
	/* The kernel has it in force still; nothing is won by not knowing it. */
	if (n < VG_CHOICES && !vg_trial_is_of_another_boot(trial, &now))
		choices[n++] = choice_of(history, waiting);
	return n;
}

/* A config that nobody had confirmed must not come back through the back door. */
static size_t choose_refused(const struct vg_daemon *daemon, const char *config_path,
			     struct vg_choice choices[VG_CHOICES])
{
	const struct vg_entry *newest = vg_history_newest(&daemon->history);

	choices[0] = choice_of(&daemon->history, newest);
	if (!choices[0].text)
		return 0;
	vg_log_warn("%s holds a config that was tried and never confirmed: that of generation %llu "
		    "is in force instead, until `vpcgate apply`, or another config",
		    config_path, newest->generation);
	return 1;
}

/* ---- where a machine would come up without any ---- */

/* Has the machine only just booted, and is no NIC filtered? */
static bool is_open_at_boot(const struct vg_daemon *daemon, const char *bpffs)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	struct vg_moment now;
	size_t n = 0;

	vg_confirm_now(&daemon->confirm, &now);
	return now.boot_us < AT_BOOT_US && vg_dataplane_links(bpffs, &links, &n, NULL) >= 0 && !n;
}

/* Is there a config at all, and another one than that of the entry? One that is gone is meant to be. */
static bool differs(const char *config_path, const struct vg_entry *entry)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	const int r = vg_file_read(config_path, &text, &length);

	return r < 0 ? r != -ENOENT : !vg_entry_holds(entry, text, length);
}

/*
 * As the machine boots, nothing is in force that could stay, and nobody may be there to mend the config.
 * Later somebody is there, and may have taken off what was in force.
 */
static size_t choose_file(const struct vg_daemon *daemon, const char *config_path,
			  const char *bpffs, struct vg_choice choices[VG_CHOICES])
{
	const struct vg_entry *newest = vg_history_newest(&daemon->history);

	if (newest && is_open_at_boot(daemon, bpffs) && differs(config_path, newest))
		choices[1] = choice_of(&daemon->history, newest);
	return choices[1].text ? 2 : 1;
}

size_t vg_choice_list(const struct vg_daemon *daemon, const char *config_path, const char *bpffs,
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
		n = choose_file(daemon, config_path, bpffs, choices);
	return n ? n : 1;
}
