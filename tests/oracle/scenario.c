/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Google's lists as the design's facts state them. */
static const char *const load_balancer[] = {
	"35.191.0.0/16",
	"130.211.0.0/22",
	"2600:2d00:1:1::/64",
	NULL,
};

static const char *const health_check[] = {
	"35.191.0.0/16",	 "130.211.0.0/22",     "209.85.152.0/22",     "209.85.204.0/22",
	"2600:2d00:1:b029::/64", "2600:2d00:1:1::/64", "2600:1901:8001::/48", NULL,
};

static const char *const set_names[] = {
	"vpc",	     "shared-vpc", "load-balancer",  "health-check", "iap", "office",
	"partner",   "lab",	   "peering",	     "on-premises",  "vpn", "guest",
	"connector", "probes",	   "regional-proxy", "psc",
};
#define N_SET_NAMES (sizeof(set_names) / sizeof(set_names[0]))
_Static_assert(N_SET_NAMES <= VG_SCENARIO_SETS, "the implicit sets are among the names");

/* Where the interesting borders are: wide, single, martian, essential, Google's. */
static const char *const landmarks[] = {
	"0.0.0.0/0",
	"0.0.0.0/1",
	"128.0.0.0/1",
	"128.0.0.0/2",
	"224.0.0.0/3",
	"240.0.0.0/4",
	"240.0.0.0/5",
	"255.255.255.254/31",
	"255.255.255.0/24",
	"169.254.0.0/16",
	"169.254.169.254/32",
	"169.254.169.252/30",
	"10.0.0.0/8",
	"10.178.0.0/20",
	"172.16.0.0/12",
	"172.0.0.0/8",
	"192.168.0.0/16",
	"192.168.7.0/24",
	"126.0.0.0/7",
	"127.0.0.0/8",
	"35.191.0.0/16",
	"35.191.128.0/17",
	"130.211.0.0/24",
	"203.0.113.77/32",
	"::/0",
	"::/1",
	"8000::/1",
	"fc00::/6",
	"fe80::/10",
	"fe80::/64",
	"fe00::/7",
	"fd20:ce::/64",
	"fd20:ce::254/128",
	"fd20:ce::/32",
	"fd20:1:2::/48",
	"ab2::/16",
	"2000::/3",
	"2600:2d00::/32",
	"2600:2d00:1:1::/64",
	"2600:2d00:1:1::8000:0/97",
	"2001:db8::1/128",
	"2001:db8::/63",
	"ff00::/8",
	"fec0::/10",
};

static const char *const destinations[] = {
	"0.0.0.0/0",	 "198.51.100.0/24", "198.51.100.7/32", "198.51.100.6/31",
	"10.0.0.0/8",	 "10.128.0.0/20",   "10.128.0.9/32",   "128.0.0.0/1",
	"::/0",		 "2001:db8::/32",   "2001:db8:7::/48", "2001:db8:7::7/128",
	"fd20:1:2::/48", "fd20:1:2::9/128", "2001:db8::/33",   "8000::/1",
};

void vg_scenario_free(struct vg_scenario *scenario)
{
	if (!scenario)
		return;
	for (size_t i = 0; i < scenario->n_sets; i++)
		free(scenario->sets[i].prefixes);
	free(scenario->services);
	free(scenario);
}

void vg_scenario_free_p(struct vg_scenario **scenario)
{
	vg_scenario_free(*scenario);
}

struct vg_scenario_set *vg_scenario_add_set(struct vg_scenario *scenario, const char *name)
{
	struct vg_scenario_set *set = &scenario->sets[scenario->n_sets];

	if (scenario->n_sets == VG_SCENARIO_SETS)
		abort();
	scenario->n_sets++;
	snprintf(set->name, sizeof(set->name), "%s", name);
	return set;
}

