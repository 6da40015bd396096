/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include "core/config.h"
#include "core/prefix.h"
#include "core/read.h"
#include "core/yaml.h"
#include "share/cleanup.h"

#define EXPORTER_ADDRESS "127.0.0.1"
#define EXPORTER_PORT 9820

static int read_pattern(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_config_interface *interface = into;
	const char *pattern = vg_yaml_text(value);
	const size_t n = strlen(pattern);
	bool fits = n > 0 && n < IFNAMSIZ;

	for (size_t i = 0; i < n; i++)
		fits = fits && pattern[i] != '/' && !isspace((unsigned char)pattern[i]);
	if (!fits)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "'%.*s' is not an interface name or glob: write 1 to %d "
				      "characters without '/' or spaces, such as ens4 or eth*",
				      VG_YAML_QUOTED, pattern, IFNAMSIZ - 1);
	return vg_read_text(value, &interface->pattern);
}

static int read_interface_ingress(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_ingress(yaml, value, &((struct vg_config_interface *)into)->ingress);
}

static int read_interface_attach(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_attach(yaml, value, &((struct vg_config_interface *)into)->attach);
}

static int read_tune(struct vg_yaml *yaml, const yaml_node_t *value, struct vg_config_tune *into)
{
	into->given = true;
	into->at = vg_yaml_position(value);
	return vg_read_bool(yaml, value, "tune", "yes", "no", "yes or no", &into->yes);
}

static int read_interface_tune(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return read_tune(yaml, value, &((struct vg_config_interface *)into)->tune);
}

static int read_interface(struct vg_yaml *yaml, const yaml_node_t *item,
			  struct vg_config_interface *interface)
{
	static const struct vg_yaml_field fields[] = {
		{"name", VG_YAML_TEXT, true, "name: ens5", read_pattern},
		{"ingress", VG_YAML_TEXT, false, "ingress: internal", read_interface_ingress},
		{"attach", VG_YAML_TEXT, false, "attach: auto", read_interface_attach},
		{"tune", VG_YAML_TEXT, false, "tune: yes", read_interface_tune},
	};

	if (vg_yaml_is_text(item))
		return read_pattern(yaml, item, interface);
	if (item->type != YAML_MAPPING_NODE)
		return vg_yaml_refuse(yaml, EINVAL, item,
				      "interface: expected a name or a map: write `ens4` or "
				      "`{name: ens4, ingress: internal}`");
	return vg_yaml_read_map(yaml, item, fields, VG_ARRAY_SIZE(fields), interface);
}

static int read_interfaces(struct vg_yaml *yaml, const yaml_node_t *list, void *into)
{
	struct vg_config *config = ((struct vg_draft *)into)->config;
	const size_t n = vg_yaml_length(list);
	int r;

	if (!n)
		return vg_yaml_refuse(yaml, EINVAL, list,
				      "interfaces: the list is empty: write `interfaces: [ens4]`");
	if (n > VG_MAX_INTERFACE_ITEMS)
		return vg_yaml_refuse(yaml, E2BIG, vg_yaml_item(yaml, list, VG_MAX_INTERFACE_ITEMS),
				      "more than %u interfaces: use globs such as eth*",
				      VG_MAX_INTERFACE_ITEMS);
	config->interfaces = calloc(n, sizeof(*config->interfaces));
	if (!config->interfaces)
		return -ENOMEM;
	config->n_interfaces = n;
	for (size_t i = 0; i < n; i++) {
		struct vg_config_interface *interface = &config->interfaces[i];

		r = read_interface(yaml, vg_yaml_item(yaml, list, i), interface);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++) {
			const struct vg_text *earlier = &config->interfaces[j].pattern;

			if (!strcmp(interface->pattern.text, earlier->text))
				return vg_diag_set(yaml->diag, EINVAL, yaml->path,
						   interface->pattern.at,
						   "interface '%s' is on line %u already: keep one",
						   earlier->text, earlier->at.line);
		}
	}
	return 0;
}

static int check_set_name(struct vg_yaml *yaml, const struct vg_config *config, size_t n,
			  const yaml_node_t *key)
{
	int r;

	if (!vg_yaml_is_text(key))
		return vg_yaml_refuse(yaml, EINVAL, key,
				      "expected a source set's name: write `vpc: [10.0.0.0/8]`");
	r = vg_read_check_name(yaml, key, "source set");
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(config->sources[i].name.text, vg_yaml_text(key)))
			return vg_yaml_refuse(
				yaml, EINVAL, key,
				"duplicate source set '%s': it is on line %u already; "
				"merge the two lists",
				vg_yaml_text(key), config->sources[i].name.at.line);
	}
	return 0;
}

