/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/feed_report.c"
#include "service/hints.c"
#include "tests/unit/policy_text.h"

#define NOW 1795312395

#define BASE                                                       \
	"sources: {vpc: [10.0.0.0/8], office: [203.0.113.0/24]}\n" \
	"interfaces: [ens4, ens5]\n"

#define FEED(...)                     \
	&(const struct vg_feed_state) \
	{                             \
		__VA_ARGS__           \
	}

#define DROPPED(set, packets)                                       \
	{                                                           \
		"ens4", set, VG_DROP_NOT_ADMITTED, VG_VERDICT_DROP, \
		{                                                   \
			packets, 0                                  \
		}                                                   \
	}
#define WOULD(set, outcome, packets)                         \
	{                                                    \
		"ens4", set, outcome, VG_VERDICT_WOULD_DROP, \
		{                                            \
			packets, 0                           \
		}                                            \
	}

/* NULL as a hint: none at all. Each hint is the whole sentence, or its start with a "..." behind. */
struct hint_case {
	const char *name;
	const char *config;
	struct vg_counter counters[3];
	struct vg_wanted nic;
	const char *reload_error, *refresh_error, *confirm_hint, *history_error;
	const char *edited;
	int edited_error;
	const struct vg_feed_state *feed; /* of gcp:subnets; NULL: there is none */
	struct vg_flow_stats flows;	  /* max 0: replies are not tracked */
	const char *hints[3];
};

