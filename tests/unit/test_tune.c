/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes and the way back over a gVNIC that no test machine has: a few numbers in place of the
 * kernel's settings, and a list in place of the pinned map.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dataplane/dataplane.h"
#include "share/nic_settings.h"

static struct vg_nic_facts nic;
static struct vg_tuned kept[VG_NIC_SETTING_MAX];
static bool is_kept[VG_NIC_SETTING_MAX];
static enum vg_nic_setting refused; /* by the driver */
static int keep_error;
static char log_of_changes[1024];

static int read_facts(unsigned ifindex, struct vg_nic_facts *ret_facts, bool *ret_device)
{
	(void)ifindex;
	(void)ret_device;
	*ret_facts = nic;
	return 0;
}

static void store(enum vg_nic_setting setting, struct vg_nic_value value)
{
	if (setting == VG_NIC_QUEUES) {
		nic.rx = value.value;
		nic.tx = value.tx;
	} else if (setting == VG_NIC_MTU) {
		nic.mtu = value.value;
	} else if (setting == VG_NIC_LRO) {
		nic.lro = value.value ? VG_FEATURE_ON : VG_FEATURE_OFF;
	}
}

static int set_fact(unsigned ifindex, enum vg_nic_setting setting, struct vg_nic_value value,
		    struct vg_diag *diag)
{
	(void)ifindex;
	/* Else a crash right now would leave it changed. */
	assert_true(is_kept[setting]);
	if (setting == refused)
		return vg_diag_set(diag, EBUSY, "", (struct vg_position){0},
				   "`COMMAND` failed: busy");
	store(setting, value);
	return 0;
}

static int keep(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag)
{
	(void)dir;
	if (keep_error)
		return vg_diag_set(diag, -keep_error, "", (struct vg_position){0}, "no room");
	kept[tuned->change.setting] = *tuned;
	is_kept[tuned->change.setting] = true;
	return 0;
}

static int forget(const char *dir, const struct vg_tuned *tuned, struct vg_diag *diag)
{
	(void)dir;
	(void)diag;
	is_kept[tuned->change.setting] = false;
	return 0;
}

static int list_kept(const char *dir, struct vg_tuned **ret_list, size_t *ret_n,
		     struct vg_diag *diag)
{
	struct vg_tuned *copy = calloc(VG_NIC_SETTING_MAX, sizeof(*copy));
	size_t n = 0;

	(void)dir;
	(void)diag;
	assert_non_null(copy);
	for (size_t i = 0; i < VG_NIC_SETTING_MAX; i++)
		if (is_kept[i])
			copy[n++] = kept[i];
	*ret_list = copy;
	*ret_n = n;
	return 0;
}

static char *name_of(unsigned ifindex, char *name)
{
	return ifindex == 7 ? strcpy(name, "ens4") : NULL;
}

#define vg_nic_facts_read read_facts
#define vg_nic_set set_fact
#define vg_tuned_put keep
#define vg_tuned_drop forget
#define vg_tuned_list list_kept
#define if_indextoname name_of
#include "share/tune.c"

static void note(void *context, bool failed, const char *text)
{
	const size_t length = strlen(log_of_changes);

	(void)context;
	snprintf(log_of_changes + length, sizeof(log_of_changes) - length, "%s%s\n",
		 failed ? "failed: " : "", text);
}

static const struct vg_tune_report report = {note, NULL};

static int apply(struct vg_diag *diag)
{
	return vg_tune_apply("", 7, "ens4", 0, &report, diag);
}

/* Returns how many are remembered still. */
static size_t back(void)
{
	_cleanup_free_ struct vg_tuned *all = NULL;
	size_t n = 0, left = 0;

	list_kept("", &all, &n, NULL);
	for (size_t i = 0; i < n; i++)
		left += vg_tune_back("", &all[i], &report) < 0;
	return left;
}

static void said(const char *expected)
{
	assert_string_equal(log_of_changes, expected);
	log_of_changes[0] = '\0';
}

static int setup(void **state)
{
	(void)state;
	nic = (struct vg_nic_facts){.driver = "gve",
				    .kernel = "6.8.0",
				    .rx = 4,
				    .tx = 4,
				    .max_rx = 4,
				    .max_tx = 4,
				    .mtu = 8896,
				    .lro = VG_FEATURE_ON};
	memset(is_kept, 0, sizeof(is_kept));
	refused = VG_NIC_NONE;
	keep_error = 0;
	log_of_changes[0] = '\0';
	return 0;
}

#define ALL_SET                                                                 \
	"ens4: queues set to 2 RX, 2 TX for native mode (before: 4 RX, 4 TX)\n" \
	"ens4: MTU set to 2032 for native mode (before: 8896)\n"                \
	"ens4: LRO set to off for native mode (before: on)\n"

