/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What to expect of XDP in the driver. Sources, read in 2026-11: drivers/net/ethernet/google/gve of
 * Linux and GoogleCloudPlatform/compute-virtual-ethernet-linux for gve; cilium/cilium#12105 for
 * virtio_net on Compute Engine.
 */
#include <string.h>
#include "share/cleanup.h"
#include "tools/discover.h"

#define AS_OF "2026-11"
/* The first of Google's own releases of the driver that has XDP in both queue formats. */
#define GVE_OWN_RELEASE "1.4.6"

static void write_obstacles(struct vg_writer *writer, const char *name,
			    const struct vg_nic_facts *facts)
{
	struct vg_obstacle obstacles[VG_MAX_OBSTACLES];
	const size_t n = vg_obstacles_find(facts, obstacles);
	char command[VG_COMMAND_SIZE];

	for (size_t i = 0; i < n; i++) {
		const struct vg_nic_change *change = &obstacles[i].change;

		if (change->setting == VG_NIC_NONE)
			vg_write_comment(writer, "  # ", "In its way: %s.", obstacles[i].text);
		else
			vg_write_comment(writer, "  # ",
					 "In its way: %s: `%s`, at each boot, or "
					 "`attach: native` with `tune: yes`.",
					 obstacles[i].text,
					 vg_nic_command(name, change->setting, change->to,
							command));
	}
}

static void write_gve(struct vg_writer *writer, const struct vg_nic_facts *facts)
{
	if (strverscmp(facts->version, GVE_OWN_RELEASE) >= 0)
		vg_write_comment(writer, "  # ",
				 "XDP in the driver is to be expected (gve %s, as of " AS_OF ").",
				 facts->version);
	else if (strverscmp(facts->kernel, "6.15") >= 0)
		vg_write_comment(writer, "  # ",
				 "XDP in the driver is to be expected: gve has it in both queue "
				 "formats since Linux 6.15 (as of " AS_OF "; this is %s).",
				 facts->kernel);
	else if (strverscmp(facts->kernel, "6.4") >= 0)
		vg_write_comment(
			writer, "  # ",
			"XDP in the driver is to be expected on machine series with the "
			"queue format GQI (first and second generation: E2, N1, N2, ...); "
			"with DQO (C3, C4, N4, ...) gve needs Linux 6.15 or its release " GVE_OWN_RELEASE
			" (as of " AS_OF "; this is %s).",
			facts->kernel);
	else
		vg_write_comment(writer, "  # ",
				 "Generic XDP is to be expected (as of " AS_OF ").");
}

void vg_write_native(struct vg_writer *writer, const struct vg_host_nic *nic, const char *kernel)
{
	struct vg_nic_facts facts = nic->facts;

	if (!*facts.driver)
		return;
	snprintf(facts.kernel, sizeof(facts.kernel), "%s", kernel);
	if (!strcmp(facts.driver, "gve"))
		write_gve(writer, &facts);
	else if (!strcmp(facts.driver, "virtio_net"))
		vg_write_comment(
			writer, "  # ",
			"Generic XDP is to be expected: on Compute Engine virtio_net was seen "
			"to refuse it in the driver (2020, nothing newer is known in " AS_OF
			"). gVNIC (gve) has it.");
	else
		vg_write_comment(
			writer, "  # ",
			"Whether this driver takes XDP is not known here; `vpcgate status` "
			"shows the mode.");
	write_obstacles(writer, nic->name, &facts);
}
