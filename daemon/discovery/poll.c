/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "discovery/poll.h"
#include "share/cleanup.h"
#include "share/log.h"

#define SECOND_US 1000000ull
#define ACCURACY_US 50000
/* Many hosts that were started together must not go on asking together. */
#define REFRESH_JITTER_PERCENT 10
#define BACKOFF_JITTER_PERCENT 20
#define LONG_POLL_US SECOND_US /* from one question to the next, at least */

/* ---- time ---- */

/* Runs on while the machine sleeps, and is set by nobody. */
static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * SECOND_US + (uint64_t)now.tv_nsec / 1000;
}

/* `time_us`, up to `percent` of it more or less. */
static uint64_t jitter(uint64_t time_us, unsigned percent)
{
	const uint64_t span_us = 2 * time_us * percent / 100;
	uint32_t random = UINT32_MAX / 2;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		return time_us;
	return time_us - span_us / 2 + span_us * random / UINT32_MAX;
}

static uint64_t refresh_us(const struct vg_poll *poll)
{
	return poll->common->settings.refresh_s * SECOND_US;
}

static uint64_t hold_end_us(const struct vg_poll *poll)
{
	return poll->guard.since_us + poll->common->settings.shrink_after_s * SECOND_US;
}

/* The metadata server answers when something changes. */
static bool is_long_poll(const struct vg_feed *feed)
{
	return feed->kind == VG_FEED_METADATA || feed->kind == VG_FEED_FORWARDED_IPS;
}

static void ask_in(struct vg_poll *poll, uint64_t delay_us)
{
	sd_event_source_set_time(poll->timer, now_us() + delay_us);
	sd_event_source_set_enabled(poll->timer, SD_EVENT_ONESHOT);
}

static void plan_after_answer(struct vg_poll *poll)
{
	const uint64_t now = now_us();
	uint64_t delay_us = jitter(refresh_us(poll), REFRESH_JITTER_PERCENT);

	if (poll->guard.holds) {
		/* The answer that ends it should not come much later than it may. */
		const uint64_t end_us = hold_end_us(poll);

		if (end_us < now + delay_us)
			delay_us = end_us > now + SECOND_US ? end_us - now : SECOND_US;
	} else if (is_long_poll(&poll->feed) && poll->answer.version) {
		const uint64_t due_us = poll->begun_us + LONG_POLL_US;

		delay_us = due_us > now ? due_us - now : 0;
	}
	ask_in(poll, delay_us);
}

static void plan_after_failure(struct vg_poll *poll, int error, unsigned retry_after_s)
{
	uint64_t delay_us = refresh_us(poll);

	if (error != -EAGAIN) {
		ask_in(poll, jitter(delay_us, REFRESH_JITTER_PERCENT));
		return;
	}
	if (poll->failures < 32 && SECOND_US << (poll->failures - 1) < delay_us)
		delay_us = SECOND_US << (poll->failures - 1);
	delay_us = jitter(delay_us, BACKOFF_JITTER_PERCENT);
	if (delay_us < retry_after_s * SECOND_US)
		delay_us = retry_after_s * SECOND_US;
	ask_in(poll, delay_us);
}

/* ---- what is in force ---- */

/* Ranges of one that the other doesn't have, both sorted. */
static void count_changes(const struct vg_listing *old, const struct vg_listing *new,
			  size_t *ret_added, size_t *ret_removed)
{
	size_t i = 0, j = 0, added = 0, removed = 0;

	while (i < old->n || j < new->n) {
		int order = i == old->n ? 1 : j == new->n ? -1 : 0;

		if (!order)
			order = vg_prefix_compare(&old->items[i].prefix, &new->items[j].prefix);
		if (!order)
			order = old->items[i].use - new->items[j].use;
		removed += order < 0;
		added += order > 0;
		i += order <= 0;
		j += order >= 0;
	}
	*ret_added = added;
	*ret_removed = removed;
}

static void log_change(const struct vg_poll *poll, const struct vg_listing *new)
{
	size_t added, removed;

	count_changes(&poll->answer.listing, new, &added, &removed);
	if (!poll->state.answered)
		vg_log_info("%s: %zu range%s", poll->feed.text, new->n, new->n == 1 ? "" : "s");
	else
		vg_log_info("%s: %zu range%s added, %zu removed", poll->feed.text, added,
			    added == 1 ? "" : "s", removed);
}

