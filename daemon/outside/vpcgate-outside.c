/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Speaks to the internet in place of vpcgated, which has the capabilities and may open no socket of it:
 * asks the servers of feeds, and listens for those who read the metrics.
 */
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include "outside/desk.h"
#include "share/cleanup.h"
#include "share/log.h"

static const char usage[] =
	"vpcgate-outside speaks to the internet for vpcgated --outside, see vpcgated(8). It has no options,\n"
	"and is started with a listening Unix socket: by vpcgate-outside.socket, or by\n"
	"  systemd-socket-activate --listen=PATH vpcgate-outside\n";

/* A peer that closes early is an errno, not a signal. */
static int prepare_signals(sd_event *event)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int run(sd_event *event, int fd)
{
	struct vg_client *client = NULL;
	struct vg_desk *desk = NULL;
	struct vg_diag diag = {};
	int r;

	r = prepare_signals(event);
	if (r >= 0)
		r = vg_client_open(event, NULL, &client, &diag);
	if (r >= 0)
		r = vg_desk_open(event, fd, client, &desk);
	if (r >= 0)
		r = sd_event_loop(event);
	vg_desk_close(desk);
	vg_client_close(client);
	return r < 0 ? vg_log_err(r, "%s", *diag.text ? diag.text : strerror(-r)) : 0;
}

int main(int argc, char **argv)
{
	sd_event *event;
	int r;

	(void)argv;
	vg_log_init(VG_LOG_INFO, VG_LOG_TEXT);
	if (argc > 1 || sd_listen_fds(true) != 1 ||
	    sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0) {
		fputs(usage, stderr);
		return 2;
	}
	r = sd_event_default(&event);
	if (r < 0)
		return vg_log_err(r, "no event loop: %s", strerror(-r)), EXIT_FAILURE;
	r = run(event, SD_LISTEN_FDS_START);
	sd_event_unref(event);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
