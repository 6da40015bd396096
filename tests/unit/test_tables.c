/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include "core/admissions.h"
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

/* `n` services with destinations, and as many with a port of which they are unknown. */
static struct vg_policy *make_mixes(size_t n)
{
	_cleanup_free_ char *text = NULL;
	struct vg_policy *policy;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	fprintf(out, "interfaces: [ens4]\ningress: all\nservices:\n");
	for (size_t i = 0; i < n; i++)
		fprintf(out,
			"  - {name: k%zu, to: [10.0.%zu.0/24], ingress: internal}\n"
			"  - {name: u%zu, to: [gcp:forwarded-ips], protocol: tcp, port: %zu}\n",
			i, i, i, i + 1);
	assert_int_equal(fclose(out), 0);
	policy = policy_from(text);
	/* Each its own sets, which would make for a long config. */
	for (size_t i = 0; i < policy->n_services; i++) {
		policy->services[i].ingress = VG_INGRESS_INTERNAL;
		policy->services[i].has_also_admit = true;
		policy->services[i].also_admit = ~0ULL ^ (i % 2 ? 1ULL << 32 : 1) * (i / 2 + 1);
	}
	return policy;
}

/* What `row` of the table of services has for TCP port `port`: an admission. */
static const struct vg_admission *find_admission(const struct vg_tables *tables, size_t row,
						 size_t port)
{
	const size_t class = *vg_cell16(tables->l4_class, VG_L4_BLOCK_TCP + port);

	return &tables->admission[*vg_cell16(tables->service, row * tables->l4_classes + class)];
}

/* Admissions are mixed up to a limit; what is beyond admits nobody. */
static void test_mixes(void **state)
{
	static const struct {
		size_t services;
		bool all;
	} cases[] = {{3, true}, {60, true}, {126, true}, {127, false}};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const size_t n = cases[i].services;
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = make_mixes(n);
		_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
		size_t closed = 0;

		assert_int_equal(vg_tables_build(policy, &tables, NULL), 0);
		/* row 0 is for the destinations that no service names */
		for (size_t row = 1; row <= n; row++) {
			const struct vg_admission *known = find_admission(tables, row, n + 1);

			for (size_t port = 1; port <= n; port++) {
				const struct vg_admission *mix = find_admission(tables, row, port);

				assert_false(mix->open);
				closed += !mix->sets;
				if (!mix->sets)
					continue;
				assert_int_equal(mix->service, known->service);
				assert_int_equal(mix->sets,
						 known->sets &
							 policy->services[port * 2 - 1].also_admit);
			}
		}
		print_message("%zu: %u admissions, %zu closed\n", n, tables->admissions, closed);
		assert_true(tables->admissions <= VG_MAX_ADMISSIONS);
		assert_int_equal(!closed, cases[i].all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_mixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
