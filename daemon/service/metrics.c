/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include "core/explain.h"
#include "service/metrics.h"
#include "share/cleanup.h"

static void print_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* name="value", with the three characters escaped that the format asks for. */
static void print_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*value == '\\' || *value == '"')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

static void print_counter(FILE *out, const char *name, const struct vg_counter *counter,
			  uint64_t value)
{
	fprintf(out, "%s{", name);
	print_label(out, "interface", counter->interface);
	fputc(',', out);
	print_label(out, "verdict", vg_verdict_text(counter->verdict));
	fputc(',', out);
	print_label(out, "reason", vg_outcome_text(counter->outcome));
	fputc(',', out);
	print_label(out, "source", *counter->source ? counter->source : "none");
	fprintf(out, "} %" PRIu64 "\n", value);
}

static void print_counters(FILE *out, const struct vg_counters *counters)
{
	print_family(out, "vpcgate_packets_total", "counter",
		     "Frames judged, by verdict, its reason and the source set that is counted.");
	for (size_t i = 0; i < counters->n; i++)
		print_counter(out, "vpcgate_packets_total", &counters->items[i],
			      counters->items[i].count.packets);
	print_family(out, "vpcgate_bytes_total", "counter",
		     "Bytes of the frames judged, from the Ethernet header on.");
	for (size_t i = 0; i < counters->n; i++)
		print_counter(out, "vpcgate_bytes_total", &counters->items[i],
			      counters->items[i].count.bytes);
}

static void print_services(FILE *out, const struct vg_counters *counters)
{
	print_family(out, "vpcgate_service_packets_total", "counter",
		     "Frames judged by the setting of a service, by verdict.");
	for (size_t i = 0; i < counters->n_services; i++) {
		const struct vg_service_counter *counter = &counters->services[i];

		fputs("vpcgate_service_packets_total{", out);
		print_label(out, "interface", counter->interface);
		fputc(',', out);
		print_label(out, "service", counter->service);
		fputc(',', out);
		print_label(out, "verdict", vg_verdict_text(counter->verdict));
		fprintf(out, "} %" PRIu64 "\n", (uint64_t)counter->count.packets);
	}
}

static size_t count_tuned(const struct vg_metrics *metrics, unsigned ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < metrics->n_tuned; i++)
		n += metrics->tuned[i].ifindex == ifindex;
	return n;
}

static void print_interfaces(FILE *out, const struct vg_metrics *metrics)
{
	print_family(
		out, "vpcgate_interface_attached", "gauge",
		"1 where the filter is attached, with its mode; 0 with mode none where it is not.");
	for (size_t i = 0; i < metrics->n_wanted; i++) {
		const struct vg_wanted *nic = &metrics->wanted[i];
		const bool attached = nic->state == VG_NIC_ATTACHED;

		fputs("vpcgate_interface_attached{", out);
		print_label(out, "interface", nic->name);
		fputc(',', out);
		print_label(out, "mode",
			    attached ? vg_attach_mode_text(nic->attachment.mode) : "none");
		fprintf(out, "} %d\n", attached);
	}
	print_family(out, "vpcgate_attach_lost_total", "counter",
		     "How often the filter was found to be taken off by somebody.");
	for (size_t i = 0; i < metrics->n_wanted; i++) {
		const struct vg_wanted *nic = &metrics->wanted[i];

		fputs("vpcgate_attach_lost_total{", out);
		print_label(out, "interface", nic->name);
		fprintf(out, "} %" PRIu64 "\n", (uint64_t)nic->lost);
	}
	print_family(
		out, "vpcgate_tuned_settings", "gauge",
		"Settings of the NIC that were changed for native mode and are to be put back.");
	for (size_t i = 0; i < metrics->n_wanted; i++) {
		fputs("vpcgate_tuned_settings{", out);
		print_label(out, "interface", metrics->wanted[i].name);
		fprintf(out, "} %zu\n", count_tuned(metrics, metrics->wanted[i].ifindex));
	}
	print_family(out, "vpcgate_enforcing", "gauge",
		     "1 where denied frames are dropped; 0 under monitor or without the filter.");
	for (size_t i = 0; i < metrics->n_wanted; i++) {
		const struct vg_wanted *nic = &metrics->wanted[i];

		fputs("vpcgate_enforcing{", out);
		print_label(out, "interface", nic->name);
		fprintf(out, "} %d\n", nic->state == VG_NIC_ATTACHED && !metrics->policy->monitor);
	}
}

