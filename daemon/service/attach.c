/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/attach.h"
#include "service/switchover.h"
#include "service/tuning.h"
#include "share/cleanup.h"
#include "share/log.h"

#define DETACHED_REASON "detached by the operator; `systemctl reload vpcgated` attaches again"

static bool is_detached(const struct vg_gate *gate, const struct vg_wanted *nic)
{
	return vg_detached_holds(&gate->detached, nic, gate->policy->rules[nic->rule].pattern);
}

/* A NIC may be in another network namespace, and its number that of one which is here. */
static bool is_wanted(const struct vg_gate *gate, const struct vg_link_info *link)
{
	for (size_t i = 0; i < gate->n_wanted; i++) {
		const struct vg_wanted *nic = &gate->wanted[i];

		if (nic->ifindex && nic->ifindex == link->ifindex &&
		    (link->mode != VG_ATTACH_INHERIT || strcmp(nic->name, link->name) == 0))
			return true;
	}
	return false;
}

static void log_unwanted(const struct vg_gate *gate, const struct vg_link_info *link)
{
	if (link->mode != VG_ATTACH_INHERIT)
		vg_log_info("%s: no rule matches it any more, the filter is off", link->name);
	else if (link->ifindex)
		vg_log_warn("%s: it has left this network namespace, and the filter is off there",
			    link->name);
	else if (!vg_wanted_find(gate->wanted, gate->n_wanted, link->name))
		vg_log_info("%s: gone", link->name);
}

/* Links of NICs that no rule matches, that are gone, or that are elsewhere by now. */
static void detach_unwanted(struct vg_gate *gate)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	struct vg_diag diag = {0};
	size_t n = 0;
	int r;

	r = vg_dataplane_links(gate->bpffs, &links, &n, &diag);
	if (r < 0)
		vg_log_warn("%s; NICs that are no longer wanted stay filtered", diag.text);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (is_wanted(gate, &links[i]))
			continue;
		if (vg_dataplane_detach_link(gate->bpffs, &links[i], &diag) < 0)
			vg_log_warn("%s; it stays filtered", diag.text);
		else
			log_unwanted(gate, &links[i]);
	}
}

/* What was attached when we looked last, and isn't any more. */
static void note_lost(struct vg_gate *gate, struct vg_wanted *old, size_t n_old)
{
	for (size_t i = 0; i < gate->n_wanted; i++) {
		struct vg_wanted *nic = &gate->wanted[i];
		const struct vg_wanted *before = vg_wanted_before(old, n_old, nic);
		char name[IF_NAMESIZE];

		if (!before)
			continue;
		nic->lost = before->lost;
		if (!nic->ifindex || before->ifindex != nic->ifindex ||
		    before->state != VG_NIC_ATTACHED ||
		    vg_dataplane_is_attached(gate->dataplane, nic->ifindex, nic->name))
			continue;
		/* It has left since it was listed: a publish lies between, which may take seconds. */
		if (!if_indextoname(nic->ifindex, name)) {
			nic->ifindex = 0;
			continue;
		}
		nic->lost++;
		vg_log_warn("%s: somebody took the filter off: it is put back", nic->name);
	}
}

static void explain_mode(struct vg_gate *gate, struct vg_wanted *nic, const struct vg_wanted *old,
			 enum vg_attach_mode mode)
{
	vg_tuning_watch(gate, nic, old);
	if (*nic->reason)
		return;
	snprintf(nic->reason, sizeof(nic->reason), "%s", nic->attachment.fallback);
	if (*nic->reason || mode != VG_ATTACH_AUTO || nic->attachment.mode != VG_ATTACH_GENERIC)
		return;
	if (old && old->ifindex == nic->ifindex && *old->reason)
		memcpy(nic->reason, old->reason, sizeof(nic->reason));
	else
		snprintf(nic->reason, sizeof(nic->reason),
			 "kept from an earlier start; `vpcgate detach %s` and a reload try native "
			 "again, with the NIC open in between",
			 nic->name);
}

