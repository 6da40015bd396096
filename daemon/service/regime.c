/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include "service/regime.h"

const struct vg_wanted *vg_regime_nic(const struct vg_regime *regime, unsigned ifindex)
{
	for (size_t i = 0; ifindex && i < regime->n_wanted; i++)
		if (regime->wanted[i].ifindex == ifindex)
			return &regime->wanted[i];
	return NULL;
}

static bool is_filtered(const struct vg_wanted *nic)
{
	return nic && !nic->surplus && nic->state != VG_NIC_DETACHED && nic->state != VG_NIC_FAILED;
}

bool vg_regime_passes(const struct vg_regime *regime, unsigned ifindex,
		      const struct vg_socket *socket, bool inbound, struct vg_answer *ret_answer)
{
	const struct vg_policy *policy = regime->policy;
	const struct vg_wanted *nic = vg_regime_nic(regime, ifindex);
	struct vg_question question = {
		.source = socket->remote,
		.has_destination = true,
		.destination = socket->local,
		.protocol = IPPROTO_TCP,
		.source_port = (int)socket->remote_port,
		.port = (int)socket->local_port,
		.icmp_type = -1,
		.hop_limit = -1,
	};

	/* What this host has opened goes on as a reply. */
	if (!is_filtered(nic) || policy->monitor || (!inbound && policy->replies.track))
		return true;
	question.rule = nic->rule;
	vg_explain(policy, &question, ret_answer);
	return vg_outcome_verdict(ret_answer->outcome) == VG_VERDICT_PASS;
}
