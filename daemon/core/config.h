/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vpcgate.yaml as it was written: text to structure, every value with its position. Names, numbers
 * and keys are checked here; what they refer to is checked by vg_policy_build().
 */
#ifndef VPCGATE_CONFIG_H
#define VPCGATE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include "core/diag.h"
#include "vpcgate/abi.h"

/* Limits of the text itself; those of the policy are in vpcgate/abi.h. */
#define VG_CONFIG_MAX_BYTES (64u << 20)
#define VG_MAX_INTERFACE_ITEMS 64
#define VG_MAX_SOURCE_ENTRIES (VG_MAX_PREFIXES4 + VG_MAX_PREFIXES6) /* of all sets together */
#define VG_MAX_ALSO_ADMIT 64					    /* names in one list */
#define VG_MAX_FEEDS 256      /* different ones, of all source sets and services */
#define VG_MAX_DIFFERENCES 64 /* of all source sets together */

/* `replies`; the largest max-flows is VG_MAX_FLOWS. */
#define VG_MIN_LIFETIME_S 1
#define VG_MAX_LIFETIME_S (7 * 86400)
#define VG_MIN_FLOWS 1024

/* Defaults of `replies`: lifetimes near those of nf_conntrack, for as many flows as it has. */
#define VG_REPLIES_TCP_S 7200
#define VG_REPLIES_UDP_S 180
#define VG_REPLIES_ICMP_S 30
#define VG_REPLIES_MAX_FLOWS 262144

/* `discovery`: how ranges that lie outside of the config are kept up to date. */
#define VG_MIN_REFRESH_S 10
#define VG_MAX_REFRESH_S 86400
#define VG_REFRESH_S 300
#define VG_MAX_SHRINK_PERCENT 50
#define VG_SHRINK_AFTER_S 1800
#define VG_MIN_SHRINK_AFTER_S 1
#define VG_MAX_SHRINK_AFTER_S (7 * 86400)
#define VG_METADATA_URL "http://169.254.169.254"
#define VG_COMPUTE_URL "https://compute.googleapis.com"
#define VG_VPCACCESS_URL "https://vpcaccess.googleapis.com"
#define VG_PUBLISHED_URL "https://www.gstatic.com/ipranges"

/* `limits`: what the tables of one policy may take in the kernel, as vg_tables_bytes() counts. */
#define VG_MIN_TABLE_BYTES (1ULL << 20)
#define VG_MAX_TABLE_BYTES (4ULL << 30)
#define VG_LIMITS_TABLE_BYTES (256ULL << 20)

/* X(constant, text, Cloud Run's Terraform spelling) */
#define VG_INGRESS_SETTINGS(X)                                   \
	X(ALL, "all", "INGRESS_TRAFFIC_ALL")                     \
	X(INTERNAL, "internal", "INGRESS_TRAFFIC_INTERNAL_ONLY") \
	X(INTERNAL_LB, "internal-and-cloud-load-balancing",      \
	  "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER")

#define VG_INGRESS_ENUM(name, text, terraform) VG_INGRESS_##name,
enum vg_ingress {
	VG_INGRESS_INHERIT, /* not given */
	VG_INGRESS_SETTINGS(VG_INGRESS_ENUM) VG_INGRESS_MAX
};
#undef VG_INGRESS_ENUM

enum vg_attach_mode {
	VG_ATTACH_INHERIT, /* not given */
	VG_ATTACH_AUTO,
	VG_ATTACH_NATIVE,
	VG_ATTACH_GENERIC,
	VG_ATTACH_MAX
};

/* A scalar and where it stands. Owned by the config. */
struct vg_text {
	char *text;
	struct vg_position at;
};

struct vg_text_list {
	struct vg_text *items;
	size_t n;
	bool given; /* an empty list that was written is not an absent one */
	struct vg_position at;
};

/* `tune`: are settings of a NIC changed that keep its driver from native mode? */
struct vg_config_tune {
	bool given, yes;
	struct vg_position at;
};

struct vg_config_interface {
	struct vg_text pattern; /* a name or an fnmatch(3) glob */
	enum vg_ingress ingress;
	enum vg_attach_mode attach;
	struct vg_config_tune tune;
};

/* {google: goog, minus: cloud}: an entry that has the addresses of a feed taken from it. */
struct vg_config_difference {
	size_t entry;	      /* its index; its text is that of the first feed: "google:goog" */
	struct vg_text minus; /* "google:cloud" */
};

