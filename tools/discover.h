/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of `vpcgate discover`: what is found out about this machine and its network, and the
 * config that is made of it.
 */
#ifndef VPCGATE_DISCOVER_H
#define VPCGATE_DISCOVER_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "core/config.h"
#include "core/feed.h"
#include "core/obstacles.h"
#include "core/shapes.h"
#include "discovery/fetch.h"

#define VG_DISCOVER_TIMEOUT_MS 10000 /* for all questions together */
#define VG_DISCOVER_MAX_FILES 16
/* Of a name that a server says: RFC 1035's 63 characters and some, since zones and projects differ. */
#define VG_DISCOVER_NAME_SIZE 96

/* ---- what is found ---- */

/* A NIC as the kernel has it. */
struct vg_host_nic {
	char name[IF_NAMESIZE];
	unsigned index;
	char mac[18]; /* lower case, or "" */
	bool device;  /* has a place on a bus: no VLAN, bridge or the like above another NIC */
	bool default_route; /* of IPv4 or IPv6 */
	struct vg_nic_facts facts;
	char address4[INET_ADDRSTRLEN], address6[INET6_ADDRSTRLEN]; /* a global one, or "" */
};

/* One for the config. */
struct vg_found_nic {
	struct vg_host_nic host;		/* from files: its name alone */
	const struct vg_metadata_nic *metadata; /* or NULL */
};

/* Why it is these NICs. */
enum vg_found_by {
	VG_FOUND_BY_METADATA,	   /* the metadata server names their MAC addresses */
	VG_FOUND_BY_DEFAULT_ROUTE, /* it doesn't, and they have one */
	VG_FOUND_BY_NAME,	   /* the command line does */
	VG_FOUND_BY_CUSTOM, /* nobody does: it is what Compute Engine's images call the first */
};

struct vg_found_feed {
	bool read;
	struct vg_listing listing;	   /* sorted; empty unless it was read */
	char reason[VG_FETCH_REASON_SIZE]; /* why it wasn't, or "" where nobody asked */
	char note[VG_FETCH_REASON_SIZE];   /* what it leaves out, or "" */
};

/* Names are as a server said them: any bytes. Owned; ends with vg_found_done(). */
struct vg_found {
	int64_t time_s;		     /* since 1970 */
	char kernel[65];	     /* release */
	char *name, *zone, *project; /* of this VM; NULL: not known */
	char *project_number;
	char metadata_reason[VG_FETCH_REASON_SIZE]; /* why its NICs couldn't be read, or "" */
	struct vg_metadata_nic *metadata;
	size_t n_metadata;
	struct vg_found_nic *nics;
	size_t n_nics;
	enum vg_found_by found_by;
	struct vg_found_feed
		feeds[VG_FEED_KIND_MAX]; /* of METADATA and FORWARDED_IPS: those NICs' */
	const char *const *files;	 /* that all this is from instead of servers, or NULL */
	size_t n_files;
	char notes[VG_DISCOVER_MAX_FILES][VG_FETCH_REASON_SIZE]; /* of files, where not "" */
};

void vg_found_done(struct vg_found *found);

/* ---- finding out ---- */

/* All NICs of this network namespace but loopback, by index. Errno of the kernel. */
int vg_host_nics_read(struct vg_host_nic **ret_nics, size_t *ret_n);
/* Sets `default_route` from the texts of /proc/net/route and ipv6_route; NULL: there is none. */
void vg_host_nics_routes(struct vg_host_nic *nics, size_t n, const char *route,
			 const char *ipv6_route);

/*
 * Fills in `nics` and `found_by`, from `hosts` and found->metadata: those with a MAC address that the
 * metadata has, else those with a default route. `name`, where given, is the only one. -ENODEV: none
 * is left; -ENOMEM.
 */
int vg_found_choose_nics(struct vg_found *found, const struct vg_host_nic *hosts, size_t n,
			 const char *name);
/* Fills in the feeds of `nics` that the metadata itself answers. -ENOMEM, -E2BIG. */
int vg_found_read_metadata(struct vg_found *found);

/*
 * Asks the kernel, the metadata server and Google's APIs. What can't be read is noted in `ret_found`.
 * -ENODEV: no NIC, or none of that name; -ENXIO: no metadata server answers: `diag` says why. Else an
 * errno of the kernel or -ENOMEM.
 */
int vg_discover_ask(const struct vg_discovery_settings *settings, const char *interface,
		    struct vg_found *ret_found, struct vg_diag *diag);

/*
 * Reads files instead. `network` may be NULL where they hold but one, `interface` too. On failure
 * `diag` says which file is wrong and how, or which networks there are.
 */
int vg_discover_read(const char *const *files, size_t n_files, const char *network,
		     const char *interface, struct vg_found *ret_found, struct vg_diag *diag);

/* ---- writing it down ---- */

/* A config on its way out. */
struct vg_writer {
	FILE *out;
	int error; /* the first: -ENOMEM; -EILSEQ: a text that YAML can't hold */
};

/*
 * A paragraph of comment: `lead` ("  # ", "#   1. ") and the text, wrapped between words; further
 * lines are indented as far. Whatever is no printable ASCII is written as '?', so that no text from
 * outside ends the comment: YAML has line breaks among Unicode's characters, too.
 */
void vg_write_comment(struct vg_writer *writer, const char *lead, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A scalar, quoted wherever it is more than a plain word. */
void vg_write_scalar(struct vg_writer *writer, const char *text);
/* `text` in printable ASCII, cut to what a name may have. `out` has VG_DISCOVER_NAME_SIZE bytes. */
const char *vg_discover_name(const char *text, char *out);

/* Where to ask, as the command line has it; NULL: not given. */
struct vg_discover_servers {
	const char *metadata, *compute, *vpcaccess, *ca;
};

/* The section `discovery`, or nothing where none is given. */
void vg_write_servers(struct vg_writer *writer, const struct vg_discover_servers *servers);
/* Is XDP in the driver to be expected on this NIC? A sentence or two. */
void vg_write_native(struct vg_writer *writer, const struct vg_host_nic *nic, const char *kernel);
/* The sections `sources` and `services`, and `also-admit` before them. */
void vg_write_sources(struct vg_writer *writer, const struct vg_found *found);

/* The whole config. -ENOMEM, -EILSEQ. */
int vg_discover_write(const struct vg_found *found, const struct vg_discover_servers *servers,
		      char **ret_text, size_t *ret_length);

#endif