/* A NIC keeps its filter when it gets another name. */
static void log_renamed(const struct vg_wanted *nic, const struct vg_wanted *old)
{
	if (!old || old->ifindex != nic->ifindex || strcmp(old->name, nic->name) == 0)
		return;
	if (vg_wanted_is_renamed(nic))
		vg_log_warn("%s: it was %s, and no rule matches it now; it stays filtered by the "
			    "rule of %s",
			    nic->name, old->name, nic->known_as);
	else
		vg_log_info("%s: it was %s, and stays filtered", nic->name, old->name);
}

/* Our link is in force, but somebody has put a program of their own into it. */
static void note_replaced(struct vg_wanted *nic)
{
	nic->lost++;
	nic->fresh = true;
	vg_log_warn("%s: somebody put program id %u in the filter's place: the filter is put back",
		    nic->name, nic->attachment.replaced);
}

static void log_attached(const struct vg_wanted *nic, bool kept)
{
	if (kept)
		return;
	vg_log_info("%s: %s in %s mode%s%s", nic->name,
		    nic->attachment.adopted ? "still attached" : "attached",
		    vg_attach_mode_text(nic->attachment.mode), *nic->reason ? ": " : "",
		    nic->reason);
}

void vg_attach_fail(struct vg_wanted *nic, const struct vg_wanted *old, int error, const char *text)
{
	nic->state = VG_NIC_FAILED;
	/* To see whether another program is there, or room by now, costs the NIC nothing. */
	nic->retry_us =
		error == -EBUSY || error == -E2BIG ? 0 : vg_gate_now_us() + VG_GATE_RETRY_US;
	snprintf(nic->reason, sizeof(nic->reason), "%.*s", (int)sizeof(nic->reason) - 1, text);
	/* A retry that fails in the same way is no news. */
	if (!old || old->state != VG_NIC_FAILED || strcmp(old->reason, nic->reason) != 0)
		vg_log(VG_LOG_ERR, "%s", nic->reason);
}

/* ---- the recorder of replies ---- */

static void take_recorder(struct vg_wanted *nic)
{
	struct vg_diag diag = {0};
	int r = vg_dataplane_unrecord(nic->ifindex, nic->name, &diag);

	if (r >= 0)
		vg_log_info("%s: replies are no longer recorded", nic->name);
	else if (r != -ENOENT)
		vg_log_warn("%s; it does nothing there", diag.text);
}

static bool has_failed(const struct vg_wanted *nic, const struct vg_wanted *old)
{
	return old && old->state == VG_NIC_FAILED && old->ifindex == nic->ifindex;
}

static void log_recorded(const struct vg_wanted *nic, const struct vg_wanted *old, bool adopted)
{
	const bool was_recorded = old && old->recorded && old->ifindex == nic->ifindex;

	if (was_recorded && !adopted)
		vg_log_warn("%s: somebody removed the recorder of replies: it is put back",
			    nic->name);
	else if (!was_recorded && !has_failed(nic, old))
		vg_log_info("%s: replies are %s recorded", nic->name, adopted ? "still" : "now");
}

/*
 * Makes sure that the recorder runs. Where it can't, a NIC that is filtered stays so, and its status
 * says what is missing; one that is not will not be, since its own connections would die. Returns 1
 * where it runs from now on, 0 where it did before.
 */
