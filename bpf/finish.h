/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last stage: counters, and what the driver does with the frame. */
#ifndef VPCGATE_BPF_FINISH_H
#define VPCGATE_BPF_FINISH_H

#include "bpf/counters.h"
#include "bpf/maps.h"

/* Counts the frame and turns its outcome into what the driver does with it. */
static __always_inline int vg_finish(const volatile struct vg_nic *nic, __u32 outcome, __u32 source,
				     __u32 service, __u32 length)
{
	const __u32 slot = nic->slot;
	__u32 row = outcome, verdict = VG_VERDICT_PASS;

	if (outcome >= VG_DROP_FIRST) {
		verdict = settings.monitor ? VG_VERDICT_WOULD_DROP : VG_VERDICT_DROP;
		row = settings.monitor ? VG_ROW_WOULD_DROP(outcome) : outcome;
	}
	vg_count_frame(slot, row, source, length);
	if (settings.services && service != VG_NO_SERVICE)
		vg_count_service(slot, service, verdict, length);
	return verdict == VG_VERDICT_DROP ? XDP_DROP : XDP_PASS;
}

#endif
