/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <time.h>
#include "service/choice.h"
#include "service/daemon.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "share/log.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define ACCURACY_US 10000

static const struct vg_position nowhere;

/* ---- time ---- */

void vg_confirm_now(const struct vg_confirm *confirm, struct vg_moment *ret_now)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	ret_now->boot_us = now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
	memcpy(ret_now->boot_id, confirm->boot_id, sizeof(ret_now->boot_id));
}

static int read_boot_id(char out[VG_BOOT_ID_SIZE])
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	r = vg_file_read(BOOT_ID, &text, &length);
	if (r < 0)
		return r;
	snprintf(out, VG_BOOT_ID_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

/* ---- the end of a trial ---- */

static void set_timer(struct vg_daemon *daemon, __u64 time_us)
{
	sd_event_source_set_time(daemon->confirm.timer, time_us);
	sd_event_source_set_enabled(daemon->confirm.timer, SD_EVENT_ONESHOT);
}

static int on_end(sd_event_source *source, uint64_t time_us, void *context)
{
	struct vg_daemon *daemon = context;
	struct vg_confirm *confirm = &daemon->confirm;
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	struct vg_change change = {.cause = VG_CAUSE_RETURN};
	struct vg_diag diag = {0};
	struct vg_moment now;

	(void)source;
	(void)time_us;
	if (!waiting)
		return 0;
	change.restores = waiting->trial.back;
	vg_log_warn("nobody has confirmed generation %llu within %u s: the policy of generation "
		    "%llu comes back",
		    waiting->generation, waiting->trial.duration_s, change.restores);
	if (vg_apply_change(daemon, &change, &diag) >= 0)
		return 0;
	snprintf(confirm->error, sizeof(confirm->error),
		 "generation %llu was not confirmed, but generation %llu can't come back: %.200s; "
		 "mend that, or `vpcgate confirm` what is in force",
		 waiting->generation, change.restores, diag.text);
	vg_confirm_now(confirm, &now);
	set_timer(daemon, now.boot_us + VG_CONFIRM_RETRY_US);
	return 0;
}

void vg_confirm_arm(struct vg_daemon *daemon)
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	struct vg_confirm *confirm = &daemon->confirm;
	struct vg_moment now;

	confirm->error[0] = '\0';
	if (!waiting) {
		sd_event_source_set_enabled(confirm->timer, SD_EVENT_OFF);
		return;
	}
	vg_confirm_now(confirm, &now);
	set_timer(daemon,
		  now.boot_us + (vg_trial_left_us(&waiting->trial, &now) ?: VG_CONFIRM_RETRY_US));
}

int vg_confirm_keep(struct vg_daemon *daemon, __u64 generation, struct vg_diag *diag)
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	int r;

	if (!waiting)
		return vg_diag_set(diag, ENOENT, NULL, nowhere,
				   "nothing waits to be confirmed: generation %llu is in force for "
				   "good",
				   daemon->gate->state.generation);
	if (generation && generation != waiting->generation)
		return vg_diag_set(diag, ESTALE, NULL, nowhere,
				   "generation %llu is on trial by now, not %llu; see `vpcgate "
				   "history`",
				   waiting->generation, generation);
	r = vg_history_confirm(&daemon->history, diag);
	if (r < 0)
		return r;
	vg_log_info("generation %llu is confirmed", waiting->generation);
	vg_confirm_arm(daemon);
	return 0;
}

json_t *vg_confirm_json(const struct vg_daemon *daemon)
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	const struct vg_confirm *confirm = &daemon->confirm;
	struct vg_moment now;

	if (!waiting)
		return json_null();
	vg_confirm_now(confirm, &now);
	return json_pack("{sI sI sI sI ss?}", "generation", (json_int_t)waiting->generation, "back",
			 (json_int_t)waiting->trial.back, "duration_s",
			 (json_int_t)waiting->trial.duration_s, "left_s",
			 (json_int_t)(vg_trial_left_us(&waiting->trial, &now) + 999999) / 1000000,
			 "error", *confirm->error ? confirm->error : NULL);
}

const char *vg_confirm_hint(const struct vg_daemon *daemon, char *out, size_t size)
{
	const struct vg_entry *waiting = vg_history_waiting(&daemon->history);
	const struct vg_confirm *confirm = &daemon->confirm;
	struct vg_moment now;

	vg_confirm_now(confirm, &now);
	if (*confirm->error)
		snprintf(out, size, "%s", confirm->error);
	else if (waiting)
		snprintf(
			out, size,
			"generation %llu is on trial: in %llu s generation %llu comes back, unless "
			"`vpcgate confirm`",
			waiting->generation, vg_trial_left_us(&waiting->trial, &now) / 1000000,
			waiting->trial.back);
	else if (vg_choice_is_refused(daemon, daemon->gate->config_path))
		snprintf(out, size,
			 "%.255s holds a config that was tried and never confirmed; the policy in "
			 "force is that from before: mend it, or `vpcgate rollback %llu` to write "
			 "that there",
			 daemon->gate->config_path,
			 vg_history_newest(&daemon->history)->generation);
	else
		return NULL;
	return out;
}

/* ---- life ---- */

int vg_confirm_open(struct vg_daemon *daemon)
{
	struct vg_confirm *confirm = &daemon->confirm;
	int r;

	r = read_boot_id(confirm->boot_id);
	if (r >= 0)
		r = sd_event_add_time(daemon->event, &confirm->timer, CLOCK_BOOTTIME, 0,
				      ACCURACY_US, on_end, daemon);
	return r < 0 ? r : sd_event_source_set_enabled(confirm->timer, SD_EVENT_OFF);
}

void vg_confirm_close(struct vg_daemon *daemon)
{
	sd_event_source_disable_unref(daemon->confirm.timer);
}