void vg_scenario_add_prefix(struct vg_scenario_set *set, const struct vg_raw_prefix *prefix)
{
	if (set->n == set->allocated) {
		set->allocated = set->allocated ? set->allocated * 2 : 8;
		set->prefixes =
			reallocarray(set->prefixes, set->allocated, sizeof(set->prefixes[0]));
		if (!set->prefixes)
			abort();
	}
	set->prefixes[set->n++] = *prefix;
}

static void add_google(struct vg_scenario_set *set)
{
	const char *const *list =
		strcmp(set->name, "load-balancer") == 0 ? load_balancer : health_check;

	set->google = true;
	for (; *list; list++) {
		const struct vg_raw_prefix prefix = vg_raw_prefix(*list);

		vg_scenario_add_prefix(set, &prefix);
	}
}

static bool has_set(const struct vg_scenario *scenario, const char *name)
{
	for (size_t i = 0; i < scenario->n_sets; i++)
		if (strcmp(scenario->sets[i].name, name) == 0)
			return true;
	return false;
}

void vg_scenario_add_implicit(struct vg_scenario *scenario)
{
	static const char *const names[] = {"load-balancer", "health-check"};

	scenario->n_file_sets = scenario->n_sets;
	for (size_t i = 0; i < 2; i++)
		if (!has_set(scenario, names[i]))
			add_google(vg_scenario_add_set(scenario, names[i]));
}

/* Lengths as operators write them, and any other now and then. */
static unsigned random_length(struct vg_random *random, unsigned family)
{
	static const __u8 common4[] = {8, 12, 14, 16, 17, 20, 22, 24, 25, 28, 30, 31, 32};
	static const __u8 common6[] = {16, 20, 28, 32, 40, 44,	48, 56,
				       60, 63, 64, 65, 96, 127, 128};

	if (vg_random_chance(random, 85))
		return family == 4 ? VG_RANDOM_PICK(random, common4)
				   : VG_RANDOM_PICK(random, common6);
	return vg_random_between(random, 1, family == 4 ? 32 : 128);
}

static struct vg_raw_prefix random_prefix(struct vg_random *random)
{
	struct vg_raw_address address = {.family = vg_random_chance(random, 50) ? 4 : 6};

	vg_random_fill(random, address.bytes, address.family == 4 ? 4 : 16);
	/* Long runs that all prefixes share are what path compression is for. */
	if (address.family == 6 && vg_random_chance(random, 60)) {
		const unsigned known = vg_random_below(random, 13);

		address.bytes[0] = 0x20;
		for (unsigned i = 1; i < known; i++)
			address.bytes[i] = (__u8)(i * 17);
	}
	return vg_raw_around(&address, random_length(random, address.family));
}

/* A relation of one that is there: the same, above, inside or beside it, or its IPv6 double. */
static struct vg_raw_prefix relative(struct vg_random *random, const struct vg_raw_prefix *prefix)
{
	const unsigned bits = vg_raw_bits(&prefix->address);
	struct vg_raw_address address = prefix->address;
	const struct vg_raw_address last = vg_raw_last(prefix);
	unsigned length = prefix->length;

	switch (vg_random_below(random, 6)) {
	case 0:
		break;
	case 1:
		length -= vg_random_below(random, (length < 12 ? length : 12) + 1);
		break;
	case 2:
		vg_random_fill(random, address.bytes, bits / 8);
		address = vg_raw_inside(prefix, &address);
		length += vg_random_below(random, bits - length + 1);
		break;
	case 3:
		address = vg_raw_after(last);
		break;
	case 4:
		address = last;
		length = vg_random_between(random, length, bits);
		break;
	default:
		address.family = 6;
		length = vg_random_between(random, 8, bits == 32 ? 64 : 128);
		break;
	}
	return vg_raw_around(&address, length);
}

/* A config may not list IPv4-mapped prefixes. */
static bool is_mapped(const struct vg_raw_prefix *prefix)
{
	static const __u8 start[12] = {[10] = 0xff, [11] = 0xff};

	return prefix->address.family == 6 && prefix->length >= 96 &&
	       memcmp(prefix->address.bytes, start, sizeof(start)) == 0;
}

