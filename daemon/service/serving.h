/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where metrics are served: an exporter on the address that the policy names, listened on by this
 * process, or by vpcgate-outside, which may take a while.
 */
#ifndef VPCGATE_SERVING_H
#define VPCGATE_SERVING_H

#include "core/diag.h"
#include "service/exporter.h"
#include "share/outside.h"

#define VG_SERVING_RETRY_S 10 /* where there are no metrics at all */

struct vg_serving_place {
	char *address; /* NULL: none */
	unsigned port;
};

struct vg_serving {
	sd_event *event;
	const char *outside;
	struct vg_exporter_pages pages;
	struct vg_exporter *exporter; /* NULL: off, or it can't listen */
	struct vg_serving_place in_use, wanted;
	struct vg_serving_place before; /* that was let go for the wanted one */
	const struct vg_serving_place *asked;
	struct vg_outside_call *call;
	sd_event_source *retry;
	char failure[VG_DIAG_TEXT_SIZE]; /* of the wanted one */
	char error[VG_DIAG_TEXT_SIZE];	 /* the same, and what became of it; or "" */
};

/* `outside` as vg_client_open() has it; it must outlive this. Nothing is served so far. errno of sd-event. */
int vg_serving_open(sd_event *event, const char *outside, const struct vg_exporter_pages *pages,
		    struct vg_serving *serving);
/* Also of one that is all zero. */
void vg_serving_close(struct vg_serving *serving);

/* Serves on that address from now on, or soon; NULL: nowhere. Failures are logged, and in `error`. */
void vg_serving_move(struct vg_serving *serving, const char *address, unsigned port);

#endif
