/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "service/control.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/wire.h"

#define DEADLINE_ACCURACY_US 100000
/* More connections a second than any operator makes; the rest waits in the backlog. */
#define ACCEPT_INTERVAL_US 1000000
#define ACCEPT_BURST 200

static const struct vg_position nowhere;

struct connection {
	struct vg_control *control; /* NULL: this place is free */
	sd_event_source *io;
	sd_event_source *deadline;
	int fd;
	uint64_t serial; /* the lowest is the oldest; its ticket, too */
	char *request;	 /* VG_WIRE_REQUEST_MAX bytes; NULL once it was read */
	size_t received;
	char *answer;
	size_t answer_length, sent;
};

struct vg_control {
	struct vg_control_handler handler;
	sd_event_source *io;
	int fd;
	struct sockaddr_un address;
	struct stat created; /* the socket's own inode */
	uint64_t serial;
	struct connection connections[VG_CONTROL_CONNECTIONS];
};

static void connection_close(struct connection *connection)
{
	if (!connection->control)
		return;
	sd_event_source_disable_unref(connection->io);
	sd_event_source_disable_unref(connection->deadline);
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
	connection->answer = answer;
	connection->answer_length = answer ? strlen(answer) : 0;
	sd_event_source_set_io_events(connection->io, EPOLLOUT);
	sd_event_source_set_time_relative(connection->deadline, VG_CONTROL_DEADLINE_US);
	connection_send(connection);
}

/* Until the answer comes, only its end is of interest: a client that is gone waits for nothing. */
static void connection_wait(struct connection *connection)
{
	sd_event_source_set_io_events(connection->io, 0);
	sd_event_source_set_time_relative(connection->deadline, VG_CONTROL_DEADLINE_US);
}

static void connection_ask(struct connection *connection, size_t length)
{
	const struct vg_control_handler *handler = &connection->control->handler;
	bool later = false;
	char *answer;

	answer = handler->answer(handler->context, connection->serial, connection->request, length,
				 &later);
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
	for (size_t i = 0; i < VG_CONTROL_CONNECTIONS; i++) {
		struct connection *connection = &control->connections[i];

		/* The place may be another's by now, and nobody is answered twice. */
		if (!connection->control || connection->serial != ticket || connection->answer)
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

/* A free place, or that of the oldest connection: half-open ones never lock the operator out. */
static struct connection *take_place(struct vg_control *control)
{
	struct connection *oldest = &control->connections[0];

	for (size_t i = 0; i < VG_CONTROL_CONNECTIONS; i++) {
		struct connection *connection = &control->connections[i];

		if (!connection->control)
			return connection;
		if (connection->serial < oldest->serial)
			oldest = connection;
	}
	vg_log_debug("control socket: %d clients at once; the oldest is disconnected",
		     VG_CONTROL_CONNECTIONS);
	connection_close(oldest);
	return oldest;
}

static int connection_open(struct vg_control *control, sd_event *event, int fd)
{
	struct connection *connection = take_place(control);
	int r;

	*connection = (struct connection){
		.control = control,
		.fd = fd,
		.serial = control->serial++,
		.request = malloc(VG_WIRE_REQUEST_MAX),
	};
	if (!connection->request)
		r = -ENOMEM;
	else
		r = sd_event_add_io(event, &connection->io, fd, EPOLLIN, on_connection, connection);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &connection->deadline, CLOCK_MONOTONIC,
					       VG_CONTROL_DEADLINE_US, DEADLINE_ACCURACY_US,
					       on_deadline, connection);
	if (r < 0)
		connection_close(connection);
	return r;
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t events, void *context)
{
	struct vg_control *control = context;
	int fd, r;

	(void)events;
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			vg_log_warn("control socket: %s; a client was not served", strerror(errno));
		return 0;
	}
	r = connection_open(control, sd_event_source_get_event(source), fd);
	if (r < 0)
		vg_log_warn("control socket: %s; a client was not served", strerror(-r));
	return 0;
}

/* Only one level: /run/vpcgate below /run. */
static int make_folder(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	char *slash;

	if (!folder)
		return -ENOMEM;
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return mkdir(folder, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* 0: nobody listens there (any more); -EADDRINUSE: somebody does. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: its backlog is full, so there is a listener. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int listen_on(struct vg_control *control)
{
	mode_t mask;
	int r;

	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return -errno;
	/* The mode counts from the moment the name exists. */
	mask = umask(0117);
	r = bind(control->fd, (struct sockaddr *)&control->address, sizeof(control->address));
	umask(mask);
	if (r < 0 || lstat(control->address.sun_path, &control->created) < 0 ||
	    listen(control->fd, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

static int start(sd_event *event, const char *path, struct vg_control *control)
{
	int r;

	if (strlen(path) >= sizeof(control->address.sun_path))
		return -ENAMETOOLONG;
	control->address.sun_family = AF_UNIX;
	strcpy(control->address.sun_path, path);
	r = make_folder(path);
	if (r < 0)
		return r;
	r = remove_stale(&control->address);
	if (r < 0)
		return r;
	r = listen_on(control);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &control->io, control->fd, EPOLLIN, on_accept, control);
	if (r < 0)
		return r;
	/* Clients that are connected are served before others are let in. */
	r = sd_event_source_set_priority(control->io, SD_EVENT_PRIORITY_NORMAL + 10);
	if (r < 0)
		return r;
	return sd_event_source_set_ratelimit(control->io, ACCEPT_INTERVAL_US, ACCEPT_BURST);
}

int vg_control_open(sd_event *event, const char *path, const struct vg_control_handler *handler,
		    struct vg_control **ret_control, struct vg_diag *diag)
{
	struct vg_control *control = calloc(1, sizeof(*control));
	int r = -ENOMEM;

	if (control) {
		control->handler = *handler;
		control->fd = -1;
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
	struct stat st;

	if (!control)
		return;
	for (size_t i = 0; i < VG_CONTROL_CONNECTIONS; i++)
		connection_close(&control->connections[i]);
	sd_event_source_disable_unref(control->io);
	/* Not a socket that has replaced ours, whose inode is not reused while ours is open. */
	if (control->created.st_ino && lstat(control->address.sun_path, &st) == 0 &&
	    st.st_ino == control->created.st_ino && st.st_dev == control->created.st_dev)
		unlink(control->address.sun_path);
	if (control->fd >= 0)
		close(control->fd);
	free(control);
}
