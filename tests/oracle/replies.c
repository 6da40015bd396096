/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/replies.h"

#include <string.h>

#include "tests/oracle/dissect.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, SCTP = 132 };

enum direction { INCOMING, OUTGOING };

static bool has_ports(int protocol)
{
	return protocol == TCP || protocol == UDP || protocol == SCTP;
}

/* The family's own; the other is a protocol like any. */
static bool is_icmp(const struct vg_seen *seen)
{
	return seen->protocol == (seen->source.family == 4 ? ICMP : ICMPV6);
}

/* A TCP packet that asks for a connection. */
static bool is_request(const struct vg_seen *seen)
{
	return seen->protocol == TCP && seen->tcp_flags >= 0 &&
	       (seen->tcp_flags & (SYN | ACK)) == SYN;
}

static bool has_flag(const struct vg_seen *seen, int flag)
{
	return seen->protocol == TCP && seen->tcp_flags >= 0 && seen->tcp_flags & flag;
}

/* The tuple of the flow that a packet of that direction can belong to; false: of none. */
static bool read_tuple(const struct vg_seen *seen, enum direction direction,
		       struct vg_tuple *ret_tuple)
{
	const bool in = direction == INCOMING;
	struct vg_tuple tuple = {
		.remote = in ? seen->source : seen->destination,
		.local = in ? seen->destination : seen->source,
		.protocol = seen->protocol,
	};

	if (seen->protocol < 0)
		return false;
	if (has_ports(seen->protocol)) {
		if (seen->source_port < 0 || seen->port < 0)
			return false;
		tuple.remote_port = in ? seen->source_port : seen->port;
		tuple.local_port = in ? seen->port : seen->source_port;
	} else if (is_icmp(seen)) {
		const int request = seen->protocol == ICMP ? 8 : 128;
		const int answer = seen->protocol == ICMP ? 0 : 129;

		if (seen->icmp_type != (in ? answer : request) || seen->icmp_id < 0)
			return false;
		tuple.local_port = seen->icmp_id;
	}
	*ret_tuple = tuple;
	return true;
}

/* Of a flow that was answered, or of any but TCP's. */
static __u32 lifetime(const struct vg_scenario *scenario, int protocol)
{
	switch (protocol) {
	case TCP:
		return scenario->tcp_s;
	case ICMP:
	case ICMPV6:
		return scenario->icmp_s;
	default:
		return scenario->udp_s;
	}
}

static void refresh(const struct vg_gate *gate, struct vg_memory_flow *flow)
{
	if (flow->state == VG_FLOW_CLOSED)
		return;
	flow->seen_s = gate->now_s;
	if (flow->state == VG_FLOW_OPEN)
		flow->lifetime_s = lifetime(gate->scenario, flow->tuple.protocol);
}

/* ---- rows 9 and 10 ---- */

static bool is_error(const struct vg_seen *seen)
{
	if (!is_icmp(seen))
		return false;
	if (seen->protocol == ICMP)
		return seen->icmp_type == 3 || seen->icmp_type == 11 || seen->icmp_type == 12;
	return seen->icmp_type >= 1 && seen->icmp_type <= 4;
}

static void answered(const struct vg_gate *gate, const struct vg_seen *seen, size_t length,
		     struct vg_memory_flow *flow)
{
	flow->packets++;
	flow->bytes += length;
	/* Other than this, times are written once a second. */
	if (flow->state == VG_FLOW_NEW && !has_flag(seen, RST))
		flow->state = VG_FLOW_OPEN;
	else if (flow->seen_s == gate->now_s)
		return;
	refresh(gate, flow);
}