/* Confirmations are written no more often than answers come where nothing changes. */
static void save(struct vg_poll *poll, bool changed)
{
	struct vg_feed_state *state = &poll->state;
	struct vg_diag diag = {0};

	if (!changed && now_us() - poll->saved_us < refresh_us(poll))
		return;
	poll->saved_us = now_us();
	vg_store_write(poll->common->state_folder, poll->feed.text, &poll->answer, &diag);
	if (*diag.text && strcmp(diag.text, state->store_error) != 0)
		vg_log_warn("%s: %s; its ranges won't be known after a restart", poll->feed.text,
			    diag.text);
	memcpy(state->store_error, diag.text, sizeof(state->store_error));
}

static void confirm(struct vg_poll *poll, int64_t read_s)
{
	struct vg_feed_state *state = &poll->state;

	if (*state->error)
		vg_log_info("%s answers again", poll->feed.text);
	poll->failures = 0;
	poll->answer.read_s = read_s;
	state->answers++;
	state->read_s = read_s;
	state->saved = state->waiting = false;
	state->error[0] = '\0';
}

/* Takes the listing out of `listing`, and `version`. */
static void adopt(struct vg_poll *poll, struct vg_listing *listing, char *version, int64_t read_s)
{
	struct vg_feed_state *state = &poll->state;
	const bool changed = !state->answered || !vg_listing_equal(&poll->answer.listing, listing);

	if (changed)
		log_change(poll, listing);
	vg_saved_done(&poll->answer);
	poll->answer.listing = *listing;
	poll->answer.version = version;
	*listing = (struct vg_listing){};
	state->answered = true;
	state->n_ranges = poll->answer.listing.n;
	state->held[0] = '\0';
	confirm(poll, read_s);
	save(poll, changed);
	if (changed)
		poll->common->changed(poll->common->context);
}

/* ---- answers ---- */

static void count_failure(struct vg_poll *poll, int error, const char *reason,
			  unsigned retry_after_s)
{
	struct vg_feed_state *state = &poll->state;

	poll->failures++;
	state->failures++;
	state->waiting = !state->answered && error == -EAGAIN;
	if (strcmp(state->error, reason) != 0)
		vg_log_warn("%s: %s; %s", poll->feed.text, reason,
			    state->answered ? "what it said before stays in force"
					    : "it has no ranges until it answers");
	snprintf(state->error, sizeof(state->error), "%s", reason);
	plan_after_failure(poll, error, retry_after_s);
}

static void tell_held(struct vg_poll *poll)
{
	const uint64_t end_us = hold_end_us(poll), now = now_us();
	const time_t end_s = time(NULL) + (time_t)(end_us > now ? (end_us - now) / SECOND_US : 0);
	char until[64] = "";
	struct tm tm;

	if (gmtime_r(&end_s, &tm))
		strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S UTC", &tm);
	snprintf(poll->state.held, sizeof(poll->state.held),
		 "%s; held back until %s, unless it is accepted with "
		 "`vpcgate apply --accept-shrink`",
		 poll->guard.reason, until);
	if (poll->told_us == poll->guard.since_us)
		return;
	poll->told_us = poll->guard.since_us;
	vg_log_warn("%s: %s", poll->feed.text, poll->state.held);
}

static bool may_be_empty(const struct vg_feed *feed)
{
	return feed->kind == VG_FEED_FORWARDED_IPS || feed->kind == VG_FEED_CONNECTORS ||
	       feed->kind == VG_FEED_PEERING_ROUTES || feed->kind == VG_FEED_METADATA;
}

static int judge(struct vg_poll *poll, const struct vg_listing *fresh)
{
	const struct vg_discovery_settings *settings = &poll->common->settings;
	const struct vg_guard_rules rules = {
		.max_shrink_percent = settings->max_shrink_percent,
		.shrink_after_us = settings->shrink_after_s * SECOND_US,
		.may_be_empty = may_be_empty(&poll->feed),
	};

	return vg_guard_judge(&poll->guard, &rules,
			      poll->state.answered ? &poll->answer.listing : NULL, fresh, now_us());
}

