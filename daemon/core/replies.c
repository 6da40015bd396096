/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "core/read.h"
#include "share/cleanup.h"

struct vg_replies vg_replies_default(void)
{
	return (struct vg_replies){
		.track = true,
		.tcp_s = VG_REPLIES_TCP_S,
		.udp_s = VG_REPLIES_UDP_S,
		.icmp_s = VG_REPLIES_ICMP_S,
		.max_flows = VG_REPLIES_MAX_FLOWS,
	};
}

static int read_lifetime(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
			 unsigned *ret_s)
{
	return vg_read_duration(yaml, value, key, VG_MIN_LIFETIME_S, VG_MAX_LIFETIME_S, ret_s);
}

static int read_tcp(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return read_lifetime(yaml, value, "tcp", &((struct vg_replies *)into)->tcp_s);
}

static int read_udp(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return read_lifetime(yaml, value, "udp", &((struct vg_replies *)into)->udp_s);
}

static int read_icmp(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return read_lifetime(yaml, value, "icmp", &((struct vg_replies *)into)->icmp_s);
}

static int read_max_flows(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	return vg_read_number(yaml, value, "max-flows", VG_MIN_FLOWS, VG_MAX_FLOWS,
			      &((struct vg_replies *)into)->max_flows);
}

int vg_read_replies(struct vg_yaml *yaml, const yaml_node_t *value, void *into)
{
	static const struct vg_yaml_field fields[] = {
		{"tcp", VG_YAML_TEXT, false, "tcp: 2h", read_tcp},
		{"udp", VG_YAML_TEXT, false, "udp: 3m", read_udp},
		{"icmp", VG_YAML_TEXT, false, "icmp: 30s", read_icmp},
		{"max-flows", VG_YAML_TEXT, false, "max-flows: 262144", read_max_flows},
	};
	struct vg_replies *replies = &((struct vg_draft *)into)->config->replies;
	bool track = true;
	int r;

	if (value->type == YAML_MAPPING_NODE)
		return vg_yaml_read_map(yaml, value, fields, VG_ARRAY_SIZE(fields), replies);
	if (!vg_yaml_is_text(value))
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "replies: write `replies: track`, `replies: off` or "
				      "`replies: {tcp: 2h, max-flows: 262144}`");
	r = vg_read_bool(yaml, value, "replies", "track", "off",
			 "track, off or a map such as {tcp: 2h, max-flows: 262144}", &track);
	if (r < 0)
		return r;
	if (!track)
		*replies = (struct vg_replies){};
	return 0;
}
