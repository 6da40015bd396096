/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/sequence.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/oracle/exchange.h"

/* What replies are about: in no set, or in one that may not come in. And the others. */
static const char *const remotes4[] = {"203.0.113.5", "203.0.113.6", "198.18.0.1", "198.18.0.1"};
static const char *const remotes6[] = {"2001:db8::5", "2001:db8::6", "2001:db9::1", "2001:db9::1"};
static const char *const others4[] = {
	"10.128.0.9", "10.128.0.9", "35.191.0.1", "35.191.0.1",	 "240.0.0.1",
	"172.16.0.1", "127.0.0.1",  "0.0.0.1",	  "224.0.0.251", "169.254.169.254",
};
static const char *const others6[] = {
	"fd20:1:2::9", "fd20:1:2::9", "2600:2d00:1:1::1", "2600:2d00:1:1::1", "fe80::1", "ff02::fb",
	"::1",	       "::",	      "fd20:ce::254",
};

static const char *const locals4[] = {"10.1.1.1", "10.1.1.1", "10.1.1.2"};
static const char *const locals6[] = {"fd20:1:3::1", "fd20:1:3::1", "fd20:1:3::2"};
static const __u16 local_ports[] = {4000, 4000, 4001, 443, 53, 68, 546, 0};
static const __u16 remote_ports[] = {53, 53, 443, 4000, 67, 547, 0};

/* ---- policies ---- */

static void add_prefixes(struct vg_scenario_set *set, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct vg_raw_prefix prefix = vg_raw_prefix(texts[i]);

		vg_scenario_add_prefix(set, &prefix);
	}
}

static void add_sets(struct vg_random *random, struct vg_scenario *scenario)
{
	static const char *const vpc[] = {"10.128.0.0/20", "fd20:1:2::/48"};
	static const char *const office[] = {"203.0.113.4/31", "2001:db8::4/127"};
	static const char *const inside[] = {"10.1.1.2/32", "fd20:1:3::2/128"};
	static const char *const partner[] = {"203.0.113.0/24", "2001:db8::/32", "240.0.0.0/4"};

	add_prefixes(vg_scenario_add_set(scenario, "vpc"), vpc, 2);
	if (vg_random_chance(random, 60))
		add_prefixes(vg_scenario_add_set(scenario, "office"), office, 2);
	if (vg_random_chance(random, 40))
		add_prefixes(vg_scenario_add_set(scenario, "shared-vpc"), inside, 2);
	if (vg_random_chance(random, 40))
		add_prefixes(vg_scenario_add_set(scenario, "partner"), partner,
			     2 + vg_random_below(random, 2));
	vg_scenario_add_implicit(scenario);
}

static __u64 some_sets(struct vg_random *random, const struct vg_scenario *scenario)
{
	__u64 sets = 0;

	for (size_t i = 0; i < scenario->n_sets; i++)
		if (vg_random_chance(random, 20))
			sets |= 1ULL << i;
	return sets;
}

static enum vg_scenario_ingress some_ingress(struct vg_random *random)
{
	static const enum vg_scenario_ingress settings[] = {
		VG_SCENARIO_INHERIT,  VG_SCENARIO_INHERIT,  VG_SCENARIO_INTERNAL,
		VG_SCENARIO_INTERNAL, VG_SCENARIO_INTERNAL, VG_SCENARIO_INTERNAL_LB,
		VG_SCENARIO_ALL,
	};

	return VG_RANDOM_PICK(random, settings);
}

/* No two have the same protocol and port: that of each is its own. */
static void add_services(struct vg_random *random, struct vg_scenario *scenario)
{
	static const struct {
		int protocol, port;
	} choices[] = {{6, 443}, {17, 53}, {6, 4000}, {17, 4000},
		       {47, 0},	 {1, 0},   {58, 0},   {132, 53}};

	scenario->services =
		calloc(sizeof(choices) / sizeof(choices[0]), sizeof(scenario->services[0]));
	if (!scenario->services)
		abort();
	if (vg_random_chance(random, 35))
		return;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct vg_scenario_service *service = &scenario->services[scenario->n_services];

		if (vg_random_chance(random, 65))
			continue;
		*service = (struct vg_scenario_service){
			.protocol = choices[i].protocol,
			.port = choices[i].port,
			.ingress = some_ingress(random),
			.has_also_admit = vg_random_chance(random, 30),
		};
		if (service->has_also_admit)
			service->also_admit = some_sets(random, scenario);
		if (vg_random_chance(random, 30)) {
			service->to[0] = vg_raw_prefix("10.1.1.1/32");
			service->to[1] = vg_raw_prefix("fd20:1:3::/127");
			service->n_to = 2;
		}
		if (vg_random_chance(random, 10))
			service->unread = "gcp:forwarded-ips";
		snprintf(service->name, sizeof(service->name), "service-%zu",
			 scenario->n_services++);
	}
}

