/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy: everything that one config decides, with its sources read, its names resolved and its
 * limits checked. Immutable once built.
 */
#ifndef VPCGATE_POLICY_H
#define VPCGATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include "core/config.h"
#include "core/diag.h"
#include "core/feed.h"
#include "core/listing.h"
#include "core/prefix.h"

/* A prefix of a set, and which of the policy's origins it came from. */
struct vg_range {
	struct vg_prefix prefix;
	unsigned origin;
};

/*
 * Where ranges come from: "vpcgate.yaml", "google:iap (2026-11-22)", "file:/etc/vpcgate/office.txt",
 * "gcp:subnets", "google:goog minus google:cloud".
 */
struct vg_origin {
	char *text;
	const char *page; /* that states them, where Google does; else NULL */
	bool feed;	  /* that of one feed, or of two */
	bool unread;	  /* the feed, or one of the two, has not answered yet */
	__s64 read_s;	  /* when the (older) answer was given, seconds since 1970; 0: no answer */
};

/* The same as a policy keeps it, since it may have a million. */
struct vg_packed4 {
	__u32 address; /* host byte order */
	__u32 length:8, origin:24;
};
struct vg_packed6 {
	__u64 hi, lo; /* as struct vg_address has them */
	__u32 length:8, origin:24;
};

/* Ranges are in file order, those of IPv4 first: see vg_set_range(). */
struct vg_set {
	char name[VG_NAME_SIZE];
	struct vg_packed4 *ranges4;
	struct vg_packed6 *ranges6;
	size_t n_ranges4, n_ranges6;
	unsigned *origins; /* of its entries, each once, in file order; some may give no ranges */
	size_t n_origins;
	bool fed; /* answers of remote feeds may come to it, now or later */
};

/*
 * The config's sets in file order; `vpc`, `shared-vpc`, `regional-proxy` and `psc` where it doesn't
 * give them and some entry may hold subnets; `load-balancer` and `health-check` where it gives none.
 */
#define VG_MAX_POLICY_SETS (VG_MAX_SOURCES - 1)

struct vg_service {
	char name[VG_NAME_SIZE];
	int protocol; /* or VG_PROTOCOL_ANY */
	int port;     /* or 0 */
	struct vg_prefix *to;
	size_t n_to;
	bool has_to; /* false: any destination; true without any: none, while its feeds have none */
	/*
	 * One of the policy's feeds, which is in `to` and has not answered so far; NULL: there is none.
	 * Until then, what may be for the service has to be admitted by it, and by what else decides.
	 */
	const struct vg_feed *unread;
	bool needs_replies;	 /* a feed in `to` does: see vg_feed_needs_replies() */
	enum vg_ingress ingress; /* VG_INGRESS_INHERIT: the interface's */
	bool has_also_admit;	 /* false: the interface's */
	__u64 also_admit;	 /* bit i: set i */
};

/* One item of `interfaces`: the first whose pattern matches a NIC's name is its rule. */
struct vg_interface_rule {
	char *pattern;
	enum vg_ingress ingress;    /* resolved */
	enum vg_attach_mode attach; /* resolved */
	bool tune;		    /* resolved; only with VG_ATTACH_NATIVE */
};

struct vg_policy {
	char *path; /* of the config */
	struct vg_set *sets;
	size_t n_sets;
	struct vg_origin *origins;
	size_t n_origins;
	struct vg_service *services;
	size_t n_services;
	struct vg_interface_rule *rules;
	size_t n_rules;
	__u64 also_admit;
	size_t n_prefixes4, n_prefixes6; /* over all sets, as listed; the implicit ones too */
	bool monitor;
	bool non_ip_pass;
	struct vg_replies replies;
	struct vg_limits limits;
	struct vg_discovery_settings discovery;
	struct vg_difference {
		size_t from, minus; /* in `feeds`; both are remote */
	} * differences;
	size_t n_differences;
	struct vg_feed *feeds; /* of sets and of `to`, each once; paths of files are resolved */
	size_t n_feeds;
	bool exporter;
	char *exporter_address; /* NULL without exporter */
	unsigned exporter_port;
};

/* What is admitted for one rule and one service (or none). */
struct vg_effective {
	enum vg_ingress ingress;
	__u64 sets; /* bit i: set i is admitted; meaningless where `open` */
	bool open;
};

/* Takes some whole lines, which it may change. Below 0: no more of them. */
typedef int vg_take_lines(void *to, char *text, size_t length);

/*
 * Reads files for a policy. Both return 0 or a negative errno.
 * `read`: whole, into a heap buffer (freed by the caller, NUL-terminated behind `ret_length` bytes).
 * `read_lines`: piece by piece, each of them whole lines, the last one NUL-terminated; ends early
 * with what `take` returns below 0.
 * `answer`: what a remote feed holds, by the entry's text; the listing is the reader's, and stays until
 * the policy is built. -ENODATA: it has not answered yet.
 * `begin`: a policy is about to be built; `lenient`: files may be read as they were when they were
 * good. `fall_back`: it could not be built so; returns whether to try again, since something older will
 * be read in place of what is to blame. Both may be NULL.
 */
struct vg_reader {
	int (*read)(void *context, const char *path, char **ret_text, size_t *ret_length);
	int (*read_lines)(void *context, const char *path, vg_take_lines *take, void *to);
	int (*answer)(void *context, const char *feed, const struct vg_listing **ret_listing,
		      __s64 *ret_read_s);
	void (*begin)(void *context, bool lenient);
	bool (*fall_back)(void *context, const struct vg_diag *diag);
	void *context;
};

/*
 * Resolves `config`; `file:` sources are read through `reader`, relative paths beside the config.
 * On failure `diag` says where (perhaps in such a file) and why. -EINVAL, -E2BIG, -ENOMEM, or what
 * the reader returned. The policy keeps no pointer into `config`.
 */
int vg_policy_build(const struct vg_config *config, const struct vg_reader *reader,
		    struct vg_policy **ret_policy, struct vg_diag *diag);
void vg_policy_free(struct vg_policy *policy);
void vg_policy_free_p(struct vg_policy **policy);

/* vg_config_parse() of the file and vg_policy_build() in one; the file is read through `reader`. */
int vg_policy_read(const char *path, const struct vg_reader *reader, struct vg_policy **ret_policy,
		   struct vg_diag *diag);

/* How many ranges a set has, and one of them. */
static inline size_t vg_set_size(const struct vg_set *set)
{
	return set->n_ranges4 + set->n_ranges6;
}

static inline struct vg_range vg_set_range(const struct vg_set *set, size_t i)
{
	if (i < set->n_ranges4) {
		const struct vg_packed4 *r = &set->ranges4[i];

		return (struct vg_range){{{(__u64)r->address << 32, 0, 4}, r->length}, r->origin};
	}
	const struct vg_packed6 *r = &set->ranges6[i - set->n_ranges4];

	return (struct vg_range){{{r->hi, r->lo, 6}, r->length}, r->origin};
}

/* The rule for a NIC of that name, or -ENOENT. */
int vg_policy_rule(const struct vg_policy *policy, const char *interface);

/* Index of the set, or -ENOENT. */
int vg_policy_set(const struct vg_policy *policy, const char *name);

/* `service` is an index, or -1 for a frame that matches none. */
struct vg_effective vg_policy_effective(const struct vg_policy *policy, size_t rule, int service);

/* Admits what both admit. */
struct vg_effective vg_policy_stricter(const struct vg_effective *a, const struct vg_effective *b);

#endif
