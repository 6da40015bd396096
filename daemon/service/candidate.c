/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <time.h>
#include "core/changes.h"
#include "service/candidate.h"
#include "share/cleanup.h"

static uint64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000;
}

int vg_candidate_read(const char *path, const struct vg_reader *reader,
		      enum vg_candidate_files files, struct vg_candidate *ret_candidate,
		      struct vg_diag *diag)
{
	char *text = NULL;
	size_t length = 0;
	int r;

	r = reader->read(reader->context, path, &text, &length);
	if (r < 0)
		return vg_diag_set(diag, -r, path, (struct vg_position){}, "can't be read: %s",
				   strerror(-r));
	return vg_candidate_parse(path, text, length, reader, files, ret_candidate, diag);
}

int vg_candidate_parse(const char *path, char *text, size_t length, const struct vg_reader *reader,
		       enum vg_candidate_files files, struct vg_candidate *ret_candidate,
		       struct vg_diag *diag)
{
	_cleanup_(vg_candidate_done) struct vg_candidate candidate = {.text = text,
								      .length = length};
	const uint64_t start_us = cpu_us();
	uint64_t config_us;
	int r;

	r = vg_config_parse(path, text, length, &candidate.config, diag);
	config_us = cpu_us() - start_us;
	if (r >= 0)
		r = vg_candidate_build(&candidate, candidate.config, reader, files, diag);
	if (r < 0)
		return r;
	candidate.cost.parse_us += config_us;
	*ret_candidate = candidate;
	candidate = (struct vg_candidate){};
	return 0;
}

/* `stale` becomes the first thing that was wrong. */
static int build_leniently(const struct vg_config *config, const struct vg_reader *reader,
			   struct vg_policy **ret_policy, struct vg_diag *stale,
			   struct vg_diag *diag)
{
	struct vg_diag wrong;
	int r, first;

	first = r = vg_policy_build(config, reader, ret_policy, diag);
	if (r >= 0 || !reader->fall_back)
		return r;
	wrong = *stale = *diag;
	while (r < 0 && r != -ENOMEM && reader->fall_back(reader->context, &wrong))
		r = vg_policy_build(config, reader, ret_policy, &wrong);
	if (r < 0) {
		stale->text[0] = '\0';
		return first;
	}
	return r;
}

int vg_candidate_build(struct vg_candidate *candidate, const struct vg_config *config,
		       const struct vg_reader *reader, enum vg_candidate_files files,
		       struct vg_diag *diag)
{
	const uint64_t start_us = cpu_us();
	struct vg_diag stale = {};
	struct vg_policy *policy;
	int r;

	if (reader->begin)
		reader->begin(reader->context, files == VG_CANDIDATE_LENIENT);
	r = files == VG_CANDIDATE_LENIENT ? build_leniently(config, reader, &policy, &stale, diag)
					  : vg_policy_build(config, reader, &policy, diag);
	if (r < 0)
		return r;
	vg_tables_free(candidate->tables);
	candidate->tables = NULL;
	vg_policy_free(candidate->policy);
	candidate->policy = policy;
	candidate->stale = stale;
	candidate->cost = (struct vg_cost){.parse_us = cpu_us() - start_us};
	return 0;
}

int vg_candidate_compile(struct vg_candidate *candidate, struct vg_diag *diag)
{
	const uint64_t start_us = cpu_us();
	int r;

	if (candidate->tables)
		return 0;
	r = vg_tables_build(candidate->policy, &candidate->tables, diag);
	if (r < 0)
		return r;
	candidate->cost.compile_us = cpu_us() - start_us;
	candidate->cost.table_bytes = vg_tables_bytes(candidate->tables);
	return 0;
}

void vg_candidate_done(struct vg_candidate *candidate)
{
	vg_tables_free(candidate->tables);
	vg_policy_free(candidate->policy);
	vg_config_free(candidate->config);
	free(candidate->text);
	*candidate = (struct vg_candidate){};
}

/* ---- comparing ---- */

static bool same_destinations(const struct vg_service *a, const struct vg_service *b)
{
	if (a->n_to != b->n_to || !a->unread != !b->unread)
		return false;
	for (size_t i = 0; i < a->n_to; i++)
		if (vg_prefix_compare(&a->to[i], &b->to[i]) != 0)
			return false;
	return true;
}

bool vg_candidate_equal(const struct vg_policy *a, const struct vg_policy *b)
{
	if (a->n_sets != b->n_sets || a->n_services != b->n_services)
		return false;
	for (size_t i = 0; i < a->n_sets; i++)
		if (!vg_changes_same_set(&a->sets[i], &b->sets[i]))
			return false;
	for (size_t i = 0; i < a->n_services; i++)
		if (!same_destinations(&a->services[i], &b->services[i]))
			return false;
	return true;
}
