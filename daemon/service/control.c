/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include "service/control.h"
#include "service/listener.h"
#include "service/offload.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/wire.h"

#define DEADLINE_ACCURACY_US 100000

/* Whoever may write is served before another is let in, and all are let in before readers are served. */
#define PRIORITY_WRITERS SD_EVENT_PRIORITY_NORMAL
#define PRIORITY_ACCEPT (SD_EVENT_PRIORITY_NORMAL + 10)
#define PRIORITY_READERS (SD_EVENT_PRIORITY_NORMAL + 20)

static const struct vg_position nowhere;

struct connection {
	struct vg_control *control; /* NULL: this place is free */
	const struct peers *peers;
	struct ucred peer;
	sd_event_source *io;
	sd_event_source *deadline;
	sd_event_source *child; /* which writes the answer */
	int fd;
	uint64_t serial; /* the lowest is the oldest; its ticket, too */
	bool waits;	 /* its answer comes later */
	char *request;	 /* VG_WIRE_REQUEST_MAX bytes; NULL once it was read */
	size_t received;
	char *answer;
	size_t answer_length, sent;
};

/* Those who may do the same, and have places of their own. */
struct peers {
	size_t n_places;
	size_t per_user;
	int64_t priority;
	struct connection *places;
};

struct vg_control {
	struct vg_control_handler handler;
	struct vg_listener listener;
	sd_event_source *io;
	uint64_t serial;
	struct peers writers, readers;
	struct connection places[VG_CONTROL_WRITERS + VG_CONTROL_READERS];
};

bool vg_control_may_write(const struct ucred *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}

static void connection_close(struct connection *connection)
{
	if (!connection->control)
		return;
	sd_event_source_disable_unref(connection->io);
	sd_event_source_disable_unref(connection->deadline);
	sd_event_source_disable_unref(connection->child);
	close(connection->fd);
	free(connection->request);
	free(connection->answer);
	*connection = (struct connection){.fd = -1};
}

/* Sends what the socket takes. A peer that is gone is not worth a log line. */
static void connection_send(struct connection *connection)
{
	while (connection->sent < connection->answer_length) {
		ssize_t n = send(connection->fd, connection->answer + connection->sent,
				 connection->answer_length - connection->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		connection->sent += n;
		sd_event_source_set_time_relative(connection->deadline, VG_CONTROL_DEADLINE_US);
	}
	connection_close(connection);
}

static void connection_answer(struct connection *connection, char *answer)
{
	connection->waits = false;
	connection->answer = answer;
	connection->answer_length = answer ? strlen(answer) : 0;
	sd_event_source_set_io_events(connection->io, EPOLLOUT);
	sd_event_source_set_time_relative(connection->deadline, VG_CONTROL_DEADLINE_US);
	connection_send(connection);
}

/* Until the answer comes, only its end is of interest: a client that is gone waits for nothing. */
static void connection_wait(struct connection *connection)
{
	connection->waits = true;
	sd_event_source_set_io_events(connection->io, 0);
	sd_event_source_set_time_relative(connection->deadline, VG_CONTROL_DEADLINE_US);
}

/* ---- long answers ---- */

struct long_answer {
	const struct vg_control_handler *handler;
	const char *request;
	size_t length;
};

static void write_long_answer(const void *what, FILE *out)
{
	const struct long_answer *answer = what;

	answer->handler->write(answer->handler->context, answer->request, answer->length, out);
}

static int on_written(sd_event_source *source, const siginfo_t *info, void *context)
{
	(void)source;
	(void)info;
	connection_close(context);
	return 0;
}

/* Of the client only its end is of interest then. */
static void connection_offload(struct connection *connection, size_t length)
{
	const struct long_answer answer = {&connection->control->handler, connection->request,
					   length};
	const int r =
		vg_offload(sd_event_source_get_event(connection->io), connection->fd,
			   write_long_answer, &answer, on_written, connection, &connection->child);

	if (r < 0) {
		vg_log_warn("control socket: %s; a client was not answered", strerror(-r));
		connection_close(connection);
		return;
	}
	free(connection->request);
	connection->request = NULL;
	sd_event_source_set_io_events(connection->io, 0);
	sd_event_source_set_time_relative(connection->deadline, VG_CONTROL_LONG_US);
}

static bool is_long(const struct connection *connection, size_t length)
{
	const struct vg_control_handler *handler = &connection->control->handler;

	return handler->is_long && handler->is_long(handler->context, connection->request, length);
}

/* ---- requests ---- */

static void connection_ask(struct connection *connection, size_t length)
{
	const struct vg_control_handler *handler = &connection->control->handler;
	bool later = false;
	char *answer;

	if (is_long(connection, length)) {
		connection_offload(connection, length);
		return;
	}
	answer = handler->answer(handler->context, &connection->peer, connection->serial,
				 connection->request, length, &later);
	free(connection->request);
	connection->request = NULL;
	if (later)
		connection_wait(connection);
	else
		connection_answer(connection, answer);
}

static char *refuse_length(void)
{
	char *answer;

	if (asprintf(
		    &answer,
		    "{\"version\": %d, \"ok\": false, \"error\": \"a request has at most %u bytes\"}\n",
		    VG_WIRE_VERSION, VG_WIRE_REQUEST_MAX) < 0)
		return NULL;
	return answer;
}

/* Reads once a call, so that a client that sends without end gets no more than its turn. */
static void connection_receive(struct connection *connection)
{
	const char *end;
	ssize_t n;

	n = recv(connection->fd, connection->request + connection->received,
		 VG_WIRE_REQUEST_MAX - connection->received, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_close(connection);
		return;
	}
	end = memchr(connection->request + connection->received, '\n', n);
	connection->received += n;
	if (end) {
		connection_ask(connection, end - connection->request);
	} else if (connection->received == VG_WIRE_REQUEST_MAX) {
		free(connection->request);
		connection->request = NULL;
		connection_answer(connection, refuse_length());
	}
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct connection *connection = context;

	(void)source;
	(void)fd;
	(void)events;
	if (connection->request)
		connection_receive(connection);
	else
		connection_send(connection);
	return 0;
}

void vg_control_answer(struct vg_control *control, uint64_t ticket, char *answer)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(control->places); i++) {
		struct connection *connection = &control->places[i];

		/* The place may be another's by now, and nobody is answered twice. */
		if (!connection->waits || connection->serial != ticket)
			continue;
		connection_answer(connection, answer);
		return;
	}
	free(answer);
}

