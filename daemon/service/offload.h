/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What takes long to write, and may have to wait for its reader, in a child process. */
#ifndef VPCGATE_OFFLOAD_H
#define VPCGATE_OFFLOAD_H

#include <stdio.h>
#include <systemd/sd-event.h>

/*
 * Calls write() in a child, which has a copy of this process's memory, `fd` (made to block) and
 * nothing else that is open, and gets the CPU after everybody else. `ended` is called here when the
 * child is done. It ends with this process at the latest, and is killed where `ret_child` is disabled
 * and given back before. SIGCHLD must be blocked. After a failure
 * part of it may have been written.
 */
int vg_offload(sd_event *event, int fd, void (*write)(const void *what, FILE *out),
	       const void *what, sd_event_child_handler_t ended, void *context,
	       sd_event_source **ret_child);

#endif
