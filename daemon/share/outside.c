/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "share/cleanup.h"
#include "share/outside.h"

#define SEE_LOG "see `journalctl -u vpcgate-outside`"
#define ACCURACY_US 10000

const char vg_outside_nonsense[] = "what vpcgate-outside answers makes no sense: " SEE_LOG;

struct vg_outside_call {
	vg_outside_done *done;
	void *context;
	struct sockaddr_un address;
	int socket;
	int connect_error;
	size_t max, sent;
	struct vg_message question;
	struct vg_bytes answer;
	int fd; /* that came with the answer */
	sd_event_source *io, *timer;
};

void vg_outside_cancel(struct vg_outside_call *call)
{
	if (!call)
		return;
	sd_event_source_disable_unref(call->io);
	sd_event_source_disable_unref(call->timer);
	vg_message_done(&call->question);
	vg_bytes_done(&call->answer);
	if (call->socket >= 0)
		close(call->socket);
	if (call->fd >= 0)
		close(call->fd);
	free(call);
}

/* `error` as vg_outside_answer has it; the call is gone behind it. */
static void tell(struct vg_outside_call *call, int error, const char *text)
{
	struct vg_outside_answer answer = {.error = error, .text = text, .fd = -1};

	sd_event_source_set_enabled(call->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(call->timer, SD_EVENT_OFF);
	if (!error) {
		answer.fields = vg_message_fields(&call->answer);
		answer.fd = VG_TAKE_FD(call->fd);
	}
	call->done(call->context, &answer);
	if (answer.fd >= 0)
		close(answer.fd);
	vg_outside_cancel(call);
}

/* What a failure of the connection means; `error` is a negative errno. */
static void tell_failure(struct vg_outside_call *call, int error)
{
	if (error == -ENOMEM)
		tell(call, error, "no memory");
	else if (error == -EPROTONOSUPPORT)
		tell(call, -EPROTO,
		     "vpcgate-outside is of another version than this daemon: restart both with "
		     "`systemctl restart vpcgated`");
	else if (error == -EPROTO)
		tell(call, error, vg_outside_nonsense);
	else
		tell(call, -EAGAIN, "vpcgate-outside ended before it had answered: " SEE_LOG);
}

static void tell_unreachable(struct vg_outside_call *call)
{
	char text[sizeof(call->address.sun_path) + 256];

	if (call->connect_error == EAGAIN) {
		tell(call, -EAGAIN, "vpcgate-outside takes no more questions: " SEE_LOG);
		return;
	}
	snprintf(
		text, sizeof(text),
		"vpcgate-outside, which asks for this daemon, can't be reached on %s (%s): start it "
		"with `systemctl start vpcgate-outside.socket`",
		call->address.sun_path, strerror(call->connect_error));
	tell(call, -EAGAIN, text);
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	struct vg_outside_call *call = context;

	(void)source;
	(void)now_us;
	if (call->connect_error)
		tell_unreachable(call);
	else
		tell(call, -EAGAIN, "vpcgate-outside doesn't answer: " SEE_LOG);
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct vg_outside_call *call = context;
	int r = -EAGAIN;

	if (events & EPOLLOUT) {
		r = vg_message_send(fd, &call->question, &call->sent, -1);
		if (r == 0)
			r = sd_event_source_set_io_events(source, EPOLLIN) ?: -EAGAIN;
	} else {
		r = vg_message_receive(fd, call->max, &call->answer, &call->fd);
	}
	if (r == 0)
		tell(call, 0, "");
	else if (r != -EAGAIN)
		tell_failure(call, r);
	return 0;
}

/* Never waits: where it isn't there the timer tells so, since it is not to be told at once. */
static int reach(struct vg_outside_call *call)
{
	call->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (call->socket < 0 ||
	    connect(call->socket, (struct sockaddr *)&call->address, sizeof(call->address)) < 0)
		return errno;
	return 0;
}

static int start(sd_event *event, unsigned timeout_ms, struct vg_outside_call *call)
{
	const uint64_t timeout_us = call->connect_error ? 0 : timeout_ms * UINT64_C(1000);
	int r;

	r = sd_event_add_time_relative(event, &call->timer, CLOCK_MONOTONIC, timeout_us,
				       ACCURACY_US, on_timer, call);
	if (r < 0 || call->connect_error)
		return r;
	return sd_event_add_io(event, &call->io, call->socket, EPOLLOUT, on_io, call);
}

int vg_outside_ask(sd_event *event, const struct vg_outside_question *question,
		   struct vg_message *message, vg_outside_done *done, void *context,
		   struct vg_outside_call **ret_call)
{
	struct vg_outside_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call || message->error) {
		vg_message_done(message);
		free(call);
		return -ENOMEM;
	}
	*call = (struct vg_outside_call){.done = done,
					 .context = context,
					 .address.sun_family = AF_UNIX,
					 .max = question->max,
					 .question = *message,
					 .socket = -1,
					 .fd = -1};
	*message = (struct vg_message){};
	vg_message_end(&call->question);
	if (strlen(question->socket) < sizeof(call->address.sun_path)) {
		strcpy(call->address.sun_path, question->socket);
		call->connect_error = reach(call);
	} else {
		call->connect_error = ENAMETOOLONG;
	}
	r = start(event, question->timeout_ms, call);
	if (r < 0) {
		vg_outside_cancel(call);
		return r;
	}
	*ret_call = call;
	return 0;
}
