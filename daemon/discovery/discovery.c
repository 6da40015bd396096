/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <time.h>
#include "discovery/files.h"
#include "discovery/poll.h"
#include "share/cleanup.h"
#include "share/file.h"

#define ACCURACY_US 10000

static const struct vg_position nowhere;

struct vg_discovery {
	vg_discovery_changed *changed;
	void *context;
	struct vg_reader reader;
	struct vg_client *client; /* NULL until a remote feed is wanted */
	struct vg_poll_common common;
	struct vg_cloud_nics nics;
	bool configured; /* the cloud knows settings and NICs */
	struct vg_poll **polls;
	size_t n_polls;
	struct vg_files *files;
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
	return discovery->common.settings.refresh_s * UINT64_C(1000000);
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
	r = vg_poll_new(&discovery->common, feed, ret_poll);
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

static int read_whole(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	struct vg_discovery *discovery = context;
	const int r = vg_files_reading(discovery->files, path);

	return r < 0 ? r : vg_file_reader.read(vg_file_reader.context, path, ret_text, ret_length);
}

static int read_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	struct vg_discovery *discovery = context;
	const int r = vg_files_reading(discovery->files, path);

	return r < 0 ? r : vg_file_reader.read_lines(vg_file_reader.context, path, take, to);
}

static int read_answer(void *context, const char *feed, const struct vg_listing **ret_listing,
		       __s64 *ret_read_s)
{
	struct vg_discovery *discovery = context;
	struct vg_poll *poll;
	int r;

	r = find_or_add_poll(discovery, feed, &poll);
	if (r < 0)
		return r;
	if (!poll->state.answered)
		return -ENODATA;
	*ret_listing = &poll->answer.listing;
	*ret_read_s = poll->answer.read_s;
	return 0;
}

const struct vg_reader *vg_discovery_reader(const struct vg_discovery *discovery)
{
	return &discovery->reader;
}

/* ---- what is wanted ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Those that an answer depends on; the others count from the next answer on. */
static bool same_servers(const struct vg_discovery_settings *a,
			 const struct vg_discovery_settings *b)
{
	return same_text(a->metadata, b->metadata) && same_text(a->compute, b->compute) &&
	       same_text(a->vpcaccess, b->vpcaccess) && same_text(a->published, b->published) &&
	       same_text(a->ca, b->ca);
}

static bool same_nics(const struct vg_cloud_nics *a, const struct vg_cloud_nics *b)
{
	return a->n == b->n && (!a->n || memcmp(a->macs, b->macs, a->n * sizeof(*a->macs)) == 0);
}

/* Returns whether answers may be others now. */
static int configure(struct vg_discovery *discovery, const struct vg_discovery_settings *settings,
		     const struct vg_cloud_nics *nics)
{
	_cleanup_(vg_discovery_settings_done) struct vg_discovery_settings copy = {};
	struct vg_discovery_settings *current = &discovery->common.settings;
	const bool other = !current->metadata || !same_servers(current, settings) ||
			   !same_nics(&discovery->nics, nics);
	struct vg_cloud_nics nics_copy = {calloc(nics->n + 1, sizeof(*nics->macs)), nics->n,
					  nics->all};
	int r;

	r = nics_copy.macs ? vg_discovery_settings_copy(settings, &copy) : -ENOMEM;
	if (r >= 0 && discovery->common.cloud && (other || !discovery->configured))
		r = vg_cloud_configure(discovery->common.cloud, settings, nics);
	if (r < 0) {
		free(nics_copy.macs);
		return r;
	}
	discovery->configured = discovery->common.cloud;
	if (nics->n)
		memcpy(nics_copy.macs, nics->macs, nics->n * sizeof(*nics->macs));
	free(discovery->nics.macs);
	discovery->nics = nics_copy;
	vg_discovery_settings_done(current);
	*current = copy;
	copy = (struct vg_discovery_settings){};
	return other;
}

/* The client is not opened where nobody is to be asked: it takes some memory. */
static int need_cloud(struct vg_discovery *discovery, struct vg_diag *diag)
{
	int r = 0;

	if (!discovery->client)
		r = vg_client_open(discovery->common.event, &discovery->client, diag);
	if (r >= 0 && !discovery->common.cloud)
		r = vg_cloud_open(discovery->client, &discovery->common.cloud);
	return r;
}

