/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One poll on a loop of its own, with a folder for what is saved. */
#ifndef VPCGATE_POLL_RIG_H
#define VPCGATE_POLL_RIG_H

#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include "tests/unit/fake_fetch.h"

/* So much is the wall clock wrong. */
static time_t rig_clock_error_s;

static time_t rig_time(time_t *ret_time)
{
	return time(ret_time) + rig_clock_error_s;
}

#define time(ret_time) rig_time(ret_time)
#include "discovery/poll.c"
#undef time

#define REFRESH_S 300

struct poll_rig {
	char folder[40];
	sd_event *event;
	struct vg_poll_common common;
	struct vg_cloud_nics machine;
	struct vg_poll *poll;
	unsigned changes;
	bool refuses; /* what changes doesn't come into force */
};

static void on_changed(void *context)
{
	struct poll_rig *rig = context;

	rig->changes++;
	if (!rig->refuses)
		vg_poll_published(rig->poll);
}

static struct vg_poll *rig_start(struct poll_rig *rig, const char *feed)
{
	vg_poll_free(rig->poll);
	rig->poll = NULL;
	rig->changes = 0;
	assert_int_equal(vg_poll_new(&rig->common, feed, false, &rig->poll), 0);
	vg_poll_ask(rig->poll);
	return rig->poll;
}

static void rig_forget_saved(const struct poll_rig *rig)
{
	DIR *folder = opendir(rig->folder);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

static int rig_setup(void **state)
{
	struct poll_rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	strcpy(rig->folder, "/tmp/vpcgate-poll-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	assert_true(sd_event_new(&rig->event) >= 0);
	rig->common = (struct vg_poll_common){
		.event = rig->event,
		.state_folder = rig->folder,
		.machine = &rig->machine,
		.settings = {.refresh_s = REFRESH_S,
			     .max_shrink_percent = 50,
			     .shrink_after_s = 1800},
		.changed = on_changed,
		.context = rig,
	};
	fake_begun = fake_cancelled = 0;
	rig_clock_error_s = 0;
	*state = rig;
	return 0;
}

static int rig_teardown(void **state)
{
	struct poll_rig *rig = *state;

	vg_poll_free(rig->poll);
	sd_event_unref(rig->event);
	rig_forget_saved(rig);
	assert_int_equal(rmdir(rig->folder), 0);
	assert_int_equal(fake_n, 0);
	free(rig);
	return 0;
}

/* How long until it is asked for again, in milliseconds; -1: it isn't planned. */
static int64_t rig_planned_ms(const struct vg_poll *poll)
{
	uint64_t at_us;
	int enabled;

	assert_true(sd_event_source_get_enabled(poll->timer, &enabled) >= 0);
	assert_true(sd_event_source_get_time(poll->timer, &at_us) >= 0);
	return enabled == SD_EVENT_OFF ? -1 : ((int64_t)at_us - (int64_t)now_us() + 500) / 1000;
}

static void rig_expect_planned(const char *name, const struct vg_poll *poll, int64_t from_ms,
			       int64_t to_ms)
{
	const int64_t ms = rig_planned_ms(poll);

	if (ms < from_ms - 100 || ms > to_ms)
		fail_msg("%s: planned in %lld ms, not in %lld to %lld", name, (long long)ms,
			 (long long)from_ms, (long long)to_ms);
}

/* The timer goes off now. */
static void rig_next_question(struct poll_rig *rig)
{
	assert_true(rig_planned_ms(rig->poll) >= 0);
	sd_event_source_set_time(rig->poll->timer, 0);
	while (!rig->poll->fetch)
		assert_true(sd_event_run(rig->event, 1000000) > 0);
}

#endif
