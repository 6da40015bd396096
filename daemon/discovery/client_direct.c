/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "discovery/call.h"
#include "share/cleanup.h"

/* CURLOPT_QUICK_EXIT came with it: without, to end a call waits for the resolver's thread. */
#define OLDEST_CURL 0x075700
#define OLDEST_CURL_TEXT "7.87"

#define TIMER_ACCURACY_US 1000
#define MAX_IDLE_CONNECTIONS 8L

static const struct vg_position nowhere;

struct direct_client {
	struct vg_client base;
	sd_event *event;
	CURLM *multi;
	sd_event_source *timer;
	LIST_HEAD(calls, vg_call) calls;
};

/* Takes a call out of libcurl's hands. */
static void take_out(struct vg_call *call)
{
	const struct direct_client *client = (struct direct_client *)call->client;

	curl_multi_remove_handle(client->multi, call->easy);
	LIST_REMOVE(call, entry);
}

/* A callback may end other calls, whose messages go with them, and begin new ones. */
static void deliver(struct direct_client *client)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		const CURLcode code = message->data.result;
		struct vg_call *call;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		take_out(call);
		vg_call_tell(call, code);
		vg_call_free(call);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct direct_client *client = context;
	int action = 0, running;

	(void)source;
	if (events & EPOLLIN)
		action |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		action |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		action |= CURL_CSELECT_ERR;
	curl_multi_socket_action(client->multi, fd, action, &running);
	deliver(client);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	struct direct_client *client = context;
	int running;

	(void)source;
	(void)now_us;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	deliver(client);
	return 0;
}

/*
 * CURLMOPT_SOCKETFUNCTION: `source` is what was assigned to the socket, or NULL. A socket that can't
 * be watched is no failure here, for which libcurl would give up all calls: its own runs into its
 * time-out.
 */
static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *context, void *source)
{
	struct direct_client *client = context;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(client->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (source) {
		sd_event_source_set_io_events(source, events);
	} else {
		sd_event_source *fresh = NULL;

		if (sd_event_add_io(client->event, &fresh, fd, events, on_io, client) >= 0)
			curl_multi_assign(client->multi, fd, fresh);
	}
	return 0;
}

/* CURLMOPT_TIMERFUNCTION; -1: none. */
static int on_timer_change(CURLM *multi, long timeout_ms, void *context)
{
	struct direct_client *client = context;

	(void)multi;
	if (timeout_ms < 0) {
		sd_event_source_set_enabled(client->timer, SD_EVENT_OFF);
		return 0;
	}
	sd_event_source_set_time_relative(client->timer, (uint64_t)timeout_ms * 1000);
	sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT);
	return 0;
}

/* What Debian 12 has, and what others build may not. */
static int check_curl(struct vg_diag *diag)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	if (curl->version_num < OLDEST_CURL)
		return vg_diag_set(diag, EOPNOTSUPP, NULL, nowhere,
				   "libcurl %s is too old: install " OLDEST_CURL_TEXT " or newer",
				   curl->version);
	if (!(curl->features & CURL_VERSION_ASYNCHDNS))
		return vg_diag_set(diag, EOPNOTSUPP, NULL, nowhere,
				   "libcurl %s was built without AsynchDNS, and would stand still "
				   "while it looks up a name: install one that has it",
				   curl->version);
	if (!(curl->features & CURL_VERSION_SSL) || !(curl->features & CURL_VERSION_LIBZ))
		return vg_diag_set(
			diag, EOPNOTSUPP, NULL, nowhere,
			"libcurl %s was built without TLS or gzip: install one that has both",
			curl->version);
	return 0;
}

static int start(sd_event *event, struct direct_client *client)
{
	int r, failed = 0;

	client->event = sd_event_ref(event);
	client->multi = curl_multi_init();
	if (!client->multi)
		return -ENOMEM;
	r = sd_event_add_time_relative(event, &client->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US,
				       on_timer, client);
	if (r < 0)
		return r;
	failed |= curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
	failed |= curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	failed |= curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	failed |= curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	failed |= curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, MAX_IDLE_CONNECTIONS);
	return failed ? -ENOMEM : 0;
}

static void cancel(struct vg_client_call *base)
{
	struct vg_call *call = (struct vg_call *)base;

	take_out(call);
	vg_call_free(call);
}

static void direct_close(struct vg_client *base)
{
	struct direct_client *client = (struct direct_client *)base;
	struct vg_call *call, *next;

	for (call = LIST_FIRST(&client->calls); call; call = next) {
		next = LIST_NEXT(call, entry);
		cancel(&call->base);
	}
	curl_multi_cleanup(client->multi);
	sd_event_source_disable_unref(client->timer);
	sd_event_unref(client->event);
	free(client);
	curl_global_cleanup();
}

static int ask(struct vg_client *base, const struct vg_client_question *question,
	       vg_client_done *done, void *context, struct vg_client_call **ret_call,
	       struct vg_diag *diag)
{
	struct direct_client *client = (struct direct_client *)base;
	struct vg_call *call;
	int r;

	r = vg_call_new(question, &call, diag);
	if (r < 0)
		return r;
	call->base.way = base->way;
	call->client = base;
	call->done = done;
	call->context = context;
	if (curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
		vg_call_free(call);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&client->calls, call, entry);
	*ret_call = &call->base;
	return 0;
}

static const struct vg_client_way direct_way = {ask, cancel, direct_close};

int vg_client_open_direct(sd_event *event, struct vg_client **ret_client, struct vg_diag *diag)
{
	struct direct_client *client;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return vg_diag_set(diag, ENOMEM, NULL, nowhere, "libcurl doesn't start");
	client = calloc(1, sizeof(*client));
	if (!client) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	client->base.way = &direct_way;
	LIST_INIT(&client->calls);
	r = check_curl(diag);
	if (r == 0) {
		r = start(event, client);
		if (r < 0)
			vg_diag_set(diag, -r, NULL, nowhere, "libcurl doesn't start: %s",
				    strerror(-r));
	}
	if (r < 0) {
		direct_close(&client->base);
		return r;
	}
	*ret_client = &client->base;
	return 0;
}
