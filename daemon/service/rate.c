/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/rate.h"

void vg_rate_sum(const struct vg_counters *counters, const char *interface,
		 struct vg_count ret_sums[VG_VERDICT_MAX])
{
	memset(ret_sums, 0, VG_VERDICT_MAX * sizeof(*ret_sums));
	for (size_t i = 0; i < counters->n; i++) {
		const struct vg_counter *counter = &counters->items[i];

		if (strcmp(counter->interface, interface) != 0)
			continue;
		ret_sums[counter->verdict].packets += counter->count.packets;
		ret_sums[counter->verdict].bytes += counter->count.bytes;
	}
}

static const struct vg_rate_reading *find(const struct vg_rates *rates, const char *interface)
{
	for (size_t i = 0; i < rates->n; i++)
		if (strcmp(rates->readings[i].interface, interface) == 0)
			return &rates->readings[i];
	return NULL;
}

static void take(struct vg_rate_reading *reading, const struct vg_rate_reading *before,
		 const struct vg_counters *counters, double seconds)
{
	struct vg_count sums[VG_VERDICT_MAX];

	vg_rate_sum(counters, reading->interface, sums);
	for (size_t v = 0; v < VG_VERDICT_MAX; v++) {
		reading->packets[v] = sums[v].packets;
		/* Counters start over when pins of another version are replaced. */
		if (before && seconds > 0 && sums[v].packets >= before->packets[v])
			reading->per_second[v] = (sums[v].packets - before->packets[v]) / seconds;
	}
}

void vg_rate_update(struct vg_rates *rates, const struct vg_counters *counters, uint64_t now_us)
{
	struct vg_rates next = {.taken_us = now_us};
	const double seconds = rates->taken_us ? (now_us - rates->taken_us) / 1e6 : 0;

	for (size_t i = 0; i < counters->n && next.n < VG_MAX_INTERFACES; i++) {
		const char *interface = counters->items[i].interface;
		struct vg_rate_reading *reading = &next.readings[next.n];

		if (find(&next, interface))
			continue;
		strcpy(reading->interface, interface);
		take(reading, find(rates, interface), counters, seconds);
		next.n++;
	}
	*rates = next;
}

double vg_rate_get(const struct vg_rates *rates, const char *interface, enum vg_verdict verdict)
{
	const struct vg_rate_reading *reading = find(rates, interface);

	return reading ? reading->per_second[verdict] : 0;
}
