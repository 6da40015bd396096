/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a policy makes of TCP connections that are open, at the NICs that it filters. Pure. */
#ifndef VPCGATE_REGIME_H
#define VPCGATE_REGIME_H

#include "core/explain.h"
#include "service/sockets.h"
#include "service/wanted.h"

struct vg_regime {
	const struct vg_policy *policy;
	const struct vg_wanted
		*wanted; /* those that are DETACHED, FAILED or surplus filter nothing */
	size_t n_wanted;
};

/* The NIC of that number, or NULL. */
const struct vg_wanted *vg_regime_nic(const struct vg_regime *regime, unsigned ifindex);

/*
 * Would packets of it that come by that NIC pass? `inbound`: the other side has opened it. Where not,
 * `ret_answer` says what decides.
 */
bool vg_regime_passes(const struct vg_regime *regime, unsigned ifindex,
		      const struct vg_socket *socket, bool inbound, struct vg_answer *ret_answer);

#endif
