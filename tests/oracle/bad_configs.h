/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Configs that must be refused, with the whole message. For unit tests of the parser and the
 * policy, and for showing that a running daemon keeps its policy.
 */
#ifndef VPCGATE_BAD_CONFIGS_H
#define VPCGATE_BAD_CONFIGS_H

#include <stdbool.h>

struct vg_bad_config {
	const char *name;
	const char *yaml;      /* text of vpcgate.yaml */
	const char *expected;  /* message, where the config is read as "vpcgate.yaml" */
	bool parses;	       /* the text alone is fine: vg_policy_build() refuses it */
	const char *file_name; /* a file beside the config, or NULL */
	const char *file_text;
};

static const struct vg_bad_config vg_bad_configs[] = {
	{
		.name = "empty file",
		.yaml = "",
		.expected = "vpcgate.yaml:1:1: the file is empty: write at least `interfaces: "
			    "[ens4]` and `ingress: internal`",
	},
	{
		.name = "only a comment",
		.yaml = "# nothing here\n",
		.expected = "vpcgate.yaml:1:1: the file is empty: write at least `interfaces: "
			    "[ens4]` and `ingress: internal`",
	},
	{
		.name = "not keys but a list",
		.yaml = "- interfaces\n"
			"- ingress\n",
		.expected = "vpcgate.yaml:1:1: expected keys: write at least `interfaces: [ens4]` "
			    "and `ingress: internal`",
	},
	{
		.name = "not keys but a value",
		.yaml = "ens4\n",
		.expected = "vpcgate.yaml:1:1: expected keys: write at least `interfaces: [ens4]` "
			    "and `ingress: internal`",
	},
	{
		.name = "second document",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"---\n"
			"ingress: internal\n",
		.expected =
			"vpcgate.yaml:3:1: a second document begins here: keep one, without `---`",
	},
	{
		.name = "not UTF-8",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"# caf\351\n",
		.expected =
			"vpcgate.yaml:3:6: not UTF-8 (incomplete UTF-8 octet sequence): save the "
			"file as UTF-8",
	},
	{
		.name = "overlong UTF-8",
		.yaml = "ingress: \300\200\n",
		.expected =
			"vpcgate.yaml:1:10: not UTF-8 (invalid length of a UTF-8 sequence): save "
			"the file as UTF-8",
	},
	{
		.name = "control character",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"attach: \007auto\n",
		.expected = "vpcgate.yaml:3:9: control character 0x07: remove it",
	},
	{
		.name = "byte order of UTF-16",
		.yaml = "\377\376i\n",
		.expected = "vpcgate.yaml:1:1: not UTF-8 (invalid leading UTF-8 octet): save the "
			    "file as UTF-8",
	},
	{
		.name = "NUL character in a text",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {\"v\\0pc\": []}\n",
		.expected = "vpcgate.yaml:3:11: a NUL character in a text: remove the `\\0`",
	},
	{
		.name = "tab for indentation",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"\tvpc: [10.0.0.0/8]\n",
		.expected = "vpcgate.yaml:4:1: a tab can't indent YAML: use spaces",
	},
	{
		.name = "unclosed list",
		.yaml = "interfaces: [ens4\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:2:8: YAML syntax: did not find expected ',' or ']' (while "
			"parsing a flow sequence that began at 1:13)",
	},
	{
		.name = "unclosed quote",
		.yaml = "interfaces: [\"ens4]\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:3:1: YAML syntax: found unexpected end of stream (while "
			    "scanning a quoted scalar that began at 1:14): close what is open",
	},
	{
		.name = "missing colon",
		.yaml = "interfaces [ens4]\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:2:8: YAML syntax: mapping values are not allowed in this "
			    "context: end the line above with ':', or quote the text",
	},
	{
		.name = "undefined alias",
		.yaml = "interfaces: *nics\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:1:13: YAML syntax: found undefined alias: quote a glob, "
			    "such as \"*4\"",
	},
	{
		.name = "glob without quotes",
		.yaml = "interfaces: [*]\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:1:15: YAML syntax: did not find expected alphabetic or "
			"numeric character (while scanning an alias that began at 1:14): quote a "
			"glob, such as \"*\"",
	},
	{
		.name = "bad indentation",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"  vpc: [10.0.0.0/8]\n"
			"   iap: []\n",
		.expected =
			"vpcgate.yaml:5:4: YAML syntax: did not find expected key (while parsing "
			"a block mapping that began at 4:3): align the keys of one map",
	},
	{
		.name = "unknown key",
		.yaml = "interfaces: [ens4]\n"
			"ingres: internal\n",
		.expected = "vpcgate.yaml:2:1: unknown key 'ingres': did you mean 'ingress'?",
	},
	{
		.name = "unknown key far from all",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"firewall: on\n",
		.expected = "vpcgate.yaml:3:1: unknown key 'firewall': did you mean 'ingress'?",
	},
	{
		.name = "key of YAML merges",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"<<: {attach: auto}\n",
		.expected = "vpcgate.yaml:3:1: unknown key '<<': did you mean 'tune'?",
	},
	{
		.name = "duplicate key",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"attach: auto\n"
			"ingress: internal\n",
		.expected = "vpcgate.yaml:4:1: duplicate key 'ingress': it is on line 2 already; "
			    "keep one",
	},
	{
		.name = "key that is a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"[attach]: auto\n",
		.expected =
			"vpcgate.yaml:3:1: expected a key: write one such as `interfaces: [ens4]`",
	},
	{
		.name = "no interfaces",
		.yaml = "ingress: all\n",
		.expected = "vpcgate.yaml:1:1: 'interfaces' is missing: write `interfaces: [ens4]`",
	},
	{
		.name = "no ingress",
		.yaml = "# a comment\n"
			"interfaces: [ens4]\n",
		.expected = "vpcgate.yaml:2:1: 'ingress' is missing: write `ingress: internal`",
	},
	{
		.name = "interfaces not a list",
		.yaml = "interfaces: ens4\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:1:13: interfaces: expected a list: write `interfaces: "
			    "[ens4]`",
	},
	{
		.name = "ingress not a value",
		.yaml = "interfaces: [ens4]\n"
			"ingress: [all]\n",
		.expected = "vpcgate.yaml:2:10: ingress: expected a single value: write `ingress: "
			    "internal`",
	},
	{
		.name = "sources not a map",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: [10.0.0.0/8]\n",
		.expected = "vpcgate.yaml:3:10: sources: expected a map: write `sources: {vpc: "
			    "[10.0.0.0/8]}`",
	},
	{
		.name = "sources without a value",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"attach: auto\n",
		.expected = "vpcgate.yaml:3:9: sources: expected a map: write `sources: {vpc: "
			    "[10.0.0.0/8]}`",
	},
	{
		.name = "set not a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"  vpc: 10.0.0.0/8\n",
		.expected = "vpcgate.yaml:4:8: sources.vpc: expected a list: write `vpc: "
			    "[10.0.0.0/8]`",
	},
	{
		.name = "entry not a value",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"  vpc:\n"
			"    - [10.0.0.0/8]\n",
		.expected =
			"vpcgate.yaml:5:7: sources.vpc: expected a list of single values: write "
			"`vpc: [10.0.0.0/8]`",
	},
	{
		.name = "services not a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: {name: web}\n",
		.expected =
			"vpcgate.yaml:3:11: services: expected a list: write `services: [{name: "
			"web, protocol: tcp, port: 443, ingress: all}]`",
	},
	{
		.name = "service not a map",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [web]\n",
		.expected = "vpcgate.yaml:3:12: service: expected a map: write `{name: web, "
			    "protocol: tcp, port: 443, ingress: all}`",
	},
	{
		.name = "also-admit not a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"also-admit: iap\n",
		.expected = "vpcgate.yaml:3:13: also-admit: expected a list: write `also-admit: "
			    "[iap]`",
	},
	{
		.name = "also-admit of lists",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"also-admit: [[iap]]\n",
		.expected =
			"vpcgate.yaml:3:14: also-admit: expected a list of single values: write "
			"`also-admit: [iap]`",
	},
	{
		.name = "interface neither name nor map",
		.yaml = "interfaces: [[ens4]]\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:1:14: interface: expected a name or a map: write `ens4` or "
			"`{name: ens4, ingress: internal}`",
	},
	{
		.name = "unknown ingress",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal-only\n",
		.expected =
			"vpcgate.yaml:2:10: ingress: unknown setting 'internal-only': write all, "
			"internal or internal-and-cloud-load-balancing",
	},
	{
		.name = "ingress without a value",
		.yaml = "interfaces: [ens4]\n"
			"ingress:\n",
		.expected = "vpcgate.yaml:2:9: ingress: unknown setting '': write all, internal or "
			    "internal-and-cloud-load-balancing",
	},
	{
		.name = "unknown attach",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"attach: offload\n",
		.expected =
			"vpcgate.yaml:3:9: attach: unknown setting 'offload': write auto, native "
			"or generic",
	},
	{
		.name = "unknown tune",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"attach: native\n"
			"tune: true\n",
		.expected = "vpcgate.yaml:4:7: tune: unknown setting 'true': write yes or no",
	},
	{
		.name = "tune without native mode",
		.yaml = "interfaces: [ens4, {name: ens5, attach: generic}]\n"
			"ingress: all\n"
			"tune: yes\n",
		.expected = "vpcgate.yaml:3:7: tune: yes needs `attach: native`, which no "
			    "interface has: write `attach: native` beside it, or `tune: no`",
		.parses = true,
	},
	{
		.name = "an interface's tune without native mode",
		.yaml = "interfaces:\n"
			"  - ens4\n"
			"  - {name: ens5, attach: auto, tune: yes}\n"
			"attach: native\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:3:38: tune: yes needs `attach: native`, and ens5 has "
			    "`attach: auto`: write `attach: native` beside it, or `tune: no`",
		.parses = true,
	},
	{
		.name = "unknown enforcement",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"enforcement: log\n",
		.expected =
			"vpcgate.yaml:3:14: enforcement: unknown setting 'log': write enforce or "
			"monitor",
	},
	{
		.name = "unknown non-ip",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"non-ip: allow\n",
		.expected = "vpcgate.yaml:3:9: non-ip: unknown setting 'allow': write drop or pass",
	},
	{
		.name = "allow-empty in YAML 1.1",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"allow-empty: yes\n",
		.expected = "vpcgate.yaml:3:14: allow-empty: unknown setting 'yes': write true or "
			    "false",
	},
	{
		.name = "replies: on",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: on\n",
		.expected =
			"vpcgate.yaml:3:10: replies: unknown setting 'on': write track, off or a map such as {tcp: 2h, max-flows: 262144}",
	},
	{
		.name = "replies without a value",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies:\n",
		.expected =
			"vpcgate.yaml:3:9: replies: unknown setting '': write track, off or a map such as {tcp: 2h, max-flows: 262144}",
	},
	{
		.name = "replies as a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: [track]\n",
		.expected =
			"vpcgate.yaml:3:10: replies: write `replies: track`, `replies: off` or `replies: {tcp: 2h, max-flows: 262144}`",
	},
	{
		.name = "unknown key in replies",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: 1h, max_flows: 2048}\n",
		.expected = "vpcgate.yaml:3:20: unknown key 'max_flows': did you mean 'max-flows'?",
	},
	{
		.name = "duplicate key in replies",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies:\n"
			"  udp: 1m\n"
			"  udp: 2m\n",
		.expected =
			"vpcgate.yaml:5:3: duplicate key 'udp': it is on line 4 already; keep one",
	},
	{
		.name = "lifetime that is a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: [2h]}\n",
		.expected = "vpcgate.yaml:3:16: tcp: expected a single value: write `tcp: 2h`",
	},
	{
		.name = "lifetime without a unit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: 7200}\n",
		.expected =
			"vpcgate.yaml:3:16: tcp: '7200' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime without a number",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {udp: m}\n",
		.expected =
			"vpcgate.yaml:3:16: udp: 'm' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime in another unit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {icmp: 30ms}\n",
		.expected =
			"vpcgate.yaml:3:17: icmp: '30ms' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime with a fraction",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: 1.5h}\n",
		.expected =
			"vpcgate.yaml:3:16: tcp: '1.5h' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime with a space",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies:\n"
			"  tcp: 2 h\n",
		.expected =
			"vpcgate.yaml:4:8: tcp: '2 h' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime in two units",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: 1h30m}\n",
		.expected =
			"vpcgate.yaml:3:16: tcp: '1h30m' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime below zero",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {udp: -1s}\n",
		.expected =
			"vpcgate.yaml:3:16: udp: '-1s' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime with zeros in front",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {udp: 030s}\n",
		.expected =
			"vpcgate.yaml:3:16: udp: '030s' is not a duration: write a whole number followed by s, m, h or d, from 1s to 7d",
	},
	{
		.name = "lifetime of 0",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {icmp: 0s}\n",
		.expected =
			"vpcgate.yaml:3:17: icmp: '0s' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "tcp one second past a week",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: 604801s}\n",
		.expected =
			"vpcgate.yaml:3:16: tcp: '604801s' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "udp one minute past a week",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {udp: 10081m}\n",
		.expected =
			"vpcgate.yaml:3:16: udp: '10081m' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "icmp one day past a week",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {icmp: 8d}\n",
		.expected =
			"vpcgate.yaml:3:17: icmp: '8d' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "lifetime beyond 64 bits",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {tcp: 18446744073709551617h}\n",
		.expected =
			"vpcgate.yaml:3:16: tcp: '18446744073709551617h' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "max-flows in words",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {max-flows: 256k}\n",
		.expected =
			"vpcgate.yaml:3:22: max-flows: '256k' is not a whole number: write one from 1024 to 4194304",
	},
	{
		.name = "max-flows below the least",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {max-flows: 1023}\n",
		.expected =
			"vpcgate.yaml:3:22: max-flows: '1023' is out of range: write a number from 1024 to 4194304",
	},
	{
		.name = "max-flows past the limit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {max-flows: 4194305}\n",
		.expected =
			"vpcgate.yaml:3:22: max-flows: '4194305' is out of range: write a number from 1024 to 4194304",
	},
	{
		.name = "max-flows beyond 32 bits",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"replies: {max-flows: 4294969344}\n",
		.expected =
			"vpcgate.yaml:3:22: max-flows: '4294969344' is out of range: write a number from 1024 to 4194304",
	},
	{
		.name = "limits without a map",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: 256MiB\n",
		.expected =
			"vpcgate.yaml:3:9: limits: expected a map: write `limits: {table-memory: 256MiB}`",
	},
	{
		.name = "unknown limit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table_memory: 256MiB}\n",
		.expected =
			"vpcgate.yaml:3:10: unknown key 'table_memory': did you mean 'table-memory'?",
	},
	{
		.name = "a limit twice",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 256MiB, table-memory: 1GiB}\n",
		.expected =
			"vpcgate.yaml:3:32: duplicate key 'table-memory': it is on line 3 already; keep one",
	},
	{
		.name = "table-memory without a unit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 268435456}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '268435456' is not a size: write a whole number followed by KiB, MiB or GiB, from 1MiB to 4GiB",
	},
	{
		.name = "table-memory with a unit of 1000s",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 256MB}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '256MB' is not a size: write a whole number followed by KiB, MiB or GiB, from 1MiB to 4GiB",
	},
	{
		.name = "table-memory with a space",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 256 MiB}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '256 MiB' is not a size: write a whole number followed by KiB, MiB or GiB, from 1MiB to 4GiB",
	},
	{
		.name = "table-memory with a fraction",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 1.5GiB}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '1.5GiB' is not a size: write a whole number followed by KiB, MiB or GiB, from 1MiB to 4GiB",
	},
	{
		.name = "table-memory is a list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: [256MiB]}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: expected a single value: write `table-memory: 256MiB`",
	},
	{
		.name = "table-memory below the least",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 1023KiB}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '1023KiB' is out of range: write a size from 1MiB to 4GiB",
	},
	{
		.name = "table-memory past the limit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 4194305KiB}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '4194305KiB' is out of range: write a size from 1MiB to 4GiB",
	},
	{
		.name = "table-memory beyond 64 bits",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"limits: {table-memory: 17179869185GiB}\n",
		.expected =
			"vpcgate.yaml:3:24: table-memory: '17179869185GiB' is out of range: write a size from 1MiB to 4GiB",
	},
	{
		.name = "exporter: on",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: on\n",
		.expected =
			"vpcgate.yaml:3:11: exporter: write `exporter: {listen: 127.0.0.1:9820}` "
			"or `exporter: off`",
	},
	{
		.name = "exporter without listen",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {}\n",
		.expected =
			"vpcgate.yaml:3:11: 'listen' is missing: write `listen: 127.0.0.1:9820`",
	},
	{
		.name = "listen without a port",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {listen: 127.0.0.1}\n",
		.expected = "vpcgate.yaml:3:20: listen: '127.0.0.1' is not ADDRESS:PORT: write "
			    "127.0.0.1:9820 or \"[::1]:9820\"",
	},
	{
		.name = "listen on a host name",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {listen: \"localhost:9820\"}\n",
		.expected =
			"vpcgate.yaml:3:20: listen: 'localhost:9820' is not ADDRESS:PORT: write "
			"127.0.0.1:9820 or \"[::1]:9820\"",
	},
	{
		.name = "listen on IPv6 without brackets",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {listen: \"::1:9820\"}\n",
		.expected = "vpcgate.yaml:3:20: listen: '::1:9820' is not ADDRESS:PORT: write "
			    "127.0.0.1:9820 or \"[::1]:9820\"",
	},
	{
		.name = "listen on IPv4 in brackets",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {listen: \"[127.0.0.1]:9820\"}\n",
		.expected = "vpcgate.yaml:3:20: listen: '[127.0.0.1]:9820' is not ADDRESS:PORT: "
			    "write 127.0.0.1:9820 or \"[::1]:9820\"",
	},
	{
		.name = "listen on port 65536",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {listen: \"127.0.0.1:65536\"}\n",
		.expected =
			"vpcgate.yaml:3:20: listen: '127.0.0.1:65536' is not ADDRESS:PORT: write "
			"127.0.0.1:9820 or \"[::1]:9820\"",
	},
	{
		.name = "unknown key in exporter",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"exporter: {address: 127.0.0.1}\n",
		.expected = "vpcgate.yaml:3:12: unknown key 'address': did you mean 'listen'?",
	},
	{
		.name = "no interface at all",
		.yaml = "interfaces: []\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:1:13: interfaces: the list is empty: write `interfaces: "
			    "[ens4]`",
	},
	{
		.name = "interface name too long",
		.yaml = "interfaces: [abcdefghijklmnop]\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:1:14: 'abcdefghijklmnop' is not an interface name or glob: "
			"write 1 to 15 characters without '/' or spaces, such as ens4 or eth*",
	},
	{
		.name = "interface name with a slash",
		.yaml = "interfaces: [eth/0]\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:1:14: 'eth/0' is not an interface name or glob: write 1 to "
			"15 characters without '/' or spaces, such as ens4 or eth*",
	},
	{
		.name = "interface name with a space",
		.yaml = "interfaces: [\"eth 0\"]\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:1:14: 'eth 0' is not an interface name or glob: write 1 to "
			"15 characters without '/' or spaces, such as ens4 or eth*",
	},
	{
		.name = "empty interface name",
		.yaml = "interfaces: [\"\"]\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:1:14: '' is not an interface name or glob: write 1 to 15 "
			    "characters without '/' or spaces, such as ens4 or eth*",
	},
	{
		.name = "interface listed twice",
		.yaml = "interfaces:\n"
			"  - ens4\n"
			"  - {name: ens4, ingress: all}\n"
			"ingress: internal\n",
		.expected = "vpcgate.yaml:3:12: interface 'ens4' is on line 2 already: keep one",
	},
	{
		.name = "interface without a name",
		.yaml = "interfaces:\n"
			"  - {ingress: all}\n"
			"ingress: internal\n",
		.expected = "vpcgate.yaml:2:5: 'name' is missing: write `name: ens5`",
	},
	{
		.name = "unknown key in an interface",
		.yaml = "interfaces: [{name: ens4, mode: native}]\n"
			"ingress: all\n",
		.expected = "vpcgate.yaml:1:27: unknown key 'mode': did you mean 'name'?",
	},
	{
		.name = "unknown ingress of an interface",
		.yaml = "interfaces: [{name: ens4, ingress: none}]\n"
			"ingress: all\n",
		.expected =
			"vpcgate.yaml:1:36: ingress: unknown setting 'none': write all, internal "
			"or internal-and-cloud-load-balancing",
	},
	{
		.name = "set name in capitals",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {VPC: [10.0.0.0/8]}\n",
		.expected =
			"vpcgate.yaml:3:11: 'VPC' can't name a source set: write 1 to 31 of a-z, "
			"0-9, '-' and '_', beginning with a letter or digit",
	},
	{
		.name = "set name beginning with a hyphen",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {-vpc: [10.0.0.0/8]}\n",
		.expected = "vpcgate.yaml:3:11: '-vpc' can't name a source set: write 1 to 31 of "
			    "a-z, 0-9, '-' and '_', beginning with a letter or digit",
	},
	{
		.name = "set name of 32 characters",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {a23456789012345678901234567890_2: []}\n",
		.expected = "vpcgate.yaml:3:11: 'a23456789012345678901234567890_2' can't name a "
			    "source set: write 1 to 31 of a-z, 0-9, '-' and '_', beginning with a "
			    "letter or digit",
	},
	{
		.name = "duplicate source set",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"  vpc: [10.0.0.0/8]\n"
			"  vpc: [10.1.0.0/16]\n",
		.expected =
			"vpcgate.yaml:5:3: duplicate source set 'vpc': it is on line 4 already; "
			"merge the two lists",
	},
	{
		.name = "host bits set",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [10.128.0.5/20]}\n",
		.expected = "vpcgate.yaml:3:17: 10.128.0.5/20 has host bits set: write "
			    "10.128.0.0/20, or 10.128.0.5/32 for the one address",
		.parses = true,
	},
	{
		.name = "IPv6 host bits set",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"  vpc:\n"
			"    - 10.0.0.0/8\n"
			"    - fd20:1:2::7/48\n",
		.expected = "vpcgate.yaml:6:7: fd20:1:2::7/48 has host bits set: write "
			    "fd20:1:2::/48, or fd20:1:2::7/128 for the one address",
		.parses = true,
	},
	{
		.name = "IPv4 length too large",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [10.0.0.0/33]}\n",
		.expected = "vpcgate.yaml:3:17: 10.0.0.0/33 is too long a prefix: IPv4 lengths go "
			    "from /0 to /32",
		.parses = true,
	},
	{
		.name = "IPv6 length too large",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [fd00::/129]}\n",
		.expected = "vpcgate.yaml:3:17: fd00::/129 is too long a prefix: IPv6 lengths go "
			    "from /0 to /128",
		.parses = true,
	},
	{
		.name = "netmask for a length",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [10.0.0.0/255.0.0.0]}\n",
		.expected =
			"vpcgate.yaml:3:17: '10.0.0.0/255.0.0.0' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48, or google:NAME, gcp:NAME, file:PATH or https://HOST/PATH",
		.parses = true,
	},
	{
		.name = "no length after the slash",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [10.0.0.0/]}\n",
		.expected =
			"vpcgate.yaml:3:17: '10.0.0.0/' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48, or google:NAME, gcp:NAME, file:PATH or https://HOST/PATH",
		.parses = true,
	},
	{
		.name = "leading zero in an address",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [10.010.0.0/16]}\n",
		.expected =
			"vpcgate.yaml:3:17: '10.010.0.0/16' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48, or google:NAME, gcp:NAME, file:PATH or https://HOST/PATH",
		.parses = true,
	},
	{
		.name = "zone in an address",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [\"fe80::1%eth0\"]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'fe80::1%eth0' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48, or google:NAME, gcp:NAME, file:PATH or https://HOST/PATH",
		.parses = true,
	},
	{
		.name = "IPv4-mapped IPv6",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [\"::ffff:10.0.0.0/104\"]}\n",
		.expected = "vpcgate.yaml:3:17: ::ffff:10.0.0.0/104 is IPv4-mapped, which is never "
			    "on the wire: write the IPv4 prefix",
		.parses = true,
	},
	{
		.name = "host name for a prefix",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [example.com]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'example.com' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48, or google:NAME, gcp:NAME, file:PATH or https://HOST/PATH",
		.parses = true,
	},
	{
		.name = "unknown list of Google",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {lb: [google:loadbalancer]}\n",
		.expected =
			"vpcgate.yaml:3:16: unknown list 'google:loadbalancer': write google:load-balancer, google:health-check, google:iap, google:dns-forwarding, google:private-access, google:goog or google:cloud",
		.parses = true,
	},
	{
		.name = "file without a path",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {office: [\"file:\"]}\n",
		.expected = "vpcgate.yaml:3:20: file: needs a path: write "
			    "file:/etc/vpcgate/office.txt",
		.parses = true,
	},
	{
		.name = "unreadable file",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources:\n"
			"  office: [203.0.113.0/24, file:/nonexistent/office.txt]\n",
		.expected = "vpcgate.yaml:4:28: can't read '/nonexistent/office.txt': No such file "
			    "or directory: make it readable or remove the entry",
		.parses = true,
	},
	{
		.name = "host bits set in a file",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {office: [file:office.txt]}\n",
		.expected = "office.txt:4:3: 198.51.100.7/24 has host bits set: write "
			    "198.51.100.0/24, or 198.51.100.7/32 for the one address",
		.parses = true,
		.file_name = "office.txt",
		.file_text = "# offices\n"
			     "203.0.113.0/24   # Berlin\r\n"
			     "\n"
			     "  198.51.100.7/24\n",
	},
	{
		.name = "not a prefix in a file",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {office: [file:office.txt]}\n",
		.expected = "office.txt:2:1: 'Berlin' is not a prefix: write it like 10.128.0.0/20 "
			    "or fd20:1:2::/48",
		.parses = true,
		.file_name = "office.txt",
		.file_text = "203.0.113.0/24\n"
			     "Berlin # 198.51.100.0/24\n",
	},
	{
		.name = "two words on a line of a file",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {office: [file:office.txt]}\n",
		.expected = "office.txt:1:17: a second word: write one prefix a line, comments "
			    "behind '#'",
		.parses = true,
		.file_name = "office.txt",
		.file_text = "\t203.0.113.0/24 198.51.100.0/24\n",
	},
	{
		.name = "list of Google in a file",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {office: [file:office.txt]}\n",
		.expected = "office.txt:1:1: 'google:iap' is not a prefix: write it like "
			    "10.128.0.0/20 or fd20:1:2::/48",
		.parses = true,
		.file_name = "office.txt",
		.file_text = "google:iap",
	},
	{
		.name = "iap admitted but not defined",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal\n"
			"also-admit: [iap]\n"
			"sources: {vpc: [10.0.0.0/8]}\n",
		.expected = "vpcgate.yaml:3:14: unknown source set 'iap': define it under sources, "
			    "for instance `iap: [google:iap]`",
		.parses = true,
	},
	{
		.name = "unknown set",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal\n"
			"also-admit: [shared_vpc]\n"
			"sources: {vpc: [10.0.0.0/8], shared-vpc: []}\n",
		.expected = "vpcgate.yaml:3:14: unknown source set 'shared_vpc': did you mean "
			    "'shared-vpc'? There are vpc, shared-vpc, load-balancer, health-check",
		.parses = true,
	},
	{
		.name = "unknown set in a service",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - name: web\n"
			"    protocol: tcp\n"
			"    also-admit:\n"
			"      - load-balancer\n"
			"      - healthcheck\n",
		.expected = "vpcgate.yaml:8:9: unknown source set 'healthcheck': did you mean "
			    "'health-check'? There are load-balancer, health-check",
		.parses = true,
	},
	{
		.name = "service without a name",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - {protocol: tcp, port: 80}\n",
		.expected = "vpcgate.yaml:4:5: 'name' is missing: write `name: web`",
	},
	{
		.name = "service name in capitals",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: Web, protocol: tcp}]\n",
		.expected = "vpcgate.yaml:3:19: 'Web' can't name a service: write 1 to 31 of a-z, "
			    "0-9, '-' and '_', beginning with a letter or digit",
	},
	{
		.name = "duplicate service name",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - {name: web, protocol: tcp, port: 80}\n"
			"  - {name: web, protocol: tcp, port: 443}\n",
		.expected = "vpcgate.yaml:5:12: duplicate service 'web': it is on line 4 already; "
			    "rename or remove one",
	},
	{
		.name = "unknown protocol",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: http}]\n",
		.expected =
			"vpcgate.yaml:3:34: protocol: 'http' is not a protocol: write tcp, udp, "
			"sctp, icmp, icmpv6, gre, esp or another name, or a number from 0 to 255",
	},
	{
		.name = "protocol number too large",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: 256}]\n",
		.expected =
			"vpcgate.yaml:3:34: protocol: '256' is not a protocol: write tcp, udp, "
			"sctp, icmp, icmpv6, gre, esp or another name, or a number from 0 to 255",
	},
	{
		.name = "port 0",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: tcp, port: 0}]\n",
		.expected =
			"vpcgate.yaml:3:45: port: '0' is not a port: write one number from 1 to "
			"65535",
	},
	{
		.name = "port 65536",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: tcp, port: 65536}]\n",
		.expected =
			"vpcgate.yaml:3:45: port: '65536' is not a port: write one number from 1 "
			"to 65535",
	},
	{
		.name = "range of ports",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: tcp, port: 8000-8010}]\n",
		.expected = "vpcgate.yaml:3:45: port: '8000-8010' is not a port: write one number "
			    "from 1 to 65535",
	},
	{
		.name = "list of ports",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: tcp, port: [80, 443]}]\n",
		.expected = "vpcgate.yaml:3:45: port: expected a single value: write `port: 443`",
	},
	{
		.name = "port without a protocol",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, port: 80}]\n",
		.expected =
			"vpcgate.yaml:3:30: port: which protocol's? Add `protocol: tcp`, udp or "
			"sctp",
	},
	{
		.name = "port of a protocol without ports",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: ping, port: 80, protocol: icmp}]\n",
		.expected = "vpcgate.yaml:3:31: port: protocol icmp has none: remove it, or write "
			    "`protocol: tcp`, udp or sctp",
	},
	{
		.name = "service that matches everything",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - name: web\n"
			"    ingress: internal\n",
		.expected =
			"vpcgate.yaml:4:5: service 'web' matches every frame: add protocol, port "
			"or to, or use the top-level ingress instead",
	},
	{
		.name = "to without an address",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, to: []}]\n",
		.expected = "vpcgate.yaml:3:28: to: the list is empty: name an address, or remove "
			    "`to` for any",
	},
	{
		.name = "to with host bits set",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, to: [198.51.100.7, 198.51.100.7/24]}]\n",
		.expected = "vpcgate.yaml:3:43: 198.51.100.7/24 has host bits set: write "
			    "198.51.100.0/24, or 198.51.100.7/32 for the one address",
		.parses = true,
	},
	{
		.name = "to with a name",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, to: [example.com]}]\n",
		.expected =
			"vpcgate.yaml:3:29: 'example.com' is not a prefix: write it like 10.128.0.0/20 or fd20:1:2::/48, or a feed such as gcp:forwarded-ips",
		.parses = true,
	},
	{
		.name = "to with IPv4-mapped IPv6",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, to: [\"::ffff:198.51.100.7\"]}]\n",
		.expected = "vpcgate.yaml:3:29: ::ffff:198.51.100.7 is IPv4-mapped, which is never "
			    "on the wire: write the IPv4 prefix",
		.parses = true,
	},
	{
		.name = "unknown key in a service",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, protocol: tcp, ports: 80}]\n",
		.expected = "vpcgate.yaml:3:39: unknown key 'ports': did you mean 'port'?",
	},
	{
		.name = "two services for the same port",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - {name: web, protocol: tcp, port: 443}\n"
			"  - {name: api, protocol: tcp, port: 443}\n",
		.expected = "vpcgate.yaml:5:5: service 'api' matches the same frames as 'web' on "
			    "line 4: change its protocol, port or to, or remove one",
		.parses = true,
	},
	{
		.name = "two services for the same protocol",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - {name: tunnel, protocol: gre}\n"
			"  - {name: gre, protocol: 47}\n",
		.expected =
			"vpcgate.yaml:5:5: service 'gre' matches the same frames as 'tunnel' on "
			"line 4: change its protocol, port or to, or remove one",
		.parses = true,
	},
	{
		.name = "two services share a destination",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - {name: blue, to: [198.51.100.7, 198.51.100.8]}\n"
			"  - {name: green, to: [198.51.100.9, 198.51.100.8/32]}\n",
		.expected =
			"vpcgate.yaml:5:38: service 'green' shares 198.51.100.8/32, protocol and "
			"port with 'blue' on line 4: change one of them, or remove it",
		.parses = true,
	},
	{
		.name = "nobody is admitted",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal\n",
		.expected = "vpcgate.yaml:2:10: this admits nobody: no prefix in vpc, shared-vpc: "
			    "add some under sources, or write `allow-empty: true`",
		.parses = true,
	},
	{
		.name = "nobody is admitted, sets are empty",
		.yaml = "interfaces: [{name: ens4, ingress: internal}]\n"
			"ingress: internal-and-cloud-load-balancing\n"
			"also-admit: [office]\n"
			"sources: {load-balancer: [], health-check: [], office: []}\n"
			"services: [{name: web, protocol: tcp, also-admit: [load-balancer]}]\n",
		.expected = "vpcgate.yaml:2:10: this admits nobody: no prefix in vpc, shared-vpc, "
			    "load-balancer, office: add some under sources, or write `allow-empty: "
			    "true`",
		.parses = true,
	},
	{
		.name = "discovery without a map",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: off\n",
		.expected =
			"vpcgate.yaml:3:12: discovery: expected a map: write `discovery: {refresh: 5m}`",
	},
	{
		.name = "unknown key in discovery",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {refesh: 5m}\n",
		.expected = "vpcgate.yaml:3:13: unknown key 'refesh': did you mean 'refresh'?",
	},
	{
		.name = "refresh too short",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {refresh: 9s}\n",
		.expected =
			"vpcgate.yaml:3:22: refresh: '9s' is out of range: write a duration from 10s to 1d",
	},
	{
		.name = "refresh too long",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {refresh: 25h}\n",
		.expected =
			"vpcgate.yaml:3:22: refresh: '25h' is out of range: write a duration from 10s to 1d",
	},
	{
		.name = "max-shrink without its unit",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {max-shrink: 50}\n",
		.expected =
			"vpcgate.yaml:3:25: max-shrink: '50' is not a percentage: write a whole number followed by %, from 0% to 100%",
	},
	{
		.name = "max-shrink beyond all",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {max-shrink: 101%}\n",
		.expected =
			"vpcgate.yaml:3:25: max-shrink: '101%' is out of range: write a percentage from 0% to 100%",
	},
	{
		.name = "max-shrink with a fraction",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {max-shrink: 0.5%}\n",
		.expected =
			"vpcgate.yaml:3:25: max-shrink: '0.5%' is not a percentage: write a whole number followed by %, from 0% to 100%",
	},
	{
		.name = "shrink-after never",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {shrink-after: 0s}\n",
		.expected =
			"vpcgate.yaml:3:27: shrink-after: '0s' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "shrink-after too long",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {shrink-after: 8d}\n",
		.expected =
			"vpcgate.yaml:3:27: shrink-after: '8d' is out of range: write a duration from 1s to 7d",
	},
	{
		.name = "ca that is relative",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {ca: ca.pem}\n",
		.expected =
			"vpcgate.yaml:3:17: ca: 'ca.pem' is not an absolute path: write one such as /etc/vpcgate/ca.pem",
	},
	{
		.name = "compute over http",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {compute: \"http://compute.googleapis.com\"}\n",
		.expected =
			"vpcgate.yaml:3:22: compute: 'http://compute.googleapis.com' could be changed on its way here: write https://",
	},
	{
		.name = "metadata that is no URL",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {metadata: 169.254.169.254}\n",
		.expected =
			"vpcgate.yaml:3:23: metadata: '169.254.169.254' is not a URL: write http://HOST or https://HOST",
	},
	{
		.name = "vpcaccess that is no URL",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {vpcaccess: vpcaccess.googleapis.com}\n",
		.expected =
			"vpcgate.yaml:3:24: vpcaccess: 'vpcaccess.googleapis.com' is not a URL: write https://HOST",
	},
	{
		.name = "published with a password",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {published: \"https://me:secret@example.com/ranges\"}\n",
		.expected =
			"vpcgate.yaml:3:24: published: a user or password in a URL shows in logs: write https://example.com/ranges",
	},
	{
		.name = "compute with a query",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {compute: \"https://example.com/?a=b\"}\n",
		.expected =
			"vpcgate.yaml:3:22: compute: 'https://example.com/?a=b' goes on behind its path: remove what follows '?' or '#'",
	},
	{
		.name = "compute with a fragment",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {compute: \"https://example.com#a\"}\n",
		.expected =
			"vpcgate.yaml:3:22: compute: 'https://example.com#a' goes on behind its path: remove what follows '?' or '#'",
	},
	{
		.name = "compute without a host",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {compute: \"https:///compute\"}\n",
		.expected =
			"vpcgate.yaml:3:22: compute: 'https:///compute' names no host: write https://HOST or https://HOST:PORT",
	},
	{
		.name = "metadata twice",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"discovery: {metadata: \"http://a\", metadata: \"http://b\"}\n",
		.expected =
			"vpcgate.yaml:3:35: duplicate key 'metadata': it is on line 3 already; keep one",
	},
	{
		.name = "difference without a second side",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{google: goog}]}\n",
		.expected = "vpcgate.yaml:3:18: 'minus' is missing: write `minus: cloud`",
	},
	{
		.name = "difference without a first side",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{minus: cloud}]}\n",
		.expected =
			"vpcgate.yaml:3:18: expected one of google and file: write `{google: goog, minus: cloud}`",
	},
	{
		.name = "difference with two first sides",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{google: goog, file: goog.json, minus: cloud}]}\n",
		.expected =
			"vpcgate.yaml:3:18: expected one of google and file: write `{google: goog, minus: cloud}`",
	},
	{
		.name = "difference with an unknown key",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{google: goog, without: cloud}]}\n",
		.expected = "vpcgate.yaml:3:33: unknown key 'without': did you mean 'minus'?",
	},
	{
		.name = "difference from lists",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{google: goog, minus: [cloud]}]}\n",
		.expected =
			"vpcgate.yaml:3:40: minus: expected a single value: write `minus: cloud`",
	},
	{
		.name = "unknown feed",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [gcp:subnet]}\n",
		.expected =
			"vpcgate.yaml:3:17: unknown feed 'gcp:subnet': did you mean 'gcp:subnets'?",
		.parses = true,
	},
	{
		.name = "unknown parameter of a feed",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [gcp:subnets?region=a]}\n",
		.expected =
			"vpcgate.yaml:3:17: unknown parameter 'region': there are network and project",
		.parses = true,
	},
	{
		.name = "parameter of a feed twice",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [gcp:subnets?network=a&network=b]}\n",
		.expected = "vpcgate.yaml:3:17: network is given twice: keep one",
		.parses = true,
	},
	{
		.name = "parameter of a feed without a value",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [gcp:connectors?project=]}\n",
		.expected = "vpcgate.yaml:3:17: project= is empty: write a value or leave it out",
		.parses = true,
	},
	{
		.name = "network by its path",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [gcp:subnets?network=global/networks/a]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'global/networks/a' can't be a network: write its short name, such as default",
		.parses = true,
	},
	{
		.name = "project by its name",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [gcp:subnets?project=My Project]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'My Project' can't be a project: write its ID or number, such as my-project or example.com:my-project",
		.parses = true,
	},
	{
		.name = "goog with a scope",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [google:goog?scope=us-east1]}\n",
		.expected =
			"vpcgate.yaml:3:17: google:goog has no scopes and services: write google:goog alone, or google:cloud?scope=us-east1",
		.parses = true,
	},
	{
		.name = "list over http",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [\"http://example.com/list\"]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'http://example.com/list' could be changed on its way here: write https://",
		.parses = true,
	},
	{
		.name = "list of no host",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [\"https:///list\"]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'https:///list' names no host: write https://HOST or https://HOST:PORT",
		.parses = true,
	},
	{
		.name = "list with a password",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [\"https://me:secret@example.com/list\"]}\n",
		.expected =
			"vpcgate.yaml:3:17: a user or password in a URL shows in logs: write https://example.com/list",
		.parses = true,
	},
	{
		.name = "list of a server alone",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: [\"https://example.com\"]}\n",
		.expected =
			"vpcgate.yaml:3:17: 'https://example.com' has no path: write https://HOST/PATH",
		.parses = true,
	},
	{
		.name = "difference of what is built in",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{google: iap, minus: cloud}]}\n",
		.expected =
			"vpcgate.yaml:3:27: 'google:iap' can't be taken from or away: write goog or cloud",
		.parses = true,
	},
	{
		.name = "difference with an unknown list",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{google: goog, minus: clouds}]}\n",
		.expected =
			"vpcgate.yaml:3:40: 'google:clouds' can't be taken from or away: write goog or cloud",
		.parses = true,
	},
	{
		.name = "unknown feed in to",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: web, to: [gcp:forwarded-ip]}]\n",
		.expected =
			"vpcgate.yaml:3:29: unknown feed 'gcp:forwarded-ip': did you mean 'gcp:forwarded-ips'?",
		.parses = true,
	},
	{
		.name = "two services share a destination behind a feed",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services:\n"
			"  - {name: a, to: [192.0.2.1]}\n"
			"  - {name: b, to: [gcp:forwarded-ips, 192.0.2.2, 192.0.2.1]}\n",
		.expected =
			"vpcgate.yaml:5:50: service 'b' shares 192.0.2.1/32, protocol and port with 'a' on line 4: change one of them, or remove it",
		.parses = true,
	},
	{
		.name = "two services share a feed",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"services: [{name: a, to: [gcp:forwarded-ips]}, {name: b, to: [192.0.2.1, gcp:forwarded-ips]}]\n",
		.expected =
			"vpcgate.yaml:3:74: service 'b' shares gcp:forwarded-ips, protocol and port with 'a' on line 3: change one of them, or remove it",
		.parses = true,
	},
	{
		.name = "no answers for subnets",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal\n"
			"replies: off\n"
			"sources: {vpc: [gcp:subnets, 10.0.0.0/8]}\n",
		.expected =
			"vpcgate.yaml:4:17: with `replies: off` no answer to 'gcp:subnets' could come in: write `replies: track`, or `also-admit` a set with google:private-access",
		.parses = true,
	},
	{
		.name = "no answers for published lists",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal\n"
			"replies: off\n"
			"sources: {vpc: [10.0.0.0/8, {google: goog, minus: cloud}]}\n",
		.expected =
			"vpcgate.yaml:4:38: with `replies: off` no answer to 'google:goog' could come in: write `replies: track`, or `also-admit` a set with google:private-access",
		.parses = true,
	},
	{
		.name = "no answers from an address",
		.yaml = "interfaces: [ens4]\n"
			"ingress: internal\n"
			"replies: off\n"
			"sources: {vpc: [10.0.0.0/8, google:private-access, \"https://192.0.2.1/a\"]}\n",
		.expected =
			"vpcgate.yaml:4:52: with `replies: off` no answer to 'https://192.0.2.1/a' could come in: write `replies: track`, or `also-admit` a set with 192.0.2.1",
		.parses = true,
	},
	{
		.name = "no answers on one of two interfaces",
		.yaml = "interfaces: [{name: ens4, ingress: all}, ens5]\n"
			"ingress: internal\n"
			"replies: off\n"
			"sources: {vpc: [gcp:connectors]}\n",
		.expected =
			"vpcgate.yaml:4:17: with `replies: off` no answer to 'gcp:connectors' could come in: write `replies: track`, or `also-admit` a set with google:private-access",
		.parses = true,
	},
	{
		.name = "list that is broken JSON",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: ['file:a.json']}\n",
		.expected = "a.json:1:15: not JSON: unexpected token near '}'",
		.parses = true,
		.file_name = "a.json",
		.file_text = "{\"prefixes\": [}",
	},
	{
		.name = "list that is one page",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: ['file:a.json']}\n",
		.expected =
			"vpcgate.yaml:3:17: 'file:a.json' is one page of several (nextPageToken): save all of them as one list, as gcloud ... list --format=json does",
		.parses = true,
		.file_name = "a.json",
		.file_text =
			"{\"connectors\": [{\"name\": \"projects/p/locations/us-east1/connectors/c\", \"ipCidrRange\": \"10.8.0.0/28\", \"network\": \"n\", \"state\": \"READY\"}], \"nextPageToken\": \"x\"}",
	},
	{
		.name = "scope of a text",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: ['file:a.txt?scope=us-east1']}\n",
		.expected =
			"vpcgate.yaml:3:17: 'file:a.txt?scope=us-east1' has no scopes and services, as cloud.json has: remove what follows '?'",
		.parses = true,
		.file_name = "a.txt",
		.file_text = "192.0.2.1\n",
	},
	{
		.name = "scope of subnets",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {vpc: ['file:a.json?scope=us-east1']}\n",
		.expected =
			"vpcgate.yaml:3:17: 'file:a.json?scope=us-east1' has no scopes and services, as cloud.json has: remove what follows '?'",
		.parses = true,
		.file_name = "a.json",
		.file_text =
			"[{\"name\": \"a\", \"network\": \"n\", \"ipCidrRange\": \"10.8.0.0/16\", \"purpose\": \"PRIVATE\"}]",
	},
	{
		.name = "difference with a wrong line",
		.yaml = "interfaces: [ens4]\n"
			"ingress: all\n"
			"sources: {apis: [{file: a.txt, minus: b.txt}]}\n",
		.expected =
			"a.txt:1:1: 192.0.2.1/33 is too long a prefix: IPv4 lengths go from /0 to /32",
		.parses = true,
		.file_name = "a.txt",
		.file_text = "192.0.2.1/33\n",
	},
};

#endif