static int read_source(struct vg_yaml *yaml, struct vg_draft *draft, const yaml_node_t *key,
		       const yaml_node_t *list, struct vg_config_source *source)
{
	char name[sizeof("sources.") + VG_NAME_SIZE], example[VG_NAME_SIZE + 32];
	int r;

	snprintf(name, sizeof(name), "sources.%s", vg_yaml_text(key));
	snprintf(example, sizeof(example), "%s: [10.0.0.0/8]", vg_yaml_text(key));
	r = vg_yaml_expect(yaml, list, VG_YAML_LIST, name, example);
	if (r < 0)
		return r;
	r = vg_read_text(key, &source->name);
	if (r < 0)
		return r;
	return vg_read_entries(yaml, draft, list, name, example, source);
}

static int read_sources(struct vg_yaml *yaml, const yaml_node_t *map, void *into)
{
	struct vg_draft *draft = into;
	struct vg_config *config = draft->config;
	const size_t n = vg_yaml_length(map);
	int r;

	if (n > VG_MAX_SETS)
		return vg_yaml_refuse(yaml, E2BIG, vg_yaml_key(yaml, map, VG_MAX_SETS),
				      "more than %u source sets: merge some", VG_MAX_SETS);
	config->sources = calloc(n ? n : 1, sizeof(*config->sources));
	if (!config->sources)
		return -ENOMEM;
	config->n_sources = n;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *key = vg_yaml_key(yaml, map, i);

		r = check_set_name(yaml, config, i, key);
		if (r < 0)
			return r;
		r = read_source(yaml, draft, key, vg_yaml_value(yaml, map, i), &config->sources[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_listen(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_config *config = into;
	const char *text = vg_yaml_text(value), *colon = strrchr(text, ':');
	const bool bracketed = text[0] == '[' && colon && colon > text + 1 && colon[-1] == ']';
	_cleanup_free_ char *address = NULL;
	struct vg_address parsed;
	unsigned port;

	if (bracketed)
		address = strndup(text + 1, (size_t)(colon - text) - 2);
	else
		address = strndup(text, colon ? (size_t)(colon - text) : 0);
	if (!address)
		return -ENOMEM;
	if (!colon || vg_address_parse(address, &parsed) < 0 || bracketed != (parsed.family == 6) ||
	    vg_read_port(colon + 1, &port) < 0)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "listen: '%.*s' is not ADDRESS:PORT: write 127.0.0.1:9820 or "
				      "\"[::1]:9820\"",
				      VG_YAML_QUOTED, text);
	config->exporter_address = VG_TAKE_PTR(address);
	config->exporter_port = port;
	return 0;
}

static int read_exporter(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	static const struct vg_yaml_field fields[] = {
		{"listen", VG_YAML_TEXT, true, "listen: 127.0.0.1:9820", read_listen},
	};
	struct vg_config *config = ((struct vg_draft *)into)->config;

	if (vg_yaml_is_text(value) && !strcmp(vg_yaml_text(value), "off")) {
		config->exporter = false;
		return 0;
	}
	if (value->type != YAML_MAPPING_NODE)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "exporter: write `exporter: {listen: 127.0.0.1:9820}` or "
				      "`exporter: off`");
	return vg_yaml_read_map(yaml, value, fields, VG_ARRAY_SIZE(fields), config);
}

static int read_top_attach(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_attach(yaml, value, &((struct vg_draft *)into)->config->attach);
}

static int read_top_tune(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return read_tune(yaml, value, &((struct vg_draft *)into)->config->tune);
}

static int read_top_ingress(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_config *config = ((struct vg_draft *)into)->config;

	config->ingress_at = vg_yaml_position(value);
	return vg_read_ingress(yaml, value, &config->ingress);
}

static int read_top_also_admit(struct vg_yaml *yaml, const yaml_node_t *list, void *into)
{
	return vg_read_also_admit(yaml, list, &((struct vg_draft *)into)->config->also_admit);
}

static int read_enforcement(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_bool(yaml, value, "enforcement", "monitor", "enforce", "enforce or monitor",
			    &((struct vg_draft *)into)->config->monitor);
}

static int read_non_ip(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_bool(yaml, value, "non-ip", "pass", "drop", "drop or pass",
			    &((struct vg_draft *)into)->config->non_ip_pass);
}

static int read_allow_empty(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_bool(yaml, value, "allow-empty", "true", "false", "true or false",
			    &((struct vg_draft *)into)->config->allow_empty);
}

static const struct vg_yaml_field top_fields[] = {
	{"interfaces", VG_YAML_LIST, true, "interfaces: [ens4]", read_interfaces},
	{"ingress", VG_YAML_TEXT, true, "ingress: internal", read_top_ingress},
	{"attach", VG_YAML_TEXT, false, "attach: auto", read_top_attach},
	{"tune", VG_YAML_TEXT, false, "tune: yes", read_top_tune},
	{"enforcement", VG_YAML_TEXT, false, "enforcement: enforce", read_enforcement},
	{"also-admit", VG_YAML_LIST, false, "also-admit: [iap]", read_top_also_admit},
	{"replies", VG_YAML_ANY, false, "replies: track", vg_read_replies},
	{"limits", VG_YAML_MAP, false, "limits: {table-memory: 256MiB}", vg_read_limits},
	{"discovery", VG_YAML_MAP, false, "discovery: {refresh: 5m}", vg_read_discovery},
	{"non-ip", VG_YAML_TEXT, false, "non-ip: drop", read_non_ip},
	{"sources", VG_YAML_MAP, false, "sources: {vpc: [10.0.0.0/8]}", read_sources},
	{"services", VG_YAML_LIST, false,
	 "services: [{name: web, protocol: tcp, port: 443, ingress: all}]", vg_read_services},
	{"exporter", VG_YAML_ANY, false, "exporter: off", read_exporter},
	{"allow-empty", VG_YAML_TEXT, false, "allow-empty: false", read_allow_empty},
};

static int new_config(const char *path, struct vg_config **ret_config)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->path = strdup(path);
	if (!config->path || vg_discovery_settings_default(&config->discovery) < 0)
		return -ENOMEM;
	config->attach = VG_ATTACH_AUTO;
	config->exporter = true;
	config->replies = vg_replies_default();
	config->limits.table_bytes = VG_LIMITS_TABLE_BYTES;
	*ret_config = VG_TAKE_PTR(config);
	return 0;
}

