/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /metrics, /healthz and /readyz over HTTP (libmicrohttpd), on the event loop without threads. */
#ifndef VPCGATE_EXPORTER_H
#define VPCGATE_EXPORTER_H

#include <stddef.h>
#include <systemd/sd-event.h>

#define VG_EXPORTER_CONNECTIONS 32
#define VG_EXPORTER_TIMEOUT_S 10 /* of a connection on which nothing happens */

/* Each returns an HTTP status and a heap text, or 500 with NULL. */
struct vg_exporter_pages {
	unsigned (*metrics)(void *context, char **ret_text, size_t *ret_length);
	unsigned (*ready)(void *context, char **ret_text, size_t *ret_length);
	void *context;
};

struct vg_exporter;

/*
 * On a listening socket, which it takes over in any case and calls `endpoint`. -ENOMEM; -EIO:
 * libmicrohttpd doesn't start; errno of sd-event.
 */
int vg_exporter_open(sd_event *event, int fd, const char *endpoint,
		     const struct vg_exporter_pages *pages, struct vg_exporter **ret_exporter);
void vg_exporter_close(struct vg_exporter *exporter);

/* As it was opened. NULL gives NULL. */
const char *vg_exporter_endpoint(const struct vg_exporter *exporter);

#endif
