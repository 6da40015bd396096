/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/tuning.h"
#include "share/cleanup.h"

#define GVE .driver = "gve", .version = "1.0.0", .kernel = "6.8.0-1042-gke"

static void plan(void **state)
{
	static const struct {
		const char *name;
		struct vg_nic_facts facts;
		size_t n;
		enum vg_nic_setting settings[3];
	} cases[] = {
		{"nothing is in the way",
		 {GVE, .rx = 1, .tx = 1, .max_rx = 2, .max_tx = 2},
		 0,
		 {0}},
		{"all that is",
		 {GVE, .rx = 4, .tx = 4, .max_rx = 4, .max_tx = 4, .mtu = 8896,
		  .lro = VG_FEATURE_ON},
		 3,
		 {VG_NIC_QUEUES, VG_NIC_MTU, VG_NIC_LRO}},
		{"nothing where one of them stays",
		 {GVE, .rx = 4, .tx = 4, .max_rx = 4, .max_tx = 4, .lro = VG_FEATURE_FIXED},
		 0,
		 {0}},
		{"nothing where the driver can't",
		 {.driver = "gve",
		  .version = "1.0.0",
		  .kernel = "6.1.0",
		  .rx = 4,
		  .tx = 4,
		  .max_rx = 4,
		  .max_tx = 4},
		 0,
		 {0}},
		{"what shows in the refusal alone",
		 {.driver = "veth", .rx = 1, .tx = 1, .max_rx = 4, .max_tx = 4, .refusal = -ENOSPC},
		 1,
		 {VG_NIC_QUEUES}},
		{"a refusal that is not known", {.driver = "veth", .refusal = -EIO}, 0, {0}},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct vg_nic_change changes[VG_MAX_OBSTACLES];
		const size_t n = vg_tuning_plan(&cases[i].facts, changes);

		if (n != cases[i].n)
			fail_msg("%s: %zu changes", cases[i].name, n);
		for (size_t k = 0; k < n; k++)
			if (changes[k].setting != cases[i].settings[k])
				fail_msg("%s: %s", cases[i].name,
					 vg_nic_setting_text(changes[k].setting));
	}
}

static void what_comes_back_is_what_others_had_set(void **state)
{
	static const struct {
		unsigned was, set; /* by the earlier change */
		unsigned now, to;
		unsigned back;
	} cases[] = {
		{8, 4, 4, 2, 8}, /* ours after ours */
		{8, 4, 6, 4, 6}, /* somebody has set 6 in between */
		{8, 4, 8, 4, 8}, /* killed before the first was made */
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_nic_change earlier = {
			VG_NIC_QUEUES, {cases[i].was, 1}, {cases[i].set, 1}};
		const struct vg_nic_change change = {
			VG_NIC_QUEUES, {cases[i].now, 1}, {cases[i].to, 1}};
		const struct vg_nic_change joined = vg_tuning_join(&earlier, &change);

		assert_int_equal(joined.from.value, cases[i].back);
		assert_int_equal(joined.to.value, cases[i].to);
	}
}

static void the_way_back(void **state)
{
	static const struct vg_nic_change change = {VG_NIC_QUEUES, {4, 2}, {1, 1}};
	static const struct {
		struct vg_nic_value now;
		enum vg_tuning_back back;
	} cases[] = {
		{{1, 1}, VG_TUNING_BACK},   {{4, 2}, VG_TUNING_UNCHANGED},
		{{4, 1}, VG_TUNING_OTHERS}, {{1, 2}, VG_TUNING_OTHERS},
		{{0, 0}, VG_TUNING_OTHERS},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++)
		assert_int_equal(vg_tuning_back(&change, cases[i].now), cases[i].back);
}

static void words(void **state)
{
	static const char *const values[VG_NIC_SETTING_MAX] = {
		[VG_NIC_QUEUES] = "queues 4294967295 RX, 4294967295 TX",
		[VG_NIC_LRO] = "LRO on",
		[VG_NIC_GRO_HW] = "GRO_HW on",
		[VG_NIC_HEADER_SPLIT] = "header-data split on",
		[VG_NIC_MTU] = "MTU 4294967295",
	};
	char value[VG_NIC_VALUE_SIZE], text[64];

	(void)state;
	for (enum vg_nic_setting i = VG_NIC_QUEUES; i < VG_NIC_SETTING_MAX; i++) {
		vg_nic_value_text(i, (struct vg_nic_value){UINT32_MAX, UINT32_MAX}, value);
		snprintf(text, sizeof(text), "%s %s", vg_nic_setting_text(i), value);
		assert_string_equal(text, values[i]);
	}
	assert_string_equal(vg_nic_value_text(VG_NIC_LRO, (struct vg_nic_value){0, 0}, value),
			    "off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan),
		cmocka_unit_test(what_comes_back_is_what_others_had_set),
		cmocka_unit_test(the_way_back),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
