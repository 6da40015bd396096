/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <time.h>
#include "discovery/copies.h"
#include "discovery/files.h"
#include "discovery/poll.h"
#include "discovery/side.h"
#include "share/cleanup.h"
#include "share/file.h"

#define ACCURACY_US 10000

static const struct vg_position nowhere;

struct vg_discovery {
	vg_discovery_changed *changed;
	void *context;
	struct vg_reader reader;
	sd_event *event;
	const char *outside;
	struct vg_client *client; /* NULL until a remote feed is wanted */
	struct vg_cloud_nics machine;
	/* A policy that may never come into force must not change what the one in force is told. */
	struct vg_side in_force, next;
	bool started; /* there is a policy in force */
	struct vg_poll **polls;
	size_t n_polls;
	struct vg_files *files;
	struct vg_copies *copies;
	bool lenient; /* a policy is built that may hold what files held before */
	sd_event_source *teller, *looker;
	uint64_t told_us;
};

/* ---- telling ---- */

/* Once for all that has changed by the time of the next iteration of the loop, and not too often. */
static void tell(void *context)
{
	struct vg_discovery *discovery = context;

	sd_event_source_set_time(discovery->teller, discovery->told_us);
	sd_event_source_set_enabled(discovery->teller, SD_EVENT_ONESHOT);
}

static int on_tell(sd_event_source *source, uint64_t time_us, void *context)
{
	struct vg_discovery *discovery = context;
	uint64_t now_us = 0;

	(void)time_us;
	sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now_us);
	discovery->told_us = now_us + VG_DISCOVERY_INTERVAL_US;
	discovery->changed(discovery->context);
	return 0;
}

static uint64_t look_us(const struct vg_discovery *discovery)
{
	return discovery->in_force.common.settings.refresh_s * UINT64_C(1000000);
}