struct vg_scenario *vg_sequence_scenario(struct vg_random *random)
{
	struct vg_scenario *scenario = calloc(1, sizeof(*scenario));

	if (!scenario)
		return NULL;
	scenario->n_rules = vg_random_between(random, 1, VG_SCENARIO_RULES);
	for (size_t i = 0; i < scenario->n_rules; i++)
		if (vg_random_chance(random, 30))
			scenario->rules[i] = some_ingress(random);
	scenario->ingress = vg_random_chance(random, 70)   ? VG_SCENARIO_INTERNAL
			    : vg_random_chance(random, 80) ? VG_SCENARIO_INTERNAL_LB
							   : VG_SCENARIO_ALL;
	scenario->monitor = vg_random_chance(random, 35);
	add_sets(random, scenario);
	scenario->also_admit = some_sets(random, scenario);
	add_services(random, scenario);
	scenario->track = vg_random_chance(random, 94);
	scenario->tcp_s = vg_random_between(random, 1, 300);
	scenario->udp_s = vg_random_between(random, 1, 200);
	scenario->icmp_s = vg_random_between(random, 1, 60);
	scenario->max_flows = 1024u << vg_random_below(random, 2);
	return scenario;
}

/* ---- events ---- */

static struct vg_raw_address random_remote(struct vg_random *random, bool four)
{
	if (vg_random_chance(random, 15))
		return vg_raw_address(four ? VG_RANDOM_PICK(random, others4)
					   : VG_RANDOM_PICK(random, others6));
	return vg_raw_address(four ? VG_RANDOM_PICK(random, remotes4)
				   : VG_RANDOM_PICK(random, remotes6));
}

static void random_talk(struct vg_random *random, struct vg_talk *talk)
{
	static const __u8 protocols[] = {6, 6, 6, 6, 6, 17, 17, 17, 1, 58, 47, 132, 33};
	const bool four = vg_random_chance(random, 50);

	*talk = (struct vg_talk){
		.local = vg_raw_address(four ? VG_RANDOM_PICK(random, locals4)
					     : VG_RANDOM_PICK(random, locals6)),
		.remote = random_remote(random, four),
		.protocol = VG_RANDOM_PICK(random, protocols),
		.local_port = VG_RANDOM_PICK(random, local_ports),
		.remote_port = VG_RANDOM_PICK(random, remote_ports),
	};
	/* Most ICMP is the family's own. */
	if ((talk->protocol == 1 || talk->protocol == 58) && vg_random_chance(random, 85))
		talk->protocol = four ? 1 : 58;
}

void vg_sequence_begin(struct vg_sequence *sequence, struct vg_random *random)
{
	sequence->has_first = false;
	random_talk(random, &sequence->talks[0]);
	for (size_t i = 1; i < VG_SEQUENCE_TALKS; i++) {
		if (vg_random_chance(random, 60)) {
			sequence->talks[i] = sequence->talks[0];
			if (vg_random_chance(random, 50))
				sequence->talks[i].local_port = VG_RANDOM_PICK(random, local_ports);
			else
				sequence->talks[i].remote_port =
					VG_RANDOM_PICK(random, remote_ports);
		} else {
			random_talk(random, &sequence->talks[i]);
		}
	}
}

static const struct vg_talk *pick_talk(const struct vg_sequence *sequence, struct vg_random *random)
{
	return &sequence->talks[vg_random_chance(random, 75)
					? 0
					: vg_random_below(random, VG_SEQUENCE_TALKS)];
}

/* Ages that matter: just before, at and behind the end of a lifetime, and any. */
static __u32 any_seconds(struct vg_random *random, __u32 age_s, __u32 lifetime_s)
{
	const __u32 left = age_s < lifetime_s ? lifetime_s - age_s : 0;

	switch (vg_random_below(random, 5)) {
	case 0:
		return left;
	case 1:
		return left ? left - 1 : 0;
	case 2:
		return left + vg_random_below(random, 400);
	case 3:
		return vg_random_below(random, left + 1);
	default:
		return 1;
	}
}

