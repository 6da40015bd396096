/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer's entry: any bytes as a config. Whatever they are, they are taken or refused with a
 * message, and nothing leaks. No file is read.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include "core/policy.h"
#include "share/cleanup.h"

static int no_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	(void)context, (void)path, (void)take, (void)to;
	return -ENOENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vg_reader reader = {.read_lines = no_lines};
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_diag diag = {};
	int r;

	r = vg_config_parse("fuzz.yaml", (const char *)data, size, &config, &diag);
	if (r == 0)
		r = vg_policy_build(config, &reader, &policy, &diag);
	if (r < 0 && !diag.text[0])
		abort();
	return 0;
}
