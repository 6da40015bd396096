/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words that settings and protocols are written in. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "core/config.h"
#include "share/cleanup.h"

#define PROTOCOL_TEXT_SIZE 16

/* Those that netinet/in.h has no name for; numbers by IANA. */
#define PROTOCOL_OSPF 89
#define PROTOCOL_VRRP 112
#define PROTOCOL_L2TP 115

static const struct {
	const char *name;
	int number;
} protocols[] = {
	{"tcp", IPPROTO_TCP},	 {"udp", IPPROTO_UDP},	     {"sctp", IPPROTO_SCTP},
	{"icmp", IPPROTO_ICMP},	 {"icmpv6", IPPROTO_ICMPV6}, {"gre", IPPROTO_GRE},
	{"esp", IPPROTO_ESP},	 {"ah", IPPROTO_AH},	     {"ipip", IPPROTO_IPIP},
	{"ipv6", IPPROTO_IPV6},	 {"igmp", IPPROTO_IGMP},     {"ospf", PROTOCOL_OSPF},
	{"vrrp", PROTOCOL_VRRP}, {"dccp", IPPROTO_DCCP},     {"udplite", IPPROTO_UDPLITE},
	{"l2tp", PROTOCOL_L2TP},
};

const char *vg_ingress_text(enum vg_ingress ingress)
{
#define INGRESS_TEXT(name, text, terraform) [VG_INGRESS_##name] = text,
	static const char *const texts[VG_INGRESS_MAX] = {[VG_INGRESS_INHERIT] = "inherit",
							  VG_INGRESS_SETTINGS(INGRESS_TEXT)};
#undef INGRESS_TEXT

	return texts[ingress];
}

const char *vg_attach_mode_text(enum vg_attach_mode mode)
{
	static const char *const texts[VG_ATTACH_MAX] = {
		[VG_ATTACH_INHERIT] = "inherit",
		[VG_ATTACH_AUTO] = "auto",
		[VG_ATTACH_NATIVE] = "native",
		[VG_ATTACH_GENERIC] = "generic",
	};

	return texts[mode];
}

const char *vg_protocol_text(int protocol, char *out)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(protocols); i++) {
		if (protocols[i].number == protocol) {
			snprintf(out, PROTOCOL_TEXT_SIZE, "%s", protocols[i].name);
			return out;
		}
	}
	if (protocol == VG_PROTOCOL_ANY)
		snprintf(out, PROTOCOL_TEXT_SIZE, "any");
	else
		snprintf(out, PROTOCOL_TEXT_SIZE, "%d", protocol);
	return out;
}

int vg_protocol_parse(const char *text, int *ret_protocol)
{
	const size_t digits = strspn(text, "0123456789");
	int number;

	for (size_t i = 0; i < VG_ARRAY_SIZE(protocols); i++) {
		if (!strcmp(protocols[i].name, text)) {
			*ret_protocol = protocols[i].number;
			return 0;
		}
	}
	if (!digits || digits > 3 || text[digits])
		return -EINVAL;
	number = atoi(text);
	if (number > 255)
		return -EINVAL;
	*ret_protocol = number;
	return 0;
}

bool vg_protocol_has_ports(int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}
