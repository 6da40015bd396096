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

/* When what has been missed since then is believed to be gone. */
static uint64_t hold_end_us(const struct vg_poll *poll, uint64_t missed_us)
{
	return missed_us + poll->common->settings.shrink_after_s * SECOND_US;
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

	if (vg_hold_holds(&poll->hold)) {
		/* The answer that ends it should not come much later than it may. */
		const uint64_t end_us = hold_end_us(poll, vg_hold_first_us(&poll->hold));

		if (end_us < now + delay_us)
			delay_us = end_us > now + SECOND_US ? end_us - now : SECOND_US;
	} else if (is_long_poll(&poll->feed) && vg_answers_latest(&poll->answers)->version) {
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

static void log_change(const struct vg_poll *poll, const struct vg_saved *old,
		       const struct vg_listing *new)
{
	size_t added, removed;

	if (!old) {
		vg_log_info("%s: %zu range%s", poll->feed.text, new->n, new->n == 1 ? "" : "s");
		return;
	}
	vg_listing_count_changes(&old->listing, new, &added, &removed);
	if (!added && !removed)
		return;
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
	vg_store_write(poll->common->state_folder, poll->feed.text, &poll->answers.in_force, &diag);
	if (*diag.text && strcmp(diag.text, state->store_error) != 0)
		vg_log_warn("%s: %s; its ranges won't be known after a restart", poll->feed.text,
			    diag.text);
	memcpy(state->store_error, diag.text, sizeof(state->store_error));
}

static void update_state(struct vg_poll *poll)
{
	const struct vg_saved *answer = vg_answers_shown(&poll->answers);
	struct vg_feed_state *state = &poll->state;

	state->answered = answer;
	state->n_ranges = answer ? answer->listing.n : 0;
	state->read_s = answer ? answer->read_s : 0;
}

static void count_answer(struct vg_poll *poll)
{
	struct vg_feed_state *state = &poll->state;

	if (*state->error)
		vg_log_info("%s answers again", poll->feed.text);
	poll->failures = 0;
	state->answers++;
	state->waiting = false;
	state->error[0] = '\0';
}

/* The server says the same as before. Once it is in force the time is worth saving. */
static void confirm(struct vg_poll *poll)
{
	vg_answers_latest(&poll->answers)->read_s = time(NULL);
	poll->answers.aged = poll->state.saved = false;
	count_answer(poll);
	update_state(poll);
	if (poll->answers.news == VG_ANSWERS_NO_NEWS)
		save(poll, false);
}

/* Takes over what `saved` holds. */
static void adopt(struct vg_poll *poll, struct vg_saved *saved)
{
	const struct vg_saved *old = vg_answers_latest(&poll->answers);
	bool changed;

	log_change(poll, old, &saved->listing);
	changed = vg_answers_take(&poll->answers, saved);
	confirm(poll);
	if (changed)
		poll->common->changed(poll->common->context);
}

void vg_poll_published(struct vg_poll *poll)
{
	if (vg_answers_publish(&poll->answers))
		save(poll, true);
}

void vg_poll_set_aside(struct vg_poll *poll)
{
	if (vg_answers_set_aside(&poll->answers))
		update_state(poll);
}

bool vg_poll_show(struct vg_poll *poll)
{
	if (!vg_answers_show(&poll->answers))
		return false;
	update_state(poll);
	return true;
}

void vg_poll_refuse(struct vg_poll *poll, const char *reason)
{
	struct vg_feed_state *state = &poll->state;

	if (!vg_answers_refuse(&poll->answers))
		return;
	update_state(poll);
	state->failures++;
	snprintf(state->error, sizeof(state->error), "its answer can't be used: %s", reason);
	/* What is on its way may only say that nothing has changed since. */
	vg_fetch_cancel(poll->fetch);
	poll->fetch = NULL;
	ask_in(poll, jitter(refresh_us(poll), REFRESH_JITTER_PERCENT));
}

/* ---- answers ---- */

/* It isn't needed at once, or one that can be hoped for. */
static bool is_missed(const struct vg_poll *poll)
{
	return !poll->state.answered || poll->answers.aged;
}

static void count_failure(struct vg_poll *poll, int error, const char *reason,
			  unsigned retry_after_s)
{
	struct vg_feed_state *state = &poll->state;

	poll->failures++;
	state->failures++;
	state->waiting = is_missed(poll) && error == -EAGAIN;
	if (strcmp(state->error, reason) != 0)
		vg_log_warn("%s: %s; %s", poll->feed.text, reason,
			    state->answered ? "what it said before stays in force"
					    : "it has no ranges until it answers");
	snprintf(state->error, sizeof(state->error), "%s", reason);
	plan_after_failure(poll, error, retry_after_s);
}

/* The same reason again is no news. */
static void tell_held(struct vg_poll *poll)
{
	const uint64_t end_us = hold_end_us(poll, vg_hold_last_us(&poll->hold)), now = now_us();
	const time_t end_s = time(NULL) + (time_t)(end_us > now ? (end_us - now) / SECOND_US : 0);
	const char *reason = vg_hold_reason(&poll->hold);
	char until[64] = "";
	struct tm tm;

	poll->state.held[0] = '\0';
	if (*reason) {
		if (gmtime_r(&end_s, &tm))
			strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S UTC", &tm);
		snprintf(poll->state.held, sizeof(poll->state.held),
			 "%s; held back until %s, unless it is accepted with "
			 "`vpcgate apply --accept-shrink`",
			 reason, until);
	}
	if (*reason && strcmp(poll->told, reason) != 0)
		vg_log_warn("%s: %s", poll->feed.text, poll->state.held);
	snprintf(poll->told, sizeof(poll->told), "%s", reason);
}

static bool may_be_empty(const struct vg_feed *feed)
{
	return feed->kind == VG_FEED_FORWARDED_IPS || feed->kind == VG_FEED_CONNECTORS ||
	       feed->kind == VG_FEED_PEERING_ROUTES || feed->kind == VG_FEED_METADATA;
}

/* All that those hold which this one is taken away from. */
static int join_larger(const struct vg_poll *poll, struct vg_listing *ret_larger)
{
	static const char *const all[] = {VG_LISTING_ANY_SCOPE};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < poll->n_larger; i++) {
		const struct vg_saved *answer = vg_answers_latest(&poll->larger[i]->answers);

		if (answer)
			r = vg_listing_keep(ret_larger, &answer->listing, all, 1);
	}
	return r;
}

/* Adds what is to be kept to `fresh`. Returns whether all of it is held back. */
static int judge(struct vg_poll *poll, const struct vg_saved *old, struct vg_listing *fresh)
{
	const struct vg_discovery_settings *settings = &poll->common->settings;
	const struct vg_guard_rules rules = {
		.max_shrink_percent = settings->max_shrink_percent,
		.shrink_after_us = settings->shrink_after_s * SECOND_US,
		.may_be_empty = may_be_empty(&poll->feed),
	};
	_cleanup_(vg_listing_done) struct vg_listing larger = {};
	int r;

	r = join_larger(poll, &larger);
	return r < 0 ? r
		     : vg_hold_judge(&poll->hold, &rules, poll->n_larger ? &larger : NULL,
				     old ? &old->listing : NULL, fresh, now_us());
}

static void take_listing(struct vg_poll *poll, struct vg_fetch_result *result)
{
	_cleanup_(vg_saved_done) struct vg_saved saved = {};
	const struct vg_saved *old = vg_answers_base(&poll->answers, result);
	int complete, held;

	complete = vg_answers_supplement(old, result, &saved.usable);
	held = complete < 0 ? complete : judge(poll, old, &result->listing);
	if (held < 0) {
		count_failure(poll, held, strerror(-held), 0);
		return;
	}
	snprintf(poll->state.note, sizeof(poll->state.note), "%s", result->note);
	saved.listing = result->listing;
	result->listing = (struct vg_listing){};
	saved.identity = VG_TAKE_PTR(result->identity);
	saved.read_s = time(NULL);
	/* What is missing is asked for again, though nothing has changed. */
	if (complete && !vg_hold_holds(&poll->hold))
		saved.version = VG_TAKE_PTR(result->version);
	if (held) {
		vg_hold_keep(&poll->hold, &saved);
		count_answer(poll);
	} else {
		adopt(poll, &saved);
	}
	tell_held(poll);
	plan_after_answer(poll);
}

static void on_done(void *context, struct vg_fetch_result *result)
{
	struct vg_poll *poll = context;

	poll->fetch = NULL;
	if (result->error == 0) {
		take_listing(poll, result);
	} else if (result->error == -EALREADY && poll->state.answered) {
		confirm(poll);
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
static const char *known_version(struct vg_poll *poll)
{
	const struct vg_saved *answer = vg_answers_latest(&poll->answers);

	if (!answer || vg_hold_holds(&poll->hold) ||
	    (poll->state.saved && is_long_poll(&poll->feed)))
		return NULL;
	return answer->version;
}

void vg_poll_ask(struct vg_poll *poll)
{
	int r;

	vg_fetch_cancel(poll->fetch);
	poll->fetch = NULL;
	sd_event_source_set_enabled(poll->timer, SD_EVENT_OFF);
	poll->begun = true;
	poll->begun_us = now_us();
	poll->asked = poll->common;
	poll->state.waiting = is_missed(poll) && !vg_hold_holds(&poll->hold);
	r = vg_fetch_begin(poll->common->cloud, &poll->feed, known_version(poll), on_done, poll,
			   &poll->fetch);
	if (r < 0)
		count_failure(poll, r, strerror(-r), 0);
}

void vg_poll_ask_anew(struct vg_poll *poll)
{
	struct vg_saved *answer = vg_answers_latest(&poll->answers);

	if (answer) {
		free(answer->version);
		answer->version = NULL;
	}
	poll->failures = 0;
	vg_poll_ask(poll);
}

bool vg_poll_accept(struct vg_poll *poll)
{
	_cleanup_(vg_saved_done) struct vg_saved saved = {};

	if (!vg_hold_holds(&poll->hold) ||
	    vg_hold_accept(&poll->hold, vg_answers_latest(&poll->answers), &saved) < 0)
		return false;
	vg_log_info("%s: what was held back is accepted", poll->feed.text);
	adopt(poll, &saved);
	tell_held(poll);
	return true;
}

int vg_poll_take_from(struct vg_poll *poll, struct vg_poll *larger)
{
	struct vg_poll **grown;

	grown = reallocarray(poll->larger, poll->n_larger + 1, sizeof(struct vg_poll *));
	if (!grown)
		return -ENOMEM;
	poll->larger = grown;
	poll->larger[poll->n_larger++] = larger;
	return 0;
}

/* ---- life ---- */

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	vg_poll_ask(context);
	return 0;
}

/* As far as it is known which NICs this machine has. */
static bool is_of_this_machine(const struct vg_poll *poll)
{
	const struct vg_cloud_nics *machine = poll->common->machine;
	const char *identity = poll->answers.in_force.identity;

	for (size_t i = 0; identity && i < machine->n; i++)
		if (strstr(identity, machine->macs[i]))
			return true;
	return !identity || !machine->n;
}

static void note_unsaved(struct vg_poll *poll, const char *text)
{
	if (*text)
		vg_log_warn("%s: %s", poll->feed.text, text);
	snprintf(poll->state.store_error, sizeof(poll->state.store_error), "%s", text);
}

static int read_saved(struct vg_poll *poll)
{
	struct vg_diag diag = {0};
	int r;

	r = vg_store_read(poll->common->state_folder, poll->feed.text, &poll->answers.in_force,
			  &diag);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		note_unsaved(poll, diag.text);
		return 0;
	}
	if (!is_of_this_machine(poll)) {
		vg_saved_done(&poll->answers.in_force);
		note_unsaved(poll, "what is saved is of another machine's NICs, and left out; the "
				   "feed's next answer replaces it");
		return 0;
	}
	poll->answers.any = poll->state.saved = true;
	update_state(poll);
	return 0;
}

int vg_poll_new(const struct vg_poll_common *common, const char *text, bool aged,
		struct vg_poll **ret_poll)
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
	poll->answers.aged = aged && poll->answers.any;
	*ret_poll = poll;
	return 0;
}

void vg_poll_free(struct vg_poll *poll)
{
	if (!poll)
		return;
	vg_fetch_cancel(poll->fetch);
	sd_event_source_disable_unref(poll->timer);
	free(poll->larger);
	vg_hold_done(&poll->hold);
	vg_answers_done(&poll->answers);
	vg_feed_done(&poll->feed);
	free(poll);
}
