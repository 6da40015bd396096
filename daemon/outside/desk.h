/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes the questions that come to a listening Unix socket, each on a connection of its own. */
#ifndef VPCGATE_DESK_H
#define VPCGATE_DESK_H

#include <systemd/sd-event.h>
#include "discovery/client.h"

#define VG_DESK_MAX_QUESTIONS 256 /* at once; more are turned away */

struct vg_desk;

/* Never waits for whoever asks. Takes `fd` over; `client` must outlive it. -ENOMEM, errno of sd-event. */
int vg_desk_open(sd_event *event, int fd, struct vg_client *client, struct vg_desk **ret_desk);
void vg_desk_close(struct vg_desk *desk);

#endif
