/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include "core/tuning.h"

static bool is_same(struct vg_nic_value a, struct vg_nic_value b)
{
	return a.value == b.value && a.tx == b.tx;
}

size_t vg_tuning_plan(const struct vg_nic_facts *facts,
		      struct vg_nic_change changes[VG_MAX_OBSTACLES])
{
	struct vg_obstacle obstacles[VG_MAX_OBSTACLES];
	const size_t n = vg_obstacles_find(facts, obstacles);

	for (size_t i = 0; i < n; i++) {
		if (obstacles[i].change.setting == VG_NIC_NONE)
			return 0;
		changes[i] = obstacles[i].change;
	}
	return n;
}

struct vg_nic_change vg_tuning_join(const struct vg_nic_change *earlier,
				    const struct vg_nic_change *change)
{
	struct vg_nic_change joined = *change;

	if (is_same(earlier->to, change->from))
		joined.from = earlier->from;
	return joined;
}

enum vg_tuning_back vg_tuning_back(const struct vg_nic_change *change, struct vg_nic_value now)
{
	if (is_same(now, change->from))
		return VG_TUNING_UNCHANGED;
	return is_same(now, change->to) ? VG_TUNING_BACK : VG_TUNING_OTHERS;
}

const char *vg_nic_setting_text(enum vg_nic_setting setting)
{
	static const char *const texts[VG_NIC_SETTING_MAX] = {
		[VG_NIC_NONE] = "nothing",
		[VG_NIC_QUEUES] = "queues",
		[VG_NIC_LRO] = "LRO",
		[VG_NIC_GRO_HW] = "GRO_HW",
		[VG_NIC_HEADER_SPLIT] = "header-data split",
		[VG_NIC_MTU] = "MTU",
	};

	return texts[setting];
}

const char *vg_nic_value_text(enum vg_nic_setting setting, struct vg_nic_value value,
			      char out[VG_NIC_VALUE_SIZE])
{
	if (setting == VG_NIC_QUEUES)
		snprintf(out, VG_NIC_VALUE_SIZE, "%u RX, %u TX", value.value, value.tx);
	else if (setting == VG_NIC_MTU)
		snprintf(out, VG_NIC_VALUE_SIZE, "%u", value.value);
	else
		snprintf(out, VG_NIC_VALUE_SIZE, "%s", value.value ? "on" : "off");
	return out;
}
