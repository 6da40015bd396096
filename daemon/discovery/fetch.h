/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One round of asking for what a remote feed holds: metadata, token, pages, fall-backs, until there is
 * a whole listing or a reason. Nothing here repeats or remembers: discovery/discovery.h does.
 */
#ifndef VPCGATE_FETCH_H
#define VPCGATE_FETCH_H

#include "core/config.h"
#include "core/feed.h"
#include "core/listing.h"
#include "discovery/client.h"

#define VG_FETCH_MAX_PAGES 1000
#define VG_FETCH_REASON_SIZE 512

/*
 * What all feeds of one machine share: the client, where to ask, which NICs are filtered, and the
 * access token, which is kept in memory alone until it expires.
 */
struct vg_cloud;

/* MAC addresses ("42:01:0a:80:00:46", lower case) of the NICs that are filtered, unless all are. */
struct vg_cloud_nics {
	char (*macs)[18];
	size_t n;
	bool all; /* whatever their MAC addresses are */
};

int vg_cloud_open(struct vg_client *client, struct vg_cloud **ret_cloud);
void vg_cloud_close(struct vg_cloud *cloud); /* after the fetches */
/* Copied. */
int vg_cloud_configure(struct vg_cloud *cloud, const struct vg_discovery_settings *settings,
		       const struct vg_cloud_nics *nics);

/* Texts and listing belong to the fetch; the listing may be taken out (and zeroed). */
struct vg_fetch_result {
	/*
	 * 0: `listing` is all there is, but for the scopes `unread`. -EALREADY: nothing changed since
	 * `version`. -EAGAIN: a failure that may pass by itself (network, 429, 5xx, time-out); else one
	 * that needs an operator (-EACCES: 401 or 403; -ENOENT: 404, no service account, a network
	 * without subnets; -EPROTO: not an answer that can be taken, a certificate that isn't trusted;
	 * -EINVAL: NICs or certificates of this VM; -ENOMEM).
	 */
	int error;
	/* What failed, and what would help (which role or scope). */
	char reason[VG_FETCH_REASON_SIZE];
	unsigned retry_after_s;
	/*
	 * Sorted. `shared` is one for all of it: where the filtered NICs are in networks of this VM's
	 * project and of another one too, gcp:subnets and gcp:metadata fail with -EINVAL, and the
	 * operator names each network, rather than that ranges stand under the wrong name.
	 */
	struct vg_listing listing;
	char **unread; /* for vg_listing_keep() */
	size_t n_unread;
	/* What is missing or was left out of a good answer; or "". */
	char note[VG_FETCH_REASON_SIZE];
	/*
	 * Where the answer depends on the filtered NICs: "MAC PROJECT/NETWORK, ..." of them; else NULL.
	 * Answers of different ones can't be compared.
	 */
	char *identity;
	bool usable; /* of some project, only the subnets that the service account may use were seen */
	char *version; /* what the next fetch passes on, opaque, printable ASCII; or NULL */
};

typedef void vg_fetch_done(void *context, struct vg_fetch_result *result);

struct vg_fetch;

/*
 * Begins. `version` is that of the answer that is in force, or NULL; metadata feeds with one wait for
 * a change, for up to 60 s (a change that doesn't come is -EALREADY). The callback comes once, from the
 * event loop, never from within this, and within some 300 s; the fetch is gone behind it. The feed is
 * copied. -ENOMEM, -EINVAL.
 */
int vg_fetch_begin(struct vg_cloud *cloud, const struct vg_feed *feed, const char *version,
		   vg_fetch_done *done, void *context, struct vg_fetch **ret_fetch);
/* Ends it without the callback. NULL is fine. */
void vg_fetch_cancel(struct vg_fetch *fetch);

#endif
