/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/metrics.c"
#include "tests/unit/policy_text.h"

static const char config[] =
	"sources: {vpc: [10.0.0.0/8, \"fd20:1:2::/48\"], office: [203.0.113.0/24]}\n"
	"interfaces: [ens4, ens5]\n"
	"ingress: internal\n";

static const struct vg_flow_stats some_flows = {
	.open = 12, .max = 262144, .opened = 100, .expired = 80, .evicted = 8, .full = 3};

static const struct vg_feed_state answered = {
	.answered = true, .read_s = 1795312000, .n_ranges = 12, .failures = 5};
static const struct vg_feed_state held = {.answered = true, .read_s = 1, .held = "too few"};
static const struct vg_feed_state unread = {.failures = 2};

static char *format_flows(const char *more, const struct vg_flow_stats *flows)
{
	_cleanup_free_ char *text = NULL;
	struct vg_counter items[] = {
		{"ens4", "vpc", VG_PASS_ADMITTED, VG_VERDICT_PASS, {7, 700}},
		{"ens4", "", VG_DROP_UNLISTED, VG_VERDICT_DROP, {UINT64_MAX, 3}},
		{"a\"b\\c\nd", "", VG_DROP_MARTIAN, VG_VERDICT_WOULD_DROP, {1, 2}},
	};
	struct vg_service_counter services[] = {{"ens4", "web", VG_VERDICT_DROP, {9, 900}}};
	const struct vg_counters counters = {items, VG_ARRAY_SIZE(items), services, 1};
	const struct vg_wanted wanted[] = {
		{.name = "ens4",
		 .ifindex = 3,
		 .lost = 2,
		 .state = VG_NIC_ATTACHED,
		 .attachment = {.mode = VG_ATTACH_GENERIC}},
		{.name = "ens5", .rule = 1, .state = VG_NIC_DETACHED},
	};
	const struct vg_tuned tuned[] = {
		{.ifindex = 2}, {.ifindex = 3}, {.ifindex = 3, .change.setting = VG_NIC_MTU}};
	const struct vg_feed_report feeds[] = {{"gcp:subnets", &answered},
					       {"google:goog", &held},
					       {"file:/etc/office.txt", NULL},
					       {"https://example.com/\"list\"", &unread}};
	_cleanup_free_ char *yaml = NULL;
	struct vg_policy *policy;
	size_t length;

	assert_true(asprintf(&yaml, "%s%s", config, more) > 0);
	policy = policy_from(yaml);
	const struct vg_metrics metrics = {
		.policy = policy,
		.cost = &(struct vg_cost){1234567, 89, 2000000, 60296448},
		.counters = &counters,
		.wanted = wanted,
		.n_wanted = 2,
		.tuned = tuned,
		.n_tuned = VG_ARRAY_SIZE(tuned),
		.flows = flows,
		.feeds = feeds,
		.n_feeds = VG_ARRAY_SIZE(feeds),
		.generation = 41,
		.published_s = 1795312395,
		.reloads_succeeded = 3,
		.reloads_failed = 4,
		.refreshes_succeeded = 5,
		.refreshes_failed = 6,
		.in_force = true,
		.on_trial = true,
	};

	assert_int_equal(vg_metrics_format(&metrics, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	vg_policy_free(policy);
	return VG_TAKE_PTR(text);
}

static char *format(const char *more)
{
	return format_flows(more, &some_flows);
}

static void expect_line(const char *text, const char *line)
{
	_cleanup_free_ char *whole = NULL;

	assert_true(asprintf(&whole, "\n%s\n", line) > 0);
	if (!strstr(text, whole))
		fail_msg("no line '%s' in:\n%s", line, text);
}

static void every_family_has_its_samples(void **state)
{
	static const char *const lines[] = {
		"vpcgate_packets_total{interface=\"ens4\",verdict=\"pass\",reason=\"admitted\",source=\"vpc\"} 7",
		"vpcgate_bytes_total{interface=\"ens4\",verdict=\"pass\",reason=\"admitted\",source=\"vpc\"} 700",
		"vpcgate_packets_total{interface=\"ens4\",verdict=\"drop\",reason=\"unlisted\",source=\"none\"} 18446744073709551615",
		"vpcgate_packets_total{interface=\"a\\\"b\\\\c\\nd\",verdict=\"would-drop\",reason=\"martian\",source=\"none\"} 1",
		"vpcgate_service_packets_total{interface=\"ens4\",service=\"web\",verdict=\"drop\"} 9",
		"vpcgate_interface_attached{interface=\"ens4\",mode=\"generic\"} 1",
		"vpcgate_interface_attached{interface=\"ens5\",mode=\"none\"} 0",
		"vpcgate_attach_lost_total{interface=\"ens4\"} 2",
		"vpcgate_attach_lost_total{interface=\"ens5\"} 0",
		"vpcgate_tuned_settings{interface=\"ens4\"} 2",
		"vpcgate_tuned_settings{interface=\"ens5\"} 0",
		"vpcgate_enforcing{interface=\"ens4\"} 1",
		"vpcgate_enforcing{interface=\"ens5\"} 0",
		"vpcgate_policy_generation 41",
		"vpcgate_policy_timestamp_seconds 1795312395",
		"vpcgate_reloads_total{result=\"succeeded\"} 3",
		"vpcgate_reloads_total{result=\"failed\"} 4",
		"vpcgate_refreshes_total{result=\"succeeded\"} 5",
		"vpcgate_refreshes_total{result=\"failed\"} 6",
		"vpcgate_config_in_force 1",
		"vpcgate_confirm_pending 1",
		"vpcgate_feed_ranges{feed=\"gcp:subnets\"} 12",
		"vpcgate_feed_ranges{feed=\"https://example.com/\\\"list\\\"\"} 0",
		"vpcgate_feed_timestamp_seconds{feed=\"gcp:subnets\"} 1795312000",
		"vpcgate_feed_timestamp_seconds{feed=\"https://example.com/\\\"list\\\"\"} 0",
		"vpcgate_feed_failures_total{feed=\"gcp:subnets\"} 5",
		"vpcgate_feed_held{feed=\"gcp:subnets\"} 0",
		"vpcgate_feed_held{feed=\"google:goog\"} 1",
		"vpcgate_publish_seconds{phase=\"parse\"} 1.234567",
		"vpcgate_publish_seconds{phase=\"compile\"} 0.000089",
		"vpcgate_publish_seconds{phase=\"load\"} 2.000000",
		"vpcgate_table_bytes 60296448",
		"vpcgate_table_bytes_max 268435456",
		"vpcgate_flows 12",
		"vpcgate_flows_max 262144",
		"vpcgate_flows_opened_total 100",
		"vpcgate_flows_expired_total 80",
		"vpcgate_flows_evicted_total 8",
		"vpcgate_flows_full_total 3",
		"vpcgate_prefixes{source=\"vpc\",family=\"ipv4\"} 1",
		"vpcgate_prefixes{source=\"vpc\",family=\"ipv6\"} 1",
		"vpcgate_prefixes{source=\"office\",family=\"ipv6\"} 0",
		"vpcgate_build_info{version=\"" VG_VERSION "\"} 1",
	};
	_cleanup_free_ char *text = format("");

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(lines); i++)
		expect_line(text, lines[i]);
}

static void monitor_does_not_enforce(void **state)
{
	_cleanup_free_ char *text = format("enforcement: monitor\n");

	(void)state;
	expect_line(text, "vpcgate_enforcing{interface=\"ens4\"} 0");
	expect_line(text, "vpcgate_interface_attached{interface=\"ens4\",mode=\"generic\"} 1");
}

static void untracked_replies_have_no_samples(void **state)
{
	_cleanup_free_ char *text = format_flows("", NULL);

	(void)state;
	assert_non_null(strstr(text, "# TYPE vpcgate_flows gauge\n"));
	assert_null(strstr(text, "\nvpcgate_flows"));
}

static void files_have_no_samples(void **state)
{
	_cleanup_free_ char *text = format("");

	(void)state;
	assert_null(strstr(text, "office.txt"));
}

/* HELP, TYPE, then the samples of that family and no others. */
static void families_are_in_order(void **state)
{
	_cleanup_free_ char *text = format("");
	char family[128] = "", *rest = text, *line;
	bool typed = false;

	(void)state;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_true(sscanf(line, "# HELP %127s", family) == 1);
			typed = false;
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
			typed = true;
		} else if (!typed || strncmp(line, family, strlen(family)) != 0 ||
			   !strchr("{ ", line[strlen(family)])) {
			fail_msg("out of place: %s", line);
		}
	}
	assert_ptr_equal(rest, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_family_has_its_samples),
		cmocka_unit_test(monitor_does_not_enforce),
		cmocka_unit_test(untracked_replies_have_no_samples),
		cmocka_unit_test(files_have_no_samples),
		cmocka_unit_test(families_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
