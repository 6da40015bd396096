/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "core/obstacles.h"
#include "service/tuning.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/nic_settings.h"

static void log_text(void *context, bool failed, const char *text)
{
	(void)context;
	vg_log(failed ? VG_LOG_WARN : VG_LOG_INFO, "%s", text);
}

const struct vg_tune_report vg_tuning_log = {log_text, NULL};

/* ---- NICs that are left alone for now ---- */

static bool has(const struct vg_nic_numbers *numbers, unsigned ifindex)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->items[i] == ifindex)
			return true;
	return false;
}

static void take_out(struct vg_nic_numbers *numbers, unsigned ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->items[i] != ifindex)
			numbers->items[n++] = numbers->items[i];
	numbers->n = n;
}

/* The first of so many are NICs that are gone. */
static void add(struct vg_nic_numbers *numbers, unsigned ifindex)
{
	take_out(numbers, ifindex);
	if (numbers->n == VG_ARRAY_SIZE(numbers->items))
		take_out(numbers, numbers->items[0]);
	numbers->items[numbers->n++] = ifindex;
}

bool vg_tuning_has_failed(const struct vg_gate *gate, unsigned ifindex)
{
	return has(&gate->untunable, ifindex);
}

void vg_tuning_retry(struct vg_gate *gate, unsigned ifindex)
{
	if (ifindex) {
		take_out(&gate->untunable, ifindex);
		take_out(&gate->stuck, ifindex);
	} else {
		gate->untunable.n = gate->stuck.n = 0;
	}
}

/* ---- there ---- */

static int attach_as(struct vg_gate *gate, struct vg_wanted *nic, enum vg_attach_mode mode,
		     struct vg_diag *diag)
{
	const int r = vg_dataplane_attach(gate->dataplane, nic->ifindex, nic->name, nic->known_as,
					  mode, &nic->attachment, diag);

	if (r < 0 && mode == VG_ATTACH_NATIVE && r != -EBUSY)
		nic->attachment.native_error = r;
	return r;
}

/* `refusal`: what the driver has refused native mode with, or 0. */
static int tune(const struct vg_gate *gate, const struct vg_wanted *nic, int refusal,
		struct vg_diag *diag)
{
	return vg_tune_apply(gate->bpffs, nic->ifindex, nic->name, refusal, &vg_tuning_log, diag);
}

/*
 * The driver is asked first: only what it refuses says which obstacles count, and whether all of them can
 * be removed. Without the first ones it may refuse another.
 */
static int tune_and_attach(struct vg_gate *gate, struct vg_wanted *nic, struct vg_diag *diag)
{
	int r = attach_as(gate, nic, VG_ATTACH_NATIVE, diag);
	bool changed = false;

	for (int tries = 0; tries < 2 && r < 0 && r != -EBUSY && r != -ENODEV; tries++) {
		const int n = tune(gate, nic, r, diag);

		if (!n)
			break;
		changed = true;
		if (n < 0) {
			r = n;
			break;
		}
		r = attach_as(gate, nic, VG_ATTACH_NATIVE, diag);
	}
	if (r < 0 && changed)
		add(&gate->untunable, nic->ifindex);
	return r;
}

int vg_tuning_attach(struct vg_gate *gate, struct vg_wanted *nic, struct vg_diag *diag)
{
	const struct vg_interface_rule *rule = &gate->policy->rules[nic->rule];

	if (!rule->tune || vg_tuning_has_failed(gate, nic->ifindex) ||
	    vg_dataplane_is_attached(gate->dataplane, nic->ifindex, nic->name))
		return attach_as(gate, nic, rule->attach, diag);
	return tune_and_attach(gate, nic, diag);
}

/* ---- while it is attached ---- */

void vg_tuning_watch(struct vg_gate *gate, struct vg_wanted *nic, const struct vg_wanted *old)
{
	struct vg_diag diag = {0};
	struct vg_nic_facts facts;
	unsigned most;

	if (nic->attachment.mode != VG_ATTACH_NATIVE)
		return;
	if (old && old->mtu == nic->mtu && !old->oversize)
		return;
	if (vg_nic_facts_read(nic->ifindex, &facts, NULL) < 0)
		return;
	most = vg_obstacles_seen_mtu(&facts);
	if (!most || facts.mtu <= most)
		return;
	if (gate->policy->rules[nic->rule].tune && tune(gate, nic, 0, &diag) > 0)
		return;
	snprintf(
		nic->reason, sizeof(nic->reason),
		"its MTU is %u by now, and %s passes frames beyond one of %u on without the filter: "
		"`ip link set dev %s mtu %u`",
		facts.mtu, facts.driver, most, nic->name, most);
	nic->oversize = true;
	if (!old || !old->oversize)
		vg_log(VG_LOG_ERR, "%s: %s", nic->name, nic->reason);
}

/* ---- and back ---- */

/*
 * What a NIC was filtered with it keeps for as long: not every driver refuses to give up what native mode
 * needs, and gve then keeps frames from the program without a word.
 */
static bool stays_tuned(const struct vg_gate *gate, unsigned ifindex)
{
	for (size_t i = 0; i < gate->n_wanted; i++) {
		const struct vg_wanted *nic = &gate->wanted[i];

		if (nic->ifindex != ifindex)
			continue;
		if (vg_dataplane_is_attached(gate->dataplane, ifindex, nic->name))
			return true;
		return gate->policy->rules[nic->rule].tune && nic->state != VG_NIC_FAILED &&
		       nic->state != VG_NIC_DETACHED;
	}
	return false;
}

/* Whoever removes the pins must not take the way back with them. */
static void remember_again(const struct vg_gate *gate)
{
	struct vg_diag diag = {0};

	for (size_t i = 0; i < gate->n_tuned; i++)
		if (vg_tuned_put(gate->bpffs, &gate->tuned[i], &diag) < 0)
			vg_log_warn("%s; it is known to this daemon alone how %s was set",
				    diag.text, gate->tuned[i].name);
}

/* The gate's list becomes what is remembered now, which is no less than what was. */
static void list_tuned(struct vg_gate *gate)
{
	struct vg_tuned *list;
	struct vg_diag diag = {0};
	size_t n;

	if (vg_tuned_list(gate->bpffs, &list, &n, &diag) < 0) {
		vg_log_debug("%s", diag.text);
		return;
	}
	if (!n && gate->n_tuned) {
		free(list);
		remember_again(gate);
		return;
	}
	free(gate->tuned);
	gate->tuned = list;
	gate->n_tuned = n;
}

/* One that is put back is taken out of the list. */
static void put_back(struct vg_gate *gate, const struct vg_tune_report *report)
{
	struct vg_nic_numbers stuck = gate->stuck;
	size_t n = 0;

	for (size_t i = 0; i < gate->n_tuned; i++) {
		const struct vg_tuned tuned = gate->tuned[i];

		if (!stays_tuned(gate, tuned.ifindex) && !has(&gate->stuck, tuned.ifindex)) {
			if (vg_tune_back(gate->bpffs, &tuned, report) >= 0)
				continue;
			add(&stuck, tuned.ifindex);
		}
		gate->tuned[n++] = tuned;
	}
	gate->n_tuned = n;
	gate->stuck = stuck;
}

void vg_tuning_settle(struct vg_gate *gate, const struct vg_tune_report *report)
{
	list_tuned(gate);
	put_back(gate, report);
}
