/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Short random sequences of packets that come in, packets that leave, and time that passes, through
 * the real programs (BPF_PROG_TEST_RUN) and the oracle: after each event the verdict, its counters,
 * the flow that it is about and the counters of flows must be equal; after each sequence all that is
 * remembered. From policy to policy, flows, notes and fragments live on.
 *
 * Time passes by aging what the maps hold. A sequence keeps away from the edges of real seconds; one
 * that meets an edge all the same is run again.
 *
 * test_flows [SEED [POLICY]]; VG_SEED sets the seed, VG_SEQUENCES the least number of sequences.
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/explain.h"
#include "share/cleanup.h"
#include "tests/oracle/flow_book.h"
#include "tests/oracle/sequence.h"

#define DEFAULT_SEQUENCES 500000
#define SEQUENCES 8000	 /* of one policy, besides the long one that begins before it */
#define SWITCH_EVENTS 64 /* of that one, before and after each */
#define SWITCH_SCENE 8	 /* of these between the same addresses and ports */
#define MAX_EVENTS (2 * SWITCH_EVENTS)
#define COUNT_INTERVAL 64 /* sequences: are there more flows than should be? */
#define RETRIES 3
#define SENT_MIN 54 /* Ethernet and IPv6 header: the kernel takes no shorter packet */
/* The datapath counts seconds in steps of 2^24 ns of the coarse clock: no sequence begins earlier. */
#define STEP_NS 20000000
#define POLL_NS 1000000
/* With fewer sequences than this, a rare outcome may not come up. */
#define COVERING_SEQUENCES 100000

struct run {
	__u64 seed;
	unsigned policy_number;
	struct vg_rig rig;
	struct vg_ledger ledger;
	struct vg_flow_book book;
	struct vg_scenario *scenario; /* in force */
	struct vg_policy *policy;
	__u32 now_s;
	struct vg_event events[MAX_EVENTS]; /* of the sequence, so far */
	size_t n_events;
	struct vg_tuple sent[MAX_EVENTS];
	size_t n_sent;
	__u64 sequences, played, torn, kinds[VG_EVENT_AGE_FRAGMENT + 1], families[2];
	__u64 states[VG_FLOW_STATE_MAX], notes, followed, rows[VG_ROW_MAX];
};

/* ---- the clock ---- */

static struct timespec read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now;
}

/*
 * From here on it is `now_s`, for the datapath too, as long as is_torn() is false. The coarse clock,
 * which the datapath reads, is late by a tick, and by more where the machine is emulated.
 */
static void tick(struct run *run)
{
	static const struct timespec poll = {.tv_nsec = POLL_NS};
	struct timespec now, coarse;

	while (true) {
		coarse = read_clock(CLOCK_MONOTONIC_COARSE);
		now = read_clock(CLOCK_MONOTONIC);
		if (coarse.tv_sec == now.tv_sec && coarse.tv_nsec >= STEP_NS)
			break;
		nanosleep(&poll, NULL);
	}
	run->now_s = (__u32)now.tv_sec;
}

static bool is_torn(const struct run *run)
{
	return (__u32)read_clock(CLOCK_MONOTONIC).tv_sec != run->now_s;
}

/* ---- what went wrong ---- */

static const char *const kinds[] = {
	[VG_EVENT_IN] = "in",
	[VG_EVENT_OUT] = "out",
	[VG_EVENT_AGE_FLOW] = "age flow",
	[VG_EVENT_AGE_NOTE] = "age note",
	[VG_EVENT_AGE_FRAGMENT] = "age fragment",
};

/* The ifindex that a frame has come in by which leaves; 9999 is of a NIC that isn't filtered. */
static unsigned came_in_by(const struct run *run, int from)
{
	if (from < 0)
		return 0;
	return (size_t)from < run->scenario->n_rules ? run->ledger.targets[from].ifindex : 9999;
}

static void print_events(const struct run *run)
{
	vg_ledger_print_config(&run->ledger);
	fprintf(stderr, "repeat with test_flows %#" PRIx64 " %u; events, the last one failed:\n",
		(uint64_t)run->seed, run->policy_number);
	for (size_t i = 0; i < run->n_events; i++) {
		const struct vg_event *event = &run->events[i];

		fprintf(stderr, "%s ", kinds[event->kind]);
		if (event->kind == VG_EVENT_OUT && event->from >= 0)
			fprintf(stderr, "from ifindex %u, ", came_in_by(run, event->from));
		if (event->kind <= VG_EVENT_OUT)
			vg_ledger_print_frame(event->frame.bytes, event->frame.length);
		else
			fprintf(stderr, "%zu by %u s\n", event->index, event->seconds);
	}
}