bool vg_reply_passes(const struct vg_gate *gate, size_t length, struct vg_judgement *judgement)
{
	const struct vg_seen *seen = &judgement->seen;
	struct vg_memory_flow *flow;

	if (!gate->scenario->track || is_error(seen))
		return false;
	if (seen->protocol == TCP && (seen->tcp_flags < 0 || is_request(seen)))
		return false;
	judgement->has_tuple = read_tuple(seen, INCOMING, &judgement->tuple);
	if (!judgement->has_tuple)
		return false;
	flow = vg_memory_live(gate->memory, &judgement->tuple, gate->now_s);
	if (flow) {
		answered(gate, seen, length, flow);
		return true;
	}
	if (gate->scenario->monitor && seen->protocol != TCP)
		vg_memory_note(gate->memory, &judgement->tuple, gate->now_s);
	return false;
}

/* Would the packets that come back to the one that is quoted pass by row 7, 8 or 9? */
static bool quotes_passing(const struct vg_gate *gate, const struct vg_seen *quoted)
{
	struct vg_tuple answer, tuple;
	enum vg_outcome outcome;

	answer = (struct vg_tuple){
		.remote = quoted->destination,
		.local = quoted->source,
		.protocol = quoted->protocol,
		.local_port = quoted->source_port,
	};
	outcome = vg_oracle_answer(gate, &answer);
	if (outcome == VG_PASS_OPEN || outcome == VG_PASS_ADMITTED)
		return true;
	return gate->scenario->track && read_tuple(quoted, OUTGOING, &tuple) &&
	       vg_memory_live(gate->memory, &tuple, gate->now_s);
}

enum vg_outcome vg_related(const struct vg_gate *gate, const __u8 *frame, size_t length,
			   const struct vg_judgement *judgement, enum vg_outcome outcome)
{
	const struct vg_seen *seen = &judgement->seen;
	struct vg_seen quoted;

	if (outcome < VG_DROP_FIRST || !is_error(seen) ||
	    !vg_dissect_quoted(frame, length, seen, &quoted))
		return outcome;
	if (memcmp(&quoted.source, &seen->destination, sizeof(quoted.source)) != 0)
		return outcome;
	return quotes_passing(gate, &quoted) ? VG_PASS_RELATED : outcome;
}

/* ---- what leaves ---- */

static void shorten(const struct vg_gate *gate, struct vg_memory_flow *flow,
		    enum vg_flow_state state, __u32 lifetime_s)
{
	flow->state = state;
	flow->lifetime_s = lifetime_s;
	flow->seen_s = gate->now_s;
}

static void sent(const struct vg_gate *gate, const struct vg_seen *seen,
		 struct vg_memory_flow *flow)
{
	const bool closed = flow->state == VG_FLOW_CLOSED;

	if (has_flag(seen, RST)) {
		if (!closed)
			shorten(gate, flow, VG_FLOW_CLOSED, 10);
	} else if (has_flag(seen, FIN)) {
		shorten(gate, flow, VG_FLOW_CLOSING, 120);
	} else if (closed || flow->seen_s != gate->now_s) {
		/* A connection that goes on after RST was not reset by it. */
		if (closed)
			flow->state = VG_FLOW_OPEN;
		refresh(gate, flow);
	}
}

/* An answered TCP flow that is over comes back for 10 minutes, if this host goes on with it. */
static bool revives(const struct vg_gate *gate, const struct vg_seen *seen,
		    const struct vg_memory_flow *flow)
{
	return seen->protocol == TCP && flow->state == VG_FLOW_OPEN && !has_flag(seen, SYN | RST) &&
	       gate->now_s - flow->seen_s < flow->lifetime_s + 600;
}

/* May a packet that is passed on open a flow? Its sender must be admitted where it came in. */
static bool is_ours(const struct vg_gate *gate, const struct vg_tuple *tuple)
{
	return gate->from < 0 ||
	       vg_oracle_admits(gate->scenario, (size_t)gate->from, &tuple->local);
}

