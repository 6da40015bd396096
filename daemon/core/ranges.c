/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "core/ranges.h"
#include "share/cleanup.h"

#define READ_ON "2026-11-22"

#define GOOGLE "https://cloud.google.com/"
#define FIREWALL_RULES GOOGLE "load-balancing/docs/firewall-rules"
#define HEALTH_CHECKS GOOGLE "load-balancing/docs/health-check-concepts"
#define APPLICATION_LB GOOGLE "load-balancing/docs/https"
#define IAP GOOGLE "iap/docs/using-tcp-forwarding"
#define DNS_ZONES GOOGLE "dns/docs/zones/zones-overview"
#define PRIVATE_ACCESS GOOGLE "vpc/docs/access-apis-external-ip"

/*
 * Google's front ends: external application load balancers and proxy network load balancers that
 * are global or classic. On IPv4 these are the ranges of its health probes too.
 */
static const struct vg_builtin_range load_balancer[] = {
	{"35.191.0.0/16", FIREWALL_RULES},
	{"130.211.0.0/22", FIREWALL_RULES},
	{"2600:2d00:1:1::/64", APPLICATION_LB},
};

/* 209.85.* and 2600:1901:8001::/48 probe the backends of external passthrough load balancers. */
static const struct vg_builtin_range health_check[] = {
	{"35.191.0.0/16", HEALTH_CHECKS},	  {"130.211.0.0/22", HEALTH_CHECKS},
	{"209.85.152.0/22", HEALTH_CHECKS},	  {"209.85.204.0/22", HEALTH_CHECKS},
	{"2600:2d00:1:b029::/64", HEALTH_CHECKS}, {"2600:2d00:1:1::/64", HEALTH_CHECKS},
	{"2600:1901:8001::/48", HEALTH_CHECKS},
};

static const struct vg_builtin_range iap[] = {
	{"35.235.240.0/20", IAP},
	{"2600:2d00:1:7::/64", IAP},
};

static const struct vg_builtin_range dns_forwarding[] = {
	{"35.199.192.0/19", DNS_ZONES},
};

/* private.googleapis.com, then restricted.googleapis.com. */
static const struct vg_builtin_range private_access[] = {
	{"199.36.153.8/30", PRIVATE_ACCESS},
	{"199.36.153.4/30", PRIVATE_ACCESS},
	{"2600:2d00:2:2000::/64", PRIVATE_ACCESS},
	{"2600:2d00:2:1000::/64", PRIVATE_ACCESS},
};

#define LIST(name, ranges)                                   \
	{                                                    \
		name, READ_ON, ranges, VG_ARRAY_SIZE(ranges) \
	}

static const struct vg_builtin_list lists[] = {
	LIST("load-balancer", load_balancer),
	LIST("health-check", health_check),
	LIST("iap", iap),
	LIST("dns-forwarding", dns_forwarding),
	LIST("private-access", private_access),
};

const struct vg_builtin_list *vg_builtin_lists(size_t *ret_n)
{
	*ret_n = VG_ARRAY_SIZE(lists);
	return lists;
}

const struct vg_builtin_list *vg_builtin_find(const char *name)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(lists); i++) {
		if (!strcmp(lists[i].name, name))
			return &lists[i];
	}
	return NULL;
}