struct vg_config_source {
	struct vg_text name;
	struct vg_text_list entries;		  /* prefixes, google:NAME and feeds */
	struct vg_config_difference *differences; /* by entry; there may be a million plain ones */
	size_t n_differences;
};

#define VG_PROTOCOL_ANY (-1)

struct vg_config_service {
	struct vg_text name;
	int protocol;		/* an IP protocol number, or VG_PROTOCOL_ANY */
	int port;		/* 1 to 65535, or 0 for any; only with TCP, UDP and SCTP */
	struct vg_text_list to; /* addresses, prefixes or feeds, as text */
	enum vg_ingress ingress;
	struct vg_text_list also_admit;
	struct vg_position at;
};

/*
 * `replies`: flows that this host opens, and how long each lives without a packet. All else is 0
 * where they are not tracked.
 */
struct vg_replies {
	bool track;
	unsigned tcp_s, udp_s, icmp_s; /* other protocols have UDP's */
	unsigned max_flows;	       /* of each family */
};

/*
 * `discovery`. URLs have no slash at their end; all but the metadata server's are https. Texts are
 * never NULL but for `ca`.
 */
struct vg_discovery_settings {
	unsigned refresh_s; /* from one answer of a server to the next question, about */
	unsigned
		max_shrink_percent; /* 0 to 100: of a feed's ranges for one use that may go at once */
	unsigned shrink_after_s;    /* a larger loss is believed once it has lasted so long */
	char *metadata, *compute, *vpcaccess, *published;
	char *ca; /* file of certificates to trust instead of the system's, or NULL */
};

struct vg_limits {
	__u64 table_bytes;
	struct vg_position table_bytes_at; /* none where it is the default */
};

struct vg_config {
	char *path; /* as given to vg_config_parse() */
	struct vg_config_interface *interfaces;
	size_t n_interfaces;
	struct vg_config_source *sources; /* in file order */
	size_t n_sources;
	struct vg_config_service *services; /* in file order */
	size_t n_services;
	enum vg_attach_mode attach; /* never VG_ATTACH_INHERIT */
	struct vg_config_tune tune;
	enum vg_ingress ingress; /* never VG_INGRESS_INHERIT */
	struct vg_position ingress_at;
	bool monitor;
	bool non_ip_pass;
	bool allow_empty;
	struct vg_replies replies;
	struct vg_limits limits;
	struct vg_discovery_settings discovery;
	struct vg_text_list also_admit;
	bool exporter;		/* false: `exporter: off` */
	char *exporter_address; /* an IPv4 or IPv6 address, without brackets; NULL without exporter */
	unsigned exporter_port; /* 0: any free one */
};

/*
 * Parses `text` of `length` bytes (no NUL needed); `path` goes into messages. On failure `diag` says
 * where and why, and `ret_config` is untouched. -EINVAL: refused; -E2BIG: over a limit; -ENOMEM.
 */
int vg_config_parse(const char *path, const char *text, size_t length,
		    struct vg_config **ret_config, struct vg_diag *diag);
void vg_config_free(struct vg_config *config);
void vg_config_free_p(struct vg_config **config);

/* What holds where a config says nothing of discovery. -ENOMEM. End with ..._done(). */
int vg_discovery_settings_default(struct vg_discovery_settings *ret_settings);
int vg_discovery_settings_copy(const struct vg_discovery_settings *from,
			       struct vg_discovery_settings *ret_copy);
void vg_discovery_settings_done(struct vg_discovery_settings *settings);

const char *vg_ingress_text(enum vg_ingress ingress); /* "inherit" where not given */
const char *vg_attach_mode_text(enum vg_attach_mode mode);

/* "tcp", "udp", ..., "any", or the number where a protocol has no name here. `out` has 16 bytes. */
const char *vg_protocol_text(int protocol, char *out);
/* A name or a number from 0 to 255; -EINVAL otherwise. */
int vg_protocol_parse(const char *text, int *ret_protocol);
/* "90s", "5m", "1h", "7d" as seconds, UINT_MAX where there are more; -EINVAL: it is none. */
int vg_duration_parse(const char *text, unsigned *ret_s);
/* "57MiB": a multiple of 1 KiB in the largest unit that makes it whole. `out` has 16 bytes. */
const char *vg_size_text(__u64 bytes, char *out);
/* TCP, UDP and SCTP: those that a service may name a port of. */
bool vg_protocol_has_ports(int protocol);

#endif