static int on_deadline(sd_event_source *source, uint64_t time_us, void *context)
{
	struct connection *connection = context;

	(void)source;
	(void)time_us;
	vg_log_debug("control socket: a client was too slow and is disconnected");
	connection_close(connection);
	return 0;
}

/* Who has to go first: whoever waits for the answer to a change last of all, then the oldest. */
static bool goes_before(const struct connection *connection, const struct connection *other)
{
	if (!other || connection->waits != other->waits)
		return !other || !connection->waits;
	return connection->serial < other->serial;
}

/* A free place, or that of another: half-open connections never lock anybody out. */
static struct connection *take_place(const struct peers *peers, uid_t user)
{
	struct connection *unused = NULL, *first = NULL, *first_own = NULL;
	size_t n_own = 0;

	for (size_t i = 0; i < peers->n_places; i++) {
		struct connection *connection = &peers->places[i];

		if (!connection->control) {
			unused = unused ?: connection;
			continue;
		}
		if (goes_before(connection, first))
			first = connection;
		if (connection->peer.uid != user)
			continue;
		n_own++;
		if (goes_before(connection, first_own))
			first_own = connection;
	}
	if (n_own >= peers->per_user)
		first = first_own;
	else if (unused)
		return unused;
	vg_log_debug("control socket: too many clients at once; one of user %u is disconnected",
		     first->peer.uid);
	connection_close(first);
	return first;
}

static int add_sources(struct connection *connection, sd_event *event)
{
	const int64_t priority = connection->peers->priority;
	int r;

	r = sd_event_add_io(event, &connection->io, connection->fd, EPOLLIN, on_connection,
			    connection);
	if (r >= 0)
		r = sd_event_source_set_priority(connection->io, priority);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &connection->deadline, CLOCK_MONOTONIC,
					       VG_CONTROL_DEADLINE_US, DEADLINE_ACCURACY_US,
					       on_deadline, connection);
	return r;
}

/* Takes over the descriptor, a failure included. */
static int connection_open(struct vg_control *control, sd_event *event, int fd,
			   const struct ucred *peer)
{
	const struct peers *peers =
		vg_control_may_write(peer) ? &control->writers : &control->readers;
	struct connection *connection = take_place(peers, peer->uid);
	int r;

	*connection = (struct connection){
		.control = control,
		.peers = peers,
		.peer = *peer,
		.fd = fd,
		.serial = control->serial++,
		.request = malloc(VG_WIRE_REQUEST_MAX),
	};
	r = connection->request ? add_sources(connection, event) : -ENOMEM;
	if (r < 0)
		connection_close(connection);
	return r;
}

static int accept_one(struct vg_control *control, sd_event *event)
{
	_cleanup_close_ int fd = -1;
	struct ucred peer;
	socklen_t size = sizeof(peer);

	fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return connection_open(control, event, VG_TAKE_FD(fd), &peer);
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *context)
{
	const int r = accept_one(context, sd_event_source_get_event(source));

	(void)fd;
	(void)events;
	if (r < 0)
		vg_log_warn("control socket: %s; a client was not served", strerror(-r));
	return 0;
}

static int start(sd_event *event, const char *path, struct vg_control *control)
{
	int r;

	r = vg_listener_open(path, &control->listener);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &control->io, control->listener.fd, EPOLLIN, on_accept, control);
	return r < 0 ? r : sd_event_source_set_priority(control->io, PRIORITY_ACCEPT);
}

int vg_control_open(sd_event *event, const char *path, const struct vg_control_handler *handler,
		    struct vg_control **ret_control, struct vg_diag *diag)
{
	struct vg_control *control = calloc(1, sizeof(*control));
	int r = -ENOMEM;

	if (control) {
		control->handler = *handler;
		control->listener.fd = -1;
		control->writers = (struct peers){VG_CONTROL_WRITERS, VG_CONTROL_WRITERS,
						  PRIORITY_WRITERS, control->places};
		control->readers =
			(struct peers){VG_CONTROL_READERS, VG_CONTROL_PER_READER, PRIORITY_READERS,
				       control->places + VG_CONTROL_WRITERS};
		r = start(event, path, control);
	}
	if (r < 0) {
		vg_control_close(control);
		return vg_diag_set(diag, -r, NULL, nowhere, "can't listen on %s: %s", path,
				   r == -EEXIST ? "it exists and is no socket" : strerror(-r));
	}
	*ret_control = control;
	return 0;
}

void vg_control_close(struct vg_control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < VG_ARRAY_SIZE(control->places); i++)
		connection_close(&control->places[i]);
	sd_event_source_disable_unref(control->io);
	vg_listener_close(&control->listener);
	free(control);
}
