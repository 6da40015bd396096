/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections by the thousand, where time runs out: the kernel's lists and the clock are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/connections.c"
#include "service/regime.c"
#include "tests/unit/policy_text.h"

#define EVERYTHING "interfaces: [ens4]\ningress: all\n"
#define NOBODY "interfaces: [ens4]\ningress: internal\nsources: {vpc: [10.0.0.0/8]}\n"

/* How many connections there are, and what the clock says after each look at it. */
static unsigned n_connections;
static uint64_t clock_us, step_us;

uint64_t vg_gate_now_us(void)
{
	const uint64_t now_us = clock_us;

	clock_us += step_us;
	return now_us;
}

int vg_sockets_each_connection(int (*each)(const struct vg_socket *socket, void *context),
			       void *context)
{
	for (unsigned i = 0; i < n_connections; i++) {
		struct vg_socket socket = {.local_port = 22, .remote_port = 1024 + i};
		int r;

		assert_int_equal(vg_address_parse("10.0.0.2", &socket.local), 0);
		assert_int_equal(vg_address_parse("203.0.113.9", &socket.remote), 0);
		r = each(&socket, context);
		if (r < 0)
			return r;
	}
	return 0;
}

bool vg_socket_is_outside(const struct vg_socket *socket)
{
	(void)socket;
	return true;
}

int vg_sockets_read_holders(int protocol, struct vg_holders *holders)
{
	(void)protocol;
	(void)holders;
	return 0;
}

int vg_holders_new(struct vg_holders **ret_holders)
{
	*ret_holders = NULL;
	return 0;
}

void vg_holders_free_p(struct vg_holders **holders)
{
	(void)holders;
}

bool vg_holders_hold(const struct vg_holders *holders, const struct vg_address *address,
		     unsigned port)
{
	(void)holders;
	(void)address;
	return port == 22;
}

int vg_routes_open(const unsigned *ifindexes, size_t n, struct vg_routes **ret_routes)
{
	assert_int_equal(n, 1);
	assert_int_equal(ifindexes[0], 4);
	*ret_routes = NULL;
	return 0;
}

void vg_routes_close_p(struct vg_routes **routes)
{
	(void)routes;
}

int vg_routes_find(struct vg_routes *routes, const struct vg_address *address,
		   const struct vg_address *source, unsigned arrival, struct vg_way *ret_way)
{
	(void)routes;
	(void)address;
	(void)source;
	(void)arrival;
	*ret_way = (struct vg_way){VG_SIDE_OUTSIDE, 4};
	return 0;
}

static void judge(const char *then, struct vg_connections *ret_connections)
{
	const struct vg_wanted wanted = {.name = "ens4", .ifindex = 4};
	_cleanup_(vg_policy_free_p) struct vg_policy *before = policy_from(EVERYTHING);
	_cleanup_(vg_policy_free_p) struct vg_policy *after = policy_from(then);
	const struct vg_regime now = {before, &wanted, 1}, next = {after, &wanted, 1};

	clock_us = 5000000;
	assert_int_equal(vg_connections_judge(&now, &next, ret_connections), 0);
}

static void all_are_judged_in_time(void **state)
{
	struct vg_connections connections;

	(void)state;
	n_connections = 150;
	step_us = 10000;
	judge(NOBODY, &connections);
	assert_int_equal(connections.n, 150);
	assert_int_equal(connections.n_unjudged, 0);
	assert_int_equal(connections.n_refused, 150);
	/* The first hundred are listed. */
	assert_int_equal(connections.refused[99].socket.remote_port, 1024 + 99);
	judge(EVERYTHING, &connections);
	assert_int_equal(connections.n_refused, 0);
}

/* The clock is looked at once at the beginning, and once a connection: 2 s are three of these. */
static void the_rest_is_counted_when_time_is_over(void **state)
{
	struct vg_connections connections;

	(void)state;
	n_connections = 5000;
	step_us = 600000;
	judge(NOBODY, &connections);
	assert_int_equal(connections.n, 5000);
	assert_int_equal(connections.n_refused, 3);
	assert_int_equal(connections.n_unjudged, 4997);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_judged_in_time),
		cmocka_unit_test(the_rest_is_counted_when_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
