/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One policy, one memory and one clock, for cases of the oracle that were worked out by hand. */
#ifndef VPCGATE_TESTS_ORACLE_CASE_H
#define VPCGATE_TESTS_ORACLE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "share/cleanup.h"
#include "tests/oracle/frame.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/talk.h"

#define VPC4 "10.128.0.9"
#define HERE4 "10.1.1.1"
#define THERE4 "8.8.8.8"
#define HERE6 "fd20:1:3::1"
#define THERE6 "2001:db8::8"

enum { WEB, OFFICE_DNS, N_SERVICES, NO_SERVICE = -1 };

static struct vg_scenario *scenario;
static struct vg_memory memory;
static struct vg_gate gate;

static void add(struct vg_scenario_set *set, const char *text)
{
	const struct vg_raw_prefix prefix = vg_raw_prefix(text);

	vg_scenario_add_prefix(set, &prefix);
}

/* `internal`, replies tracked; TCP 443 is open. */
static int setup(void **state)
{
	(void)state;
	scenario = calloc(1, sizeof(*scenario));
	assert_non_null(scenario);
	scenario->n_rules = 1;
	scenario->ingress = VG_SCENARIO_INTERNAL;
	scenario->track = true;
	scenario->tcp_s = 1000;
	scenario->udp_s = 100;
	scenario->icmp_s = 20;
	add(vg_scenario_add_set(scenario, "vpc"), "10.128.0.0/20");
	add(&scenario->sets[0], "fd20:1:2::/48");
	add(vg_scenario_add_set(scenario, "office"), "203.0.113.0/24");
	vg_scenario_add_implicit(scenario);
	scenario->services = calloc(N_SERVICES, sizeof(scenario->services[0]));
	assert_non_null(scenario->services);
	scenario->n_services = 1;
	scenario->services[WEB] = (struct vg_scenario_service){
		.protocol = 6, .port = 443, .ingress = VG_SCENARIO_ALL};
	gate = (struct vg_gate){.scenario = scenario, .memory = &memory, .from = -1, .now_s = 5000};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vg_scenario_free(scenario);
	vg_memory_done(&memory);
	return 0;
}

static inline void judged(const char *name, const struct vg_frame *frame, const char *outcome,
			  int service)
{
	struct vg_judgement judgement;

	vg_oracle_judge(&gate, frame->bytes, frame->length, &judgement);
	if (strcmp(vg_oracle_outcome(judgement.outcome), outcome) != 0 ||
	    judgement.service != service)
		fail_msg("%s: %s, service %d instead of %s, %d", name,
			 vg_oracle_outcome(judgement.outcome), judgement.service, outcome, service);
}

static inline void packet(const struct vg_talk *talk, bool out, __u8 flags, struct vg_frame *frame)
{
	vg_frame_begin(frame);
	vg_talk_ip(talk, out, frame);
	vg_talk_l4(talk, out, flags, frame);
	vg_frame_finish(frame);
}

static inline void send(const struct vg_talk *talk, __u8 flags)
{
	struct vg_tuple tuple;
	struct vg_frame frame;

	packet(talk, true, flags, &frame);
	vg_oracle_send(&gate, frame.bytes, frame.length, &tuple);
}

static inline void expect_flow(const char *name, enum vg_flow_state state, __u64 packets,
			       __u32 seen_s, __u32 lifetime_s)
{
	const struct vg_memory_flow *flow = memory.flows;

	assert_int_equal(memory.n_flows, 1);
	if (flow->state != state || flow->packets != packets || flow->seen_s != seen_s ||
	    flow->lifetime_s != lifetime_s)
		fail_msg("%s: state %d, %llu packets, seen at %u, lifetime %u", name, flow->state,
			 (unsigned long long)flow->packets, flow->seen_s, flow->lifetime_s);
}

#endif
