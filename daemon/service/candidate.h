/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy on its way into force: from the config's text to tables. */
#ifndef VPCGATE_CANDIDATE_H
#define VPCGATE_CANDIDATE_H

#include "core/policy.h"
#include "core/tables.h"
#include "service/cost.h"

/* All zeroes is none; ends with vg_candidate_done(). */
struct vg_candidate {
	struct vg_config *config; /* NULL: that of the policy in force */
	char *text;		  /* of that config; NULL alike */
	size_t length;
	struct vg_policy *policy;
	struct vg_tables *tables; /* NULL until they are compiled: they may be large */
	struct vg_cost cost;	  /* but for `load_us` */
	struct vg_diag stale; /* what is wrong with a file that an older copy stands for; or "" */
};

/*
 * What becomes of a file feed that can't be read, or whose contents are refused: an operator who asks
 * for a policy is told, while a daemon that has to go on by itself takes the last good contents.
 */
enum vg_candidate_files { VG_CANDIDATE_STRICT, VG_CANDIDATE_LENIENT };

/* Reads the config, and builds its policy. `ret_candidate` is written on success only. */
int vg_candidate_read(const char *path, const struct vg_reader *reader,
		      enum vg_candidate_files files, struct vg_candidate *ret_candidate,
		      struct vg_diag *diag);

/*
 * The same from a text, a heap string that is taken over in any case, as though it stood at `path`.
 */
int vg_candidate_parse(const char *path, char *text, size_t length, const struct vg_reader *reader,
		       enum vg_candidate_files files, struct vg_candidate *ret_candidate,
		       struct vg_diag *diag);

/*
 * Builds the policy of `config`, which may be the candidate's own, as files and feeds are now. On
 * failure the candidate is as it was.
 */
int vg_candidate_build(struct vg_candidate *candidate, const struct vg_config *config,
		       const struct vg_reader *reader, enum vg_candidate_files files,
		       struct vg_diag *diag);

/* Compiles the tables, unless that is done. */
int vg_candidate_compile(struct vg_candidate *candidate, struct vg_diag *diag);

void vg_candidate_done(struct vg_candidate *candidate);

/* Would both admit the same, given that they are of the same config? */
bool vg_candidate_equal(const struct vg_policy *a, const struct vg_policy *b);

#endif
