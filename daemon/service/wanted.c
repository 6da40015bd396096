/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fnmatch.h>
#include <string.h>
#include "service/wanted.h"
#include "share/cleanup.h"

const char *vg_nic_state_text(enum vg_nic_state state)
{
#define STATE_TEXT(name, text) [VG_NIC_##name] = text,
	static const char *const texts[] = {VG_NIC_STATES(STATE_TEXT)};
#undef STATE_TEXT

	return texts[state];
}

/*
 * The rule of a link, or -ENOENT. A glob doesn't catch lo: filtering it by accident would cut the
 * host off from itself, since 127.0.0.1 is a martian.
 */
static int rule_for(const struct vg_policy *policy, const struct vg_nic_link *link)
{
	int rule = vg_policy_rule(policy, link->name);

	if (rule >= 0 && link->loopback && strcmp(policy->rules[rule].pattern, link->name) != 0)
		return -ENOENT;
	return rule;
}

/* The name that makes a link wanted: its own, or the one by which it is filtered; else NULL. */
static const char *wanted_name(const struct vg_policy *policy, const struct vg_nic_link *link,
			       const struct vg_link_info *filtered, size_t n_filtered)
{
	if (rule_for(policy, link) >= 0)
		return link->name;
	for (size_t i = 0; i < n_filtered; i++)
		if (filtered[i].ifindex == link->ifindex && filtered[i].mode != VG_ATTACH_INHERIT &&
		    vg_policy_rule(policy, filtered[i].known_as) >= 0)
			return filtered[i].known_as;
	return NULL;
}

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[\\");
}

/* A rule whose NICs all follow an earlier rule isn't waiting for one. */
static bool matches_any(const struct vg_policy *policy, size_t rule,
			const struct vg_nic_link *links, size_t n_links)
{
	for (size_t i = 0; i < n_links; i++)
		if (fnmatch(policy->rules[rule].pattern, links[i].name, 0) == 0 &&
		    rule_for(policy, &links[i]) >= 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct vg_wanted *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

static bool is_filtered(unsigned ifindex, const struct vg_link_info *filtered, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (filtered[i].ifindex == ifindex && filtered[i].mode != VG_ATTACH_INHERIT)
			return true;
	return false;
}

/* Those that are filtered stay so; the others are taken by the order of their rules. */
static void mark_surplus(struct vg_wanted *wanted, size_t n, const struct vg_link_info *filtered,
			 size_t n_filtered)
{
	size_t room = VG_MAX_INTERFACES;

	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < n; i++) {
			struct vg_wanted *nic = &wanted[i];

			if (!nic->ifindex ||
			    is_filtered(nic->ifindex, filtered, n_filtered) != !others)
				continue;
			nic->surplus = !room;
			room -= !!room;
		}
	}
}

int vg_wanted_plan(const struct vg_policy *policy, const struct vg_nic_link *links, size_t n_links,
		   const struct vg_link_info *filtered, size_t n_filtered,
		   struct vg_wanted **ret_wanted, size_t *ret_n)
{
	struct vg_wanted *wanted;
	size_t n = 0, n_there;

	wanted = calloc(n_links + policy->n_rules + 1, sizeof(*wanted));
	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < n_links; i++) {
		const char *name = wanted_name(policy, &links[i], filtered, n_filtered);

		if (!name)
			continue;
		strcpy(wanted[n].name, links[i].name);
		strcpy(wanted[n].known_as, name);
		memcpy(wanted[n].mac, links[i].mac, sizeof(links[i].mac));
		wanted[n].mtu = links[i].mtu;
		wanted[n].ifindex = links[i].ifindex;
		wanted[n++].rule = vg_policy_rule(policy, name);
	}
	n_there = n;
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (matches_any(policy, i, links, n_links) ||
		    (n_there && is_glob(policy->rules[i].pattern)))
			continue;
		snprintf(wanted[n].name, sizeof(wanted[n].name), "%s", policy->rules[i].pattern);
		wanted[n++].rule = i;
	}
	qsort(wanted, n, sizeof(*wanted), compare);
	mark_surplus(wanted, n, filtered, n_filtered);
	*ret_wanted = wanted;
	*ret_n = n;
	return 0;
}

struct vg_wanted *vg_wanted_find(struct vg_wanted *wanted, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(wanted[i].name, name) == 0)
			return &wanted[i];
	return NULL;
}

struct vg_wanted *vg_wanted_before(struct vg_wanted *old, size_t n_old, const struct vg_wanted *nic)
{
	for (size_t i = 0; i < n_old; i++)
		if (nic->ifindex && old[i].ifindex == nic->ifindex)
			return &old[i];
	return vg_wanted_find(old, n_old, nic->name);
}
