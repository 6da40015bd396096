/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/oracle/scenario.h"

static const char *ingress_text(enum vg_scenario_ingress ingress)
{
	switch (ingress) {
	case VG_SCENARIO_ALL:
		return "all";
	case VG_SCENARIO_INTERNAL:
		return "internal";
	case VG_SCENARIO_INTERNAL_LB:
		return "internal-and-cloud-load-balancing";
	case VG_SCENARIO_INHERIT:
		break;
	}
	abort();
}

static void put_sets(FILE *out, const struct vg_scenario *scenario, __u64 sets)
{
	const char *separator = "";

	fputs("also-admit: [", out);
	for (size_t i = 0; i < scenario->n_sets; i++) {
		if (!(sets >> i & 1))
			continue;
		fprintf(out, "%s%s", separator, scenario->sets[i].name);
		separator = ", ";
	}
	fputs("]", out);
}

/* A single address is written without its length where `bare` says so. */
static void put_prefix(FILE *out, const struct vg_raw_prefix *prefix, bool bare)
{
	char text[VG_RAW_TEXT_SIZE];

	vg_raw_format(prefix, text);
	if (bare && prefix->length == vg_raw_bits(&prefix->address))
		for (char *c = text; *c; c++)
			if (*c == '/')
				*c = '\0';
	fprintf(out, "\"%s\"", text);
}

static void put_interfaces(FILE *out, const struct vg_scenario *scenario)
{
	fputs("interfaces:\n", out);
	for (size_t i = 0; i < scenario->n_rules; i++) {
		if (scenario->rules[i] == VG_SCENARIO_INHERIT)
			fprintf(out, "  - t%zu\n", i);
		else
			fprintf(out, "  - {name: t%zu, ingress: %s}\n", i,
				ingress_text(scenario->rules[i]));
	}
}

static void put_sources(FILE *out, const struct vg_scenario *scenario)
{
	fputs("sources:\n", out);
	for (size_t i = 0; i < scenario->n_file_sets; i++) {
		const struct vg_scenario_set *set = &scenario->sets[i];

		fprintf(out, "  %s:\n", set->name);
		if (set->google) {
			fprintf(out, "    - google:%s\n", set->name);
			continue;
		}
		for (size_t j = 0; j < set->n; j++) {
			fputs("    - ", out);
			put_prefix(out, &set->prefixes[j], j % 2);
			fputs("\n", out);
		}
	}
}

static void put_protocol(FILE *out, int protocol)
{
	switch (protocol) {
	case 6:
		fputs(", protocol: tcp", out);
		break;
	case 17:
		fputs(", protocol: udp", out);
		break;
	case 132:
		fputs(", protocol: sctp", out);
		break;
	default:
		fprintf(out, ", protocol: %d", protocol);
		break;
	}
}

static void put_to(FILE *out, const struct vg_scenario_service *service)
{
	const char *separator = ", to: [";

	for (size_t i = 0; i < service->n_to; i++) {
		fputs(separator, out);
		put_prefix(out, &service->to[i], true);
		separator = ", ";
	}
	if (service->unread)
		fprintf(out, "%s%s", separator, service->unread);
	if (service->n_to || service->unread)
		fputs("]", out);
}

static void put_service(FILE *out, const struct vg_scenario *scenario,
			const struct vg_scenario_service *service)
{
	fprintf(out, "  - {name: %s", service->name);
	if (service->protocol >= 0)
		put_protocol(out, service->protocol);
	if (service->port)
		fprintf(out, ", port: %d", service->port);
	put_to(out, service);
	if (service->ingress != VG_SCENARIO_INHERIT)
		fprintf(out, ", ingress: %s", ingress_text(service->ingress));
	if (service->has_also_admit) {
		fputs(", ", out);
		put_sets(out, scenario, service->also_admit);
	}
	fputs("}\n", out);
}

static void put_replies(FILE *out, const struct vg_scenario *scenario)
{
	if (scenario->track)
		fprintf(out, "replies: {tcp: %us, udp: %us, icmp: %us, max-flows: %u}\n",
			scenario->tcp_s, scenario->udp_s, scenario->icmp_s, scenario->max_flows);
	else
		fputs("replies: off\n", out);
}

char *vg_scenario_render(const struct vg_scenario *scenario, size_t *ret_length)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	put_interfaces(out, scenario);
	fprintf(out, "ingress: %s\n", ingress_text(scenario->ingress));
	fprintf(out, "enforcement: %s\n", scenario->monitor ? "monitor" : "enforce");
	put_sets(out, scenario, scenario->also_admit);
	fprintf(out, "\nnon-ip: %s\n", scenario->non_ip_pass ? "pass" : "drop");
	put_replies(out, scenario);
	fputs("allow-empty: true\n", out);
	if (scenario->n_file_sets)
		put_sources(out, scenario);
	if (scenario->n_services)
		fputs("services:\n", out);
	for (size_t i = 0; i < scenario->n_services; i++)
		put_service(out, scenario, &scenario->services[i]);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	*ret_length = length;
	return text;
}
