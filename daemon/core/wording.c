/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/wording.h"
#include "share/cleanup.h"

typedef void write_text(const struct vg_policy *policy, const void *item, FILE *out);

static int add(struct vg_wording *wording, const char *name, write_text *write,
	       const struct vg_policy *policy, const void *item)
{
	struct vg_worded *larger =
		reallocarray(wording->items, wording->n + 1, sizeof(*wording->items));
	struct vg_worded worded = {0};
	size_t length;
	FILE *out;

	if (!larger)
		return -ENOMEM;
	wording->items = larger;
	out = open_memstream(&worded.text, &length);
	if (!out)
		return -ENOMEM;
	write(policy, item, out);
	worded.name = strdup(name);
	if (fclose(out) != 0 || !worded.name) {
		free(worded.name);
		free(worded.text);
		return -ENOMEM;
	}
	wording->items[wording->n++] = worded;
	return 0;
}

void vg_wording_done(struct vg_wording *wording)
{
	for (size_t i = 0; i < wording->n; i++) {
		free(wording->items[i].name);
		free(wording->items[i].text);
	}
	free(wording->items);
	*wording = (struct vg_wording){0};
}

static void write_sets(const struct vg_policy *policy, __u64 sets, FILE *out)
{
	const char *separator = "";

	fputc('[', out);
	for (size_t i = 0; i < policy->n_sets; i++) {
		if (!(sets >> i & 1))
			continue;
		fprintf(out, "%s%s", separator, policy->sets[i].name);
		separator = ", ";
	}
	fputc(']', out);
}

/* ---- services ---- */

static void write_service(const struct vg_policy *policy, const void *item, FILE *out)
{
	const struct vg_service *service = item;
	char text[VG_PREFIX_TEXT_SIZE];

	fprintf(out, "%s", vg_protocol_text(service->protocol, text));
	if (service->port)
		fprintf(out, " port %d", service->port);
	if (service->has_to) {
		fputs(" to [", out);
		for (size_t i = 0; i < service->n_to; i++)
			fprintf(out, "%s%s", i ? ", " : "",
				vg_prefix_format(&service->to[i], text));
		fputc(']', out);
	}
	fprintf(out, ", ingress %s", vg_ingress_text(service->ingress));
	if (service->has_also_admit) {
		fputs(", also-admit ", out);
		write_sets(policy, service->also_admit, out);
	}
}

int vg_wording_of_services(const struct vg_policy *policy, struct vg_wording *wording)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->n_services; i++)
		r = add(wording, policy->services[i].name, write_service, policy,
			&policy->services[i]);
	return r;
}

/* ---- settings ---- */

static void write_interface(const struct vg_policy *policy, const void *item, FILE *out)
{
	const struct vg_interface_rule *rule = item;

	(void)policy;
	fprintf(out, "ingress %s, attach %s%s", vg_ingress_text(rule->ingress),
		vg_attach_mode_text(rule->attach), rule->tune ? ", tune yes" : "");
}

static void write_also_admit(const struct vg_policy *policy, const void *item, FILE *out)
{
	(void)item;
	write_sets(policy, policy->also_admit, out);
}

static void write_enforcement(const struct vg_policy *policy, const void *item, FILE *out)
{
	(void)item;
	fputs(policy->monitor ? "monitor" : "enforce", out);
}

static void write_non_ip(const struct vg_policy *policy, const void *item, FILE *out)
{
	(void)item;
	fputs(policy->non_ip_pass ? "pass" : "drop", out);
}

static void write_replies(const struct vg_policy *policy, const void *item, FILE *out)
{
	const struct vg_replies *replies = &policy->replies;

	(void)item;
	if (replies->track)
		fprintf(out, "track, tcp %us, udp %us, icmp %us, max-flows %u", replies->tcp_s,
			replies->udp_s, replies->icmp_s, replies->max_flows);
	else
		fputs("off", out);
}

static void write_limits(const struct vg_policy *policy, const void *item, FILE *out)
{
	char size[16];

	(void)item;
	fprintf(out, "table-memory %s", vg_size_text(policy->limits.table_bytes, size));
}

static void write_discovery(const struct vg_policy *policy, const void *item, FILE *out)
{
	const struct vg_discovery_settings *discovery = &policy->discovery;

	(void)item;
	fprintf(out, "refresh %us, max-shrink %u%%, shrink-after %us, %s, %s, %s, %s, ca %s",
		discovery->refresh_s, discovery->max_shrink_percent, discovery->shrink_after_s,
		discovery->metadata, discovery->compute, discovery->vpcaccess, discovery->published,
		discovery->ca ?: "of the system");
}

static void write_exporter(const struct vg_policy *policy, const void *item, FILE *out)
{
	(void)item;
	if (policy->exporter)
		fprintf(out, "%s port %u", policy->exporter_address, policy->exporter_port);
	else
		fputs("off", out);
}

int vg_wording_of_settings(const struct vg_policy *policy, struct vg_wording *wording)
{
	static const struct {
		const char *name;
		write_text *write;
	} settings[] = {
		{"also-admit", write_also_admit}, {"enforcement", write_enforcement},
		{"non-ip", write_non_ip},	  {"replies", write_replies},
		{"limits", write_limits},	  {"discovery", write_discovery},
		{"exporter", write_exporter},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->n_rules; i++) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "interface %s", policy->rules[i].pattern) < 0) {
			name = NULL;
			return -ENOMEM;
		}
		r = add(wording, name, write_interface, policy, &policy->rules[i]);
	}
	for (size_t i = 0; r == 0 && i < VG_ARRAY_SIZE(settings); i++)
		r = add(wording, settings[i].name, settings[i].write, policy, NULL);
	return r;
}