static int record(struct vg_gate *gate, struct vg_wanted *nic, const struct vg_wanted *old,
		  bool attached)
{
	char text[VG_GATE_ERROR_SIZE];
	struct vg_diag diag = {0};
	bool adopted = false;
	int r;

	r = vg_dataplane_record(gate->dataplane, nic->ifindex, nic->name, &adopted, &diag);
	if (r == -ENODEV)
		return 0; /* attach() will see it, too */
	if (r >= 0) {
		nic->recorded = true;
		log_recorded(nic, old, adopted);
		return !adopted;
	}
	vg_gate_describe(&diag, r, text);
	if (!attached) {
		vg_attach_fail(nic, old, r, text);
		return r;
	}
	snprintf(nic->unrecorded, sizeof(nic->unrecorded), "%.*s", (int)sizeof(nic->unrecorded) - 1,
		 text);
	if (!old || strcmp(old->unrecorded, nic->unrecorded) != 0)
		vg_log_warn("%s; %s stays filtered, without replies to what it opens from now on",
			    nic->unrecorded, nic->name);
	return 0;
}

/* Nothing is recorded where another program keeps ours away. */
static int check_free(struct vg_wanted *nic, const struct vg_wanted *old)
{
	struct vg_diag diag = {0};
	const int r = vg_dataplane_check_free(nic->ifindex, nic->name, &diag);

	if (r < 0)
		vg_attach_fail(nic, old, r, diag.text);
	return r;
}

/*
 * Before any of the NICs is attached: what is open until then must be known. `ret_unseen` says
 * whether some of it may not be, since a recorder or a policy is new.
 */
static int record_all(struct vg_gate *gate, struct vg_wanted *old, size_t n_old, bool *ret_unseen)
{
	int first = 0;

	*ret_unseen = gate->seed_all;
	gate->seed_all = false;
	for (size_t i = 0; i < gate->n_wanted; i++) {
		struct vg_wanted *nic = &gate->wanted[i];
		const struct vg_wanted *before = vg_wanted_before(old, n_old, nic);
		bool attached;
		int r = 0;

		if (!nic->ifindex || nic->surplus || nic->state == VG_NIC_FAILED ||
		    is_detached(gate, nic))
			continue;
		attached = vg_dataplane_is_attached(gate->dataplane, nic->ifindex, nic->name);
		if (!attached)
			r = check_free(nic, before);
		if (r >= 0 && gate->policy->replies.track)
			r = record(gate, nic, before, attached);
		else
			take_recorder(nic);
		if (r < 0 && !first)
			first = r;
		/* Of one that refuses time and again there is nothing to be kept open, until it is attached. */
		if (!gate->policy->replies.track || has_failed(nic, before))
			continue;
		*ret_unseen |= r > 0 || !attached;
	}
	return first;
}

static void keep_open(const struct vg_gate *gate)
{
	_cleanup_free_ const struct vg_wanted **nics = calloc(gate->n_wanted + 1, sizeof(*nics));
	size_t n = 0;

	for (size_t i = 0; nics && i < gate->n_wanted; i++)
		if (gate->wanted[i].recorded)
			nics[n++] = &gate->wanted[i];
	if (n)
		vg_switchover_keep(gate->dataplane, gate->policy, nics, n);
}

/* ---- the filter ---- */

/* Attaches, or makes sure that the NIC is still attached. `old` is what it was before, or NULL. */
static int attach(struct vg_gate *gate, struct vg_wanted *nic, const struct vg_wanted *old)
{
	const enum vg_attach_mode mode = gate->policy->rules[nic->rule].attach;
	const bool was_attached =
		old && old->state == VG_NIC_ATTACHED && old->ifindex == nic->ifindex;
	struct vg_diag diag = {0};
	char text[VG_GATE_ERROR_SIZE];
	int r;

	r = vg_tuning_attach(gate, nic, &diag);
	if (r >= 0) {
		const bool kept = was_attached && nic->attachment.adopted;

		nic->state = VG_NIC_ATTACHED;
		nic->fresh = !nic->attachment.adopted;
		if (kept) {
			nic->attachment.adopted = old->attachment.adopted;
			nic->attachment.native_error = old->attachment.native_error;
		}
		if (was_attached && nic->attachment.replaced)
			note_replaced(nic);
		explain_mode(gate, nic, was_attached ? old : NULL, mode);
		log_renamed(nic, old);
		log_attached(nic, kept);
		return 0;
	}
	if (r == -ENODEV) {
		nic->ifindex = 0;
		return 0;
	}
	/* Where nothing is filtered nothing stays. */
	if (nic->recorded && !vg_dataplane_is_attached(gate->dataplane, nic->ifindex, nic->name) &&
	    vg_dataplane_unrecord(nic->ifindex, nic->name, NULL) >= 0)
		nic->recorded = false;
	/* Without the changes that failed it is refused for another reason, which is none. */
	if (vg_tuning_has_failed(gate, nic->ifindex) && old && old->state == VG_NIC_FAILED)
		snprintf(text, sizeof(text), "%s", old->reason);
	else
		vg_gate_describe(&diag, r, text);
	vg_attach_fail(nic, old, r, text);
	return r;
}