/* Where the config doesn't say what the exporter does. */
static int default_exporter(struct vg_config *config)
{
	if (!config->exporter || config->exporter_address)
		return 0;
	config->exporter_address = strdup(EXPORTER_ADDRESS);
	config->exporter_port = EXPORTER_PORT;
	return config->exporter_address ? 0 : -ENOMEM;
}

static int parse(const char *path, const char *text, size_t length, struct vg_config **ret_config,
		 struct vg_diag *diag)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_yaml_done) struct vg_yaml yaml = {};
	struct vg_draft draft = {};
	const yaml_node_t *root;
	int r;

	if (length > VG_CONFIG_MAX_BYTES)
		return vg_diag_set(diag, E2BIG, path, (struct vg_position){1, 1},
				   "the file is larger than %u bytes: move long lists into files "
				   "(file:PATH)",
				   VG_CONFIG_MAX_BYTES);
	r = vg_yaml_load(path, text, length, diag, &yaml);
	if (r < 0)
		return r;
	root = yaml_document_get_root_node(&yaml.document);
	if (root->type != YAML_MAPPING_NODE)
		return vg_yaml_refuse(&yaml, EINVAL, root,
				      "expected keys: write at least `interfaces: [ens4]` and "
				      "`ingress: internal`");
	r = new_config(path, &config);
	if (r < 0)
		return r;
	draft.config = config;
	r = vg_yaml_read_map(&yaml, root, top_fields, VG_ARRAY_SIZE(top_fields), &draft);
	if (r < 0)
		return r;
	r = default_exporter(config);
	if (r < 0)
		return r;
	*ret_config = VG_TAKE_PTR(config);
	return 0;
}

int vg_config_parse(const char *path, const char *text, size_t length,
		    struct vg_config **ret_config, struct vg_diag *diag)
{
	const int r = parse(path, text, length, ret_config, diag);

	if (r == -ENOMEM)
		return vg_diag_set(diag, ENOMEM, path, (struct vg_position){}, "out of memory");
	return r;
}

static void text_list_done(struct vg_text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].text);
	free(list->items);
}

void vg_config_free(struct vg_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_interfaces; i++)
		free(config->interfaces[i].pattern.text);
	for (size_t i = 0; i < config->n_sources; i++) {
		free(config->sources[i].name.text);
		text_list_done(&config->sources[i].entries);
		for (size_t j = 0; j < config->sources[i].n_differences; j++)
			free(config->sources[i].differences[j].minus.text);
		free(config->sources[i].differences);
	}
	for (size_t i = 0; i < config->n_services; i++) {
		free(config->services[i].name.text);
		text_list_done(&config->services[i].to);
		text_list_done(&config->services[i].also_admit);
	}
	text_list_done(&config->also_admit);
	vg_discovery_settings_done(&config->discovery);
	free(config->interfaces);
	free(config->sources);
	free(config->services);
	free(config->exporter_address);
	free(config->path);
	free(config);
}

void vg_config_free_p(struct vg_config **config)
{
	vg_config_free(*config);
}
