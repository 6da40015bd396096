/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The host's network interfaces: which there are, and word of every change (rtnetlink). */
#ifndef VPCGATE_NIC_H
#define VPCGATE_NIC_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct vg_nic_link {
	unsigned ifindex;
	char name[IF_NAMESIZE];
	bool loopback;
	char mac[18]; /* "42:01:0a:80:00:46", or "" where it has none of this kind */
	unsigned mtu; /* bytes */
};

/* All links of this network namespace; `ret_links` is a heap array of `ret_n`. */
int vg_nic_list(struct vg_nic_link **ret_links, size_t *ret_n);

/*
 * The own name of a NIC that has this as another one (altname); false where there is none. Unlike
 * if_nametoindex() it has the kernel load no module of that name.
 */
bool vg_nic_own_name(const char *name, char out[IF_NAMESIZE]);

struct vg_nic_watch;

/*
 * Calls `changed` on the loop, VG_NIC_DEBOUNCE_US after the first of a burst of link changes. It
 * says that something changed, not what: the callee lists the links.
 */
#define VG_NIC_DEBOUNCE_US 20000

int vg_nic_watch_open(sd_event *event, void (*changed)(void *context), void *context,
		      struct vg_nic_watch **ret_watch);
void vg_nic_watch_close(struct vg_nic_watch *watch);

/* Calls `changed` once at `time_us` (CLOCK_MONOTONIC), or sooner if a link changes before. */
int vg_nic_watch_again(struct vg_nic_watch *watch, uint64_t time_us);

#endif
