// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/bounds.h"

#include <math.h>
#include <stdio.h>
#include "share/cleanup.h"
#include "tests/bench/parts.h"

/* ---- figures of a run ---- */

static double fixed(const struct report *report, const char *frame, const char *services)
{
	return report_median(report, "fixed", (const char *const[]){frame, services, "off"},
			     FIGURE_OURS);
}

/* NAN where one is. */
static double larger(double a, double b)
{
	return isnan(a) || a > b ? a : b;
}

static double dearer(const struct report *report, const char *one, const char *other)
{
	return larger(fixed(report, one, "0"), fixed(report, other, "0"));
}

static double services_add(const struct report *report)
{
	static const char *const frames[] = {"IPv4 denied", "IPv4 admitted", "IPv6 denied",
					     "IPv6 admitted"};
	double most = -INFINITY;

	for (size_t i = 0; i < VG_ARRAY_SIZE(frames); i++)
		most = larger(most,
			      fixed(report, frames[i], SERVICES) - fixed(report, frames[i], "0"));
	return most;
}

static double random_ours(const struct report *report, const char *sources, const char *prefixes)
{
	return report_median(report, "random", (const char *const[]){sources, prefixes, NULL},
			     FIGURE_OURS);
}

static double random_ratio(const struct report *report, const char *prefixes)
{
	return report_median(report, "random", (const char *const[]){UNIFORM4, prefixes, NULL},
			     FIGURE_LPM) /
	       random_ours(report, UNIFORM4, prefixes);
}

static double publish(const struct report *report, size_t figure)
{
	return report_median(report, "publish", (const char *const[]){"IPv4", "1M", NULL}, figure);
}

size_t bounds_take(const struct report *report, struct bound ret_bounds[MAX_BOUNDS])
{
	const struct bound all[] = {
		{"20 prefixes, IPv4 denied or admitted", "ns", 12, false,
		 dearer(report, "IPv4 denied", "IPv4 admitted")},
		{"20 prefixes, IPv6 denied or admitted", "ns", 16, false,
		 dearer(report, "IPv6 denied", "IPv6 admitted")},
		{"1,024 services add", "ns", 10, false, services_add(report)},
		{"random IPv4 sources, 10k prefixes", "ns", 24, false,
		 random_ours(report, UNIFORM4, "10k")},
		{"random IPv4 sources, 1M prefixes", "ns", 42, false,
		 random_ours(report, UNIFORM4, "1M")},
		{"random IPv6 sources, 250k prefixes", "ns", 60, false,
		 random_ours(report, LISTED6, "250k")},
		{"LPM / vpcgate, 20 prefixes", "times", 3, true, random_ratio(report, "20")},
		{"LPM / vpcgate, 10k prefixes", "times", 5, true, random_ratio(report, "10k")},
		{"LPM / vpcgate, 1M prefixes", "times", 12, true, random_ratio(report, "1M")},
		{"1M prefixes, config to policy in force", "ms of CPU", 1500, false,
		 publish(report, PUBLISH_PARSE) + publish(report, PUBLISH_COMPILE) +
			 publish(report, PUBLISH_LOAD)},
		{"1M prefixes, compile and load", "ms of CPU", 500, false,
		 publish(report, PUBLISH_COMPILE) + publish(report, PUBLISH_LOAD)},
		{"1M prefixes, tables", "MB", 64, false, publish(report, PUBLISH_BYTES)},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(all); i++)
		ret_bounds[i] = all[i];
	return VG_ARRAY_SIZE(all);
}

/* ---- words ---- */

static bool is_met(const struct bound *bound)
{
	return bound->at_least ? bound->value >= bound->limit : bound->value <= bound->limit;
}

const char *bound_state(const struct bound *bound)
{
	if (isnan(bound->value))
		return "not measured";
	return is_met(bound) ? "met" : "missed";
}

static void print_head(void)
{
	printf("\n### Bounds\n\n| %-40s | %-22s | %-8s | %-6s |\n", "what", "bound", "measured",
	       "");
	puts("|---|---|---|---|");
}

static void print_bound(const struct bound *bound)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%s %g %s", bound->at_least ? "at least" : "at most",
		 bound->limit, bound->unit);
	printf("| %-40s | %-22s | %8.1f | %-6s |\n", bound->text, limit, bound->value,
	       bound_state(bound));
}

bool bounds_print(const struct bound *bounds, size_t n)
{
	bool met = true, begun = false;

	for (size_t i = 0; i < n; i++) {
		if (isnan(bounds[i].value))
			continue;
		if (!begun)
			print_head();
		begun = true;
		print_bound(&bounds[i]);
		met = met && is_met(&bounds[i]);
	}
	return met;
}
