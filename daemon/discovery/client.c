/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "discovery/client_ways.h"

int vg_client_open(sd_event *event, const char *outside, struct vg_client **ret_client,
		   struct vg_diag *diag)
{
	return outside ? vg_client_open_outside(event, outside, ret_client)
		       : vg_client_open_direct(event, ret_client, diag);
}

void vg_client_close(struct vg_client *client)
{
	if (client)
		client->way->close(client);
}

int vg_client_ask(struct vg_client *client, const struct vg_client_question *question,
		  vg_client_done *done, void *context, struct vg_client_call **ret_call,
		  struct vg_diag *diag)
{
	return client->way->ask(client, question, done, context, ret_call, diag);
}

void vg_client_cancel(struct vg_client_call *call)
{
	if (call)
		call->way->cancel(call);
}
