/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <microhttpd.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "service/exporter.h"
#include "service/metrics.h"
#include "share/cleanup.h"
#include "share/listening.h"
#include "share/log.h"

struct vg_exporter {
	struct vg_exporter_pages pages;
	struct MHD_Daemon *daemon;
	sd_event_source *io;
	sd_event_source *timer;
	char endpoint[VG_LISTENING_NAME_SIZE];
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
			       char *text, size_t length)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_line(struct MHD_Connection *connection, unsigned status,
				    const char *line)
{
	char *text = strdup(line);

	return text ? respond(connection, status, "text/plain; charset=utf-8", text, strlen(text))
		    : MHD_NO;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	const struct vg_exporter *exporter = context;
	const struct vg_exporter_pages *pages = &exporter->pages;
	const char *type = "text/plain; charset=utf-8";
	size_t length = 0;
	char *text = NULL;
	unsigned status;

	(void)version;
	(void)upload;
	(void)upload_size;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return respond_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	/* An answer before the whole request has been read would end the connection. */
	if (!*state) {
		*state = context;
		return MHD_YES;
	}
	if (strcmp(url, "/healthz") == 0)
		return respond_line(connection, MHD_HTTP_OK, "ok\n");
	if (strcmp(url, "/readyz") == 0) {
		status = pages->ready(pages->context, &text, &length);
	} else if (strcmp(url, "/metrics") == 0) {
		status = pages->metrics(pages->context, &text, &length);
		if (status == MHD_HTTP_OK)
			type = VG_METRICS_CONTENT_TYPE;
	} else {
		return respond_line(connection, MHD_HTTP_NOT_FOUND,
				    "not found; there are /metrics, /healthz and /readyz\n");
	}
	if (!text)
		return respond_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n");
	return respond(connection, status, type, text, length);
}

static void on_log(void *context, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_log(void *context, const char *format, va_list args)
{
	char text[512];

	(void)context;
	vsnprintf(text, sizeof(text), format, args);
	vg_log_debug("exporter: %s", text);
}

/* Lets libmicrohttpd do what is due, and wakes it again when it has asked to be. */
static void run(struct vg_exporter *exporter)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(exporter->daemon);
	if (MHD_get_timeout(exporter->daemon, &timeout_ms) != MHD_YES) {
		sd_event_source_set_enabled(exporter->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time_relative(exporter->timer, timeout_ms * 1000);
	sd_event_source_set_enabled(exporter->timer, SD_EVENT_ONESHOT);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	run(context);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	run(context);
	return 0;
}

static int start(sd_event *event, int fd, struct vg_exporter *exporter)
{
	const union MHD_DaemonInfo *info;
	int r;

	exporter->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
				 exporter, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned)VG_EXPORTER_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				 (unsigned)VG_EXPORTER_TIMEOUT_S, MHD_OPTION_END);
	if (!exporter->daemon)
		return -EIO;
	info = MHD_get_daemon_info(exporter->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	r = sd_event_add_io(event, &exporter->io, info->epoll_fd, EPOLLIN, on_readable, exporter);
	if (r < 0)
		return r;
	r = sd_event_add_time(event, &exporter->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
			      exporter);
	if (r < 0)
		return r;
	run(exporter);
	return 0;
}

int vg_exporter_open(sd_event *event, int fd, const char *endpoint,
		     const struct vg_exporter_pages *pages, struct vg_exporter **ret_exporter)
{
	struct vg_exporter *exporter = calloc(1, sizeof(*exporter));
	int r;

	if (!exporter) {
		close(fd);
		return -ENOMEM;
	}
	exporter->pages = *pages;
	snprintf(exporter->endpoint, sizeof(exporter->endpoint), "%s", endpoint);
	/* The socket is libmicrohttpd's, even if it fails to start. */
	r = start(event, fd, exporter);
	if (r < 0) {
		vg_exporter_close(exporter);
		return r;
	}
	*ret_exporter = exporter;
	return 0;
}

void vg_exporter_close(struct vg_exporter *exporter)
{
	if (!exporter)
		return;
	sd_event_source_disable_unref(exporter->timer);
	sd_event_source_disable_unref(exporter->io);
	if (exporter->daemon)
		MHD_stop_daemon(exporter->daemon);
	free(exporter);
}

const char *vg_exporter_endpoint(const struct vg_exporter *exporter)
{
	return exporter ? exporter->endpoint : NULL;
}
