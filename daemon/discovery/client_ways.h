/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two ways to ask a server have in common: each begins its own structs with these. */
#ifndef VPCGATE_CLIENT_WAYS_H
#define VPCGATE_CLIENT_WAYS_H

#include "discovery/client.h"

/* As vg_client_ask(), vg_client_cancel() and vg_client_close(), but never with NULL. */
struct vg_client_way {
	int (*ask)(struct vg_client *client, const struct vg_client_question *question,
		   vg_client_done *done, void *context, struct vg_client_call **ret_call,
		   struct vg_diag *diag);
	void (*cancel)(struct vg_client_call *call);
	void (*close)(struct vg_client *client);
};

struct vg_client {
	const struct vg_client_way *way;
};

struct vg_client_call {
	const struct vg_client_way *way;
};

/* In this process: libcurl. */
int vg_client_open_direct(sd_event *event, struct vg_client **ret_client, struct vg_diag *diag);
/* By the vpcgate-outside that listens on that socket. -ENOMEM. */
int vg_client_open_outside(sd_event *event, const char *socket, struct vg_client **ret_client);

#endif
