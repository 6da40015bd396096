/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "core/build.h"
#include "core/nearest.h"
#include "core/policy.h"
#include "core/ranges.h"
#include "core/sources.h"
#include "share/cleanup.h"

/* The sets that the ingress settings are made of. */
static const char *const internal_sets[] = {"vpc", "shared-vpc"};
static const char *const cloud_sets[] = {"load-balancer", "health-check", "regional-proxy"};

/* How much of the list of set names a message repeats. */
#define LISTED_NAMES 160

int vg_policy_set(const struct vg_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_sets; i++) {
		if (!strcmp(policy->sets[i].name, name))
			return (int)i;
	}
	return -ENOENT;
}

int vg_policy_rule(const struct vg_policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (!fnmatch(policy->rules[i].pattern, interface, 0))
			return (int)i;
	}
	return -ENOENT;
}

static __u64 sets_named(const struct vg_policy *policy, const char *const *names, size_t n)
{
	__u64 sets = 0;

	for (size_t i = 0; i < n; i++) {
		const int set = vg_policy_set(policy, names[i]);

		if (set >= 0)
			sets |= 1ULL << set;
	}
	return sets;
}

struct vg_effective vg_policy_effective(const struct vg_policy *policy, size_t rule, int service)
{
	const struct vg_service *own = service < 0 ? NULL : &policy->services[service];
	struct vg_effective effective = {
		.ingress = policy->rules[rule].ingress,
		.sets = policy->also_admit,
	};

	if (own && own->ingress != VG_INGRESS_INHERIT)
		effective.ingress = own->ingress;
	if (own && own->has_also_admit)
		effective.sets = own->also_admit;
	effective.open = effective.ingress == VG_INGRESS_ALL;
	effective.sets |= sets_named(policy, internal_sets, VG_ARRAY_SIZE(internal_sets));
	if (effective.ingress == VG_INGRESS_INTERNAL_LB)
		effective.sets |= sets_named(policy, cloud_sets, VG_ARRAY_SIZE(cloud_sets));
	return effective;
}

struct vg_effective vg_policy_stricter(const struct vg_effective *a, const struct vg_effective *b)
{
	struct vg_effective stricter = a->open ? *b : *a;

	if (!a->open && !b->open)
		stricter.sets &= b->sets;
	return stricter;
}

static const char *nearest_set(const struct vg_policy *policy, const char *name)
{
	const char *nearest = policy->sets[0].name;

	for (size_t i = 1; i < policy->n_sets; i++) {
		if (vg_edit_distance(policy->sets[i].name, name) < vg_edit_distance(nearest, name))
			nearest = policy->sets[i].name;
	}
	return nearest;
}

static int refuse_set(const struct vg_policy *policy, const struct vg_text *name,
		      struct vg_diag *diag)
{
	char known[LISTED_NAMES + VG_NAME_SIZE] = "";
	size_t used = 0, i;

	if (vg_builtin_find(name->text))
		return vg_diag_set(diag, EINVAL, policy->path, name->at,
				   "unknown source set '%s': define it under sources, for instance "
				   "`%s: [google:%s]`",
				   name->text, name->text, name->text);
	for (i = 0; i < policy->n_sets && used < LISTED_NAMES; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 policy->sets[i].name);
	return vg_diag_set(diag, EINVAL, policy->path, name->at,
			   "unknown source set '%.64s': did you mean '%s'? There are %s%s",
			   name->text, nearest_set(policy, name->text), known,
			   i < policy->n_sets ? ", ..." : "");
}

int vg_build_named_sets(const struct vg_policy *policy, const struct vg_text_list *names,
			__u64 *ret_sets, struct vg_diag *diag)
{
	__u64 sets = 0;

	for (size_t i = 0; i < names->n; i++) {
		const int set = vg_policy_set(policy, names->items[i].text);

		if (set < 0)
			return refuse_set(policy, &names->items[i], diag);
		sets |= 1ULL << set;
	}
	*ret_sets = sets;
	return 0;
}

/* Where it could do nothing it is a mistake, unless it comes from the whole config's `tune`. */
static int resolve_tune(const struct vg_config *config, const struct vg_config_interface *from,
			struct vg_interface_rule *rule, struct vg_diag *diag)
{
	const struct vg_config_tune *tune = from->tune.given ? &from->tune : &config->tune;

	rule->tune = tune->yes && rule->attach == VG_ATTACH_NATIVE;
	if (!from->tune.yes || rule->tune)
		return 0;
	return vg_diag_set(diag, EINVAL, config->path, from->tune.at,
			   "tune: yes needs `attach: native`, and %s has `attach: %s`: write "
			   "`attach: native` beside it, or `tune: no`",
			   from->pattern.text, vg_attach_mode_text(rule->attach));
}

static int check_tune(const struct vg_config *config, const struct vg_policy *policy,
		      struct vg_diag *diag)
{
	bool native = false;

	for (size_t i = 0; i < policy->n_rules; i++)
		native |= policy->rules[i].attach == VG_ATTACH_NATIVE;
	if (!config->tune.yes || native)
		return 0;
	return vg_diag_set(diag, EINVAL, config->path, config->tune.at,
			   "tune: yes needs `attach: native`, which no interface has: write "
			   "`attach: native` beside it, or `tune: no`");
}

static int build_rules(const struct vg_config *config, struct vg_policy *policy,
		       struct vg_diag *diag)
{
	int r;

