/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A cloud that is asked by fetches, and what came of them. */
#ifndef VPCGATE_FETCH_RIG_H
#define VPCGATE_FETCH_RIG_H

#include "../unit/listing_text.h"
#include "cloud_server.h"
#include "cloud_worlds.h"
#include "discovery/internal.h"

#define SUBNETS_URL "aggregated/subnetworks"

/* What the default world has for gcp:subnets; see cloud_world.py. */
#define PROD                                                                               \
	"10.10.0.0/20=subnet@regions/us-central1 10.24.0.0/14=subnet@regions/us-central1 " \
	"10.129.0.0/23=regional-proxy@regions/us-central1 fd20:1:2:3::/64=subnet@regions/us-central1"

static struct vg_client *client;
static struct vg_cloud *cloud;

/* What came of a fetch. */
struct outcome {
	bool done;
	int error;
	unsigned retry_after_s;
	bool shared;
	char ranges[LISTING_TEXT_SIZE], unread[256];
	size_t n_ranges;
	char reason[VG_FETCH_REASON_SIZE], note[VG_FETCH_REASON_SIZE], version[VG_VERSION_MAX];
};

static inline void on_done(void *context, struct vg_fetch_result *result)
{
	struct outcome *outcome = context;

	assert_false(outcome->done);
	outcome->done = true;
	outcome->error = result->error;
	outcome->retry_after_s = result->retry_after_s;
	outcome->shared = result->listing.shared;
	outcome->n_ranges = result->listing.n;
	if (result->listing.n <= 20)
		text_of(&result->listing, outcome->ranges);
	for (size_t i = 0, used = 0; i < result->n_unread; i++)
		used += (size_t)snprintf(outcome->unread + used, sizeof(outcome->unread) - used,
					 "%s%s", i ? " " : "", result->unread[i]);
	memcpy(outcome->reason, result->reason, sizeof(outcome->reason));
	memcpy(outcome->note, result->note, sizeof(outcome->note));
	snprintf(outcome->version, sizeof(outcome->version), "%s", result->version ?: "");
}

static inline struct vg_fetch *begin(const char *text, const char *version, struct outcome *outcome)
{
	struct vg_feed feed;
	struct vg_fetch *fetch;
	char wrong[VG_DIAG_TEXT_SIZE];

	*outcome = (struct outcome){};
	if (vg_feed_parse(text, &feed, wrong, sizeof(wrong)) < 0)
		fail_msg("%s: %s", text, wrong);
	assert_int_equal(vg_fetch_begin(cloud, &feed, version, on_done, outcome, &fetch), 0);
	vg_feed_done(&feed);
	assert_false(outcome->done);
	return fetch;
}

static inline void fetch(const char *text, const char *version, struct outcome *outcome)
{
	begin(text, version, outcome);
	if (!loop_until(&outcome->done, 60000))
		fail_msg("%s: no end", text);
}

/* MACs in a text, with blanks between them. */
static inline void configure(const char *macs)
{
	struct vg_discovery_settings settings = {
		.metadata = (char *)CLOUD_HTTP,
		.compute = (char *)CLOUD_TLS,
		.vpcaccess = (char *)CLOUD_TLS,
		.published = (char *)CLOUD_TLS "/ipranges",
		.ca = cloud_server.ca,
	};
	char list[4][18];
	struct vg_cloud_nics nics = {.macs = list};

	for (; macs && *macs; macs += strspn(macs, " ")) {
		snprintf(list[nics.n++], sizeof(*list), "%.17s", macs);
		macs += strcspn(macs, " ");
	}
	nics.all = !nics.n;
	assert_int_equal(vg_cloud_configure(cloud, &settings, &nics), 0);
}

static inline int open_cloud(void **state)
{
	struct vg_diag diag;

	(void)state;
	if (vg_client_open(loop, cloud_outside(), &client, &diag) < 0 ||
	    vg_cloud_open(client, &cloud) < 0)
		return -1;
	configure(NULL);
	return 0;
}

static inline int close_cloud(void **state)
{
	(void)state;
	vg_cloud_close(cloud);
	vg_client_close(client);
	return 0;
}

#endif