static int refuse_surplus(struct vg_wanted *nic, const struct vg_wanted *old)
{
	char text[VG_DIAG_TEXT_SIZE];

	snprintf(text, sizeof(text),
		 "%s: more than %d NICs match `interfaces`, and so many can be filtered at once",
		 nic->name, VG_MAX_INTERFACES);
	vg_attach_fail(nic, old, -E2BIG, text);
	return -E2BIG;
}

/* Where the name is but another one of a NIC, nothing will ever appear. */
static void explain_absence(struct vg_wanted *nic, const struct vg_wanted *old)
{
	char name[IF_NAMESIZE];

	if (vg_nic_own_name(nic->name, name) && strcmp(name, nic->name) != 0)
		snprintf(nic->reason, sizeof(nic->reason),
			 "it is another name of %s: write %s in `interfaces`", name, name);
	if (old && old->state == VG_NIC_ABSENT && strcmp(old->reason, nic->reason) == 0)
		return;
	vg_log_warn("%s: absent; %s", nic->name,
		    *nic->reason ? nic->reason : "it is filtered as soon as it appears");
}

static void mark_detached(struct vg_wanted *nic)
{
	nic->state = VG_NIC_DETACHED;
	nic->attachment = (struct vg_attachment){0};
	nic->recorded = false;
	snprintf(nic->reason, sizeof(nic->reason), DETACHED_REASON);
}

static int detach_one(struct vg_gate *gate, struct vg_wanted *nic, struct vg_diag *diag)
{
	int r;

	vg_tuning_retry(gate, nic->ifindex);
	r = vg_dataplane_detach(gate->bpffs, nic->name, diag);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r >= 0)
		vg_log_warn("%s: detached by the operator; nothing is filtered there", nic->name);
	mark_detached(nic);
	return 0;
}

/* Also where a trial had attached it. Returns false where it can't be taken off. */
static bool stays_detached(struct vg_gate *gate, struct vg_wanted *nic)
{
	struct vg_diag diag = {0};

	if (nic->ifindex && vg_dataplane_is_attached(gate->dataplane, nic->ifindex, nic->name) &&
	    detach_one(gate, nic, &diag) < 0) {
		vg_log_warn("%s; it stays filtered", diag.text);
		return false;
	}
	mark_detached(nic);
	return true;
}

/* Gives each NIC that has not FAILED already its state. Returns the first refusal. */
static int attach_all(struct vg_gate *gate, struct vg_wanted *old, size_t n_old)
{
	int first = 0;

	for (size_t i = 0; i < gate->n_wanted; i++) {
		struct vg_wanted *nic = &gate->wanted[i];
		const struct vg_wanted *before = vg_wanted_before(old, n_old, nic);
		int r = 0;

		if (is_detached(gate, nic) && stays_detached(gate, nic))
			continue;
		if (nic->surplus) {
			r = refuse_surplus(nic, before);
		} else if (nic->ifindex && nic->state != VG_NIC_FAILED) {
			r = attach(gate, nic, before);
		}
		if (nic->state == VG_NIC_ABSENT)
			explain_absence(nic, before);
		if (r < 0 && !first)
			first = r;
	}
	return first;
}

