/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/read.h"
#include "share/cleanup.h"

/* A service while it is read. */
struct service_draft {
	struct vg_draft *draft;
	struct vg_config_service *service;
	const yaml_node_t *port; /* NULL: not given */
};

static int read_service_name(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct service_draft *draft = into;
	const struct vg_config *config = draft->draft->config;
	int r;

	r = vg_read_check_name(yaml, value, "service");
	if (r < 0)
		return r;
	for (const struct vg_config_service *earlier = config->services; earlier < draft->service;
	     earlier++) {
		if (!strcmp(earlier->name.text, vg_yaml_text(value)))
			return vg_yaml_refuse(yaml, EINVAL, value,
					      "duplicate service '%s': it is on line %u already; "
					      "rename or remove one",
					      earlier->name.text, earlier->at.line);
	}
	return vg_read_text(value, &draft->service->name);
}

static int read_protocol(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct service_draft *draft = into;

	if (vg_protocol_parse(vg_yaml_text(value), &draft->service->protocol) < 0)
		return vg_yaml_refuse(
			yaml, EINVAL, value,
			"protocol: '%.*s' is not a protocol: write tcp, udp, sctp, icmp, "
			"icmpv6, gre, esp or another name, or a number from 0 to 255",
			VG_YAML_QUOTED, vg_yaml_text(value));
	return 0;
}

static int read_port(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct service_draft *draft = into;
	unsigned port = 0;

	if (vg_read_port(vg_yaml_text(value), &port) < 0 || !port)
		return vg_yaml_refuse(
			yaml, EINVAL, value,
			"port: '%.*s' is not a port: write one number from 1 to 65535",
			VG_YAML_QUOTED, vg_yaml_text(value));
	draft->service->port = (int)port;
	draft->port = value;
	return 0;
}

static int read_to(struct vg_yaml *yaml, const yaml_node_t *list, void *into)
{
	struct service_draft *draft = into;
	const size_t n = vg_yaml_length(list);
	const size_t room = VG_MAX_DESTINATIONS - draft->draft->n_destinations;

	if (!n)
		return vg_yaml_refuse(
			yaml, EINVAL, list,
			"to: the list is empty: name an address, or remove `to` for any");
	if (n > room)
		return vg_yaml_refuse(
			yaml, E2BIG, vg_yaml_item(yaml, list, room),
			"to: more than %u destinations in all services: merge prefixes",
			VG_MAX_DESTINATIONS);
	draft->draft->n_destinations += n;
	return vg_read_texts(yaml, list, "to", "to: [198.51.100.7]", &draft->service->to);
}

static int read_service_ingress(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_ingress(yaml, value, &((struct service_draft *)into)->service->ingress);
}

static int read_service_also_admit(struct vg_yaml *yaml, const yaml_node_t *list, void *into)
{
	return vg_read_also_admit(yaml, list, &((struct service_draft *)into)->service->also_admit);
}

static int check_service(struct vg_yaml *yaml, const struct service_draft *draft)
{
	const struct vg_config_service *service = draft->service;
	char protocol[16];

	if (draft->port && service->protocol == VG_PROTOCOL_ANY)
		return vg_yaml_refuse(yaml, EINVAL, draft->port,
				      "port: which protocol's? Add `protocol: tcp`, udp or sctp");
	if (draft->port && !vg_protocol_has_ports(service->protocol))
		return vg_yaml_refuse(
			yaml, EINVAL, draft->port,
			"port: protocol %s has none: remove it, or write `protocol: tcp`, "
			"udp or sctp",
			vg_protocol_text(service->protocol, protocol));
	if (service->protocol == VG_PROTOCOL_ANY && !service->to.given)
		return vg_diag_set(
			yaml->diag, EINVAL, yaml->path, service->at,
			"service '%s' matches every frame: add protocol, port or to, or use "
			"the top-level ingress instead",
			service->name.text);
	return 0;
}

static int read_service(struct vg_yaml *yaml, const yaml_node_t *item, struct vg_draft *draft,
			struct vg_config_service *service)
{
	static const struct vg_yaml_field fields[] = {
		{"name", VG_YAML_TEXT, true, "name: web", read_service_name},
		{"protocol", VG_YAML_TEXT, false, "protocol: tcp", read_protocol},
		{"port", VG_YAML_TEXT, false, "port: 443", read_port},
		{"to", VG_YAML_LIST, false, "to: [198.51.100.7]", read_to},
		{"ingress", VG_YAML_TEXT, false, "ingress: internal", read_service_ingress},
		{"also-admit", VG_YAML_LIST, false, "also-admit: [iap]", read_service_also_admit},
	};
	struct service_draft service_draft = {draft, service, NULL};
	int r;

	r = vg_yaml_expect(yaml, item, VG_YAML_MAP, "service",
			   "{name: web, protocol: tcp, port: 443, ingress: all}");
	if (r < 0)
		return r;
	service->protocol = VG_PROTOCOL_ANY;
	service->at = vg_yaml_position(item);
	r = vg_yaml_read_map(yaml, item, fields, VG_ARRAY_SIZE(fields), &service_draft);
	if (r < 0)
		return r;
	return check_service(yaml, &service_draft);
}

int vg_read_services(struct vg_yaml *yaml, const yaml_node_t *list, void *into)
{
	struct vg_draft *draft = into;
	struct vg_config *config = draft->config;
	const size_t n = vg_yaml_length(list);
	int r;

	if (n > VG_MAX_SERVICES)
		return vg_yaml_refuse(yaml, E2BIG, vg_yaml_item(yaml, list, VG_MAX_SERVICES),
				      "more than %u services: merge some", VG_MAX_SERVICES);
	config->services = calloc(n ? n : 1, sizeof(*config->services));
	if (!config->services)
		return -ENOMEM;
	config->n_services = n;
	for (size_t i = 0; i < n; i++) {
		r = read_service(yaml, vg_yaml_item(yaml, list, i), draft, &config->services[i]);
		if (r < 0)
			return r;
	}
	return 0;
}