/* Marks the remote feeds of a policy, and collects the paths of the others. */
static int mark(struct vg_discovery *discovery, const struct vg_policy *policy, const char **paths,
		size_t *n_paths, struct vg_diag *diag)
{
	for (size_t i = 0; policy && i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		struct vg_poll *poll = NULL;
		int r;

		if (!vg_feed_is_remote(feed)) {
			paths[(*n_paths)++] = feed->place;
			continue;
		}
		r = need_cloud(discovery, diag);
		if (r >= 0)
			r = find_or_add_poll(discovery, feed->text, &poll);
		if (r < 0)
			return r;
		poll->wanted = true;
	}
	return 0;
}

static int want(struct vg_discovery *discovery, const struct vg_policy *in_force,
		const struct vg_policy *next, const struct vg_cloud_nics *nics,
		struct vg_diag *diag)
{
	_cleanup_free_ const char **paths = calloc(2 * VG_MAX_FEEDS, sizeof(*paths));
	size_t n_paths = 0;
	int r, other;

	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < discovery->n_polls; i++)
		discovery->polls[i]->wanted = false;
	r = mark(discovery, in_force, paths, &n_paths, diag);
	if (r >= 0)
		r = mark(discovery, next, paths, &n_paths, diag);
	if (r >= 0)
		r = vg_files_want(discovery->files, paths, n_paths);
	if (r < 0)
		return r;
	forget_unwanted(discovery);
	other = configure(discovery, &(next ?: in_force)->discovery, nics);
	if (other < 0)
		return other;
	for (size_t i = 0; i < discovery->n_polls; i++) {
		struct vg_poll *poll = discovery->polls[i];

		if (poll->begun && other)
			vg_poll_ask_anew(poll);
		else if (!poll->begun || (next && *poll->state.error && !poll->fetch))
			vg_poll_ask(poll);
	}
	return plan_look(discovery, n_paths);
}

int vg_discovery_want(struct vg_discovery *discovery, const struct vg_policy *in_force,
		      const struct vg_policy *next, const struct vg_cloud_nics *nics,
		      struct vg_diag *diag)
{
	const int r = want(discovery, in_force, next, nics, diag);

	if (r < 0 && diag && !*diag->text)
		return vg_diag_set(diag, -r, NULL, nowhere, "can't keep feeds up to date: %s",
				   strerror(-r));
	return r < 0 ? r : 0;
}

/* ---- questions ---- */

static bool has_feed(const struct vg_policy *policy, const char *text)
{
	for (size_t i = 0; policy && i < policy->n_feeds; i++) {
		if (strcmp(policy->feeds[i].text, text) == 0)
			return true;
	}
	return false;
}

const struct vg_feed *vg_discovery_unanswered(const struct vg_discovery *discovery,
					      const struct vg_policy *policy,
					      const struct vg_policy *except)
{
	for (size_t i = 0; i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		const struct vg_feed_state *state = vg_discovery_state(discovery, feed->text);

		if (state && !state->answered && !has_feed(except, feed->text))
			return feed;
	}
	return NULL;
}

bool vg_discovery_is_waiting(const struct vg_discovery *discovery, const struct vg_policy *policy,
			     const struct vg_policy *except)
{
	for (size_t i = 0; i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		const struct vg_feed_state *state = vg_discovery_state(discovery, feed->text);

		if (state && state->waiting && !has_feed(except, feed->text))
			return true;
	}
	return false;
}

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
	const int r = sd_event_add_time(discovery->common.event, ret_timer, CLOCK_MONOTONIC, 0,
					ACCURACY_US, handler, discovery);

	return r < 0 ? r : sd_event_source_set_enabled(*ret_timer, SD_EVENT_OFF);
}

int vg_discovery_open(sd_event *event, const char *state_folder, vg_discovery_changed *changed,
		      void *context, struct vg_discovery **ret_discovery)
{
	struct vg_discovery *discovery = calloc(1, sizeof(*discovery));
	int r;

	if (!discovery)
		return -ENOMEM;
	discovery->changed = changed;
	discovery->context = context;
	discovery->reader = (struct vg_reader){read_whole, read_lines, read_answer, discovery};
	discovery->common = (struct vg_poll_common){
		.event = event,
		.state_folder = state_folder,
		.changed = tell,
		.context = discovery,
	};
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
	vg_cloud_close(discovery->common.cloud);
	vg_client_close(discovery->client);
	sd_event_source_disable_unref(discovery->teller);
	sd_event_source_disable_unref(discovery->looker);
	vg_discovery_settings_done(&discovery->common.settings);
	free(discovery->nics.macs);
	free(discovery);
}
