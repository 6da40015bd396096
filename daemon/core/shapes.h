/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The JSON shapes in which Google states ranges, recognised by their content. Each is read whole or
 * refused whole: a prefix that is none or takes in all addresses, a member of the wrong type or one
 * that is there twice refuses the document. Members that aren't named here are passed over.
 *
 * PUBLISHED    {"syncToken", "prefixes": [{"ipv4Prefix" | "ipv6Prefix", "service", "scope"}]}:
 *              https://www.gstatic.com/ipranges/goog.json and cloud.json
 * SUBNETS      [{subnetwork}], as `gcloud compute networks subnets list --format=json` prints, or
 *              {"items": {"regions/R": {"subnetworks": [...], "warning": {...}}}, "nextPageToken"}
 *              (Compute API, aggregated/subnetworks), or {"items": [{usable subnetwork}]}
 *              (aggregated/subnetworks/listUsable)
 * NICS         [{"ip", "subnetmask", "ipAliases", "forwardedIps", "network", "mac", ...}]
 *              (metadata server, instance/network-interfaces/?recursive=true&alt=json)
 * CONNECTORS   {"connectors": [{"name", "ipCidrRange", "network", "state"}], "nextPageToken"}
 *              (vpcaccess.googleapis.com/v1), or the list alone, as `gcloud compute networks
 *              vpc-access connectors list --format=json` prints it
 * ROUTES       {"items": [{"destRange", "type", "imported"}], "nextPageToken"}
 *              (Compute API, networks/N/listPeeringRoutes), or the list alone, as `gcloud compute
 *              networks peerings list-routes --format=json` prints it
 *
 * Ranges of SUBNETS and CONNECTORS have the scope of their region, "regions/us-central1"; others have
 * none. Google's APIs leave out a list that is empty, down to {}: that is taken where the shape was
 * expected, and refused where it could be any.
 */
#ifndef VPCGATE_SHAPES_H
#define VPCGATE_SHAPES_H

#include "core/diag.h"
#include "core/listing.h"

/*
 * The values of JSON in one document. 250,000 published prefixes have a million; each takes about 100
 * bytes while the document is read, however few it takes in the text.
 */
#define VG_SHAPE_MAX_VALUES 1250000

/* X(constant, text): what a document of that shape holds. */
#define VG_SHAPES(X)                                                 \
	X(PUBLISHED, "published prefixes (goog.json or cloud.json)") \
	X(SUBNETS, "subnets")                                        \
	X(NICS, "network interfaces (of the metadata server)")       \
	X(CONNECTORS, "VPC Access connectors")                       \
	X(ROUTES, "peering routes")

#define VG_SHAPE_ENUM(shape, text) VG_SHAPE_##shape,
enum vg_shape { VG_SHAPES(VG_SHAPE_ENUM) VG_SHAPE_MAX };
#undef VG_SHAPE_ENUM

/* What a reader takes of a document; texts that are NULL: everything. */
struct vg_shape_wish {
	enum vg_shape expected; /* VG_SHAPE_MAX: any; all others are refused */
	/* Short name: ranges of other networks are passed over, those that name none are taken. */
	const char *network;
	const char *scope, *service; /* PUBLISHED: prefixes with those labels alone */
};

/* What a document says beside its ranges. Ends with vg_page_done(). */
struct vg_page {
	enum vg_shape shape;
	char *next_token; /* NULL: it is the last page */
	char *version;	  /* syncToken, or NULL */
	/*
	 * Scopes ("regions/us-central1") that the server couldn't read, each once; VG_LISTING_ANY_SCOPE
	 * where it didn't say which. For vg_listing_keep().
	 */
	char **unread;
	size_t n_unread;
	/*
	 * Ranges that are never admitted: of other purposes (PRIVATE_NAT), default routes; and connectors
	 * in a subnet, which has their ranges. `left_out` says why the first one was.
	 */
	size_t n_left_out;
	char left_out[64];
};

/*
 * Reads one document into `listing`, adding to what is there. -EINVAL: it is none of the shapes, or
 * a broken one; `diag` has the position in `file`, or no position where JSON has none, and says what
 * it looks like (HTML, cut off, an error of the API). -E2BIG: more than VG_LISTING_MAX_RANGES,
 * VG_LISTING_MAX_SCOPES or VG_SHAPE_MAX_VALUES. -ENOMEM. After a failure `listing` may hold a part.
 */
int vg_shape_read(const char *file, const char *text, size_t length,
		  const struct vg_shape_wish *wish, struct vg_listing *listing,
		  struct vg_page *ret_page, struct vg_diag *diag);
void vg_page_done(struct vg_page *page);

/* Does `text` begin as a JSON document does, blanks and a byte order mark aside? */
bool vg_shape_is_json(const char *text, size_t length);

/* One NIC as the metadata server has it. Texts are owned. */
struct vg_metadata_nic {
	char mac[18];		     /* lower case, or "" */
	char *network;		     /* short name, or NULL */
	char *network_project;	     /* "projects/NUMBER/networks/NAME": the number; or NULL */
	unsigned mtu;		     /* 0: not said */
	struct vg_listing subnet;    /* of its address and mask; alias ranges, each a SUBNET */
	struct vg_listing forwarded; /* forwardedIps, forwardedIpv6s, targetInstanceIps */
};

/* NICS: all of them, for matching by MAC. Ends with vg_metadata_nics_free(). Errors as above. */
int vg_metadata_nics_read(const char *file, const char *text, size_t length,
			  struct vg_metadata_nic **ret_nics, size_t *ret_n, struct vg_diag *diag);
void vg_metadata_nics_free(struct vg_metadata_nic *nics, size_t n);

#endif