/* ---- events ---- */

static int come_in(struct run *run, const struct vg_frame *frame)
{
	const struct vg_gate gate = vg_ledger_gate(&run->ledger, &run->book.memory, run->now_s);
	struct vg_judgement judgement;
	int action, r;

	vg_oracle_judge(&gate, frame->bytes, frame->length, &judgement);
	vg_ledger_expect(&run->ledger, &judgement, frame->length);
	action = vg_dataplane_test_run(run->rig.dataplane, frame->bytes, frame->length, 1, 1, NULL);
	r = vg_ledger_check_interface(&run->ledger);
	if (r == 0 && judgement.service >= 0)
		r = vg_ledger_check_service(&run->ledger, judgement.service);
	if (r == 0 && judgement.has_tuple)
		r = vg_flow_book_check_flow(&run->book, &judgement.tuple);
	if (action != (judgement.verdict == VG_VERDICT_DROP ? XDP_DROP : XDP_PASS)) {
		fprintf(stderr, "XDP action %d\n", action);
		r = -EBADMSG;
	}
	run->rows[vg_oracle_row(&judgement)]++;
	run->followed += judgement.followed;
	run->families[frame->bytes[frame->ip] >> 4 == 6]++;
	if (r < 0)
		vg_ledger_print_judgement(&run->ledger, &judgement);
	return r;
}

static void remember_sent(struct run *run, const struct vg_tuple *tuple)
{
	for (size_t i = 0; i < run->n_sent; i++)
		if (vg_tuple_equal(&run->sent[i], tuple))
			return;
	run->sent[run->n_sent++] = *tuple;
}

static int leave(struct run *run, const struct vg_event *event)
{
	const struct vg_frame *frame = &event->frame;
	struct vg_gate gate = vg_ledger_gate(&run->ledger, &run->book.memory, run->now_s);
	const struct vg_memory_flow *flow;
	struct vg_tuple tuple;
	int action, r = 0;

	if (frame->length < SENT_MIN && frame->bytes[frame->ip] >> 4 == 6)
		return 0;
	if (event->from >= 0 && (size_t)event->from < run->scenario->n_rules)
		gate.from = (int)run->ledger.targets[event->from].rule;
	action = vg_rig_send(&run->book.maps, frame->bytes, frame->length,
			     came_in_by(run, event->from));
	if (vg_oracle_send(&gate, frame->bytes, frame->length, &tuple)) {
		remember_sent(run, &tuple);
		r = vg_flow_book_check_flow(&run->book, &tuple);
		flow = vg_memory_flow(&run->book.memory, &tuple);
		if (flow)
			run->states[flow->state]++;
		/*
		 * For a second, the recorder would not see that a connection goes on after RST, nor
		 * that a packet which it has passed on in vain is sent by this host itself.
		 */
		if (r == 0 && (event->from >= 0 || (flow && flow->state == VG_FLOW_CLOSED)))
			r = vg_rig_forget_sent(&run->book.maps, &tuple);
	}
	if (r == 0)
		r = vg_flow_book_check_counters(&run->book);
	if (action == TC_ACT_UNSPEC)
		return r;
	fprintf(stderr, "classifier's action %d\n", action);
	return -EBADMSG;
}

static int play(struct run *run, const struct vg_event *event)
{
	run->played++;
	run->kinds[event->kind]++;
	switch (event->kind) {
	case VG_EVENT_IN:
		return come_in(run, &event->frame);
	case VG_EVENT_OUT:
		return leave(run, event);
	case VG_EVENT_AGE_FLOW:
		return vg_flow_book_age_flow(&run->book, event->index, event->seconds);
	case VG_EVENT_AGE_NOTE:
		return vg_flow_book_age_note(&run->book, event->index, event->seconds);
	case VG_EVENT_AGE_FRAGMENT:
		return vg_flow_book_age_fragment(&run->book, event->index, event->seconds);
	}
	return -EINVAL;
}

/* `n` events between the same few addresses and ports. */
static int play_scene(struct run *run, struct vg_random *random, unsigned n)
{
	struct vg_sequence sequence;
	int r = 0;

	vg_sequence_begin(&sequence, random);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct vg_event *event = &run->events[run->n_events++];

		vg_sequence_next(&sequence, random, &run->book.memory, run->now_s, event);
		r = play(run, event);
	}
	return r;
}

