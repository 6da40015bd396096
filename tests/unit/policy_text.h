/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A policy from the text of a config, for tests. */
#ifndef VPCGATE_POLICY_TEXT_H
#define VPCGATE_POLICY_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/policy.h"
#include "share/cleanup.h"
#include "share/file.h"

static inline struct vg_policy *policy_from(const char *text)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	struct vg_policy *policy = NULL;
	struct vg_diag diag = {0};

	if (vg_config_parse("test.yaml", text, strlen(text), &config, &diag) < 0 ||
	    vg_policy_build(config, &vg_file_reader, &policy, &diag) < 0)
		fail_msg("%u:%u: %s", diag.at.line, diag.at.column, diag.text);
	return policy;
}

#endif
