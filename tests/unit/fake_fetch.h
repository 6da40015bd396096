/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In place of discovery/fetch.c and client.c, for tests: a test sees what is asked for, and answers
 * when it likes.
 */
#ifndef VPCGATE_FAKE_FETCH_H
#define VPCGATE_FAKE_FETCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "discovery/fetch.h"
#include "share/cleanup.h"

#define FAKE_MAX 8

struct vg_fetch {
	char *feed, *version; /* of the question */
	vg_fetch_done *done;
	void *context;
};

/* What is under way, oldest first, and how often what was called. */
static struct vg_fetch *fake_fetches[FAKE_MAX];
static size_t fake_n, fake_begun, fake_cancelled, fake_configured, fake_clouds, fake_clients;
static struct vg_cloud *fake_asked; /* by the last question */
static int fake_error;		    /* of vg_fetch_begin() and vg_client_open() */

static void fake_forget(struct vg_fetch *fetch)
{
	size_t n = 0;

	for (size_t i = 0; i < fake_n; i++) {
		if (fake_fetches[i] != fetch)
			fake_fetches[n++] = fake_fetches[i];
	}
	assert_int_equal(n, fake_n - 1);
	fake_n = n;
}

int vg_client_open(sd_event *event, const char *outside, struct vg_client **ret_client,
		   struct vg_diag *diag)
{
	static char client;

	(void)event;
	(void)outside;
	if (fake_error)
		return vg_diag_set(diag, -fake_error, NULL, (struct vg_position){}, "no client");
	fake_clients++;
	*ret_client = (struct vg_client *)&client;
	return 0;
}

void vg_client_close(struct vg_client *client)
{
	fake_clients -= client ? 1 : 0;
}

int vg_cloud_open(struct vg_client *client, struct vg_cloud **ret_cloud)
{
	assert_non_null(client);
	fake_clouds++;
	*ret_cloud = malloc(1);
	return 0;
}

void vg_cloud_close(struct vg_cloud *cloud)
{
	fake_clouds -= cloud ? 1 : 0;
	free(cloud);
}

int vg_cloud_configure(struct vg_cloud *cloud, const struct vg_discovery_settings *settings,
		       const struct vg_cloud_nics *nics)
{
	(void)settings;
	(void)nics;
	assert_non_null(cloud);
	fake_configured++;
	return 0;
}

int vg_fetch_begin(struct vg_cloud *cloud, const struct vg_feed *feed, const char *version,
		   vg_fetch_done *done, void *context, struct vg_fetch **ret_fetch)
{
	struct vg_fetch *fetch;

	if (fake_error)
		return fake_error;
	fake_asked = cloud;
	fetch = calloc(1, sizeof(*fetch));
	assert_non_null(fetch);
	assert_true(fake_n < FAKE_MAX);
	*fetch = (struct vg_fetch){strdup(feed->text), version ? strdup(version) : NULL, done,
				   context};
	fake_fetches[fake_n++] = fetch;
	fake_begun++;
	*ret_fetch = fetch;
	return 0;
}

static void fake_free(struct vg_fetch *fetch)
{
	free(fetch->feed);
	free(fetch->version);
	free(fetch);
}

void vg_fetch_cancel(struct vg_fetch *fetch)
{
	if (!fetch)
		return;
	fake_cancelled++;
	fake_forget(fetch);
	fake_free(fetch);
}

/* Ends the oldest fetch with what `result` says; what is left of it is freed. */
static void fake_answer(struct vg_fetch_result *result)
{
	struct vg_fetch *fetch = fake_fetches[0];

	assert_true(fake_n > 0);
	fake_forget(fetch);
	fetch->done(fetch->context, result);
	fake_free(fetch);
	vg_listing_done(&result->listing);
	free(result->version);
	free(result->identity);
}

static void fake_fail(int error, const char *reason, unsigned retry_after_s)
{
	struct vg_fetch_result result = {.error = error, .retry_after_s = retry_after_s};

	snprintf(result.reason, sizeof(result.reason), "%s", reason);
	fake_answer(&result);
}

/* The subnets 10.FIRST.0.0/16 to 10.LAST.0.0/16; none where FIRST is larger. */
static struct vg_listing fake_subnets(unsigned first, unsigned last)
{
	struct vg_listing listing = {};

	for (unsigned i = first; i <= last; i++) {
		const struct vg_prefix prefix = {{(10ull << 56) + ((__u64)i << 48), 0, 4}, 16};

		assert_int_equal(vg_listing_add(&listing, &prefix, VG_RANGE_SUBNET,
						VG_LISTING_NO_SCOPE),
				 0);
	}
	vg_listing_sort(&listing);
	return listing;
}

static void fake_list(unsigned first, unsigned last, const char *version)
{
	struct vg_fetch_result result = {.listing = fake_subnets(first, last),
					 .version = version ? strdup(version) : NULL};

	fake_answer(&result);
}

#endif
