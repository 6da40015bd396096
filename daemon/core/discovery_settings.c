/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/read.h"
#include "core/url.h"
#include "share/cleanup.h"

static int read_refresh(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return vg_read_duration(yaml, value, "refresh", VG_MIN_REFRESH_S, VG_MAX_REFRESH_S,
				&settings->refresh_s);
}

static int read_max_shrink(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return vg_read_percent(yaml, value, "max-shrink", &settings->max_shrink_percent);
}

static int read_shrink_after(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return vg_read_duration(yaml, value, "shrink-after", VG_MIN_SHRINK_AFTER_S,
				VG_MAX_SHRINK_AFTER_S, &settings->shrink_after_s);
}

static int replace_text(char **text, const char *by, size_t length)
{
	char *copy = strndup(by, length);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int read_ca(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;
	const char *path = vg_yaml_text(value);

	if (path[0] != '/')
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "ca: '%.*s' is not an absolute path: write one such as "
				      "/etc/vpcgate/ca.pem",
				      VG_YAML_QUOTED, path);
	return replace_text(&settings->ca, path, strlen(path));
}

/* Where paths and parameters are to be put behind it. */
static int read_base_url(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
			 bool http_too, char **url)
{
	const char *text = vg_yaml_text(value);
	size_t length = strlen(text);
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_url parsed;

	if (vg_url_parse(text, http_too, &parsed, wrong, sizeof(wrong)) < 0)
		return vg_yaml_refuse(yaml, EINVAL, value, "%s: %s", key, wrong);
	if (parsed.path[strcspn(parsed.path, "?#")])
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "%s: '%.*s' goes on behind its path: remove what follows "
				      "'?' or '#'",
				      key, VG_YAML_QUOTED, text);
	while (text[length - 1] == '/')
		length--;
	return replace_text(url, text, length);
}

static int read_metadata(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return read_base_url(yaml, value, "metadata", true, &settings->metadata);
}

static int read_compute(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return read_base_url(yaml, value, "compute", false, &settings->compute);
}

static int read_vpcaccess(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return read_base_url(yaml, value, "vpcaccess", false, &settings->vpcaccess);
}

static int read_published(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	struct vg_discovery_settings *settings = into;

	return read_base_url(yaml, value, "published", false, &settings->published);
}

int vg_read_discovery(struct vg_yaml *yaml, const yaml_node_t *map, void *into)
{
	static const struct vg_yaml_field fields[] = {
		{"refresh", VG_YAML_TEXT, false, "refresh: 5m", read_refresh},
		{"max-shrink", VG_YAML_TEXT, false, "max-shrink: 50%", read_max_shrink},
		{"shrink-after", VG_YAML_TEXT, false, "shrink-after: 30m", read_shrink_after},
		{"ca", VG_YAML_TEXT, false, "ca: /etc/vpcgate/ca.pem", read_ca},
		{"metadata", VG_YAML_TEXT, false, "metadata: " VG_METADATA_URL, read_metadata},
		{"compute", VG_YAML_TEXT, false, "compute: " VG_COMPUTE_URL, read_compute},
		{"vpcaccess", VG_YAML_TEXT, false, "vpcaccess: " VG_VPCACCESS_URL, read_vpcaccess},
		{"published", VG_YAML_TEXT, false, "published: " VG_PUBLISHED_URL, read_published},
	};

	return vg_yaml_read_map(yaml, map, fields, VG_ARRAY_SIZE(fields),
				&((struct vg_draft *)into)->config->discovery);
}

int vg_discovery_settings_copy(const struct vg_discovery_settings *from,
			       struct vg_discovery_settings *ret_copy)
{
	struct vg_discovery_settings copy = *from;

	copy.metadata = strdup(from->metadata);
	copy.compute = strdup(from->compute);
	copy.vpcaccess = strdup(from->vpcaccess);
	copy.published = strdup(from->published);
	copy.ca = from->ca ? strdup(from->ca) : NULL;
	if (!copy.metadata || !copy.compute || !copy.vpcaccess || !copy.published ||
	    !copy.ca != !from->ca) {
		vg_discovery_settings_done(&copy);
		return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

int vg_discovery_settings_default(struct vg_discovery_settings *ret_settings)
{
	static const struct vg_discovery_settings settings = {
		.refresh_s = VG_REFRESH_S,
		.max_shrink_percent = VG_MAX_SHRINK_PERCENT,
		.shrink_after_s = VG_SHRINK_AFTER_S,
		.metadata = VG_METADATA_URL,
		.compute = VG_COMPUTE_URL,
		.vpcaccess = VG_VPCACCESS_URL,
		.published = VG_PUBLISHED_URL,
	};

	return vg_discovery_settings_copy(&settings, ret_settings);
}

void vg_discovery_settings_done(struct vg_discovery_settings *settings)
{
	free(settings->metadata);
	free(settings->compute);
	free(settings->vpcaccess);
	free(settings->published);
	free(settings->ca);
	*settings = (struct vg_discovery_settings){};
}