/* A NIC that was not filtered a moment ago, when its recorder ran already. */
static bool is_any_fresh(const struct vg_gate *gate)
{
	for (size_t i = 0; i < gate->n_wanted; i++)
		if (gate->wanted[i].fresh)
			return true;
	return false;
}

int vg_attach_settle(struct vg_gate *gate, struct vg_wanted *wanted, size_t n_wanted)
{
	_cleanup_free_ struct vg_wanted *old = gate->wanted;
	const __u32 since_s = vg_flow_now_s();
	const size_t n_old = gate->n_wanted;
	int recorded, attached;
	bool unseen;

	gate->wanted = wanted;
	gate->n_wanted = n_wanted;
	note_lost(gate, old, n_old);
	detach_unwanted(gate);
	recorded = record_all(gate, old, n_old, &unseen);
	if (unseen)
		keep_open(gate);
	vg_tuning_settle(gate, &vg_tuning_log);
	attached = attach_all(gate, old, n_old);
	vg_tuning_settle(gate, &vg_tuning_log);
	/* Until now answers went to anybody. What is known to be this host's comes back at once. */
	if (gate->policy->replies.track && is_any_fresh(gate)) {
		vg_switchover_end_answers(gate->dataplane, since_s);
		keep_open(gate);
	}
	return recorded < 0 ? recorded : attached;
}

int vg_attach_detach(struct vg_gate *gate, const char *interface, char (**ret_names)[VG_NAME_SIZE],
		     size_t *ret_n, const struct vg_tune_report *report, struct vg_diag *diag)
{
	_cleanup_free_ char(*names)[VG_NAME_SIZE] = NULL;
	struct vg_wanted *only = NULL;
	size_t n = 0;
	int r;

	if (interface) {
		only = vg_wanted_find(gate->wanted, gate->n_wanted, interface);
		if (!only)
			return vg_diag_set(diag, ENOENT, NULL, (struct vg_position){0},
					   "'%s' is no interface that vpcgated filters", interface);
	}
	names = calloc(gate->n_wanted + 1, sizeof(*names));
	r = !names ? -ENOMEM
	    : only ? vg_detached_add(&gate->detached, only->name, only->ifindex)
		   : 0;
	if (r < 0)
		return vg_diag_set(diag, -r, NULL, (struct vg_position){0}, "no memory");
	gate->detached.all |= !only;
	for (size_t i = 0; i < gate->n_wanted; i++) {
		struct vg_wanted *nic = &gate->wanted[i];

		if ((only && nic != only) || nic->state == VG_NIC_DETACHED)
			continue;
		r = detach_one(gate, nic, diag);
		if (r < 0)
			return r;
		memcpy(names[n++], nic->name, sizeof(*names));
	}
	vg_tuning_settle(gate, report);
	*ret_names = VG_TAKE_PTR(names);
	*ret_n = n;
	return 0;
}

void vg_attach_forget_detached(struct vg_gate *gate, __u64 back)
{
	/* One trial may take another one's place, and goes back to where that would have gone. */
	if (!back || gate->before_trial_of != back) {
		vg_detached_clear(&gate->before_trial);
		gate->before_trial_of = back;
		if (back) {
			gate->before_trial = gate->detached;
			gate->detached = (struct vg_detached){0};
		}
	}
	vg_detached_clear(&gate->detached);
	vg_tuning_retry(gate, 0);
}

void vg_attach_recall_detached(struct vg_gate *gate, __u64 back)
{
	if (gate->before_trial_of == back &&
	    vg_detached_join(&gate->detached, &gate->before_trial) < 0)
		vg_log_warn("no memory: NICs that were detached before the trial are filtered");
	vg_detached_clear(&gate->before_trial);
	gate->before_trial_of = 0;
}