/* No samples where replies are not tracked. */
static void print_flows(FILE *out, const struct vg_flow_stats *flows)
{
	static const struct vg_flow_stats none;
	const struct vg_flow_stats *f = flows ?: &none;
	const struct {
		const char *name, *type, *help;
		__u64 value;
	} families[] = {
		{"vpcgate_flows", "gauge", "Flows opened by this host that may still be answered.",
		 f->open},
		{"vpcgate_flows_max", "gauge", "Flows that there is room for, of each IP version.",
		 f->max},
		{"vpcgate_flows_opened_total", "counter",
		 "Flows opened, those that were open before the filter included.", f->opened},
		{"vpcgate_flows_expired_total", "counter",
		 "Flows that ended when nothing had come for their lifetime.", f->expired},
		{"vpcgate_flows_evicted_total", "counter",
		 "Flows pushed out of a full table by others before they had ended.", f->evicted},
		{"vpcgate_flows_full_total", "counter",
		 "Flows not recorded for want of room: their replies were not let in.", f->full},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(families); i++) {
		print_family(out, families[i].name, families[i].type, families[i].help);
		if (flows)
			fprintf(out, "%s %" PRIu64 "\n", families[i].name,
				(uint64_t)families[i].value);
	}
}

static void print_cost(FILE *out, const struct vg_metrics *metrics)
{
	const struct vg_cost *cost = metrics->cost;
	const struct {
		const char *name;
		uint64_t us;
	} phases[] = {
		{"parse", cost->parse_us}, {"compile", cost->compile_us}, {"load", cost->load_us}};

	print_family(out, "vpcgate_publish_seconds", "gauge",
		     "CPU time that the last publish took, by phase.");
	for (size_t i = 0; i < VG_ARRAY_SIZE(phases); i++)
		fprintf(out, "vpcgate_publish_seconds{phase=\"%s\"} %.6f\n", phases[i].name,
			phases[i].us / 1e6);
	print_family(out, "vpcgate_table_bytes", "gauge",
		     "Memory that the tables of the policy in force take in the kernel.");
	fprintf(out, "vpcgate_table_bytes %zu\n", cost->table_bytes);
	print_family(out, "vpcgate_table_bytes_max", "gauge",
		     "Memory that they may take: table-memory in the config.");
	fprintf(out, "vpcgate_table_bytes_max %" PRIu64 "\n",
		(uint64_t)metrics->policy->limits.table_bytes);
}

static uint64_t feed_ranges(const struct vg_feed_state *state)
{
	return state->n_ranges;
}

static uint64_t feed_timestamp(const struct vg_feed_state *state)
{
	return (uint64_t)state->read_s;
}

static uint64_t feed_failures(const struct vg_feed_state *state)
{
	return state->failures;
}

static uint64_t feed_held(const struct vg_feed_state *state)
{
	return *state->held ? 1 : 0;
}

/* Files have no samples: they are read with the policy. */
static void print_feeds(FILE *out, const struct vg_metrics *metrics)
{
	static const struct {
		const char *name, *type, *help;
		uint64_t (*value)(const struct vg_feed_state *state);
	} families[] = {
		{"vpcgate_feed_ranges", "gauge", "Ranges of the answer in force, 0 without one.",
		 feed_ranges},
		{"vpcgate_feed_timestamp_seconds", "gauge",
		 "When that answer was last confirmed, in seconds since 1970; 0 without one.",
		 feed_timestamp},
		{"vpcgate_feed_failures_total", "counter",
		 "Questions to which there was no usable answer.", feed_failures},
		{"vpcgate_feed_held", "gauge",
		 "1 while a newer answer is held back, since it takes too much away.", feed_held},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(families); i++) {
		print_family(out, families[i].name, families[i].type, families[i].help);
		for (size_t k = 0; k < metrics->n_feeds; k++) {
			const struct vg_feed_report *report = &metrics->feeds[k];

			if (!report->state)
				continue;
			fprintf(out, "%s{", families[i].name);
			print_label(out, "feed", report->feed);
			fprintf(out, "} %" PRIu64 "\n", families[i].value(report->state));
		}
	}
}