static void take_listing(struct vg_poll *poll, struct vg_fetch_result *result)
{
	struct vg_feed_state *state = &poll->state;
	char *version = NULL;
	int r = 0;

	if (result->n_unread && state->answered)
		r = vg_listing_keep(&result->listing, &poll->answer.listing,
				    (const char *const *)result->unread, result->n_unread);
	if (r >= 0)
		r = judge(poll, &result->listing);
	if (r < 0) {
		count_failure(poll, r, strerror(-r), 0);
		return;
	}
	if (r == VG_GUARD_HELD) {
		poll->held_read_s = time(NULL);
		poll->failures = 0;
		state->answers++;
		state->waiting = false;
		state->error[0] = '\0';
		tell_held(poll);
	} else {
		/* What could not be read is asked for again, though nothing has changed. */
		if (!result->n_unread)
			version = VG_TAKE_PTR(result->version);
		snprintf(state->note, sizeof(state->note), "%s", result->note);
		adopt(poll, &result->listing, version, time(NULL));
	}
	plan_after_answer(poll);
}

static void on_done(void *context, struct vg_fetch_result *result)
{
	struct vg_poll *poll = context;

	poll->fetch = NULL;
	if (result->error == 0) {
		take_listing(poll, result);
	} else if (result->error == -EALREADY && poll->state.answered) {
		confirm(poll, time(NULL));
		save(poll, false);
		plan_after_answer(poll);
	} else {
		count_failure(poll, result->error, result->reason, result->retry_after_s);
	}
}

/* ---- questions ---- */

/*
 * What would be held back is asked for without a version, so that it is said again; and after a start
 * the metadata server is not to wait for a change before it says whether what was saved still holds.
 */
static const char *known_version(const struct vg_poll *poll)
{
	if (poll->guard.holds || (poll->state.saved && is_long_poll(&poll->feed)))
		return NULL;
	return poll->answer.version;
}

void vg_poll_ask(struct vg_poll *poll)
{
	int r;

	vg_fetch_cancel(poll->fetch);
	poll->fetch = NULL;
	sd_event_source_set_enabled(poll->timer, SD_EVENT_OFF);
	poll->begun = true;
	poll->begun_us = now_us();
	poll->state.waiting = !poll->state.answered && !poll->guard.holds;
	r = vg_fetch_begin(poll->common->cloud, &poll->feed, known_version(poll), on_done, poll,
			   &poll->fetch);
	if (r < 0)
		count_failure(poll, r, strerror(-r), 0);
}

void vg_poll_ask_anew(struct vg_poll *poll)
{
	free(poll->answer.version);
	poll->answer.version = NULL;
	poll->failures = 0;
	vg_poll_ask(poll);
}

bool vg_poll_accept(struct vg_poll *poll)
{
	if (!poll->guard.holds)
		return false;
	vg_log_info("%s: what was held back is accepted", poll->feed.text);
	adopt(poll, &poll->guard.held, NULL, poll->held_read_s);
	vg_guard_done(&poll->guard);
	return true;
}

/* ---- life ---- */

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	vg_poll_ask(context);
	return 0;
}

static int read_saved(struct vg_poll *poll)
{
	struct vg_feed_state *state = &poll->state;
	struct vg_diag diag = {0};
	int r;

	r = vg_store_read(poll->common->state_folder, poll->feed.text, &poll->answer, &diag);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		if (*diag.text)
			vg_log_warn("%s: %s", poll->feed.text, diag.text);
		memcpy(state->store_error, diag.text, sizeof(state->store_error));
		return 0;
	}
	state->answered = state->saved = true;
	state->read_s = poll->answer.read_s;
	state->n_ranges = poll->answer.listing.n;
	return 0;
}

int vg_poll_new(const struct vg_poll_common *common, const char *text, struct vg_poll **ret_poll)
{
	struct vg_poll *poll = calloc(1, sizeof(*poll));
	char wrong[VG_DIAG_TEXT_SIZE];
	int r;

	if (!poll)
		return -ENOMEM;
	poll->common = common;
	r = vg_feed_parse(text, &poll->feed, wrong, sizeof(wrong));
	if (r >= 0)
		r = sd_event_add_time(common->event, &poll->timer, CLOCK_BOOTTIME, 0, ACCURACY_US,
				      on_timer, poll);
	if (r >= 0)
		r = sd_event_source_set_enabled(poll->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = read_saved(poll);
	if (r < 0) {
		vg_poll_free(poll);
		return r;
	}
	*ret_poll = poll;
	return 0;
}

void vg_poll_free(struct vg_poll *poll)
{
	if (!poll)
		return;
	vg_fetch_cancel(poll->fetch);
	sd_event_source_disable_unref(poll->timer);
	vg_guard_done(&poll->guard);
	vg_saved_done(&poll->answer);
	vg_feed_done(&poll->feed);
	free(poll);
}
