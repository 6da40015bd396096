/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "core/obstacles.h"
#include "share/cleanup.h"

/* A frame of gve's queue format GQI has 2048 bytes, less the Ethernet header and 2 of padding. */
#define GVE_MAX_MTU 2032
/* The first of Google's own releases of gve that has XDP in both queue formats. */
#define GVE_OWN_RELEASE "1.4.6"
#define GVE_KERNEL_GQI "6.4"
#define GVE_KERNEL_DQO "6.15"
/*
 * virtio_net before 6.3 has no multi-buffer XDP, and puts a frame into one page of 4096 bytes, less
 * headroom, struct skb_shared_info and Ethernet header: virtnet_xdp_set().
 */
#define VIRTIO_MAX_MTU 3506
#define VIRTIO_KERNEL_FRAGS "6.3"

static bool is_driver(const struct vg_nic_facts *f, const char *driver)
{
	return strcmp(f->driver, driver) == 0;
}

/* Kernels of distributions may have later drivers: what they say, they also do. */
static bool is_kernel_before(const struct vg_nic_facts *f, const char *release)
{
	return strverscmp(f->kernel, release) < 0;
}

static bool is_own_gve(const struct vg_nic_facts *f)
{
	return strverscmp(f->version, GVE_OWN_RELEASE) >= 0;
}