static void there_and_back(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	assert_int_equal(apply(&diag), 3);
	said(ALL_SET);
	assert_true(nic.rx == 2 && nic.tx == 2 && nic.mtu == 2032 && nic.lro == VG_FEATURE_OFF);
	assert_int_equal(apply(&diag), 0);
	assert_int_equal(back(), 0);
	said("ens4: queues put back to 4 RX, 4 TX (for native mode: 2 RX, 2 TX)\n"
	     "ens4: LRO put back to on (for native mode: off)\n"
	     "ens4: MTU put back to 8896 (for native mode: 2032)\n");
	assert_true(nic.rx == 4 && nic.tx == 4 && nic.mtu == 8896 && nic.lro == VG_FEATURE_ON);
	assert_false(is_kept[VG_NIC_QUEUES] || is_kept[VG_NIC_LRO] || is_kept[VG_NIC_MTU]);
}

static void one_of_them_fails(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	refused = VG_NIC_MTU;
	assert_int_equal(apply(&diag), -EBUSY);
	assert_string_equal(diag.text,
			    "ens4 can't be tuned for native XDP: `COMMAND` failed: busy");
	assert_int_equal(nic.rx, 2);
	assert_int_equal(nic.lro, VG_FEATURE_ON);
	log_of_changes[0] = '\0';
	assert_int_equal(back(), 0);
	said("ens4: queues put back to 4 RX, 4 TX (for native mode: 2 RX, 2 TX)\n");
	assert_false(is_kept[VG_NIC_MTU]);
}

static void nothing_is_changed_that_is_not_remembered(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	keep_error = -ENOSPC;
	assert_int_equal(apply(&diag), -ENOSPC);
	assert_string_equal(diag.text, "ens4 can't be tuned for native XDP: no room");
	assert_int_equal(nic.rx, 4);
	said("");
}

static void the_way_back_is_refused(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	apply(&diag);
	said(ALL_SET);
	refused = VG_NIC_QUEUES;
	assert_int_equal(back(), 1);
	said("failed: ens4: queues can't be put back to 4 RX, 4 TX: `COMMAND` failed: busy\n"
	     "ens4: LRO put back to on (for native mode: off)\n"
	     "ens4: MTU put back to 8896 (for native mode: 2032)\n");
	refused = VG_NIC_NONE;
	assert_int_equal(back(), 0);
	said("ens4: queues put back to 4 RX, 4 TX (for native mode: 2 RX, 2 TX)\n");
}

static void others_have_changed_it(void **state)
{
	struct vg_diag diag = {0};

	(void)state;
	apply(&diag);
	said(ALL_SET);
	nic.rx = 1;
	nic.mtu = 8896;
	assert_int_equal(back(), 0);
	said("ens4: queues left at 1 RX, 2 TX, which somebody has set since (before native mode: "
	     "4 RX, 4 TX)\n"
	     "ens4: LRO put back to on (for native mode: off)\n");
	assert_false(is_kept[VG_NIC_QUEUES] || is_kept[VG_NIC_MTU]);
}

static void a_nic_that_is_gone_is_forgotten(void **state)
{
	const struct vg_tuned gone = {8, "ens5", {VG_NIC_MTU, {8896, 0}, {2032, 0}}};

	(void)state;
	keep("", &gone, NULL);
	assert_int_equal(vg_tune_back("", &gone, &report), 0);
	said("");
	assert_false(is_kept[VG_NIC_MTU]);
}

static void as_json(void **state)
{
	const struct vg_tuned all[] = {{7, "ens4", {VG_NIC_MTU, {8896, 0}, {2032, 0}}},
				       {8, "ens5", {VG_NIC_LRO, {1, 0}, {0, 0}}}};
	_cleanup_free_ char *text = NULL;
	json_auto_t *json = NULL;

	(void)state;
	/* What it was set to, and what somebody else has set since. */
	nic.mtu = 1500;
	json = vg_tune_json(all, 2, 7);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, "[{\"setting\":\"MTU\",\"before\":\"8896\",\"now\":\"1500\"}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(there_and_back, setup),
		cmocka_unit_test_setup(one_of_them_fails, setup),
		cmocka_unit_test_setup(nothing_is_changed_that_is_not_remembered, setup),
		cmocka_unit_test_setup(the_way_back_is_refused, setup),
		cmocka_unit_test_setup(others_have_changed_it, setup),
		cmocka_unit_test_setup(a_nic_that_is_gone_is_forgotten, setup),
		cmocka_unit_test_setup(as_json, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