static struct vg_raw_prefix pick_prefix(struct vg_random *random, struct vg_scenario *scenario)
{
	const struct vg_scenario_set *set =
		&scenario->sets[vg_random_below(random, (__u32)scenario->n_sets)];
	struct vg_raw_prefix prefix;

	do {
		if (set->n && vg_random_chance(random, 50))
			prefix = relative(random,
					  &set->prefixes[vg_random_below(random, (__u32)set->n)]);
		else if (vg_random_chance(random, 15))
			prefix = vg_raw_prefix(VG_RANDOM_PICK(random, landmarks));
		else
			prefix = random_prefix(random);
	} while (is_mapped(&prefix));
	return prefix;
}

static size_t random_size(struct vg_random *random)
{
	const __u32 dice = vg_random_below(random, 1000);

	if (dice < 4)
		return vg_random_between(random, 1000, 3000);
	if (dice < 60)
		return vg_random_between(random, 20, 300);
	return vg_random_between(random, 1, 8);
}

static void random_sets(struct vg_random *random, struct vg_scenario *scenario)
{
	const unsigned wanted = vg_random_between(random, 1, 12);

	for (unsigned tries = 0; tries < 60 && scenario->n_sets < wanted; tries++) {
		const char *name = VG_RANDOM_PICK(random, set_names);
		struct vg_scenario_set *set;
		size_t size;

		if (has_set(scenario, name))
			continue;
		set = vg_scenario_add_set(scenario, name);
		if ((strcmp(name, "load-balancer") == 0 || strcmp(name, "health-check") == 0) &&
		    vg_random_chance(random, 50)) {
			add_google(set);
			continue;
		}
		size = random_size(random);
		for (size_t i = 0; i < size; i++) {
			const struct vg_raw_prefix prefix = pick_prefix(random, scenario);

			vg_scenario_add_prefix(set, &prefix);
		}
	}
	vg_scenario_add_implicit(scenario);
}

static __u64 random_also_admit(struct vg_random *random, const struct vg_scenario *scenario)
{
	__u64 sets = 0;

	for (unsigned n = vg_random_below(random, 4); n > 0; n--)
		sets |= 1ULL << vg_random_below(random, (__u32)scenario->n_sets);
	return sets;
}

static enum vg_scenario_ingress random_ingress(struct vg_random *random, unsigned inherit)
{
	static const enum vg_scenario_ingress settings[] = {
		VG_SCENARIO_ALL,	 VG_SCENARIO_INTERNAL,	  VG_SCENARIO_INTERNAL,
		VG_SCENARIO_INTERNAL_LB, VG_SCENARIO_INTERNAL_LB,
	};

	if (vg_random_chance(random, inherit))
		return VG_SCENARIO_INHERIT;
	return VG_RANDOM_PICK(random, settings);
}

static bool is_anywhere(const struct vg_scenario_service *service)
{
	return !service->n_to && !service->unread;
}

/* What two services may not both have: a destination (or none) with the same protocol and port. */
static bool clashes(const struct vg_scenario_service *a, const struct vg_scenario_service *b)
{
	if (a->protocol != b->protocol || a->port != b->port)
		return false;
	if (is_anywhere(a) || is_anywhere(b))
		return is_anywhere(a) && is_anywhere(b);
	if (a->unread && b->unread && strcmp(a->unread, b->unread) == 0)
		return true;
	for (size_t i = 0; i < a->n_to; i++)
		for (size_t j = 0; j < b->n_to; j++)
			if (vg_raw_equal(&a->to[i], &b->to[j]))
				return true;
	return false;
}

