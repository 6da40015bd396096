/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The oracle's own reading of a frame, rows 1 to 4 of the design's table included. */
#ifndef VPCGATE_TESTS_DISSECT_H
#define VPCGATE_TESTS_DISSECT_H

#include "tests/oracle/oracle.h"

enum vg_dissected {
	VG_DISSECTED_MALFORMED,
	VG_DISSECTED_ARP,
	VG_DISSECTED_NON_IP,
	VG_DISSECTED_IP, /* `ret_seen` is filled in */
};

enum vg_dissected vg_dissect(const __u8 *frame, size_t length, struct vg_seen *ret_seen);

/* Bytes of a protocol's header without options; 0 where a first fragment needs none of it. */
size_t vg_dissect_l4_size(int protocol);

/*
 * The packet that the ICMP error of a frame quotes. It may say that it is longer than what is left
 * of the frame. False: there is no IP header of the error's family.
 */
bool vg_dissect_quoted(const __u8 *frame, size_t length, const struct vg_seen *error,
		       struct vg_seen *ret_quoted);

#endif
