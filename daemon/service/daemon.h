/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything of a running vpcgated, wired to one event loop. */
#ifndef VPCGATE_DAEMON_H
#define VPCGATE_DAEMON_H

#include <systemd/sd-event.h>
#include "discovery/discovery.h"
#include "service/apply.h"
#include "service/asking.h"
#include "service/confirm.h"
#include "service/control.h"
#include "service/gate.h"
#include "service/history.h"
#include "service/nic.h"
#include "service/rate.h"
#include "service/serving.h"

struct vg_daemon_options {
	const char *config;
	const char *bpffs;
	const char *socket;
	const char *state; /* folder of what is saved */
	const char
		*outside; /* socket of the vpcgate-outside that speaks to the internet, or NULL */
};

struct vg_daemon {
	sd_event *event;
	struct vg_discovery *discovery;
	struct vg_gate *gate;
	bool started; /* there is a policy in force */
	struct vg_apply apply;
	struct vg_asking asking;
	struct vg_history history;
	struct vg_confirm confirm;
	const char *socket; /* its path */
	struct vg_nic_watch *watch;
	struct vg_control *control;
	struct vg_serving serving;
	struct vg_rates rates;
	time_t started_s;
	char status[128]; /* as systemd has it */
};

/*
 * Brings the filter up and tells systemd. Logs what fails; after a failure nothing is filtered that
 * was not before. The options must outlive the daemon. SIGHUP, SIGTERM, SIGINT and
 * SIGCHLD must be blocked.
 */
int vg_daemon_open(const struct vg_daemon_options *options, struct vg_daemon **ret_daemon);

/* Runs until a signal ends it, or a failure that only a new start mends. */
int vg_daemon_run(struct vg_daemon *daemon);

/* The line that `systemctl status` shows; sent when it changes, or with `state` in any case. */
void vg_daemon_notify(struct vg_daemon *daemon, const char *state);

/* Listens where the policy says. A failure costs metrics, not the filter. */
void vg_daemon_update_exporter(struct vg_daemon *daemon);

/* Leaves the filter in force. */
void vg_daemon_close(struct vg_daemon *daemon);

#endif
