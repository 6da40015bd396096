/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a NIC and its driver are set to: ethtool over generic netlink, rtnetlink for the MTU. */
#ifndef VPCGATE_NIC_SETTINGS_H
#define VPCGATE_NIC_SETTINGS_H

#include <stdbool.h>
#include "core/diag.h"
#include "core/obstacles.h"

/*
 * Fills in all but `refusal`. What the driver doesn't say stays zero. Needs no privilege. `ret_device`,
 * unless NULL: does it have a place on a bus? -ENODEV: there is no such NIC.
 */
int vg_nic_facts_read(unsigned ifindex, struct vg_nic_facts *ret_facts, bool *ret_device);

/*
 * Gives one setting that value. Needs CAP_NET_ADMIN. Where it fails `diag` holds the command, and what
 * the kernel says to it; -EOPNOTSUPP too where the NIC takes it, but still has another value.
 */
int vg_nic_set(unsigned ifindex, enum vg_nic_setting setting, struct vg_nic_value value,
	       struct vg_diag *diag);

#endif
