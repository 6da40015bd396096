/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP on the event loop, so that no answer, no name and no server that hangs ever blocks the daemon:
 * libcurl's multi interface behind sd-event, in this process or in vpcgate-outside. The process ignores
 * SIGPIPE.
 */
#ifndef VPCGATE_CLIENT_H
#define VPCGATE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>
#include "core/diag.h"

#define VG_CLIENT_MAX_BYTES \
	(32u << 20) /* of an answer, after decompression; cloud.json has 0.2 MB */
#define VG_CLIENT_MAX_HEADER_BYTES (64u << 10)
#define VG_CLIENT_MAX_RETRY_AFTER_S 86400
#define VG_CLIENT_CONNECT_MS 5000
#define VG_CLIENT_TIMEOUT_MS 30000 /* of a whole request, unless it says otherwise */
#define VG_CLIENT_MAX_TIMEOUT_MS 600000
#define VG_CLIENT_MAX_CA_BYTES (1u << 20)

struct vg_client;

struct vg_client_question {
	const char *url;	    /* http:// for the metadata server alone; all else https:// */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL; never logged */
	const char *etag;	    /* sent as If-None-Match, or NULL */
	const char *ca;		    /* file of certificates instead of the system's, or NULL */
	const char *ca_text;	    /* what is in it, where others have read it, or NULL */
	unsigned timeout_ms;	    /* 0: VG_CLIENT_TIMEOUT_MS; up to VG_CLIENT_MAX_TIMEOUT_MS */
	bool metadata; /* sends Metadata-Flavor: Google and takes no answer without it; http:// may be */
};

/* Texts belong to the client, and are gone once the callback returns. */
struct vg_client_answer {
	/*
	 * 0: there is an HTTP status. -EAGAIN: a failure that may pass by itself (name, connection,
	 * time-out). -EPROTO: an answer that can't be taken (certificate, size, no HTTP, not the
	 * metadata server's, or vpcgate-outside makes no sense). -EINVAL: the file `ca` can't be read.
	 * -ENOMEM.
	 */
	int error;
	const char *text; /* "", or what failed and what would help; with `error` 0 always "" */
	const char *host; /* that was asked */
	unsigned status;  /* of HTTP */
	const char *body; /* NUL-terminated behind `length` bytes */
	size_t length;
	const char *etag;	   /* or NULL */
	const char *redirect_host; /* where a redirect leads, or NULL */
	unsigned retry_after_s;	   /* of Retry-After, at most a day; 0: none */
};

/*
 * Called once, from the event loop, never from within vg_client_ask(). The call is over, and may not
 * be cancelled any more; others may be, and new ones begun. The client may not be closed.
 */
typedef void vg_client_done(void *context, const struct vg_client_answer *answer);

struct vg_client_call;

/*
 * `outside`: the socket of the vpcgate-outside that is to ask, or NULL to do so in this process. That it
 * can't be reached is an answer to a question, with -EAGAIN. -EOPNOTSUPP: this libcurl would block, or has
 * no TLS. -ENOMEM, or errno of sd-event.
 */
int vg_client_open(sd_event *event, const char *outside, struct vg_client **ret_client,
		   struct vg_diag *diag);
/* Ends all calls without their callbacks. NULL is fine. */
void vg_client_close(struct vg_client *client);

/*
 * -EINVAL: the URL is none that may be asked, or a header has a control character; -ENOMEM.
 * Redirects are not followed: they are answers with their status. The question is copied.
 */
int vg_client_ask(struct vg_client *client, const struct vg_client_question *question,
		  vg_client_done *done, void *context, struct vg_client_call **ret_call,
		  struct vg_diag *diag);
/* Ends a call without its callback. NULL is fine. */
void vg_client_cancel(struct vg_client_call *call);

#endif
