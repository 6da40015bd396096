/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A random policy in the tests' own words. The real pipeline gets it as the text of a vpcgate.yaml,
 * the oracle reads it as it is.
 */
#ifndef VPCGATE_TESTS_SCENARIO_H
#define VPCGATE_TESTS_SCENARIO_H

#include "tests/oracle/random.h"
#include "tests/oracle/raw.h"

#define VG_SCENARIO_RULES 3
#define VG_SCENARIO_SETS 16 /* implicit ones included */
#define VG_SCENARIO_TO 4    /* destinations of one service */
#define VG_SCENARIO_NAME 32

enum vg_scenario_ingress {
	VG_SCENARIO_INHERIT, /* not given */
	VG_SCENARIO_ALL,
	VG_SCENARIO_INTERNAL,
	VG_SCENARIO_INTERNAL_LB,
};

struct vg_scenario_set {
	char name[VG_SCENARIO_NAME];
	struct vg_raw_prefix *prefixes; /* owned */
	size_t n, allocated;
	bool google; /* written as google:NAME */
};

struct vg_scenario_service {
	char name[VG_SCENARIO_NAME];
	int protocol; /* -1: any */
	int port;     /* 0: any */
	struct vg_raw_prefix to[VG_SCENARIO_TO];
	size_t n_to;	    /* 0: any destination, where there is no feed either */
	const char *unread; /* a feed behind those, which has not answered; NULL: none */
	enum vg_scenario_ingress ingress;
	bool has_also_admit;
	__u64 also_admit; /* bit i: set i */
};

struct vg_scenario {
	enum vg_scenario_ingress rules[VG_SCENARIO_RULES]; /* of NICs t0, t1, t2 */
	size_t n_rules;
	enum vg_scenario_ingress ingress; /* never VG_SCENARIO_INHERIT */
	__u64 also_admit;
	bool monitor;
	bool non_ip_pass;
	bool track; /* replies */
	unsigned tcp_s, udp_s, icmp_s, max_flows;
	struct vg_scenario_set sets[VG_SCENARIO_SETS];
	size_t n_file_sets; /* those behind exist without being written */
	size_t n_sets;
	struct vg_scenario_service *services; /* owned */
	size_t n_services;
};

/* NULL without memory. Every scenario is a config that must be accepted. */
struct vg_scenario *vg_scenario_random(struct vg_random *random);
void vg_scenario_free(struct vg_scenario *scenario);
void vg_scenario_free_p(struct vg_scenario **scenario);

/* For scenarios made by hand; they abort without memory. */
struct vg_scenario_set *vg_scenario_add_set(struct vg_scenario *scenario, const char *name);
void vg_scenario_add_prefix(struct vg_scenario_set *set, const struct vg_raw_prefix *prefix);
/* Google's lists, for the sets that no config need give: must come last. */
void vg_scenario_add_implicit(struct vg_scenario *scenario);

/* vpcgate.yaml on the heap, NUL-terminated behind `ret_length` bytes; NULL without memory. */
char *vg_scenario_render(const struct vg_scenario *scenario, size_t *ret_length);

#endif
