/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy compiled into the arrays that the datapath reads (layout: vpcgate/abi.h). */
#ifndef VPCGATE_TABLES_H
#define VPCGATE_TABLES_H

#include "core/policy.h"
#include "core/trie.h"

struct vg_tables {
	struct vg_trie source4, source6;
	struct vg_classes classes;		   /* of both; `source` is the set's index */
	struct vg_trie destination4, destination6; /* only where `to` */
	struct vg_page16 *l4_class;		   /* VG_L4_PAGES; only where there are services */
	struct vg_page16 *service;		   /* n_service_pages */
	size_t n_service_pages;
	__u32 l4_classes;
	struct vg_admission *admission; /* rules * admissions; `service` is an index */
	__u32 admissions;		/* of one rule */
	size_t n_admissions;
	__u32 services;
	bool to;
};

static inline __u16 *vg_cell16(struct vg_page16 *pages, size_t index)
{
	return &pages[index >> 8].value[index & 255];
}

/* -E2BIG with a reason in `diag` where the tables would pass a limit of the policy's; -ENOMEM. */
int vg_tables_build(const struct vg_policy *policy, struct vg_tables **ret_tables,
		    struct vg_diag *diag);
void vg_tables_free(struct vg_tables *tables);
void vg_tables_free_p(struct vg_tables **tables);

/* Bytes that the tables take in the kernel; while a policy is put in force, two have theirs. */
size_t vg_tables_bytes(const struct vg_tables *tables);

#endif