static void describe(struct vg_obstacle *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void describe(struct vg_obstacle *o, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(o->text, sizeof(o->text), format, args);
	va_end(args);
}

static void change(struct vg_obstacle *o, const struct vg_nic_facts *f, enum vg_nic_setting setting,
		   struct vg_nic_value to)
{
	o->change = (struct vg_nic_change){setting, vg_nic_value(f, setting), to};
}

/* ---- one a function: true where it is in the way ---- */

static bool gve_without_xdp(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	if (is_own_gve(f) || !is_kernel_before(f, GVE_KERNEL_GQI))
		return false;
	describe(o,
		 "gve has XDP since Linux " GVE_KERNEL_GQI
		 ", or with Google's release " GVE_OWN_RELEASE "; this is Linux %s, gve %s",
		 f->kernel, *f->version ? f->version : "of unknown version");
	return true;
}

/* Which queue format it is shows in the refusal alone. */
static bool gve_without_dqo(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	if (is_own_gve(f) || f->refusal != -EOPNOTSUPP || is_kernel_before(f, GVE_KERNEL_GQI) ||
	    !is_kernel_before(f, GVE_KERNEL_DQO))
		return false;
	/* GQI says the same to these. */
	if (f->mtu > GVE_MAX_MTU || f->lro || f->header_split)
		return false;
	describe(o,
		 "with the queue format DQO (C3, C4, N4 and later machines) gve has XDP since "
		 "Linux " GVE_KERNEL_DQO ", or with Google's release " GVE_OWN_RELEASE
		 "; this is Linux %s, gve %s",
		 f->kernel, *f->version ? f->version : "of unknown version");
	return true;
}

static bool gve_queues(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	const unsigned most = f->max_rx < f->max_tx ? f->max_rx : f->max_tx;
	const unsigned used = f->rx > f->tx ? f->rx : f->tx;
	const unsigned fit = used < most / 2 ? used : most / 2;

	if (!most || (f->rx == f->tx && 2 * used <= most))
		return false;
	if (!fit) {
		describe(
			o,
			"gve needs half of its queues for XDP, and there is but one: give the NIC a "
			"queue count of 2 or more in the network interface of the VM, or of its "
			"instance template");
		return true;
	}
	describe(o,
		 "gve needs as many RX as TX queues, and half of at most %u for XDP; in use are %u "
		 "RX and %u TX",
		 most, f->rx, f->tx);
	change(o, f, VG_NIC_QUEUES, (struct vg_nic_value){fit, fit});
	return true;
}

/* What veth says with it: its peer sends on more queues than it receives by. */
static bool veth_queues(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	if (f->refusal != -ENOSPC || f->rx >= f->max_rx)
		return false;
	describe(
		o,
		"veth needs as many RX queues as its peer has for TX, which are more than the %u in "
		"use",
		f->rx);
	change(o, f, VG_NIC_QUEUES, (struct vg_nic_value){f->max_rx, f->tx});
	return true;
}

static bool mtu_over(const struct vg_nic_facts *f, unsigned most, struct vg_obstacle *o)
{
	if (f->mtu <= most)
		return false;
	describe(o, "%s has XDP up to an MTU of %u; this is %u", f->driver, most, f->mtu);
	change(o, f, VG_NIC_MTU, (struct vg_nic_value){most, 0});
	return true;
}

static bool gve_mtu(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	return mtu_over(f, GVE_MAX_MTU, o);
}

static bool virtio_mtu(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	return is_kernel_before(f, VIRTIO_KERNEL_FRAGS) && mtu_over(f, VIRTIO_MAX_MTU, o);
}

/*
 * virtio_net switches off itself what the host lets it, so that only what is fixed is in its way,
 * or what it has complained of.
 */
static bool is_in_the_way(const struct vg_nic_facts *f, enum vg_feature feature)
{
	if (is_driver(f, "virtio_net") && feature == VG_FEATURE_ON)
		return f->refusal == -EOPNOTSUPP;
	return feature != VG_FEATURE_OFF;
}

static bool feature(const struct vg_nic_facts *f, enum vg_feature state,
		    enum vg_nic_setting setting, const char *what, struct vg_obstacle *o)
{
	if (!is_in_the_way(f, state))
		return false;
	if (state == VG_FEATURE_ON) {
		describe(o, "%s is on", what);
		change(o, f, setting, (struct vg_nic_value){0, 0});
	} else if (is_driver(f, "virtio_net")) {
		describe(o,
			 "%s is on, and the host doesn't let the guest switch it off "
			 "(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)",
			 what);
	} else {
		describe(o, "%s is on, and %s can't switch it off", what, f->driver);
	}
	return true;
}

static bool lro(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	return feature(f, f->lro, VG_NIC_LRO, "large receive offload (LRO)", o);
}

static bool gro_hw(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	return feature(f, f->gro_hw, VG_NIC_GRO_HW, "the NIC's own receive offload (GRO_HW)", o);
}

static bool header_split(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	return feature(f, f->header_split, VG_NIC_HEADER_SPLIT, "header-data split", o);
}

/* ---- which of them a driver may have ---- */

static const struct {
	const char *driver; /* NULL: any */
	bool (*find)(const struct vg_nic_facts *facts, struct vg_obstacle *ret_obstacle);
} checks[] = {
	{"gve", gve_without_xdp},
	{"gve", gve_without_dqo},
	{"gve", gve_queues},
	{"veth", veth_queues},
	{"gve", gve_mtu},
	{"virtio_net", virtio_mtu},
	{NULL, lro},
	{NULL, gro_hw},
	{NULL, header_split},
};

/* Where nothing that is known is in the way of what was refused. */
static void describe_refusal(const struct vg_nic_facts *f, struct vg_obstacle *o)
{
	const char *driver = *f->driver ? f->driver : "the driver";

	if (is_driver(f, "virtio_net") && f->refusal == -EINVAL)
		describe(
			o,
			"virtio_net needs the host to put a frame's headers and data into one page "
			"(any_header_sg), which Compute Engine's did not in 2020; gVNIC (gve) has XDP");
	else if (f->refusal == -EOPNOTSUPP)
		describe(o, "%s has no XDP of its own in Linux %s", driver, f->kernel);
	else
		describe(o, "%s refuses it: %s", driver, strerror(-f->refusal));
}

size_t vg_obstacles_find(const struct vg_nic_facts *facts,
			 struct vg_obstacle obstacles[VG_MAX_OBSTACLES])
{
	size_t n = 0;

	for (size_t i = 0; i < VG_ARRAY_SIZE(checks) && n < VG_MAX_OBSTACLES; i++) {
		obstacles[n].change = (struct vg_nic_change){VG_NIC_NONE, {0, 0}, {0, 0}};
		if (!checks[i].driver || is_driver(facts, checks[i].driver))
			n += checks[i].find(facts, &obstacles[n]);
	}
	if (n || !facts->refusal)
		return n;
	describe_refusal(facts, &obstacles[0]);
	return 1;
}

/* It checks the MTU when a program is attached, and then no more: gve_main.c, gve_rx.c. */
unsigned vg_obstacles_seen_mtu(const struct vg_nic_facts *facts)
{
	return is_driver(facts, "gve") ? GVE_MAX_MTU : 0;
}

const char *vg_nic_command(const char *name, enum vg_nic_setting setting, struct vg_nic_value value,
			   char out[VG_COMMAND_SIZE])
{
	const char *state = value.value ? "on" : "off";

	*out = '\0';
	switch (setting) {
	case VG_NIC_QUEUES:
		snprintf(out, VG_COMMAND_SIZE, "ethtool -L %s rx %u tx %u", name, value.value,
			 value.tx);
		break;
	case VG_NIC_LRO:
		snprintf(out, VG_COMMAND_SIZE, "ethtool -K %s lro %s", name, state);
		break;
	case VG_NIC_GRO_HW:
		snprintf(out, VG_COMMAND_SIZE, "ethtool -K %s rx-gro-hw %s", name, state);
		break;
	case VG_NIC_HEADER_SPLIT:
		snprintf(out, VG_COMMAND_SIZE, "ethtool -G %s tcp-data-split %s", name, state);
		break;
	case VG_NIC_MTU:
		snprintf(out, VG_COMMAND_SIZE, "ip link set dev %s mtu %u", name, value.value);
		break;
	default:
		break;
	}
	return out;
}

struct vg_nic_value vg_nic_value(const struct vg_nic_facts *facts, enum vg_nic_setting setting)
{
	const struct vg_nic_value values[VG_NIC_SETTING_MAX] = {
		[VG_NIC_QUEUES] = {facts->rx, facts->tx},
		[VG_NIC_LRO] = {facts->lro != VG_FEATURE_OFF, 0},
		[VG_NIC_GRO_HW] = {facts->gro_hw != VG_FEATURE_OFF, 0},
		[VG_NIC_HEADER_SPLIT] = {facts->header_split != VG_FEATURE_OFF, 0},
		[VG_NIC_MTU] = {facts->mtu, 0},
	};

	return values[setting];
}