/* ---- sequences ---- */

/* Nothing is left of a sequence; what it sent may be sent again. */
static int clean_up(struct run *run, bool count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->n_sent; i++)
		r = vg_rig_forget_sent(&run->book.maps, &run->sent[i]);
	run->notes += run->book.memory.n_notes;
	run->n_events = 0;
	run->n_sent = 0;
	return r < 0 ? r : vg_flow_book_forget(&run->book, count);
}

static int reset(struct run *run)
{
	int r;

	run->n_events = 0;
	run->n_sent = 0;
	r = vg_flow_book_reset(&run->book);
	return r < 0 ? r : vg_ledger_resync(&run->ledger);
}

/* What fails where a second ends proves nothing: 0, but all is forgotten. */
static int blame(struct run *run, int error)
{
	if (!is_torn(run)) {
		print_events(run);
		return error;
	}
	fprintf(stderr, "a second ended meanwhile: this counts for nothing\n");
	run->torn++;
	return reset(run);
}

static int try_sequence(struct run *run, unsigned number)
{
	struct vg_random random;
	int r;

	vg_random_init(&random, run->seed, (__u64)run->policy_number << 32 | number);
	vg_rig_filter_clear(&run->book.maps, vg_random_below(&random, 2));
	tick(run);
	r = play_scene(run, &random, vg_random_between(&random, 3, 12));
	return r < 0 ? r : vg_flow_book_check(&run->book);
}

static int run_sequence(struct run *run, unsigned number)
{
	for (unsigned tries = 0; tries < RETRIES; tries++) {
		const __u64 torn = run->torn;
		int r;

		r = try_sequence(run, number);
		if (r < 0) {
			r = blame(run, r);
			if (r < 0)
				return r;
		}
		if (run->torn == torn) {
			run->sequences++;
			return clean_up(run, number % COUNT_INTERVAL == 0);
		}
	}
	fprintf(stderr, "each try took a second: the machine is too busy\n");
	return -EBUSY;
}

/* ---- policies ---- */

static int play_scenes(struct run *run, struct vg_random *random)
{
	int r = 0;

	tick(run);
	for (unsigned i = 0; r == 0 && i < SWITCH_EVENTS; i += SWITCH_SCENE)
		r = play_scene(run, random, SWITCH_SCENE);
	return r < 0 ? r : vg_flow_book_check(&run->book);
}

/* The scenario of that policy; the policy in force is another from now on. */
static int publish(struct run *run, struct vg_random *random)
{
	struct vg_scenario *scenario;
	int r;

	scenario = vg_sequence_scenario(random);
	if (!scenario)
		return -ENOMEM;
	vg_policy_free(run->policy);
	run->policy = NULL;
	r = vg_ledger_publish(&run->ledger, random, scenario, &run->policy);
	vg_scenario_free(run->scenario);
	run->scenario = scenario;
	return r < 0 ? r : vg_flow_book_open(&run->book);
}

/* What a publish, and now and then a sweep, leaves of the flows. */
static int settle(struct run *run, struct vg_random *random)
{
	struct vg_diag diag;
	int r = 1;

	tick(run);
	if (!run->scenario->track) {
		run->book.memory.n_flows = 0;
		return 0;
	}
	while (vg_random_chance(random, 50) && r == 1)
		r = vg_dataplane_sweep(run->rig.dataplane, 1000, &diag);
	return r < 0 ? r : vg_flow_book_sweep(&run->book, run->now_s);
}

/* A long sequence of which the policy that is in force changes in the middle. */
static int switch_policy(struct run *run)
{
	struct vg_random random;
	int r;

	vg_random_init(&random, run->seed, (__u64)run->policy_number << 32 | UINT32_MAX);
	r = play_scenes(run, &random);
	if (r < 0)
		r = blame(run, r);
	vg_random_init(&random, run->seed, run->policy_number);
	if (r == 0)
		r = publish(run, &random);
	if (r < 0)
		return r;
	r = settle(run, &random);
	if (r == 0)
		r = play_scenes(run, &random);
	if (r < 0)
		r = blame(run, r);
	return r < 0 ? r : clean_up(run, true);
}

