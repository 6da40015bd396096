/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include "core/tables.h"
#include "tests/unit/policy_text.h"

static const char config[] = "interfaces: [ens4]\n"
			     "ingress: internal\n"
			     "sources: {vpc: [10.0.0.0/8, \"fd20:1:2::/48\"]}\n"
			     "limits: {table-memory: 1GiB}\n";

static size_t bytes_of(const struct vg_policy *policy)
{
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;

	assert_int_equal(vg_tables_build(policy, &tables, NULL), 0);
	return vg_tables_bytes(tables);
}

static void refuse(const struct vg_policy *policy, const char *expected)
{
	struct vg_tables *tables = NULL;
	struct vg_diag diag = {};
	char text[1024];

	assert_int_equal(vg_tables_build(policy, &tables, &diag), -E2BIG);
	assert_null(tables);
	vg_diag_format(&diag, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* Tables that just fit are taken; with less memory allowed the text names what they need. */
static void test_memory(void **state)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(config);
	const size_t bytes = bytes_of(policy), mib = (bytes + (1 << 20) - 1) >> 20;
	const __u64 allowed = (bytes - 1) & ~1023ULL;
	char expected[1024], size[16];

	(void)state;
	policy->limits.table_bytes = bytes;
	assert_int_equal(bytes_of(policy), bytes);
	policy->limits.table_bytes = allowed;
	snprintf(
		expected, sizeof(expected),
		"test.yaml:4:24: the tables would take %zuMiB, and `table-memory` allows %s: write "
		"`limits: {table-memory: %zuMiB}`, or merge neighbours into shorter prefixes",
		mib, vg_size_text(allowed, size), mib);
	refuse(policy, expected);
	/* the default stands nowhere */
	policy->limits.table_bytes_at = (struct vg_position){};
	snprintf(expected, sizeof(expected),
		 "test.yaml: the tables would take %zuMiB, and `table-memory` allows %s: write "
		 "`limits: {table-memory: %zuMiB}`, or merge neighbours into shorter prefixes",
		 mib, vg_size_text(allowed, size), mib);
	refuse(policy, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