static const struct hint_case cases[] = {
	{
		.name = "nothing to say",
		.config = BASE "ingress: internal\n",
		.counters = {{"ens4", "vpc", VG_PASS_ADMITTED, VG_VERDICT_PASS, {5, 0}},
			     {"ens4", "", VG_DROP_UNLISTED, VG_VERDICT_DROP, {5, 0}}},
	},
	{
		.name = "a service whose destinations are not known",
		.config = BASE "ingress: internal\n"
			       "services: [{name: lb, to: [gcp:forwarded-ips], ingress: all}]\n",
		.hints = {"the destinations of service lb are not known before gcp:forwarded-ips "
			  "has answered: until then, what may be for it passes only if the service "
			  "admits it as well"},
	},
	{
		.name = "health checks under internal",
		.config = BASE "ingress: internal\n",
		.counters = {DROPPED("health-check", 300)},
		.hints =
			{"health-check was dropped 300 times on ens4: `ingress: internal` does not "
			 "admit it; add `also-admit: [health-check]` to the service that is probed"},
	},
	{
		.name = "load balancer under internal",
		.config = BASE "ingress: internal\n",
		.counters = {DROPPED("load-balancer", 1234)},
		.hints =
			{"load-balancer was dropped 1,234 times on ens4: `ingress: internal` does not "
			 "admit it; set `ingress: internal-and-cloud-load-balancing`, or add "
			 "`also-admit: [load-balancer]` to the service that it may reach, or beside "
			 "`ingress`; if these are health checks, add `also-admit: [health-check]` to the "
			 "service that is probed (both come from 35.191.0.0/16 and 130.211.0.0/22 and "
			 "can't be told apart there: they are counted under whichever set comes first)"},
	},
	{
		.name = "another set, once",
		.config = BASE "ingress: internal-and-cloud-load-balancing\n",
		.counters = {DROPPED("office", 1)},
		.hints = {"office was dropped 1 time on ens4: `ingress: "
			  "internal-and-cloud-load-balancing` does not admit it; add `also-admit: "
			  "[office]` to the service that it may reach, or beside `ingress`"},
	},
	{
		.name = "refused by a service only",
		.config = BASE
		"ingress: all\n"
		"services: [{name: web, protocol: tcp, port: 443, ingress: internal}]\n",
		.counters = {DROPPED("office", 2)},
		.hints =
			{"office was dropped 2 times on ens4: service web (`ingress: internal`) does "
			 "not admit it; add `also-admit: [office]` to that service"},
	},
	{
		.name = "the policy in force admits what an earlier one dropped",
		.config = BASE "ingress: internal\nalso-admit: [office]\n",
		.counters = {DROPPED("office", 2)},
	},
	{
		.name = "a set that the policy in force does not have",
		.config = BASE "ingress: internal\n",
		.counters = {DROPPED("elsewhere", 2)},
	},
	{
		.name = "monitor",
		.config = BASE "ingress: internal\nenforcement: monitor\n",
		.counters = {WOULD("office", VG_DROP_NOT_ADMITTED, 7),
			     WOULD("", VG_DROP_UNLISTED, 12345)},
		.hints = {"office would have been dropped 7 times on ens4: ...",
			  "monitor: 12,345 packets from sources in no set would have been dropped; "
			  "switch with `enforcement: enforce`"},
	},
	{
		.name = "counts of monitor under enforce",
		.config = BASE "ingress: internal\n",
		.counters = {WOULD("office", VG_DROP_NOT_ADMITTED, 7),
			     WOULD("", VG_DROP_UNLISTED, 5)},
	},
	{
		.name = "counts of enforce under monitor",
		.config = BASE "ingress: internal\nenforcement: monitor\n",
		.counters = {DROPPED("office", 7)},
	},
	{
		.name = "absent",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "ens5", .rule = 1, .state = VG_NIC_ABSENT},
		.hints = {"ens5 is absent: it is filtered as soon as it appears"},
	},
	{
		.name = "another XDP program",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "ens5",
			.rule = 1,
			.state = VG_NIC_FAILED,
			.reason = "ens5 has one"},
		.hints = {"ens5 is not filtered: ens5 has one"},
	},
	{
		.name = "detached",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "ens5", .rule = 1, .state = VG_NIC_DETACHED, .reason = "by hand"},
		.hints = {"ens5 is not filtered: by hand"},
	},
	{
		.name = "generic mode",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "ens5",
			.rule = 1,
			.state = VG_NIC_ATTACHED,
			.attachment = {.mode = VG_ATTACH_GENERIC},
			.reason = "native XDP was refused"},
		.hints = {"ens5 is filtered in generic mode: native XDP was refused"},
	},
	{
		.name = "another name than the config has",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "lan0",
			.known_as = "ens5",
			.ifindex = 5,
			.rule = 1,
			.state = VG_NIC_ATTACHED,
			.attachment = {.mode = VG_ATTACH_NATIVE}},
		.hints = {"lan0 was called ens5, and stays filtered by the rule of that name: name "
			  "it as it is called now in `interfaces`"},
	},
	{
		.name = "no recorder",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "ens5",
			.rule = 1,
			.state = VG_NIC_ATTACHED,
			.attachment = {.mode = VG_ATTACH_NATIVE},
			.unrecorded = "ens5 has an `ingress` qdisc"},
		.hints = {"ens5 has no recorder of replies: ens5 has an `ingress` qdisc"},
	},
	{
		.name = "a failed NIC without a recorder",
		.config = BASE "ingress: internal\n",
		.nic = {.name = "ens5",
			.rule = 1,
			.state = VG_NIC_FAILED,
			.reason = "no clsact",
			.unrecorded = "no clsact"},
		.hints = {"ens5 is not filtered: no clsact"},
	},
	{
		.name = "room for flows",
		.config = BASE "ingress: internal\n",
		.flows = {.max = 1000, .fullest = 899, .evicted = 5, .lost_s = 3600},
	},
	{
		.name = "flows nearly full",
		.config = BASE "ingress: internal\n",
		.flows = {.max = 262144, .fullest = 235890, .lost_s = UINT32_MAX},
		.hints = {"the table of flows is nearly full (235,890 of 262,144): raise `replies: "
			  "{max-flows: 524288}`"},
	},
	{
		.name = "flows lost",
		.config = BASE "ingress: internal\n",
		.flows = {.max = 3000000, .evicted = 1200, .full = 34, .lost_s = 3599},
		.hints = {"within the last hour flows were pushed out of their table, or found no "
			  "place there (1,234 so far): raise `replies: {max-flows: 4194304}`"},
	},
	{
		.name = "no larger table",
		.config = BASE "ingress: internal\n",
		.flows = {.max = VG_MAX_FLOWS, .fullest = VG_MAX_FLOWS, .lost_s = 0},
	},
	{
		.name = "a fresh feed",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.answered = true, .read_s = NOW - 12, .n_ranges = 12, .answers = 1),
	},
	{
		.name = "an unread feed",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.waiting = true),
		.hints = {"gcp:subnets has not answered so far, and gives no ranges until it does"},
	},
	{
		.name = "an unread feed that fails",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.error = "403: give it a role"),
		.hints = {"gcp:subnets has not answered so far, and gives no ranges until it does: "
			  "403: give it a role"},
	},
	{
		.name = "a feed that fails",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.answered = true, .saved = true, .read_s = NOW - 7500,
			     .n_ranges = 1234, .error = "no route"),
		.hints = {"gcp:subnets: no route; its 1,234 ranges of 2 h 5 min ago stay in force"},
	},
	{
		.name = "a saved answer from the future",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.answered = true, .saved = true, .read_s = NOW + 5, .n_ranges = 1),
		.hints = {"gcp:subnets has not answered since the start: its 1 range of 0 s ago, "
			  "read from disk, are in force"},
	},
	{
		.name = "an answer that is held back, while the server fails",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.answered = true, .error = "no route", .held = "too few; until then"),
		.hints = {"gcp:subnets: too few; until then"},
	},
	{
		.name = "an answer that leaves something out, and can't be saved",
		.config = BASE "ingress: internal\n",
		.feed = FEED(.answered = true, .read_s = NOW, .note = "2 ranges are left out",
			     .store_error = "no space"),
		.hints = {"gcp:subnets: 2 ranges are left out", "gcp:subnets: no space"},
	},
	{
		.name = "ranges that could not be taken over",
		.config = BASE "ingress: internal\n",
		.refresh_error = "office.txt:1:2: wrong",
		.hints =
			{"ranges have changed, but are not taken over (office.txt:1:2: wrong); the "
			 "policy in force is generation 41"},
	},
	{
		.name = "a trial comes first, and a history that can't be written",
		.config = BASE "ingress: internal\n",
		.confirm_hint = "generation 41 is on trial",
		.history_error = "the history can't be written",
		.hints = {"generation 41 is on trial", "the history can't be written"},
	},
	{
		.name = "the config is not what is in force",
		.config = BASE "ingress: internal\n",
		.edited = "/etc/test.yaml",
		.hints = {"/etc/test.yaml is not what is in force: `vpcgate validate` and `vpcgate "
			  "apply` it, or `vpcgate rollback 41` to write there what is"},
	},
	{
		.name = "the config can't be read",
		.config = BASE "ingress: internal\n",
		.edited = "/etc/test.yaml",
		.edited_error = -ENOENT,
		.hints = {"/etc/test.yaml can't be read (No such file or directory): mend that, or "
			  "the next start fails; `vpcgate history 41` prints what is in force"},
	},
	{
		.name = "the last reload was refused",
		.config = BASE "ingress: internal\n",
		.reload_error = "test.yaml:1:2: wrong",
		.hints =
			{"the last reload was refused (test.yaml:1:2: wrong); the policy in force is "
			 "generation 41"},
	},
};

