/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the answers that a policy's feeds wait for would be let in by the policy itself. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include "core/build.h"
#include "core/url.h"
#include "share/cleanup.h"

/* private.googleapis.com and restricted.googleapis.com, where Google's APIs answer inside a VPC. */
static const char *const api_prefixes[] = {"199.36.153.8/30", "199.36.153.4/30"};

/* The sets that have all of `inner` in one of their ranges. */
static __u64 sets_around(const struct vg_policy *policy, const struct vg_prefix *inner)
{
	__u64 sets = 0;

	for (size_t i = 0; i < policy->n_sets; i++) {
		const struct vg_set *set = &policy->sets[i];

		for (size_t j = 0; j < vg_set_size(set) && !(sets >> i & 1); j++) {
			const struct vg_prefix range = vg_set_range(set, j).prefix;

			if (range.length <= inner->length &&
			    vg_prefix_contains(&range, &inner->address))
				sets |= 1ULL << i;
		}
	}
	return sets;
}

/* The service that TCP to a port that none names is for, wherever it goes to; -1: none. */
static int service_of_answers(const struct vg_policy *policy)
{
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct vg_service *service = &policy->services[i];

		if (service->protocol == IPPROTO_TCP && !service->port && !service->has_to)
			return (int)i;
	}
	return -1;
}

/* Might answers be for this service as long as a feed has not answered that itself waits for them? */
static bool holds_answers(const struct vg_service *service)
{
	return service->needs_replies && !service->port &&
	       (service->protocol == VG_PROTOCOL_ANY || service->protocol == IPPROTO_TCP);
}

/* What is admitted of answers on an interface while nothing has been answered. */
static struct vg_effective effective_of_answers(const struct vg_policy *policy, size_t rule)
{
	struct vg_effective effective =
		vg_policy_effective(policy, rule, service_of_answers(policy));

	for (size_t i = 0; i < policy->n_services; i++) {
		const struct vg_effective held = vg_policy_effective(policy, rule, (int)i);

		if (holds_answers(&policy->services[i]))
			effective = vg_policy_stricter(&effective, &held);
	}
	return effective;
}

/* Would every interface admit a source that is in these sets? */
static bool admitted_everywhere(const struct vg_policy *policy, __u64 sets)
{
	for (size_t rule = 0; rule < policy->n_rules; rule++) {
		const struct vg_effective effective = effective_of_answers(policy, rule);

		if (!effective.open && !(effective.sets & sets))
			return false;
	}
	return true;
}

/* The address that a URL names instead of a host. */
static bool url_prefix(const struct vg_feed *feed, struct vg_prefix *ret_prefix)
{
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_url url;

	if (feed->kind != VG_FEED_URL ||
	    vg_url_parse(feed->place, false, &url, wrong, sizeof(wrong)) < 0 ||
	    !vg_url_address(&url, &ret_prefix->address))
		return false;
	ret_prefix->length = ret_prefix->address.family == 4 ? 32 : 128;
	return true;
}

static bool apis_admitted(const struct vg_policy *policy)
{
	struct vg_prefix prefix;

	for (size_t i = 0; i < VG_ARRAY_SIZE(api_prefixes); i++) {
		if (vg_prefix_parse(api_prefixes[i], &prefix, NULL, 0) == 0 &&
		    admitted_everywhere(policy, sets_around(policy, &prefix)))
			return true;
	}
	return false;
}

int vg_build_check_answers(const struct vg_policy *policy, struct vg_diag *diag)
{
	const bool wanted = !policy->replies.track && policy->n_feeds;
	const bool apis = wanted && apis_admitted(policy);

	for (size_t i = 0; wanted && i < policy->n_feeds; i++) {
		const struct vg_feed *feed = &policy->feeds[i];
		char address[VG_PREFIX_TEXT_SIZE];
		struct vg_prefix prefix;

		if (!vg_feed_needs_replies(feed))
			continue;
		if (url_prefix(feed, &prefix)) {
			if (!admitted_everywhere(policy, sets_around(policy, &prefix)))
				return vg_diag_set(diag, EINVAL, policy->path, feed->at,
						   "with `replies: off` no answer to '%.64s' could "
						   "come in: write `replies: track`, or "
						   "`also-admit` a set with %s",
						   feed->text,
						   vg_address_format(&prefix.address, address));
		} else if (!apis) {
			return vg_diag_set(
				diag, EINVAL, policy->path, feed->at,
				"with `replies: off` no answer to '%.64s' could come in: "
				"write `replies: track`, or `also-admit` a set with "
				"google:private-access",
				feed->text);
		}
	}
	return 0;
}
