/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "share/check.h"
#include "tests/unit/json_text.h"
#include "tests/unit/policy_files.h"
#include "tests/unit/policy_text.h"

static const char config[] = "interfaces: [ens4, {name: ens5, ingress: all}]\n"
			     "ingress: internal\n"
			     "sources:\n"
			     "  vpc: [10.0.0.0/8, \"fd20:1:2::/48\"]\n"
			     "  team: [10.1.0.0/16]\n"
			     "services:\n"
			     "  - {name: web, protocol: tcp, port: 443, ingress: all}\n"
			     "  - {name: vip, to: [198.51.100.7], ingress: all}\n";

#define NOTE_REPLY "'a reply to a flow that this host opened would pass (reply)'"
#define NOTE_ECHO "'the reply to an echo request of this host would pass (reply)'"
#define NOTE_RELATED "'an ICMP error that quotes a flow which passes would pass (related)'"
#define NOTE_CONNECTION \
	"'a reply to a connection that this host opened would pass (reply), a SYN not'"
#define NOTE_UNREAD(other)                                                                   \
	"'the destinations of service forwarded are not known yet (\\u0027gcp:forwarded-ips" \
	"\\u0027 has not answered): judged by the stricter of it and " other "'"
#define NOTE_OFF(verb)                                                                   \
	"'`replies: off`: replies from there to this host\\u0027s own connections " verb \
	" dropped too'"

/* `expected` is compared member by member; an answer may hold more. */
struct check_case {
	const char *name;
	const char *more; /* behind the config */
	struct vg_check check;
	const char *expected; /* JSON; or an error, without a brace */
};