static void print_policy(FILE *out, const struct vg_metrics *metrics)
{
	print_family(out, "vpcgate_policy_generation", "gauge",
		     "Serial number of the policy in force.");
	fprintf(out, "vpcgate_policy_generation %" PRIu64 "\n", (uint64_t)metrics->generation);
	print_family(out, "vpcgate_policy_timestamp_seconds", "gauge",
		     "When the policy in force was published, in seconds since 1970.");
	fprintf(out, "vpcgate_policy_timestamp_seconds %" PRIu64 "\n",
		(uint64_t)metrics->published_s);
	print_family(
		out, "vpcgate_reloads_total", "counter",
		"Reloads of the config since the daemon started, by result; a start whose config "
		"was refused is one that failed.");
	fprintf(out, "vpcgate_reloads_total{result=\"succeeded\"} %" PRIu64 "\n",
		(uint64_t)metrics->reloads_succeeded);
	fprintf(out, "vpcgate_reloads_total{result=\"failed\"} %" PRIu64 "\n",
		(uint64_t)metrics->reloads_failed);
	print_family(out, "vpcgate_config_in_force", "gauge",
		     "1 while what the config file holds is in force; 0 where it was edited, is "
		     "refused or can't be read, or another config is on trial.");
	fprintf(out, "vpcgate_config_in_force %d\n", metrics->in_force);
	print_family(out, "vpcgate_confirm_pending", "gauge",
		     "1 while the policy in force is on trial, and goes unless it is confirmed.");
	fprintf(out, "vpcgate_confirm_pending %d\n", metrics->on_trial);
	print_family(out, "vpcgate_refreshes_total", "counter",
		     "Policies with other ranges of files and feeds, by result.");
	fprintf(out, "vpcgate_refreshes_total{result=\"succeeded\"} %" PRIu64 "\n",
		(uint64_t)metrics->refreshes_succeeded);
	fprintf(out, "vpcgate_refreshes_total{result=\"failed\"} %" PRIu64 "\n",
		(uint64_t)metrics->refreshes_failed);
}

static void print_prefixes(FILE *out, const struct vg_policy *policy)
{
	print_family(out, "vpcgate_prefixes", "gauge", "Prefixes that each source set holds.");
	for (size_t i = 0; i < policy->n_sets; i++) {
		const struct vg_set *set = &policy->sets[i];

		fputs("vpcgate_prefixes{", out);
		print_label(out, "source", set->name);
		fprintf(out, ",family=\"ipv4\"} %zu\n", set->n_ranges4);
		fputs("vpcgate_prefixes{", out);
		print_label(out, "source", set->name);
		fprintf(out, ",family=\"ipv6\"} %zu\n", set->n_ranges6);
	}
}

int vg_metrics_format(const struct vg_metrics *metrics, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	FILE *out;
	bool failed;

	out = open_memstream(&text, &length);
	if (!out)
		return -ENOMEM;
	print_counters(out, metrics->counters);
	print_services(out, metrics->counters);
	print_interfaces(out, metrics);
	print_policy(out, metrics);
	print_cost(out, metrics);
	print_flows(out, metrics->flows);
	print_prefixes(out, metrics->policy);
	print_feeds(out, metrics);
	print_family(out, "vpcgate_build_info", "gauge", "1, with the version of vpcgated.");
	fputs("vpcgate_build_info{version=\"" VG_VERSION "\"} 1\n", out);
	failed = ferror(out);
	/* Only a successful close leaves the whole text behind. */
	if (fclose(out) != 0 || failed)
		return -ENOMEM;
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}