	policy->rules =
		calloc(config->n_interfaces ? config->n_interfaces : 1, sizeof(*policy->rules));
	if (!policy->rules)
		return -ENOMEM;
	for (; policy->n_rules < config->n_interfaces; policy->n_rules++) {
		const struct vg_config_interface *from = &config->interfaces[policy->n_rules];
		struct vg_interface_rule *rule = &policy->rules[policy->n_rules];

		rule->ingress =
			from->ingress == VG_INGRESS_INHERIT ? config->ingress : from->ingress;
		rule->attach = from->attach == VG_ATTACH_INHERIT ? config->attach : from->attach;
		r = resolve_tune(config, from, rule, diag);
		if (r < 0)
			return r;
		rule->pattern = strdup(from->pattern.text);
		if (!rule->pattern)
			return -ENOMEM;
	}
	return check_tune(config, policy, diag);
}

/*
 * True where some rule or service admits anybody, or may once a server has answered; else which sets
 * it would have been.
 */
static bool admits_anybody(const struct vg_policy *policy, __u64 *reterr_sets)
{
	__u64 named = 0, filled = 0;

	for (size_t i = 0; i < policy->n_sets; i++) {
		if (vg_set_size(&policy->sets[i]) || policy->sets[i].fed)
			filled |= 1ULL << i;
	}
	for (size_t rule = 0; rule < policy->n_rules; rule++) {
		for (int service = -1; service < (int)policy->n_services; service++) {
			const struct vg_effective effective =
				vg_policy_effective(policy, rule, service);

			if (effective.open || effective.sets & filled)
				return true;
			named |= effective.sets;
		}
	}
	*reterr_sets = named;
	return false;
}

static int refuse_empty(const struct vg_config *config, const struct vg_policy *policy,
			struct vg_diag *diag)
{
	char more[LISTED_NAMES + VG_NAME_SIZE] = "";
	__u64 sets;
	size_t used = 0;

	if (config->allow_empty || admits_anybody(policy, &sets))
		return 0;
	/* vpc and shared-vpc are admitted whether or not they are defined. */
	sets &= ~sets_named(policy, internal_sets, VG_ARRAY_SIZE(internal_sets));
	for (size_t i = 0; i < policy->n_sets && used < LISTED_NAMES; i++) {
		if (sets >> i & 1)
			used += (size_t)snprintf(more + used, sizeof(more) - used, ", %s",
						 policy->sets[i].name);
	}
	return vg_diag_set(diag, EINVAL, policy->path, config->ingress_at,
			   "this admits nobody: no prefix in vpc, shared-vpc%s: add some under "
			   "sources, or write `allow-empty: true`",
			   more);
}

static int copy_settings(const struct vg_config *config, struct vg_policy *policy)
{
	policy->path = strdup(config->path);
	if (!policy->path)
		return -ENOMEM;
	if (vg_discovery_settings_copy(&config->discovery, &policy->discovery) < 0)
		return -ENOMEM;
	policy->monitor = config->monitor;
	policy->non_ip_pass = config->non_ip_pass;
	policy->replies = config->replies;
	policy->limits = config->limits;
	policy->exporter = config->exporter;
	policy->exporter_port = config->exporter_port;
	if (!config->exporter_address)
		return 0;
	policy->exporter_address = strdup(config->exporter_address);
	return policy->exporter_address ? 0 : -ENOMEM;
}

static int build(const struct vg_config *config, const struct vg_reader *reader,
		 struct vg_policy **ret_policy, struct vg_diag *diag)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = calloc(1, sizeof(*policy));
	int r;

	if (!policy)
		return -ENOMEM;
	r = copy_settings(config, policy);
	if (r == 0)
		r = vg_sources_build(config, reader, policy, diag);
	if (r == 0)
		r = vg_build_named_sets(policy, &config->also_admit, &policy->also_admit, diag);
	if (r == 0)
		r = vg_build_services(config, reader, policy, diag);
	if (r == 0)
		r = build_rules(config, policy, diag);
	if (r == 0)
		r = refuse_empty(config, policy, diag);
	if (r == 0)
		r = vg_build_check_answers(policy, diag);
	if (r < 0)
		return r;
	*ret_policy = VG_TAKE_PTR(policy);
	return 0;
}

int vg_policy_build(const struct vg_config *config, const struct vg_reader *reader,
		    struct vg_policy **ret_policy, struct vg_diag *diag)
{
	const int r = build(config, reader, ret_policy, diag);

	if (r == -ENOMEM)
		return vg_diag_set(diag, ENOMEM, config->path, (struct vg_position){},
				   "out of memory");
	return r;
}

int vg_policy_read(const char *path, const struct vg_reader *reader, struct vg_policy **ret_policy,
		   struct vg_diag *diag)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	r = reader->read(reader->context, path, &text, &length);
	if (r < 0)
		return vg_diag_set(diag, -r, path, (struct vg_position){}, "can't be read: %s",
				   strerror(-r));
	r = vg_config_parse(path, text, length, &config, diag);
	if (r < 0)
		return r;
	return vg_policy_build(config, reader, ret_policy, diag);
}

void vg_policy_free(struct vg_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_sets; i++) {
		free(policy->sets[i].ranges4);
		free(policy->sets[i].ranges6);
		free(policy->sets[i].origins);
	}
	free(policy->differences);
	for (size_t i = 0; i < policy->n_feeds; i++)
		vg_feed_done(&policy->feeds[i]);
	for (size_t i = 0; i < policy->n_origins; i++)
		free(policy->origins[i].text);
	for (size_t i = 0; i < policy->n_services; i++)
		free(policy->services[i].to);
	for (size_t i = 0; i < policy->n_rules; i++)
		free(policy->rules[i].pattern);
	vg_discovery_settings_done(&policy->discovery);
	free(policy->sets);
	free(policy->feeds);
	free(policy->origins);
	free(policy->services);
	free(policy->rules);
	free(policy->exporter_address);
	free(policy->path);
	free(policy);
}

void vg_policy_free_p(struct vg_policy **policy)
{
	vg_policy_free(*policy);
}