static const struct check_case cases[] = {
	{"admitted by the longest prefix's set",
	 "",
	 {.address = "10.1.2.3"},
	 "{'address': '10.1.2.3', 'to': null, 'port': null, 'interface': 'ens4', 'verdict': 'pass',"
	 " 'reason': 'admitted', 'prefix': '10.1.0.0/16', 'origin': 'test.yaml', 'source': 'team',"
	 " 'sets': ['vpc', 'team'], 'service': null, 'ingress': 'internal', 'admits': ['vpc'],"
	 " 'notes': ['judged as on \\u0027ens4\\u0027, the first of 2 items of `interfaces`']}"},
	{"unlisted",
	 "",
	 {.address = "192.0.2.1", .interface = "ens4"},
	 "{'verdict': 'drop', 'reason': 'unlisted', 'prefix': null, 'origin': null, 'source': null,"
	 " 'sets': [], 'notes': ['service web decides otherwise for tcp/443: pass, open',"
	 " 'service vip decides otherwise to 198.51.100.7: pass, open', " NOTE_REPLY
	 ", " NOTE_RELATED "]}"},
	{"private, so DHCP",
	 "",
	 {.address = "192.168.0.1", .interface = "ens4", .port = "udp"},
	 "{'verdict': 'drop', 'port': 'udp', 'notes': ['service vip decides otherwise to 198.51.100.7:"
	 " pass, open', 'DHCP answers (udp 67 to 68) pass all the same', " NOTE_REPLY "]}"},
	{"a service decides",
	 "",
	 {.address = "192.0.2.1", .interface = "ens4", .port = "tcp/443"},
	 "{'verdict': 'pass', 'reason': 'open', 'service': 'web', 'ingress': 'all', 'admits': [],"
	 " 'port': 'tcp/443', 'notes': []}"},
	{"a destination that no server has said yet opens nothing",
	 "  - {name: forwarded, to: [gcp:forwarded-ips], protocol: udp, port: 53, ingress: all}\n",
	 {.address = "192.0.2.1", .interface = "ens4", .port = "udp/53", .to = "198.51.100.8"},
	 "{'verdict': 'drop', 'reason': 'unlisted', 'service': null, 'notes': [" NOTE_UNREAD(
		 "the interface") ", " NOTE_REPLY "]}"},
	{"nor is it among those that decide otherwise",
	 "  - {name: forwarded, to: [gcp:forwarded-ips], ingress: all}\n",
	 {.address = "192.0.2.1", .interface = "ens4", .port = "udp/53"},
	 "{'verdict': 'drop', 'service': null, 'notes': [" NOTE_UNREAD(
		 "the interface") ", 'service vip decides otherwise to 198.51.100.7: pass, open', " NOTE_REPLY
				  "]}"},
	{"but what it refuses is refused",
	 "  - {name: forwarded, to: [gcp:forwarded-ips], protocol: tcp, port: 5432, ingress: "
	 "internal}\n",
	 {.address = "192.0.2.1", .interface = "ens5", .port = "tcp/5432"},
	 "{'verdict': 'drop', 'reason': 'unlisted', 'service': null, 'ingress': 'internal', 'admits':"
	 " ['vpc'], 'notes': [" NOTE_UNREAD("the interface") ", " NOTE_CONNECTION "]}"},
	{"... and who doesn't ask for its port is told",
	 "  - {name: forwarded, to: [gcp:forwarded-ips], protocol: tcp, port: 5432, ingress: "
	 "internal}\n",
	 {.address = "192.0.2.1", .interface = "ens5", .to = "192.0.2.2"},
	 "{'verdict': 'pass', 'reason': 'open', 'service': null, 'notes':"
	 " ['service forwarded decides otherwise for tcp/5432: drop, unlisted']}"},
	{"... be there a destination that is known or not",
	 "  - {name: forwarded, to: [192.0.2.9, gcp:forwarded-ips], protocol: tcp, port: 5432,"
	 " ingress: internal}\n",
	 {.address = "2001:db8::1", .interface = "ens5"},
	 "{'verdict': 'pass', 'notes':"
	 " ['service forwarded decides otherwise for tcp/5432: drop, unlisted']}"},
	{"one that is known",
	 "  - {name: forwarded, to: [192.0.2.9, gcp:forwarded-ips], protocol: tcp, port: 5432,"
	 " ingress: internal}\n",
	 {.address = "192.0.2.1", .interface = "ens5"},
	 "{'verdict': 'pass', 'notes':"
	 " ['service forwarded decides otherwise for tcp/5432 to 192.0.2.9: drop, unlisted']}"},
	{"where another service decides",
	 "  - {name: forwarded, to: [gcp:forwarded-ips], ingress: internal}\n",
	 {.address = "192.0.2.1", .interface = "ens5", .port = "tcp/443"},
	 "{'verdict': 'drop', 'reason': 'unlisted', 'service': 'web', 'notes': [" NOTE_UNREAD(
		 "service web") ", " NOTE_CONNECTION "]}"},
	{"no word of it where neither decides",
	 "  - {name: forwarded, to: [gcp:forwarded-ips], ingress: internal}\n",
	 {.address = "169.254.169.254", .interface = "ens5", .port = "tcp/443"},
	 "{'verdict': 'pass', 'reason': 'essential', 'notes': []}"},
	{"a destination decides",
	 "",
	 {.address = "192.0.2.1", .to = "198.51.100.7", .port = "tcp/80"},
	 "{'verdict': 'pass', 'service': 'vip', 'to': '198.51.100.7'}"},
	{"another interface",
	 "",
	 {.address = "192.0.2.1", .interface = "ens5"},
	 "{'verdict': 'pass', 'reason': 'open', 'interface': 'ens5', 'notes': []}"},
	{"monitor",
	 "enforcement: monitor\n",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2", .port = "tcp/1"},
	 "{'verdict': 'would-drop', 'reason': 'unlisted', 'notes': ['`enforcement: monitor`: the frame"
	 " passes and is counted as would-drop', " NOTE_CONNECTION "]}"},
	{"replies over TCP, not admitted",
	 "  - {name: closed, protocol: tcp, port: 22, ingress: internal, also-admit: []}\n",
	 {.address = "35.191.0.1", .interface = "ens5", .port = "tcp/22"},
	 "{'verdict': 'drop', 'reason': 'not-admitted', 'notes': ['service vip decides otherwise to"
	 " 198.51.100.7: pass, open', " NOTE_CONNECTION "]}"},
	{"replies over UDP",
	 "",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2", .port = "udp/53"},
	 "{'verdict': 'drop', 'notes': [" NOTE_REPLY "]}"},
	{"replies over ICMP",
	 "",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2", .port = "icmp"},
	 "{'verdict': 'drop', 'notes': [" NOTE_ECHO ", " NOTE_RELATED "]}"},
	{"replies over ICMPv6",
	 "",
	 {.address = "2001:db8::1", .interface = "ens4", .to = "2001:db8::2", .port = "icmpv6"},
	 "{'verdict': 'drop', 'notes': [" NOTE_ECHO ", " NOTE_RELATED "]}"},
	{"ICMPv6 in IPv4 is any other protocol",
	 "",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2", .port = "icmpv6"},
	 "{'verdict': 'drop', 'notes': [" NOTE_REPLY "]}"},
	{"no reply from what can't be a sender",
	 "",
	 {.address = "127.0.0.1", .interface = "ens4", .to = "192.0.2.2", .port = "udp/53"},
	 "{'verdict': 'drop', 'reason': 'martian', 'notes': []}"},
	{"no word of replies where the frame passes",
	 "",
	 {.address = "10.0.0.1", .interface = "ens4", .to = "192.0.2.2", .port = "udp/53"},
	 "{'verdict': 'pass', 'notes': []}"},
	{"replies off",
	 "replies: off\n",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2", .port = "tcp/1"},
	 "{'verdict': 'drop', 'notes': [" NOTE_OFF("are") "]}"},
	{"replies off, passes",
	 "replies: off\n",
	 {.address = "10.0.0.1", .interface = "ens4", .to = "192.0.2.2", .port = "tcp/1"},
	 "{'verdict': 'pass', 'notes': []}"},
	{"replies off, ICMP",
	 "replies: off\n",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2", .port = "icmp"},
	 "{'verdict': 'drop', 'notes': [" NOTE_OFF("are") ", " NOTE_RELATED "]}"},
	{"replies off, monitor",
	 "replies: off\nenforcement: monitor\n",
	 {.address = "192.0.2.1", .interface = "ens4", .to = "192.0.2.2"},
	 "{'verdict': 'would-drop', 'notes': ['`enforcement: monitor`: the frame passes and is"
	 " counted as would-drop', 'service web decides otherwise for tcp/443: pass, open', " NOTE_OFF(
		 "would be") "]}"},
	{"IPv6, canonical",
	 "",
	 {.address = "FD20:1:2:0::5", .interface = "ens4", .port = "tcp/1"},
	 "{'address': 'fd20:1:2::5', 'verdict': 'pass', 'source': 'vpc'}"},
	{"not an address",
	 "",
	 {.address = "10.0.0"},
	 "'10.0.0' is not an address; write one such as 192.0.2.1 or 2001:db8::1"},
	{"not a destination",
	 "",
	 {.address = "10.0.0.1", .to = "x"},
	 "'x' is not a destination address; write one such as 192.0.2.1"},
	{"two families",
	 "",
	 {.address = "10.0.0.1", .to = "::2"},
	 "10.0.0.1 and ::2 are not of one family; both are IPv4 or both IPv6"},
	{"a port alone",
	 "",
	 {.address = "10.0.0.1", .port = "443"},
	 "'443' has no protocol; write tcp/443, udp/443 or sctp/443"},
	{"no protocol",
	 "",
	 {.address = "10.0.0.1", .port = "http/80"},
	 "'http/80' is not a port; write tcp/443, or a protocol alone as in icmp or 47"},
	{"no ports",
	 "",
	 {.address = "10.0.0.1", .port = "icmp/8"},
	 "icmp has no ports; write icmp alone"},
	{"port 0",
	 "",
	 {.address = "10.0.0.1", .port = "tcp/0"},
	 "'0' is not a port number; it is one from 1 to 65535"},
	{"a port too far",
	 "",
	 {.address = "10.0.0.1", .port = "tcp/65536"},
	 "'65536' is not a port number; it is one from 1 to 65535"},
	{"a signed port",
	 "",
	 {.address = "10.0.0.1", .port = "tcp/+1"},
	 "'+1' is not a port number; it is one from 1 to 65535"},
	{"no such interface",
	 "",
	 {.address = "10.0.0.1", .interface = "eth9"},
	 "'eth9' is not filtered: `interfaces` of test.yaml has no item that matches it"},
};

static void checks_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct check_case *c = &cases[i];
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
		_cleanup_free_ char *yaml = NULL;
		json_auto_t *json = NULL;
		struct vg_diag diag = {0};
		int r;

		assert_true(asprintf(&yaml, "%s%s", config, c->more) > 0);
		policy = policy_from(yaml);
		r = vg_check_json(policy, &c->check, &json, &diag);
		if (*c->expected == '{' && r < 0)
			fail_msg("%s: refused: %s", c->name, diag.text);
		else if (*c->expected == '{')
			expect_members(c->name, c->expected, json);
		else if (r != -EINVAL || strcmp(c->expected, diag.text) != 0)
			fail_msg("%s: %d, '%s'", c->name, r, diag.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