static int run_policy(struct run *run)
{
	int r;

	r = switch_policy(run);
	for (unsigned i = 0; r == 0 && i < SEQUENCES; i++)
		r = run_sequence(run, i);
	if (r < 0)
		return r;
	r = vg_ledger_check_all(&run->ledger);
	if (r < 0)
		print_events(run);
	return r;
}

static int summary(const struct run *run, time_t start)
{
	static const char *const states[] = {
		[VG_FLOW_NEW] = "new",
		[VG_FLOW_OPEN] = "open",
		[VG_FLOW_CLOSING] = "closing",
		[VG_FLOW_CLOSED] = "closed",
	};
	const struct vg_memory *memory = &run->book.memory;
	int missing = !run->notes || !run->followed || !memory->opened || !memory->expired;

	printf("%" PRIu64 " sequences under %u policies in %ld s, %" PRIu64
	       " events: all equal; %" PRIu64 " flows opened, %" PRIu64 " of them again, %" PRIu64
	       " notes, %" PRIu64 " followed a fragment, %" PRIu64 " torn by a second's end\n",
	       (uint64_t)run->sequences, run->policy_number, (long)(time(NULL) - start),
	       (uint64_t)run->played, (uint64_t)memory->opened, (uint64_t)memory->expired,
	       (uint64_t)run->notes, (uint64_t)run->followed, (uint64_t)run->torn);
	for (unsigned kind = 0; kind <= VG_EVENT_AGE_FRAGMENT; kind++) {
		printf("  %-12s %10" PRIu64 "\n", kinds[kind], (uint64_t)run->kinds[kind]);
		missing += !run->kinds[kind];
	}
	printf("  IPv4 %" PRIu64 ", IPv6 %" PRIu64 "\n", (uint64_t)run->families[0],
	       (uint64_t)run->families[1]);
	for (unsigned state = 0; state < VG_FLOW_STATE_MAX; state++) {
		printf("  %-12s %10" PRIu64 "\n", states[state], (uint64_t)run->states[state]);
		missing += !run->states[state];
	}
	for (unsigned row = 0; row < VG_ROW_MAX; row++)
		if (run->rows[row])
			printf("  %-10s %-12s %10" PRIu64 "\n",
			       vg_verdict_text(vg_row_verdict(row)),
			       vg_outcome_text(vg_row_outcome(row)), (uint64_t)run->rows[row]);
	missing += !run->rows[VG_PASS_REPLY] || !run->rows[VG_PASS_RELATED] ||
		   !run->rows[VG_DROP_FRAGMENT];
	if (run->sequences < COVERING_SEQUENCES || !missing)
		return 0;
	fprintf(stderr, "something never came up: the test proves less than it says\n");
	return -EBADMSG;
}

static int run_all(struct run *run, int argc, char **argv)
{
	const char *text = getenv("VG_SEQUENCES");
	const __u64 wanted = text ? strtoull(text, NULL, 0) : DEFAULT_SEQUENCES;
	const time_t start = time(NULL);
	struct vg_random random;
	int r;

	run->seed = vg_random_seed(argc > 1 ? argv[1] : NULL);
	printf("seed %#" PRIx64 "\n", (uint64_t)run->seed);
	fflush(stdout);
	if (argc > 2)
		run->policy_number = (unsigned)strtoul(argv[2], NULL, 0);
	/* The policy before, for what it leaves to the first one. */
	vg_random_init(&random, run->seed, run->policy_number - 1);
	r = publish(run, &random);
	if (r == 0)
		r = reset(run);
	for (; r == 0 && run->sequences < wanted; run->policy_number++) {
		r = run_policy(run);
		if (argc > 2)
			break;
	}
	return r < 0 ? r : summary(run, start);
}

int main(int argc, char **argv)
{
	static struct run run;
	bool skip;
	int r;

	vg_flow_book_init(&run.book, &run.ledger);
	r = vg_rig_open(&run.rig);
	skip = r == -EPERM;
	if (r == 0)
		r = vg_ledger_init(&run.ledger, &run.rig);
	if (r == 0)
		r = run_all(&run, argc, argv);
	vg_policy_free(run.policy);
	vg_scenario_free(run.scenario);
	vg_flow_book_done(&run.book);
	vg_ledger_done(&run.ledger);
	vg_rig_close(&run.rig);
	if (skip) {
		printf("SKIP: needs privilege for bpf(2) and mount(2)\n");
		return VG_RIG_SKIP;
	}
	printf("%s\n", r == 0 ? "PASSED" : "FAILED");
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