/* Of what has been there since `since_s`: not before the machine has booted. */
static __u32 some_seconds(struct vg_random *random, __u32 since_s, __u32 age_s, __u32 lifetime_s)
{
	const __u32 seconds = any_seconds(random, age_s, lifetime_s);

	return seconds < since_s ? seconds : since_s - 1;
}

static bool age(struct vg_random *random, const struct vg_memory *memory, __u32 now_s,
		struct vg_event *event)
{
	const __u32 dice = vg_random_below(random, 100);
	const struct vg_memory_flow *flow;
	const struct vg_memory_note *note;
	const struct vg_memory_fragment *fragment;
	bool four;

	if (memory->n_flows && dice < 70) {
		event->kind = VG_EVENT_AGE_FLOW;
		event->index = vg_random_below(random, (__u32)memory->n_flows);
		flow = &memory->flows[event->index];
		event->seconds = some_seconds(random, flow->opened_s, now_s - flow->seen_s,
					      flow->lifetime_s);
		return true;
	}
	if (memory->n_notes && dice < 85) {
		event->kind = VG_EVENT_AGE_NOTE;
		event->index = vg_random_below(random, (__u32)memory->n_notes);
		note = &memory->notes[event->index];
		event->seconds = some_seconds(random, note->seen_s, now_s - note->seen_s,
					      vg_random_between(random, 1, 200));
		return true;
	}
	if (!memory->n_fragments)
		return false;
	event->kind = VG_EVENT_AGE_FRAGMENT;
	event->index = vg_random_below(random, (__u32)memory->n_fragments);
	fragment = &memory->fragments[event->index];
	four = fragment->name.source.family == 4;
	event->seconds =
		some_seconds(random, fragment->seen_s, now_s - fragment->seen_s, four ? 30 : 60);
	return true;
}

/* TCP, UDP and the rest as they come; `out` leaves. */
static void packet(struct vg_random *random, const struct vg_talk *talk, bool out,
		   struct vg_frame *frame)
{
	vg_talk_ip(talk, out, frame);
	if (talk->local.family == 6 && vg_random_chance(random, 6))
		vg_frame_extension(frame, VG_EXT_DESTINATION, 0);
	vg_talk_l4(talk, out, vg_talk_tcp_flags(random), frame);
	vg_frame_finish(frame);
	if (vg_random_chance(random, 3))
		vg_frame_cut(frame,
			     frame->l4 +
				     vg_random_below(random, (__u32)(frame->length - frame->l4)),
			     true);
}

static void fragment(struct vg_sequence *sequence, struct vg_random *random, bool out,
		     struct vg_frame *frame)
{
	if (sequence->has_first && vg_random_chance(random, 60)) {
		vg_exchange_later(random, &sequence->first, frame);
		return;
	}
	vg_exchange_first(random, pick_talk(sequence, random), out, frame);
	if (out)
		return;
	sequence->first = *frame;
	sequence->has_first = true;
}

void vg_sequence_next(struct vg_sequence *sequence, struct vg_random *random,
		      const struct vg_memory *memory, __u32 now_s, struct vg_event *ret_event)
{
	struct vg_frame *frame = &ret_event->frame;
	const struct vg_talk *talk = pick_talk(sequence, random);
	const __u32 dice = vg_random_below(random, 100);
	const bool out = dice < 42;

	if (dice >= 74 && age(random, memory, now_s, ret_event))
		return;
	ret_event->kind = out ? VG_EVENT_OUT : VG_EVENT_IN;
	ret_event->from = vg_random_chance(random, 8) ? (int)vg_random_below(random, 3) : -1;
	vg_frame_begin(frame);
	if (vg_random_chance(random, 5))
		vg_frame_tag(frame, VG_TYPE_VLAN, 7);
	if (dice < 2 || (dice >= 42 && dice < 52)) {
		fragment(sequence, random, out, frame);
	} else if (dice >= 52 && dice < 58) {
		const struct vg_raw_address router = random_remote(random, talk->local.family == 4);

		vg_exchange_error(random, talk, &router, frame);
	} else {
		packet(random, talk, out, frame);
	}
}