static void random_to(struct vg_random *random, struct vg_scenario_service *service)
{
	const unsigned n = vg_random_between(random, 1, VG_SCENARIO_TO);

	for (unsigned i = 0; i < n; i++) {
		struct vg_raw_prefix prefix = vg_raw_prefix(VG_RANDOM_PICK(random, destinations));
		bool there = false;

		if (vg_random_chance(random, 30))
			prefix = relative(random, &prefix);
		for (size_t j = 0; j < service->n_to; j++)
			there = there || vg_raw_equal(&service->to[j], &prefix);
		if (!there && !is_mapped(&prefix))
			service->to[service->n_to++] = prefix;
	}
}

static void random_service(struct vg_random *random, const struct vg_scenario *scenario,
			   unsigned ports, struct vg_scenario_service *service)
{
	static const char *const feeds[] = {"gcp:forwarded-ips", "gcp:metadata"};
	static const int protocols[] = {6, 6, 6, 6, 17, 17, 132, 1, 58, 47, 50, 51, 4, 41, 0, 253};

	*service = (struct vg_scenario_service){.protocol = -1};
	if (vg_random_chance(random, 85))
		service->protocol = VG_RANDOM_PICK(random, protocols);
	if ((service->protocol == 6 || service->protocol == 17 || service->protocol == 132) &&
	    vg_random_chance(random, 75)) {
		static const int edges[] = {1, 255, 256, 257, 68, 546, 443, 8080, 32768, 65535};

		service->port = vg_random_chance(random, 50)
					? VG_RANDOM_PICK(random, edges)
					: (int)vg_random_between(random, 1, ports);
	}
	if (vg_random_chance(random, 8))
		service->unread = VG_RANDOM_PICK(random, feeds);
	while (!service->n_to &&
	       ((service->protocol < 0 && !service->unread) || vg_random_chance(random, 40)))
		random_to(random, service);
	service->ingress = random_ingress(random, 40);
	service->has_also_admit = vg_random_chance(random, 40);
	if (service->has_also_admit)
		service->also_admit = random_also_admit(random, scenario);
}

static void random_services(struct vg_random *random, struct vg_scenario *scenario)
{
	const bool full = vg_random_below(random, 150) == 0;
	const bool none = vg_random_chance(random, 15);
	const size_t wanted = full ? 1024 : none ? 0 : vg_random_between(random, 1, 40);

	scenario->services = calloc(wanted + 1, sizeof(scenario->services[0]));
	if (!scenario->services)
		abort();
	for (size_t tries = 0; tries < wanted * 8 && scenario->n_services < wanted; tries++) {
		struct vg_scenario_service *service = &scenario->services[scenario->n_services];
		bool clash = false;

		random_service(random, scenario, full ? 65535 : 300, service);
		for (size_t i = 0; i < scenario->n_services && !clash; i++)
			clash = clashes(service, &scenario->services[i]);
		if (clash)
			continue;
		snprintf(service->name, sizeof(service->name), "service-%zu", scenario->n_services);
		scenario->n_services++;
	}
}

static void random_replies(struct vg_random *random, struct vg_scenario *scenario)
{
	scenario->track = vg_random_chance(random, 70);
	scenario->tcp_s = vg_random_between(random, 60, 7200);
	scenario->udp_s = vg_random_between(random, 60, 600);
	scenario->icmp_s = vg_random_between(random, 60, 120);
	scenario->max_flows = 1024u << vg_random_below(random, 3);
}

struct vg_scenario *vg_scenario_random(struct vg_random *random)
{
	struct vg_scenario *scenario = calloc(1, sizeof(*scenario));

	if (!scenario)
		return NULL;
	scenario->n_rules = vg_random_between(random, 1, VG_SCENARIO_RULES);
	for (size_t i = 0; i < scenario->n_rules; i++)
		scenario->rules[i] = random_ingress(random, 50);
	scenario->ingress = random_ingress(random, 0);
	scenario->monitor = vg_random_chance(random, 30);
	scenario->non_ip_pass = vg_random_chance(random, 40);
	random_sets(random, scenario);
	scenario->also_admit = random_also_admit(random, scenario);
	random_services(random, scenario);
	random_replies(random, scenario);
	return scenario;
}