static bool matches(const char *expected, const char *actual)
{
	const char *dots = strstr(expected, "...");

	if (!actual)
		return false;
	return dots ? strncmp(expected, actual, dots - expected) == 0
		    : strcmp(expected, actual) == 0;
}

static json_t *hints_of(const struct hint_case *c, const struct vg_policy *policy)
{
	struct vg_counters counters = {.items = (struct vg_counter *)c->counters};
	struct vg_wanted wanted[] = {
		{.name = "ens4",
		 .state = VG_NIC_ATTACHED,
		 .attachment = {.mode = VG_ATTACH_NATIVE}},
		c->nic,
	};
	const struct vg_feed_report feeds[] = {{"gcp:subnets", c->feed}, {"file:f", NULL}};
	const struct vg_hints hints = {
		.policy = policy,
		.counters = &counters,
		.wanted = wanted,
		.n_wanted = *c->nic.name ? 2 : 1,
		.flows = c->flows.max ? &c->flows : NULL,
		.feeds = feeds,
		.n_feeds = c->feed ? 2 : 0,
		.now = NOW,
		.generation = 41,
		.reload_error = c->reload_error,
		.config = c->edited,
		.config_error = c->edited_error,
		.refresh_error = c->refresh_error,
		.confirm_hint = c->confirm_hint,
		.history_error = c->history_error,
	};

	while (counters.n < VG_ARRAY_SIZE(c->counters) && *counters.items[counters.n].interface)
		counters.n++;
	return vg_hints_json(&hints);
}

static void hints_name_the_setting(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(cases[i].config);
		json_auto_t *hints = hints_of(&cases[i], policy);
		size_t n = 0;

		while (n < VG_ARRAY_SIZE(cases[i].hints) && cases[i].hints[n])
			n++;
		if (json_array_size(hints) != n)
			fail_msg("%s: %zu hints, expected %zu; the first is '%s'", cases[i].name,
				 json_array_size(hints), n,
				 json_string_value(json_array_get(hints, 0)));
		for (size_t k = 0; k < n; k++) {
			const char *actual = json_string_value(json_array_get(hints, k));

			if (!matches(cases[i].hints[k], actual))
				fail_msg("%s: expected '%s', got '%s'", cases[i].name,
					 cases[i].hints[k], actual);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hints_name_the_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
