/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A fetch, between the files that it is made of: a fixed list of steps for each kind of feed, each of
 * which asks one question after the other.
 */
#ifndef VPCGATE_DISCOVERY_INTERNAL_H
#define VPCGATE_DISCOVERY_INTERNAL_H

#include <stdint.h>
#include "core/shapes.h"
#include "discovery/fetch.h"

#define VG_FETCH_TIMEOUT_US 300000000ULL /* of a whole one, however many pages */
#define VG_FETCH_WAIT_S 60		 /* how long the metadata server waits for a change */
#define VG_FETCH_WAIT_MS 70000		 /* ... and how long we do, as google-guest-agent does */
#define VG_VERSION_MAX 256		 /* bytes of an ETag that is worth keeping */

struct vg_cloud {
	struct vg_client *client;
	struct vg_discovery_settings settings;
	struct vg_cloud_nics nics;
	unsigned timeout_ms;	 /* of one question; tests have less patience */
	char *token;		 /* or NULL: wiped before it is freed */
	uint64_t token_until_us; /* of CLOCK_BOOTTIME: 60 s before it expires */
};

/* One list of an API to be read, page by page; or a network, whose peerings lead to more of them. */
enum vg_job_kind {
	VG_JOB_SUBNETS,
	VG_JOB_USABLE, /* in place of VG_JOB_SUBNETS, where that is forbidden */
	VG_JOB_CONNECTORS,
	VG_JOB_NETWORK,
	VG_JOB_ROUTES
};
struct vg_job {
	enum vg_job_kind kind;
	char *project, *network; /* ID or number; short name */
	char *peering;		 /* VG_JOB_ROUTES */
};

/*
 * Steps and takers return VG_STEP_ASKED: a question is on its way; VG_STEP_DONE: the next step may
 * begin; or a negative errno, with the reason in the result: the fetch has failed.
 */
enum { VG_STEP_ASKED, VG_STEP_DONE };
typedef int vg_fetch_step(struct vg_fetch *fetch);
typedef int vg_fetch_take(struct vg_fetch *fetch, const struct vg_client_answer *answer);

struct vg_fetch {
	struct vg_cloud *cloud;
	struct vg_feed feed;
	char *version;
	vg_fetch_done *done;
	void *context;

	vg_fetch_step *const *step; /* the one that follows; a list ends with NULL */
	struct vg_client_call *call;
	vg_fetch_take *take; /* its answer */
	uint64_t deadline_us;
	struct vg_fetch_result result;

	char *number, *id; /* of this VM's project */
	char *region;	   /* this VM's */
	vg_fetch_step *after_token;
	struct vg_metadata_nic *nics;
	size_t n_nics, n_all_nics; /* the filtered ones come first */

	struct vg_job *jobs;
	size_t n_jobs, job; /* the one that is read now */
	char *page_token;   /* of the page that comes next, or NULL */
	char *seen_token;   /* an earlier one, see fetch_pages.c */
	unsigned job_pages; /* so far, of this job */
	unsigned pages;	    /* so far, of all jobs */
	size_t n_before;    /* ranges before this job */
	bool token_refused; /* once, and not accepted since */
	char refusal
		[VG_FETCH_REASON_SIZE]; /* of the list of subnets, while the usable ones are read */
	size_t n_left_out;
	char left_out[64]; /* why the first of them was */
};

uint64_t vg_boottime_us(void);
void vg_cloud_forget_token(struct vg_cloud *cloud);

/* fetch.c. A failure's text is for people; what a server sent may be in it. Returns -`error`. */
int vg_fetch_fail(struct vg_fetch *fetch, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Time-outs that aren't given are set. */
int vg_fetch_ask(struct vg_fetch *fetch, struct vg_client_question *question, vg_fetch_take *take);
/*
 * 0: an HTTP status that only the one who asked can judge. Fails where there is none, where it leads
 * elsewhere, and where another try may help.
 */
int vg_fetch_check(struct vg_fetch *fetch, const struct vg_client_answer *answer);
/* Of vg_shape_read() and its like: fails with what `diag` says. */
int vg_fetch_unreadable(struct vg_fetch *fetch, int error, const struct vg_diag *diag);
/* Scopes that a page couldn't show, and ranges that were left out. -ENOMEM. */
int vg_fetch_add_page(struct vg_fetch *fetch, const struct vg_page *page);
/* A copy, where it is one that can be sent again, or NULL. */
char *vg_fetch_version(const char *etag);

/* fetch_lists.c */
int vg_step_list(struct vg_fetch *fetch);

/* fetch_metadata.c: what this VM's metadata server knows. */
int vg_step_number(struct vg_fetch *fetch);
int vg_step_id(struct vg_fetch *fetch); /* where the feed's project may be that */
int vg_step_region(struct vg_fetch *fetch);
int vg_step_nics(struct vg_fetch *fetch); /* where the feed doesn't name network and project */
int vg_step_nics_changed(struct vg_fetch *fetch); /* since `version`, if there is one */
int vg_step_nic_ranges(struct vg_fetch *fetch);
int vg_step_forwarded_ranges(struct vg_fetch *fetch);
/* Asks for an access token, which is then the cloud's. */
int vg_metadata_ask_token(struct vg_fetch *fetch, vg_fetch_step *then);

/* fetch_plan.c: which lists of which projects have to be read. */
int vg_step_plan_subnets(struct vg_fetch *fetch);
int vg_step_plan_connectors(struct vg_fetch *fetch);
int vg_step_plan_networks(struct vg_fetch *fetch);
int vg_plan_add(struct vg_fetch *fetch, enum vg_job_kind kind, const char *project,
		const char *network, const char *peering);
/* Fails where networks of this VM's project and of another one are mixed; sets listing.shared. */
int vg_plan_judge_shared(struct vg_fetch *fetch, bool own, bool foreign);

/* fetch_pages.c */
int vg_step_pages(struct vg_fetch *fetch);

/* fetch_refused.c: an API's status other than 200. Always fails. */
int vg_fetch_refused(struct vg_fetch *fetch, const struct vg_client_answer *answer);
/* Can't another list of the API be read either? */
bool vg_refused_for_all(const struct vg_client_answer *answer);

#endif
