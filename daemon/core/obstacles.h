/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What keeps a driver from running XDP itself (native mode), and the command that takes it out of the
 * way. Sources, read in 2026-11: drivers/net of Linux (gve_main.c, virtio_net.c, veth.c) and
 * GoogleCloudPlatform/compute-virtual-ethernet-linux; cilium/cilium#12105 for virtio_net on Compute
 * Engine. Pure.
 */
#ifndef VPCGATE_OBSTACLES_H
#define VPCGATE_OBSTACLES_H

#include <net/if.h>
#include <stddef.h>

enum vg_feature {
	VG_FEATURE_OFF, /* or the driver doesn't have it */
	VG_FEATURE_ON,
	VG_FEATURE_FIXED, /* on, and can't be switched off */
};

struct vg_nic_facts {
	char driver[32], version[32];	 /* "" where the driver doesn't say */
	char kernel[65];		 /* release */
	unsigned mtu;			 /* bytes; 0: not known */
	unsigned rx, tx, max_rx, max_tx; /* queues; 0: the driver doesn't say */
	enum vg_feature lro, gro_hw, header_split;
	int refusal; /* the negative errno that native mode was refused with, or 0: it was not tried */
};

/* What a change may be about; VG_NIC_NONE: nothing that this host could change. */
enum vg_nic_setting {
	VG_NIC_NONE,
	VG_NIC_QUEUES,
	VG_NIC_LRO,
	VG_NIC_GRO_HW,
	VG_NIC_HEADER_SPLIT,
	VG_NIC_MTU,
	VG_NIC_SETTING_MAX
};

/* One setting's value: RX and TX queues; 0 or 1 of a feature; the MTU in bytes. */
struct vg_nic_value {
	unsigned value, tx;
};

struct vg_nic_change {
	enum vg_nic_setting setting;
	struct vg_nic_value from, to;
};

struct vg_obstacle {
	char text[256];
	struct vg_nic_change change;
};

#define VG_MAX_OBSTACLES 8
#define VG_COMMAND_SIZE 96

/* Returns how many there are in `obstacles`; 0: none is known. */
size_t vg_obstacles_find(const struct vg_nic_facts *facts,
			 struct vg_obstacle obstacles[VG_MAX_OBSTACLES]);

/* Frames beyond this MTU a driver takes, but shows to no program that is attached already; 0: none. */
unsigned vg_obstacles_seen_mtu(const struct vg_nic_facts *facts);

/* The command that gives a setting that value, as a shell takes it. Returns `out`. */
const char *vg_nic_command(const char *name, enum vg_nic_setting setting, struct vg_nic_value value,
			   char out[VG_COMMAND_SIZE]);

/* The value that a NIC has. */
struct vg_nic_value vg_nic_value(const struct vg_nic_facts *facts, enum vg_nic_setting setting);

#endif
