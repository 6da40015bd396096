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
/* Buffers of 2048 bytes less the Ethernet header and the padding of the queue format GQI. */
#define GVE_MAX_MTU 2032
/* The first of Google's own releases of the driver that has XDP in both queue formats. */
#define GVE_OWN_RELEASE "1.4.6"

/* gve takes a program only where half of the queues that it may have are free for XDP. */
static bool gve_queues_fit(const struct vg_host_nic *nic)
{
	return nic->rx == nic->tx && 2 * nic->rx <= nic->max_rx && 2 * nic->tx <= nic->max_tx;
}

static void write_gve_queues(struct vg_writer *writer, const struct vg_host_nic *nic)
{
	const unsigned most = nic->max_rx < nic->max_tx ? nic->max_rx : nic->max_tx;

	if (!most || gve_queues_fit(nic))
		return;
	if (most < 2)
		vg_write_comment(
			writer, "  # ",
			"gve takes XDP only with half of its queues free, and there is but "
			"one: give the NIC a queue count of 2 or more in the VM's (or the "
			"instance template's) network interface.");
	else
		vg_write_comment(writer, "  # ",
				 "gve takes XDP only with as many RX as TX queues, and half of the "
				 "most free: `ethtool -L %s rx %u tx %u`, at each boot.",
				 nic->name, most / 2, most / 2);
}

static void write_gve(struct vg_writer *writer, const struct vg_host_nic *nic, const char *kernel)
{
	if (strverscmp(nic->version, GVE_OWN_RELEASE) >= 0)
		vg_write_comment(writer, "  # ",
				 "XDP in the driver is to be expected (gve %s, as of " AS_OF ").",
				 nic->version);
	else if (strverscmp(kernel, "6.15") >= 0)
		vg_write_comment(writer, "  # ",
				 "XDP in the driver is to be expected: gve has it in both queue "
				 "formats since Linux 6.15 (as of " AS_OF "; this is %s).",
				 kernel);
	else if (strverscmp(kernel, "6.4") >= 0)
		vg_write_comment(
			writer, "  # ",
			"XDP in the driver is to be expected on machine series with the "
			"queue format GQI (first and second generation: E2, N1, N2, ...); "
			"with DQO (C3, C4, N4, ...) gve needs Linux 6.15 or its release " GVE_OWN_RELEASE
			" (as of " AS_OF "; this is %s).",
			kernel);
	else
		vg_write_comment(
			writer, "  # ",
			"Generic XDP is to be expected: in the driver gve has it since "
			"Linux 6.4 (6.15 with the queue format DQO), or with its release " GVE_OWN_RELEASE
			" (as of " AS_OF "; this is %s).",
			kernel);
	if (nic->mtu > GVE_MAX_MTU)
		vg_write_comment(
			writer, "  # ",
			"With an MTU over %d gve refuses XDP in the driver, and the filter is "
			"generic: this is %u; the VPC's may be 1460 or 1500.",
			GVE_MAX_MTU, nic->mtu);
	write_gve_queues(writer, nic);
}

void vg_write_native(struct vg_writer *writer, const struct vg_host_nic *nic, const char *kernel)
{
	if (!*nic->driver)
		return;
	if (!strcmp(nic->driver, "gve"))
		write_gve(writer, nic, kernel);
	else if (!strcmp(nic->driver, "virtio_net"))
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
}
