/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/serving.h"
#include "share/cleanup.h"
#include "share/listening.h"
#include "share/log.h"

#define OUTSIDE_TIMEOUT_MS 10000
#define OUTSIDE_MAX_BYTES 1024
#define RETRY_US (VG_SERVING_RETRY_S * UINT64_C(1000000))
#define RETRY_ACCURACY_US 100000

static void place_clear(struct vg_serving_place *place)
{
	free(place->address);
	*place = (struct vg_serving_place){};
}

static int place_set(struct vg_serving_place *place, const char *address, unsigned port)
{
	char *copy = strdup(address);

	if (!copy)
		return -ENOMEM;
	free(place->address);
	*place = (struct vg_serving_place){copy, port};
	return 0;
}

static bool place_is(const struct vg_serving_place *place, const char *address, unsigned port)
{
	return place->address && place->port == port && strcmp(place->address, address) == 0;
}

static void stop(struct vg_serving *serving)
{
	vg_exporter_close(serving->exporter);
	serving->exporter = NULL;
	place_clear(&serving->in_use);
}

/* Takes the socket over. What was served before is let go once the new one serves. */
static int serve(struct vg_serving *serving, int fd)
{
	const struct vg_serving_place *place = serving->asked;
	_cleanup_close_ int own = fd;
	char name[VG_LISTENING_NAME_SIZE];
	struct vg_exporter *exporter;
	int r;

	r = vg_listening_check(own, place->address, place->port, name);
	if (r >= 0)
		r = vg_exporter_open(serving->event, VG_TAKE_FD(own), name, &serving->pages,
				     &exporter);
	if (r < 0)
		return r;
	stop(serving);
	serving->exporter = exporter;
	r = place_set(&serving->in_use, place->address, place->port);
	if (r < 0)
		stop(serving);
	else
		vg_log_info("exporter: http://%s/metrics", name);
	return r;
}

/* Where nothing is served there is nothing to lose by trying again. */
static void give_up(struct vg_serving *serving)
{
	char text[sizeof(serving->error)];

	if (serving->exporter)
		snprintf(text, sizeof(text), "%.400s; it stays on %s until a reload",
			 serving->failure, vg_exporter_endpoint(serving->exporter));
	else
		snprintf(text, sizeof(text),
			 "%.400s; there are no metrics, it is tried again every %d s",
			 serving->failure, VG_SERVING_RETRY_S);
	if (strcmp(text, serving->error) != 0)
		vg_log(VG_LOG_ERR, "%s", text);
	memcpy(serving->error, text, sizeof(text));
	if (serving->exporter)
		return;
	sd_event_source_set_time_relative(serving->retry, RETRY_US);
	sd_event_source_set_enabled(serving->retry, SD_EVENT_ONESHOT);
}

static void ask(struct vg_serving *serving, const struct vg_serving_place *place);

/*
 * From 127.0.0.1 to 0.0.0.0, say, of the same port, which can't both be held: the old one is let go for
 * a moment, and taken again if the new one fails.
 */
static bool let_go(struct vg_serving *serving, int error)
{
	if (error != -EADDRINUSE || !serving->exporter ||
	    serving->in_use.port != serving->wanted.port)
		return false;
	serving->before = serving->in_use;
	serving->in_use = (struct vg_serving_place){};
	stop(serving);
	ask(serving, &serving->wanted);
	return true;
}

/* What came of asking: a socket, which is taken over, or an error. `text` says more, or is NULL. */
static void take(struct vg_serving *serving, int error, int fd, const char *text)
{
	const bool wanted = serving->asked == &serving->wanted;

	if (!error) {
		error = serve(serving, fd);
		text = error == -EPROTO ? vg_outside_nonsense : NULL;
	}
	if (!error && wanted) {
		place_clear(&serving->before);
		serving->error[0] = '\0';
		return;
	}
	if (!wanted) {
		place_clear(&serving->before);
		give_up(serving);
		return;
	}
	if (let_go(serving, error))
		return;
	snprintf(serving->failure, sizeof(serving->failure),
		 "exporter: can't listen on %s port %u: %.300s", serving->wanted.address,
		 serving->wanted.port, text ?: strerror(-error));
	if (serving->before.address)
		ask(serving, &serving->before);
	else
		give_up(serving);
}

static void on_answer(void *context, struct vg_outside_answer *answer)
{
	struct vg_serving *serving = context;
	int error = answer->error;
	const char *text = error ? answer->text : NULL;

	serving->call = NULL;
	if (!error) {
		error = -(int)vg_fields_number(&answer->fields);
		if (error > 0 || error < -4095 || vg_fields_end(&answer->fields) < 0 ||
		    (!error && answer->fd < 0)) {
			error = -EPROTO;
			text = vg_outside_nonsense;
		}
	}
	take(serving, error, error ? -1 : VG_TAKE_FD(answer->fd), text);
}

static int ask_outside(struct vg_serving *serving)
{
	const struct vg_outside_question question = {serving->outside, OUTSIDE_TIMEOUT_MS,
						     OUTSIDE_MAX_BYTES};
	struct vg_message message;

	vg_message_begin(&message);
	vg_message_put_number(&message, VG_OUTSIDE_LISTEN);
	vg_listening_put(&message, serving->asked->address, serving->asked->port);
	return vg_outside_ask(serving->event, &question, &message, on_answer, serving,
			      &serving->call);
}

static void ask(struct vg_serving *serving, const struct vg_serving_place *place)
{
	int fd = -1, r;

	serving->asked = place;
	if (serving->outside) {
		r = ask_outside(serving);
		if (r < 0)
			take(serving, r, -1, NULL);
		return;
	}
	r = vg_listening_open(place->address, place->port, &fd);
	take(serving, r, fd, NULL);
}

static int on_retry(sd_event_source *source, uint64_t now_us, void *context)
{
	struct vg_serving *serving = context;

	(void)source;
	(void)now_us;
	ask(serving, &serving->wanted);
	return 0;
}

void vg_serving_move(struct vg_serving *serving, const char *address, unsigned port)
{
	vg_outside_cancel(serving->call);
	serving->call = NULL;
	sd_event_source_set_enabled(serving->retry, SD_EVENT_OFF);
	place_clear(&serving->before);
	serving->error[0] = '\0';
	if (!address || place_set(&serving->wanted, address, port) < 0)
		stop(serving);
	else if (!place_is(&serving->in_use, address, port))
		ask(serving, &serving->wanted);
}

int vg_serving_open(sd_event *event, const char *outside, const struct vg_exporter_pages *pages,
		    struct vg_serving *serving)
{
	int r;

	*serving = (struct vg_serving){.event = event, .outside = outside, .pages = *pages};
	r = sd_event_add_time(event, &serving->retry, CLOCK_MONOTONIC, 0, RETRY_ACCURACY_US,
			      on_retry, serving);
	return r < 0 ? r : sd_event_source_set_enabled(serving->retry, SD_EVENT_OFF);
}

void vg_serving_close(struct vg_serving *serving)
{
	vg_outside_cancel(serving->call);
	sd_event_source_disable_unref(serving->retry);
	stop(serving);
	place_clear(&serving->wanted);
	place_clear(&serving->before);
	*serving = (struct vg_serving){};
}
