/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Feeds: entries of a source set (or of `to`) whose ranges lie outside of the config and change with
 * time: files, URLs, and what Google's servers say.
 *
 *	file:PATH                       one prefix a line, or one of the JSON shapes of core/shapes.h
 *	https://HOST/PATH               such a file
 *	google:goog, google:cloud       the addresses that Google publishes, and those of its customers
 *	gcp:subnets                     the subnets of the networks that the filtered NICs are in
 *	gcp:metadata                    the subnets and alias ranges of the filtered NICs themselves
 *	gcp:forwarded-ips               addresses of the passthrough load balancers in front of this VM
 *	gcp:connectors                  Serverless VPC Access connectors
 *	gcp:peering-routes              what peered networks export to this one
 *
 * Parameters: `?scope=…&service=…` with file: and google:, `#scope=…&service=…` with https: (where
 * `?` is the server's), `?network=…&project=…` with gcp:subnets, gcp:connectors and
 * gcp:peering-routes.
 */
#ifndef VPCGATE_FEED_H
#define VPCGATE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include "core/diag.h"

#define VG_FEED_MAX_BYTES 4096 /* of the text of one */

enum vg_feed_kind {
	VG_FEED_FILE,
	VG_FEED_URL,
	VG_FEED_PUBLISHED,
	VG_FEED_SUBNETS,
	VG_FEED_METADATA,
	VG_FEED_FORWARDED_IPS,
	VG_FEED_CONNECTORS,
	VG_FEED_PEERING_ROUTES,
	VG_FEED_KIND_MAX
};

struct vg_feed {
	enum vg_feed_kind kind;
	char *text; /* as it stands in the config: what answers are kept under */
	char *place; /* the path or URL without parameters; of google: "goog" or "cloud"; else NULL */
	char *network, *project; /* NULL: those of the filtered NICs */
	char *scope, *service;	 /* of cloud.json: take only these; NULL: all */
	struct vg_position at;	 /* where the config has it first, of a policy's; else none */
};

/*
 * -ENOENT: `text` is no feed (a prefix, or a list that is compiled in, perhaps). -EINVAL: it is one,
 * and wrong; `reterr_text` says how, and what would be right. -ENOMEM. Ends with vg_feed_done().
 */
int vg_feed_parse(const char *text, struct vg_feed *ret_feed, char *reterr_text,
		  size_t reterr_size);
void vg_feed_done(struct vg_feed *feed);

/* Is it asked for over the network, rather than read from a file? */
bool vg_feed_is_remote(const struct vg_feed *feed);
/* Does it need Google's APIs or another server beyond the metadata server, which is always let in? */
bool vg_feed_needs_replies(const struct vg_feed *feed);

#endif