static bool may_open(const struct vg_gate *gate, const struct vg_seen *seen,
		     const struct vg_tuple *tuple)
{
	struct vg_memory_note *note;
	enum vg_outcome outcome;

	if (seen->protocol == TCP && !is_request(seen))
		return false;
	note = vg_memory_noted(gate->memory, tuple);
	if (note && gate->now_s - note->seen_s < gate->scenario->udp_s) {
		if (gate->scenario->monitor)
			note->seen_s = gate->now_s;
		return false;
	}
	if (!is_ours(gate, tuple))
		return false;
	outcome = vg_oracle_answer(gate, tuple);
	return outcome == VG_DROP_NOT_ADMITTED || outcome == VG_DROP_UNLISTED;
}

bool vg_oracle_send(const struct vg_gate *gate, const __u8 *frame, size_t length,
		    struct vg_tuple *ret_tuple)
{
	struct vg_memory_flow *flow;
	struct vg_tuple tuple;
	struct vg_seen seen;
	bool closed;

	if (!gate->scenario->track || vg_dissect(frame, length, &seen) != VG_DISSECTED_IP ||
	    !read_tuple(&seen, OUTGOING, &tuple))
		return false;
	*ret_tuple = tuple;
	flow = vg_memory_flow(gate->memory, &tuple);
	if (flow && !vg_memory_live(gate->memory, &tuple, gate->now_s) &&
	    !revives(gate, &seen, flow))
		flow = NULL;
	closed = flow && (flow->state == VG_FLOW_CLOSING || flow->state == VG_FLOW_CLOSED);
	if (flow && !(closed && is_request(&seen)))
		sent(gate, &seen, flow);
	else if (may_open(gate, &seen, &tuple))
		vg_memory_open(gate->memory, &tuple,
			       seen.protocol == TCP ? 120 : lifetime(gate->scenario, seen.protocol),
			       gate->now_s);
	return true;
}

/* ---- fragments ---- */

static struct vg_fragment_name name_of(const struct vg_gate *gate, const struct vg_seen *seen)
{
	return (struct vg_fragment_name){
		.source = seen->source,
		.destination = seen->destination,
		.id = seen->fragment_id,
		.protocol = seen->source.family == 4 ? seen->fragment_protocol : -1,
		.nic = gate->nic,
	};
}

bool vg_fragment_decides(const struct vg_gate *gate, struct vg_judgement *judgement,
			 enum vg_outcome *ret_outcome)
{
	const struct vg_seen *seen = &judgement->seen;
	const struct vg_fragment_name name = name_of(gate, seen);
	const __u32 lifetime_s = seen->source.family == 4 ? 30 : 60;
	const struct vg_memory_fragment *first;

	*ret_outcome = VG_DROP_FRAGMENT;
	if (seen->part == VG_SEEN_FIRST)
		return seen->cut;
	if (seen->part == VG_SEEN_WHOLE)
		return false;
	if (seen->fragment_offset < vg_dissect_l4_size(seen->fragment_protocol))
		return true;
	first = vg_memory_fragment(gate->memory, &name);
	if (!first || gate->now_s - first->seen_s >= lifetime_s)
		return false;
	judgement->followed = true;
	if (seen->fragment_offset < first->headers_end)
		return true;
	judgement->service = gate->scenario->n_services ? first->service : -1;
	*ret_outcome = first->outcome;
	return true;
}

void vg_fragment_remember(const struct vg_gate *gate, const struct vg_judgement *judgement,
			  enum vg_outcome outcome, const struct vg_judgement *unknown)
{
	const struct vg_memory_fragment fragment = {
		.name = name_of(gate, &judgement->seen),
		.outcome = outcome,
		.service = judgement->service,
		.headers_end = judgement->seen.headers_end,
		.seen_s = gate->now_s,
	};
	const bool same = outcome == unknown->outcome && judgement->service == unknown->service;
	const bool dropped = outcome >= VG_DROP_FIRST && unknown->outcome >= VG_DROP_FIRST;

	if (same || dropped)
		vg_memory_forget(gate->memory, &fragment.name);
	else
		vg_memory_remember(gate->memory, &fragment);
}
