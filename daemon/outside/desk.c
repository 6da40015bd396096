/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include "discovery/question.h"
#include "outside/desk.h"
#include "share/cleanup.h"
#include "share/listening.h"
#include "share/log.h"
#include "share/outside.h"

struct vg_desk {
	sd_event *event;
	struct vg_client *client;
	int fd;
	sd_event_source *io;
	size_t n;
	LIST_HEAD(visitors, visitor) visitors;
};

/* One who asks. */
struct visitor {
	LIST_ENTRY(visitor) entry;
	struct vg_desk *desk;
	int socket;
	sd_event_source *io;
	struct vg_bytes question;
	struct vg_client_call *call; /* as long as it is answered */
	struct vg_message answer;
	size_t sent;
	int fd; /* goes with the answer */
};

static void visitor_free(struct visitor *visitor)
{
	vg_client_cancel(visitor->call);
	sd_event_source_disable_unref(visitor->io);
	vg_bytes_done(&visitor->question);
	vg_message_done(&visitor->answer);
	close(visitor->socket);
	if (visitor->fd >= 0)
		close(visitor->fd);
	LIST_REMOVE(visitor, entry);
	visitor->desk->n--;
	free(visitor);
}

/* Sends what has been put into the answer; without memory for it the visitor leaves without one. */
static void answer(struct visitor *visitor)
{
	vg_bytes_done(&visitor->question);
	if (vg_message_end(&visitor->answer) < 0 ||
	    sd_event_source_set_io_events(visitor->io, EPOLLOUT) < 0)
		visitor_free(visitor);
}

static void on_fetched(void *context, const struct vg_client_answer *fetched)
{
	struct visitor *visitor = context;

	visitor->call = NULL;
	vg_message_begin(&visitor->answer);
	vg_answer_put(&visitor->answer, fetched);
	answer(visitor);
}

/* A question that the client of a vpcgated has let pass is refused by this one for lack of memory alone. */
static int fetch(struct visitor *visitor, struct vg_fields *fields)
{
	const char *headers[VG_QUESTION_MAX_HEADERS + 1];
	struct vg_client_question question;
	struct vg_diag diag = {};
	int r;

	r = vg_question_take(fields, &question, headers);
	return r < 0 ? r
		     : vg_client_ask(visitor->desk->client, &question, on_fetched, visitor,
				     &visitor->call, &diag);
}

static int listen_for(struct visitor *visitor, struct vg_fields *fields)
{
	const char *address;
	unsigned port;
	int r;

	r = vg_listening_take(fields, &address, &port);
	if (r < 0)
		return r;
	r = vg_listening_open(address, port, &visitor->fd);
	vg_message_begin(&visitor->answer);
	vg_message_put_number(&visitor->answer, (uint32_t)-r);
	answer(visitor);
	return 0;
}

static void consider(struct visitor *visitor)
{
	struct vg_fields fields = vg_message_fields(&visitor->question);
	const uint32_t kind = vg_fields_number(&fields);
	int r = -EPROTO;

	if (kind == VG_OUTSIDE_FETCH)
		r = fetch(visitor, &fields);
	else if (kind == VG_OUTSIDE_LISTEN)
		r = listen_for(visitor, &fields);
	if (r < 0) {
		vg_log_warn("a question can't be taken: %s", strerror(-r));
		visitor_free(visitor);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct visitor *visitor = context;
	int r;

	(void)source;
	(void)events;
	if (visitor->answer.bytes.length) {
		if (vg_message_send(fd, &visitor->answer, &visitor->sent, visitor->fd) != -EAGAIN)
			visitor_free(visitor);
		return 0;
	}
	/* Whoever gives up waiting closes the connection; nobody has more to say. */
	r = visitor->call ? -ECONNRESET
			  : vg_message_receive(fd, VG_QUESTION_MAX_BYTES, &visitor->question, NULL);
	if (r == -EPROTONOSUPPORT) { /* the head of any answer tells which version this is */
		vg_message_begin(&visitor->answer);
		answer(visitor);
	} else if (r == 0) {
		consider(visitor);
	} else if (r != -EAGAIN) {
		visitor_free(visitor);
	}
	return 0;
}

static int welcome(struct vg_desk *desk, int socket)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));
	int r;

	if (!visitor) {
		close(socket);
		return -ENOMEM;
	}
	visitor->desk = desk;
	visitor->socket = socket;
	visitor->fd = -1;
	LIST_INSERT_HEAD(&desk->visitors, visitor, entry);
	desk->n++;
	r = sd_event_add_io(desk->event, &visitor->io, socket, EPOLLIN, on_io, visitor);
	if (r < 0)
		visitor_free(visitor);
	return r;
}

static int on_visitor(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct vg_desk *desk = context;
	const int socket = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (socket < 0)
		return 0;
	if (desk->n >= VG_DESK_MAX_QUESTIONS)
		close(socket);
	else
		welcome(desk, socket);
	return 0;
}

int vg_desk_open(sd_event *event, int fd, struct vg_client *client, struct vg_desk **ret_desk)
{
	struct vg_desk *desk = calloc(1, sizeof(*desk));
	int r = -ENOMEM;

	if (!desk) {
		close(fd);
		return r;
	}
	desk->event = sd_event_ref(event);
	desk->client = client;
	desk->fd = fd;
	LIST_INIT(&desk->visitors);
	r = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &desk->io, fd, EPOLLIN, on_visitor, desk);
	if (r < 0) {
		vg_desk_close(desk);
		return r;
	}
	*ret_desk = desk;
	return 0;
}

void vg_desk_close(struct vg_desk *desk)
{
	struct visitor *visitor, *next;

	if (!desk)
		return;
	for (visitor = LIST_FIRST(&desk->visitors); visitor; visitor = next) {
		next = LIST_NEXT(visitor, entry);
		visitor_free(visitor);
	}
	sd_event_source_disable_unref(desk->io);
	close(desk->fd);
	sd_event_unref(desk->event);
	free(desk);
}