/* The next look stays where it is planned, however often policies change. */
static int plan_look(struct vg_discovery *discovery, bool needed)
{
	int enabled, r;

	r = sd_event_source_get_enabled(discovery->looker, &enabled);
	if (r < 0 || (enabled != SD_EVENT_OFF) == needed)
		return r;
	r = sd_event_source_set_time_relative(discovery->looker, look_us(discovery));
	return r < 0 ? r
		     : sd_event_source_set_enabled(discovery->looker,
						   needed ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_look(sd_event_source *source, uint64_t time_us, void *context)
{
	struct vg_discovery *discovery = context;

	(void)time_us;
	vg_files_look(discovery->files);
	return sd_event_source_set_time_relative(source, look_us(discovery));
}

/* ---- polls ---- */

static struct vg_poll *find_poll(const struct vg_discovery *discovery, const char *feed)
{
	for (size_t i = 0; i < discovery->n_polls; i++) {
		if (strcmp(discovery->polls[i]->feed.text, feed) == 0)
			return discovery->polls[i];
	}
	return NULL;
}

/* A new one belongs to the policy that is to follow, until that is in force. */
static int find_or_add_poll(struct vg_discovery *discovery, const char *feed,
			    struct vg_poll **ret_poll)
{
	struct vg_poll **larger;
	int r;

	*ret_poll = find_poll(discovery, feed);
	if (*ret_poll)
		return 0;
	larger = reallocarray(discovery->polls, discovery->n_polls + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	discovery->polls = larger;
	r = vg_poll_new(&discovery->next.common, feed, discovery->started, ret_poll);
	if (r < 0)
		return r;
	discovery->polls[discovery->n_polls++] = *ret_poll;
	return 0;
}

static void forget_unwanted(struct vg_discovery *discovery)
{
	size_t n = 0;

	for (size_t i = 0; i < discovery->n_polls; i++) {
		if (discovery->polls[i]->wanted)
			discovery->polls[n++] = discovery->polls[i];
		else
			vg_poll_free(discovery->polls[i]);
	}
	discovery->n_polls = n;
}

/* ---- reading for a policy ---- */

/* `path` becomes that of its copy where that is to be read instead. */
static int reading(struct vg_discovery *discovery, const char **path)
{
	int r = 0;

	/* Whoever writes a file is waited for; once it is done it counts as changed. */
	if (!discovery->started || !discovery->lenient || vg_files_is_settled(*path) ||
	    !vg_copies_spare(discovery->copies, *path))
		r = vg_files_reading(discovery->files, *path);
	return r < 0 ? r : vg_copies_reading(discovery->copies, *path, path);
}

static void begin(void *context, bool lenient)
{
	struct vg_discovery *discovery = context;

	discovery->lenient = lenient;
	vg_copies_begin(discovery->copies);
}

static bool fall_back(void *context, const struct vg_diag *diag)
{
	const struct vg_discovery *discovery = context;

	return vg_copies_fall_back(discovery->copies, diag);
}

static int read_whole(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	struct vg_discovery *discovery = context;
	int r;

	r = reading(discovery, &path);
	return r < 0 ? r : vg_file_reader.read(vg_file_reader.context, path, ret_text, ret_length);
}

static int read_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	struct vg_discovery *discovery = context;
	int r;

	r = reading(discovery, &path);
	return r < 0 ? r : vg_file_reader.read_lines(vg_file_reader.context, path, take, to);
}

static int read_answer(void *context, const char *feed, const struct vg_listing **ret_listing,
		       __s64 *ret_read_s)
{
	struct vg_discovery *discovery = context;
	const struct vg_saved *answer;
	struct vg_poll *poll;
	int r;

	r = find_or_add_poll(discovery, feed, &poll);
	if (r < 0)
		return r;
	answer = vg_answers_shown(&poll->answers);
	if (!answer)
		return -ENODATA;
	*ret_listing = &answer->listing;
	*ret_read_s = answer->read_s;
	return 0;
}

int vg_discovery_if_accepted(void *context, const char *feed, const struct vg_listing **ret_listing,
			     __s64 *ret_read_s)
{
	struct vg_discovery *discovery = context;
	struct vg_poll *poll = find_poll(discovery, feed);
	const struct vg_saved *latest;

	if (!poll || !vg_hold_holds(&poll->hold))
		return read_answer(context, feed, ret_listing, ret_read_s);
	latest = vg_answers_latest(&poll->answers);
	*ret_read_s = latest ? latest->read_s : 0;
	return vg_hold_if_accepted(&poll->hold, latest, ret_listing);
}

const struct vg_reader *vg_discovery_reader(const struct vg_discovery *discovery)
{
	return &discovery->reader;
}

/* ---- what is wanted ---- */

/* The client is not opened where nobody is to be asked: it takes some memory. */
static int need_cloud(struct vg_discovery *discovery, struct vg_side *side, struct vg_diag *diag)
{
	int r = 0;

	if (!discovery->client)
		r = vg_client_open(discovery->event, discovery->outside, &discovery->client, diag);
	if (r >= 0 && !side->common.cloud)
		r = vg_cloud_open(discovery->client, &side->common.cloud);
	return r;
}

/* What is wanted, while it is collected. */
struct wish {
	struct vg_diag *diag;
	size_t n_paths;
	const char *paths[2 * VG_MAX_FEEDS];
};

/* Marks the remote feeds of a policy, and collects the paths of the others. */
static int mark(struct vg_discovery *discovery, struct vg_side *side,
		const struct vg_policy *policy, struct wish *wish)
{
	for (size_t i = 0; policy && i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		struct vg_poll *poll = NULL;
		int r;

		if (!vg_feed_is_remote(feed)) {
			wish->paths[wish->n_paths++] = feed->place;
			continue;
		}
		r = need_cloud(discovery, side, wish->diag);
		if (r >= 0)
			r = find_or_add_poll(discovery, feed->text, &poll);
		if (r < 0)
			return r;
		poll->wanted = true;
	}
	return 0;
}

/* Which polls are taken away from which others. */
static int relate(const struct vg_discovery *discovery, const struct vg_policy *policy)
{
	int r = 0;

	for (size_t i = 0; policy && r >= 0 && i < policy->n_differences; i++) {
		const struct vg_difference *difference = &policy->differences[i];

		r = vg_poll_take_from(find_poll(discovery, policy->feeds[difference->minus].text),
				      find_poll(discovery, policy->feeds[difference->from].text));
	}
	return r;
}

/* `next` may be NULL. */
static int collect(struct vg_discovery *discovery, const struct vg_policy *in_force,
		   const struct vg_policy *next, struct vg_diag *diag)
{
	struct wish wish = {.diag = diag};
	int r;

	for (size_t i = 0; i < discovery->n_polls; i++) {
		discovery->polls[i]->wanted = false;
		discovery->polls[i]->n_larger = 0;
	}
	r = mark(discovery, &discovery->in_force, in_force, &wish);
	if (r >= 0)
		r = mark(discovery, &discovery->next, next, &wish);
	if (r >= 0)
		r = vg_files_want(discovery->files, wish.paths, wish.n_paths);
	if (r < 0)
		return r;
	forget_unwanted(discovery);
	r = relate(discovery, in_force);
	if (r >= 0)
		r = relate(discovery, next);
	return r < 0 ? r : plan_look(discovery, wish.n_paths);
}

static int want(struct vg_discovery *discovery, const struct vg_policy *in_force,
		const struct vg_cloud_nics *nics, struct vg_diag *diag)
{
	const struct vg_discovery_settings *settings = &in_force->discovery;
	const bool other = vg_side_differs(&discovery->in_force, settings, nics);
	const bool late = vg_side_differs(&discovery->next, settings, nics);
	int r;

	r = collect(discovery, in_force, NULL, diag);
	if (r >= 0)
		r = vg_side_configure(&discovery->in_force, settings, nics);
	if (r < 0)
		return r;
	for (size_t i = 0; i < discovery->n_polls; i++) {
		struct vg_poll *poll = discovery->polls[i];
		const bool is_new = poll->common == &discovery->next.common;

		poll->common = &discovery->in_force.common;
		if (!poll->begun)
			vg_poll_ask(poll);
		else if (is_new ? late : other)
			vg_poll_ask_anew(poll);
	}
	discovery->started = true;
	return 0;
}

static int want_next(struct vg_discovery *discovery, const struct vg_policy *in_force,
		     const struct vg_policy *next, const struct vg_cloud_nics *nics,
		     struct vg_diag *diag)
{
	const bool other = vg_side_differs(&discovery->next, &next->discovery, nics);
	int r;

	r = collect(discovery, in_force, next, diag);
	if (r >= 0)
		r = vg_side_configure(&discovery->next, &next->discovery, nics);
	if (r < 0)
		return r;
	for (size_t i = 0; i < discovery->n_polls; i++) {
		struct vg_poll *poll = discovery->polls[i];

		/* One that is in force by now may still be waiting for what was asked before. */
		if (poll->begun && other && poll->asked == &discovery->next.common &&
		    (poll->fetch || poll->common == poll->asked))
			vg_poll_ask_anew(poll);
		else if (!poll->begun || (*poll->state.error && !poll->fetch))
			vg_poll_ask(poll);
	}
	return 0;
}

static int explain(int error, struct vg_diag *diag)
{
	if (error < 0 && diag && !*diag->text)
		return vg_diag_set(diag, -error, NULL, nowhere, "can't keep feeds up to date: %s",
				   strerror(-error));
	return error;
}

int vg_discovery_want(struct vg_discovery *discovery, const struct vg_policy *in_force,
		      const struct vg_cloud_nics *nics, struct vg_diag *diag)
{
	return explain(want(discovery, in_force, nics, diag), diag);
}

int vg_discovery_want_next(struct vg_discovery *discovery, const struct vg_policy *in_force,
			   const struct vg_policy *next, const struct vg_cloud_nics *nics,
			   struct vg_diag *diag)
{
	return explain(want_next(discovery, in_force, next, nics, diag), diag);
}

/* ---- what came of it ---- */

void vg_discovery_published(struct vg_discovery *discovery, bool on_trial)
{
	for (size_t i = 0; i < discovery->n_polls; i++)
		vg_poll_published(discovery->polls[i]);
	vg_copies_keep(discovery->copies, on_trial);
}

void vg_discovery_set_aside(struct vg_discovery *discovery)
{
	for (size_t i = 0; i < discovery->n_polls; i++)
		vg_poll_set_aside(discovery->polls[i]);
}

bool vg_discovery_show_next(struct vg_discovery *discovery)
{
	for (size_t i = 0; i < discovery->n_polls; i++) {
		if (vg_poll_show(discovery->polls[i]))
			return true;
	}
	return false;
}

void vg_discovery_refuse(struct vg_discovery *discovery, const char *reason)
{
	for (size_t i = 0; i < discovery->n_polls; i++)
		vg_poll_refuse(discovery->polls[i], reason);
}

/* ---- what is held back ---- */

size_t vg_discovery_accept(struct vg_discovery *discovery)
{
	size_t n = 0;

	for (size_t i = 0; i < discovery->n_polls; i++)
		n += vg_poll_accept(discovery->polls[i]);
	return n;
}

const struct vg_feed_state *vg_discovery_state(const struct vg_discovery *discovery,
					       const char *feed)
{
	const struct vg_poll *poll = find_poll(discovery, feed);

	return poll ? &poll->state : NULL;
}

/* ---- life ---- */

static int add_timer(struct vg_discovery *discovery, sd_event_time_handler_t handler,
		     sd_event_source **ret_timer)
{
	const int r = sd_event_add_time(discovery->event, ret_timer, CLOCK_MONOTONIC, 0,
					ACCURACY_US, handler, discovery);

	return r < 0 ? r : sd_event_source_set_enabled(*ret_timer, SD_EVENT_OFF);
}

int vg_discovery_open(sd_event *event, const char *state_folder, const char *outside,
		      const struct vg_cloud_nics *machine, vg_discovery_changed *changed,
		      void *context, struct vg_discovery **ret_discovery)
{
	struct vg_discovery *discovery = calloc(1, sizeof(*discovery));
	int r;

	if (!discovery)
		return -ENOMEM;
	discovery->event = event;
	discovery->outside = outside;
	discovery->changed = changed;
	discovery->context = context;
	discovery->reader = (struct vg_reader){
		.read = read_whole,
		.read_lines = read_lines,
		.answer = read_answer,
		.begin = begin,
		.fall_back = fall_back,
		.context = discovery,
	};
	discovery->in_force.common = (struct vg_poll_common){
		.event = event,
		.state_folder = state_folder,
		.machine = &discovery->machine,
		.changed = tell,
		.context = discovery,
	};
	discovery->next.common = discovery->in_force.common;
	r = vg_cloud_nics_copy(machine, &discovery->machine);
	if (r >= 0)
		r = vg_copies_open(state_folder, &discovery->copies);
	if (r >= 0)
		r = vg_files_open(event, tell, discovery, &discovery->files);
	if (r >= 0)
		r = add_timer(discovery, on_tell, &discovery->teller);
	if (r >= 0)
		r = add_timer(discovery, on_look, &discovery->looker);
	if (r < 0) {
		vg_discovery_close(discovery);
		return r;
	}
	*ret_discovery = discovery;
	return 0;
}

void vg_discovery_close(struct vg_discovery *discovery)
{
	if (!discovery)
		return;
	for (size_t i = 0; i < discovery->n_polls; i++)
		vg_poll_free(discovery->polls[i]);
	free(discovery->polls);
	vg_files_close(discovery->files);
	vg_copies_close(discovery->copies);
	vg_side_done(&discovery->in_force);
	vg_side_done(&discovery->next);
	vg_client_close(discovery->client);
	sd_event_source_disable_unref(discovery->teller);
	sd_event_source_disable_unref(discovery->looker);
	free(discovery->machine.macs);
	free(discovery);
}
