/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/explain.h"
#include "service/conntrack.h"
#include "service/holders.h"
#include "service/routes.h"
#include "service/seed.h"
#include "service/sockets.h"
#include "share/cleanup.h"

/* Adds to the text of a warning, which may have several parts. */
static void __attribute__((format(printf, 2, 3)))
warn(struct vg_diag *warning, const char *format, ...)
{
	char before[VG_DIAG_TEXT_SIZE], text[VG_DIAG_TEXT_SIZE];
	va_list arguments;

	if (!warning)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	memcpy(before, warning->text, sizeof(before));
	vg_diag_set(warning, 0, NULL, (struct vg_position){0}, "%s%s%s", before,
		    before[0] ? "; " : "", text);
}

/*
 * A protocol whose holders aren't known is left out whole: what others began would look like this
 * host's own.
 */
static int read_sockets(int protocol, const char *name, struct vg_holders *holders,
			struct vg_seeds *seeds, struct vg_diag *warning)
{
	int r;

	r = vg_sockets_read_holders(protocol, holders);
	if (r >= 0)
		r = vg_sockets_read_outbound(protocol, holders, seeds);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		warn(warning, "%s sockets can't be listed: %s%s", name, strerror(-r),
		     r == -ENOENT || r == -EINVAL || r == -EPROTONOSUPPORT
			     ? " (the kernel lacks inet_diag)"
			     : "");
	return 0;
}

static int read_conntrack(const unsigned *ifindexes, size_t n, const struct vg_holders *tcp,
			  struct vg_seeds *seeds, bool *ret_answered, struct vg_diag *warning)
{
	_cleanup_(vg_routes_close_p) struct vg_routes *routes = NULL;
	int r;

	*ret_answered = false;
	r = vg_routes_open(ifindexes, n, &routes);
	if (r >= 0)
		r = vg_conntrack_read_outbound(routes, tcp, seeds);
	if (r == -ENOMEM)
		return r;
	*ret_answered = r >= 0;
	if (r < 0 && r != -ENOENT)
		warn(warning, "connection tracking can't be read: %s%s", strerror(-r),
		     r == -EPERM ? " (it needs CAP_NET_ADMIN)" : "");
	return 0;
}

int vg_seed_collect(const unsigned *ifindexes, size_t n, struct vg_seed **ret_seeds, size_t *ret_n,
		    bool *ret_conntrack, struct vg_diag *ret_warning)
{
	_cleanup_(vg_holders_free_p) struct vg_holders *tcp = NULL, *udp = NULL;
	_cleanup_(vg_seeds_done) struct vg_seeds seeds = {0};
	bool conntrack = false;
	int r;

	if (ret_warning)
		*ret_warning = (struct vg_diag){0};
	r = vg_holders_new(&tcp);
	if (r >= 0)
		r = vg_holders_new(&udp);
	if (r >= 0)
		r = read_sockets(IPPROTO_TCP, "TCP", tcp, &seeds, ret_warning);
	if (r >= 0)
		r = read_sockets(IPPROTO_UDP, "UDP", udp, &seeds, ret_warning);
	if (r >= 0)
		r = read_conntrack(ifindexes, n, tcp, &seeds, &conntrack, ret_warning);
	if (r < 0)
		return r;
	if (seeds.full)
		warn(ret_warning, "there are more than %d open conversations", VG_MAX_FLOWS);
	vg_seeds_unique(&seeds);
	*ret_seeds = VG_TAKE_PTR(seeds.seeds);
	*ret_n = seeds.n;
	*ret_conntrack = conntrack;
	return 0;
}

bool vg_seed_is_wanted(const struct vg_policy *policy, size_t rule, const struct vg_seed *seed)
{
	const bool ports = seed->protocol == IPPROTO_TCP || seed->protocol == IPPROTO_UDP ||
			   seed->protocol == IPPROTO_SCTP;
	const struct vg_question question = {
		.source = seed->remote,
		.has_destination = true,
		.destination = seed->local,
		.protocol = seed->protocol,
		.source_port = ports ? (int)seed->remote_port : -1,
		.port = ports ? (int)seed->local_port : -1,
		.icmp_type = seed->protocol == IPPROTO_ICMPV6 ? ICMP6_ECHO_REPLY : -1,
		.hop_limit = -1,
		.rule = rule,
	};
	struct vg_answer answer;

	vg_explain(policy, &question, &answer);
	return answer.outcome == VG_DROP_NOT_ADMITTED || answer.outcome == VG_DROP_UNLISTED;
}
