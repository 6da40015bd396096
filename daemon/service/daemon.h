/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything of a running vpcgated, wired to one event loop. */
#ifndef VPCGATE_DAEMON_H
#define VPCGATE_DAEMON_H

#include <systemd/sd-event.h>
#include "service/control.h"
#include "service/exporter.h"
#include "service/gate.h"
#include "service/nic.h"
#include "service/rate.h"

struct vg_daemon_options {
	const char *config;
	const char *bpffs;
	const char *socket;
};

struct vg_daemon {
	sd_event *event;
	struct vg_gate *gate;
	struct vg_nic_watch *watch;
	struct vg_control *control;
	struct vg_exporter *exporter; /* NULL: off, or it can't listen */
	char *exporter_address;	      /* where it was asked to listen */
	unsigned exporter_port;
	char exporter_error[VG_DIAG_TEXT_SIZE]; /* why not where the config says, or "" */
	struct vg_rates rates;
	time_t started_s;
	char status[128]; /* as systemd has it */
};

/*
 * Brings the filter up and tells systemd. Logs what fails; after a failure nothing is filtered that
 * was not before. The options must outlive the daemon. SIGHUP, SIGTERM and SIGINT must be blocked.
 */
int vg_daemon_open(const struct vg_daemon_options *options, struct vg_daemon **ret_daemon);

/* Runs until a signal ends it. */
int vg_daemon_run(struct vg_daemon *daemon);

/* Leaves the filter in force. */
void vg_daemon_close(struct vg_daemon *daemon);

#endif
