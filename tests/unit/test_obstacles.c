/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/obstacles.c"

/* "COMMAND; COMMAND" with "-" where there is none; a text that must be in the first one, if any. */
struct obstacle_case {
	const char *name;
	struct vg_nic_facts facts;
	const char *commands, *says;
};

#define GVE .driver = "gve", .version = "1.0.0", .kernel = "6.8.0-1042-gke"
#define VIRTIO .driver = "virtio_net", .version = "1.0.0"
#define QUEUES(rx_, tx_, most_rx, most_tx) \
	.rx = rx_, .tx = tx_, .max_rx = most_rx, .max_tx = most_tx

static const struct obstacle_case cases[] = {
	{"gve with room", {GVE, QUEUES(2, 2, 4, 4), .mtu = 1460}, "", NULL},
	{"gve as it comes", {GVE, QUEUES(4, 4, 4, 4)}, "ethtool -L ens4 rx 2 tx 2", "at most 4"},
	{"gve, an odd maximum", {GVE, QUEUES(5, 5, 5, 5)}, "ethtool -L ens4 rx 2 tx 2", NULL},
	{"gve, unequal", {GVE, QUEUES(2, 3, 16, 16)}, "ethtool -L ens4 rx 3 tx 3", NULL},
	{"gve, unequal maxima", {GVE, QUEUES(4, 4, 8, 6)}, "ethtool -L ens4 rx 3 tx 3", NULL},
	{"gve, one queue", {GVE, QUEUES(1, 1, 1, 1)}, "-", "queue count of 2"},
	{"gve doesn't say", {GVE}, "", NULL},
	{"gve, the largest MTU", {GVE, .mtu = 2032}, "", NULL},
	{"gve, a larger MTU", {GVE, .mtu = 2033}, "ip link set dev ens4 mtu 2032", "2033"},
	{"gve, LRO", {GVE, .lro = VG_FEATURE_ON}, "ethtool -K ens4 lro off", NULL},
	{"gve, header split",
	 {GVE, .header_split = VG_FEATURE_ON},
	 "ethtool -G ens4 tcp-data-split off",
	 NULL},
	{"gve, everything at once",
	 {GVE, QUEUES(8, 8, 8, 8), .mtu = 8896, .lro = VG_FEATURE_ON,
	  .header_split = VG_FEATURE_ON},
	 "ethtool -L ens4 rx 4 tx 4; ip link set dev ens4 mtu 2032; ethtool -K ens4 lro off; "
	 "ethtool -G ens4 tcp-data-split off",
	 NULL},
	{"gve before 6.4",
	 {.driver = "gve", .version = "1.0.0", .kernel = "6.1.0-28-cloud"},
	 "-",
	 "since Linux 6.4"},
	{"Google's own gve", {.driver = "gve", .version = "1.4.7", .kernel = "5.15.0"}, "", NULL},
	{"gve in the format DQO", {GVE, .refusal = -EOPNOTSUPP}, "-", "Linux 6.15"},
	{"gve, refused for the MTU: no word of a format",
	 {GVE, .mtu = 8896, .refusal = -EOPNOTSUPP},
	 "ip link set dev ens4 mtu 2032",
	 NULL},
	{"gve, refused for LRO",
	 {GVE, .lro = VG_FEATURE_ON, .refusal = -EOPNOTSUPP},
	 "ethtool -K ens4 lro off",
	 NULL},
	{"gve 6.15 has that",
	 {.driver = "gve", .kernel = "6.15.1", .refusal = -EOPNOTSUPP},
	 "-",
	 "gve has no XDP of its own"},
	{"6.10 is not before 6.4", {.driver = "gve", .kernel = "6.10.1"}, "", NULL},
	{"virtio_net that switches off itself",
	 {VIRTIO, .kernel = "6.8.0", .gro_hw = VG_FEATURE_ON, .lro = VG_FEATURE_ON},
	 "",
	 NULL},
	{"virtio_net that complains of it",
	 {VIRTIO, .kernel = "6.8.0", .gro_hw = VG_FEATURE_ON, .refusal = -EOPNOTSUPP},
	 "ethtool -K ens4 rx-gro-hw off",
	 NULL},
	{"virtio_net that may not",
	 {VIRTIO, .kernel = "6.8.0", .gro_hw = VG_FEATURE_FIXED},
	 "-",
	 "the host doesn't let"},
	{"virtio_net, one page a frame",
	 {VIRTIO, .kernel = "6.1.0", .mtu = 3507},
	 "ip link set dev ens4 mtu 3506",
	 NULL},
	{"virtio_net, it fits", {VIRTIO, .kernel = "6.1.0", .mtu = 3506}, "", NULL},
	{"virtio_net with frames of many pages",
	 {VIRTIO, .kernel = "6.3.0", .mtu = 9000},
	 "",
	 NULL},
	{"virtio_net on Compute Engine",
	 {VIRTIO, .kernel = "6.8.0", .refusal = -EINVAL},
	 "-",
	 "any_header_sg"},
	{"veth with fewer queues than its peer",
	 {.driver = "veth", QUEUES(1, 1, 4, 4), .refusal = -ENOSPC},
	 "ethtool -L ens4 rx 4 tx 1",
	 NULL},
	{"veth that has no more",
	 {.driver = "veth", QUEUES(1, 1, 1, 1), .refusal = -ENOSPC},
	 "-",
	 "veth refuses it: No space left"},
	{"veth that was not asked", {.driver = "veth", QUEUES(1, 1, 4, 4)}, "", NULL},
	{"another driver, LRO and GRO_HW",
	 {.driver = "bnxt_en", .lro = VG_FEATURE_ON, .gro_hw = VG_FEATURE_FIXED},
	 "ethtool -K ens4 lro off; -",
	 NULL},
	{"a driver without",
	 {.driver = "bridge", .kernel = "6.8.0", .refusal = -EOPNOTSUPP},
	 "-",
	 "bridge has no XDP"},
	{"a driver that doesn't say what it is", {.refusal = -EIO}, "-", "the driver refuses it"},
	{"nothing is known", {.mtu = 65535}, "", NULL},
};

