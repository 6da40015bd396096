/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/wire.h"

static const struct vg_position nowhere;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Waits until `fd` is ready for `events`; a peer that hung up counts as ready. */
static int wait_ready(int fd, short events, int64_t deadline_ms)
{
	struct pollfd poller = {.fd = fd, .events = events};
	int64_t left;
	int r;

	do {
		left = deadline_ms - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		r = poll(&poller, 1, left);
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 0;
}

static int connect_socket(const char *path, int timeout_ms, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A full backlog makes connect() wait; unix(7) sockets heed the send timeout there. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*ret_fd = VG_TAKE_FD(fd);
	return 0;
}

static int send_all(int fd, const char *text, size_t length, int64_t deadline_ms)
{
	while (length) {
		ssize_t n = send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			int r = wait_ready(fd, POLLOUT, deadline_ms);

			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* The daemon may answer and close before it has read everything. */
		if (n < 0)
			return errno == EPIPE ? 0 : -errno;
		text += n;
		length -= n;
	}
	return 0;
}

/* The answer ends where the daemon closes the connection. */
static int receive_all(int fd, int64_t deadline_ms, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, allocated = 0;

	for (;;) {
		ssize_t n;
		int r;

		if (length == allocated) {
			char *grown;

			allocated = allocated ? allocated * 2 : 65536;
			grown = realloc(text, allocated);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		r = wait_ready(fd, POLLIN, deadline_ms);
		if (r < 0)
			return r;
		n = recv(fd, text + length, allocated - length, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			break;
		if (n < 0)
			return -errno;
		length += n;
		if (length > VG_WIRE_ANSWER_MAX)
			return -EPROTO;
	}
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

static int request_text(json_t *request, char **ret_text)
{
	_cleanup_free_ char *json = NULL;
	json_auto_t *versioned = json_copy(request);

	if (!versioned || json_object_set_new(versioned, "version", json_integer(VG_WIRE_VERSION)))
		return -ENOMEM;
	json = json_dumps(versioned, JSON_COMPACT);
	if (!json)
		return -ENOMEM;
	if (strlen(json) + 1 > VG_WIRE_REQUEST_MAX)
		return -E2BIG;
	return asprintf(ret_text, "%s\n", json) < 0 ? -ENOMEM : 0;
}

static int exchange(const char *socket_path, json_t *request, int timeout_ms, char **ret_text,
		    size_t *ret_length)
{
	const int64_t deadline_ms = now_ms() + timeout_ms;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	r = request_text(request, &text);
	if (r < 0)
		return r;
	r = connect_socket(socket_path, timeout_ms, &fd);
	if (r < 0)
		return r;
	r = send_all(fd, text, strlen(text), deadline_ms);
	if (r < 0)
		return r;
	return receive_all(fd, deadline_ms, ret_text, ret_length);
}

int vg_wire_call(const char *socket_path, json_t *request, int timeout_ms, json_t **ret_answer,
		 struct vg_diag *diag)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *answer = NULL;
	const char *error;
	size_t length = 0;
	int r;

	r = exchange(socket_path, request, timeout_ms, &text, &length);
	if (r == -ECONNREFUSED || r == -ENOENT)
		return vg_diag_set(diag, -r, NULL, nowhere, "no daemon listens on %s", socket_path);
	if (r < 0)
		return vg_diag_set(diag, -r, NULL, nowhere, "asking the daemon on %s: %s",
				   socket_path, strerror(-r));
	if (!length)
		return vg_diag_set(
			diag, EPROTO, NULL, nowhere,
			"the daemon on %s ended before it answered: `vpcgate status` tells "
			"what is in force",
			socket_path);
	answer = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_true(json_object_get(answer, "ok"))) {
		*ret_answer = VG_TAKE_PTR(answer);
		return 0;
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (!json_is_false(json_object_get(answer, "ok")) || !error)
		return vg_diag_set(diag, EPROTO, NULL, nowhere,
				   "what listens on %s does not answer as vpcgated does",
				   socket_path);
	return vg_diag_set(diag,
			   json_is_true(json_object_get(answer, "denied")) ? EPERM : EREMOTEIO,
			   NULL, nowhere, "%s", error);
}
