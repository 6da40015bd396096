/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The services and settings of a policy in words near those of the config, to be compared and shown. */
#ifndef VPCGATE_WORDING_H
#define VPCGATE_WORDING_H

#include "core/policy.h"

/* "https": "tcp port 443, ingress all"; "enforcement": "monitor". Heap strings. */
struct vg_worded {
	char *name, *text;
};

struct vg_wording {
	struct vg_worded *items;
	size_t n;
};

/* Both add to `wording`, which is all zeroes at first; -ENOMEM. End with vg_wording_done(). */
int vg_wording_of_services(const struct vg_policy *policy, struct vg_wording *wording);
int vg_wording_of_settings(const struct vg_policy *policy, struct vg_wording *wording);
void vg_wording_done(struct vg_wording *wording);

#endif
