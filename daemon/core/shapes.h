/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The JSON shapes in which Google states ranges, recognised by their content. Each is read whole or
 * refused whole: a prefix that is none, or a member of the wrong type, refuses the document.
 *
 * PUBLISHED    {"syncToken", "prefixes": [{"ipv4Prefix" | "ipv6Prefix", "service", "scope"}]}:
 *              https://www.gstatic.com/ipranges/goog.json and cloud.json
 * SUBNETS      [{subnetwork}], as `gcloud compute networks subnets list --format=json` prints, or
 *              {"items": {"regions/R": {"subnetworks": [...], "warning": {...}}}, "nextPageToken"}
 *              (Compute API, aggregated/subnetworks), or {"items": [{usable subnetwork}]}
 *              (aggregated/subnetworks/listUsable)
 * NICS         [{"ip", "subnetmask", "ipAliases", "forwardedIps", "network", "mac", ...}]
 *              (metadata server, instance/network-interfaces/?recursive=true&alt=json)
 * CONNECTORS   {"connectors": [{"ipCidrRange", "network", "state"}], "nextPageToken"}
 *              (vpcaccess.googleapis.com/v1)
 * ROUTES       {"items": [{"destRange", "type", "imported"}], "nextPageToken"}
 *              (Compute API, networks/N/listPeeringRoutes)
 */
#ifndef VPCGATE_SHAPES_H
#define VPCGATE_SHAPES_H

#include "core/diag.h"
#include "core/listing.h"

enum vg_shape {
	VG_SHAPE_PUBLISHED,
	VG_SHAPE_SUBNETS,
	VG_SHAPE_NICS,
	VG_SHAPE_CONNECTORS,
	VG_SHAPE_ROUTES,
	VG_SHAPE_MAX
};

/* What a reader takes of a document; all NULL: everything. */
struct vg_shape_wish {
	const char *network; /* short name: ranges of other networks are left out */
	const char *scope, *service; /* PUBLISHED */
};

/* What a document says beside its ranges. Ends with vg_page_done(). */
struct vg_page {
	enum vg_shape shape;
	char *next_token; /* NULL: it is the last page */
	char *version;	  /* syncToken, or NULL */
	char **unread;	  /* scopes ("regions/us-central1") that the server couldn't read */
	size_t n_unread;
	size_t n_left_out; /* ranges for uses that are never admitted, such as PRIVATE_NAT */
	char left_out[64]; /* one of those uses */
};

/*
 * Reads one document into `listing`, adding to what is there. -EINVAL: it is none of the shapes, or
 * a broken one; `diag` has the position in `file`, or no position where JSON has none, and says what
 * it looks like (HTML, cut off, an error of the API). -E2BIG, -ENOMEM. After a failure `listing` may
 * hold a part.
 */
int vg_shape_read(const char *file, const char *text, size_t length,
		  const struct vg_shape_wish *wish, struct vg_listing *listing,
		  struct vg_page *ret_page, struct vg_diag *diag);
void vg_page_done(struct vg_page *page);

/* Does `text` begin as a JSON document does, blanks and a byte order mark aside? */
bool vg_shape_is_json(const char *text, size_t length);

/* One NIC as the metadata server has it. Texts are owned. */
struct vg_metadata_nic {
	char mac[18];	       /* lower case, or "" */
	char *network;	       /* short name */
	char *network_project; /* "projects/NUMBER/networks/NAME": the number */
	unsigned mtu;	       /* 0: not said */
	struct vg_listing subnet;    /* of its address and mask; alias ranges, each a SUBNET */
	struct vg_listing forwarded; /* forwardedIps, forwardedIpv6s, targetInstanceIps */
};

/* NICS: all of them, for matching by MAC. Ends with vg_metadata_nics_free(). Errors as above. */
int vg_metadata_nics_read(const char *file, const char *text, size_t length,
			  struct vg_metadata_nic **ret_nics, size_t *ret_n, struct vg_diag *diag);
void vg_metadata_nics_free(struct vg_metadata_nic *nics, size_t n);

#endif
