/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/regime.c"
#include "tests/unit/policy_text.h"

#define INSIDE "10.1.2.3"
#define OUTSIDE "203.0.113.9"
#define OUTSIDE6 "2001:db8::9"
#define SOURCES "sources: {vpc: [10.0.0.0/8]}\n"
#define TWO_NICS "interfaces: [ens4, {name: ens5, ingress: all}]\ningress: internal\n" SOURCES
#define SSH_OPEN "services: [{name: ssh, protocol: tcp, port: 22, ingress: all}]\n"
#define SSH_TO "services: [{name: ssh, to: [10.0.0.2], protocol: tcp, port: 22, ingress: all}]\n"

enum opener { THEY, WE };

/* The host is 10.0.0.2 and fd20::2; ens4 is 4, ens5 is 5; eth0 is 6, which no policy names. */
static const struct {
	const char *name, *config;
	const char *remote;
	unsigned local_port, ifindex;
	enum opener opener;
	bool passes;
} cases[] = {
	{"admitted", TWO_NICS, INSIDE, 22, 4, THEY, true},
	{"not admitted", TWO_NICS, OUTSIDE, 22, 4, THEY, false},
	{"IPv6", TWO_NICS, OUTSIDE6, 22, 4, THEY, false},
	{"by an open NIC", TWO_NICS, OUTSIDE, 22, 5, THEY, true},
	{"by a NIC that isn't filtered", TWO_NICS, OUTSIDE, 22, 6, THEY, true},
	{"by none", TWO_NICS, OUTSIDE, 22, 0, THEY, true},
	{"what we have opened", TWO_NICS, OUTSIDE, 40000, 4, WE, true},
	{"what we have opened, but nothing tracks replies", TWO_NICS "replies: off\n", OUTSIDE,
	 40000, 4, WE, false},
	{"monitor", TWO_NICS "enforcement: monitor\n", OUTSIDE, 22, 4, THEY, true},
	{"a service", TWO_NICS SSH_OPEN, OUTSIDE, 22, 4, THEY, true},
	{"another port", TWO_NICS SSH_OPEN, OUTSIDE, 23, 4, THEY, false},
	{"a service to this address", TWO_NICS SSH_TO, OUTSIDE, 22, 4, THEY, true},
	{"a service to another one", TWO_NICS SSH_TO, OUTSIDE6, 22, 4, THEY, false},
};

static struct vg_socket connection(const char *remote, unsigned local_port)
{
	struct vg_socket socket = {.remote_port = 50000, .local_port = local_port};

	assert_int_equal(vg_address_parse(remote, &socket.remote), 0);
	assert_int_equal(vg_address_parse(socket.remote.family == 4 ? "10.0.0.2" : "fd20::2",
					  &socket.local),
			 0);
	return socket;
}

static void connections_are_judged(void **state)
{
	static const struct vg_wanted wanted[] = {
		{.name = "ens4", .ifindex = 4, .rule = 0},
		{.name = "ens5", .ifindex = 5, .rule = 1},
		{.name = "ens9", .rule = 0}, /* absent */
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(cases[i].config);
		const struct vg_regime regime = {policy, wanted, VG_ARRAY_SIZE(wanted)};
		const struct vg_socket socket = connection(cases[i].remote, cases[i].local_port);
		struct vg_answer answer = {};

		if (vg_regime_passes(&regime, cases[i].ifindex, &socket, cases[i].opener == THEY,
				     &answer) != cases[i].passes)
			fail_msg("%s: %s", cases[i].name, cases[i].passes ? "refused" : "passes");
		if (!cases[i].passes)
			assert_int_equal(answer.outcome, VG_DROP_UNLISTED);
	}
}

static void a_nic_without_a_filter_passes_all(void **state)
{
	static const struct {
		enum vg_nic_state state;
		bool passes;
	} states[] = {
		{VG_NIC_ATTACHED, false},
		{VG_NIC_DETACHED, true},
		{VG_NIC_FAILED, true},
		{VG_NIC_ABSENT, false}, /* of a plan, that is: not attached so far */
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(TWO_NICS);
	const struct vg_socket socket = connection(OUTSIDE, 22);
	struct vg_answer answer;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(states); i++) {
		const struct vg_wanted wanted = {.ifindex = 4, .state = states[i].state};
		const struct vg_regime regime = {policy, &wanted, 1};

		if (vg_regime_passes(&regime, 4, &socket, true, &answer) != states[i].passes)
			fail_msg("state %d", states[i].state);
	}
	assert_true(vg_regime_passes(&(struct vg_regime){policy,
							 &(struct vg_wanted){.ifindex = 4,
									     .surplus = true},
							 1},
				     4, &socket, true, &answer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_judged),
		cmocka_unit_test(a_nic_without_a_filter_passes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