static void obstacles_and_their_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_obstacle obstacles[VG_MAX_OBSTACLES];
		const size_t n = vg_obstacles_find(&cases[i].facts, obstacles);
		char text[512] = "", command[VG_COMMAND_SIZE];
		size_t length = 0;

		for (size_t k = 0; k < n; k++) {
			const struct vg_nic_change *c = &obstacles[k].change;

			vg_nic_command("ens4", c->setting, c->to, command);
			length += snprintf(text + length, sizeof(text) - length, "%s%s",
					   k ? "; " : "", *command ? command : "-");
		}
		if (strcmp(text, cases[i].commands) != 0)
			fail_msg("%s: expected '%s', got '%s'", cases[i].name, cases[i].commands,
				 text);
		if (cases[i].says && !strstr(obstacles[0].text, cases[i].says))
			fail_msg("%s: no '%s' in '%s'", cases[i].name, cases[i].says,
				 obstacles[0].text);
	}
}

/* What a change says of now is what the command would have to bring back. */
static void changes_know_the_way_back(void **state)
{
	static const struct vg_nic_facts facts = {GVE, QUEUES(8, 6, 8, 8), .mtu = 8896,
						  .lro = VG_FEATURE_ON,
						  .header_split = VG_FEATURE_ON};
	static const char *const back[] = {
		"ethtool -L ens4 rx 8 tx 6", "ip link set dev ens4 mtu 8896",
		"ethtool -K ens4 lro on", "ethtool -G ens4 tcp-data-split on"};
	struct vg_obstacle obstacles[VG_MAX_OBSTACLES];
	char command[VG_COMMAND_SIZE];

	(void)state;
	assert_int_equal(vg_obstacles_find(&facts, obstacles), VG_ARRAY_SIZE(back));
	for (size_t i = 0; i < VG_ARRAY_SIZE(back); i++)
		assert_string_equal(vg_nic_command("ens4", obstacles[i].change.setting,
						   obstacles[i].change.from, command),
				    back[i]);
}

static void some_drivers_take_more_than_they_show(void **state)
{
	const struct vg_nic_facts gve = {GVE}, veth = {.driver = "veth"}, none = {};

	(void)state;
	assert_int_equal(vg_obstacles_seen_mtu(&gve), 2032);
	assert_int_equal(vg_obstacles_seen_mtu(&veth), 0);
	assert_int_equal(vg_obstacles_seen_mtu(&none), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_drivers_take_more_than_they_show),
		cmocka_unit_test(obstacles_and_their_commands),
		cmocka_unit_test(changes_know_the_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
