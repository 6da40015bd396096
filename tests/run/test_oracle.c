/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random policies and frames through the real programs (BPF_PROG_TEST_RUN), each judged by the
 * oracle as well: XDP action, counter cell and service counter must be equal after every frame that
 * comes in, and where one frame alone decides, vg_explain() must give the same answer. Of each tenth
 * frame that its options can describe, `vpcgate check` must say the same. Frames that leave in
 * between open the flows that some of those belong to.
 *
 * test_oracle [SEED [SCENARIO]]; VG_SEED sets the seed, VG_PAIRS the least number of frames.
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/explain.h"
#include "core/prefix.h"
#include "share/check.h"
#include "share/cleanup.h"
#include "tests/oracle/exchange.h"
#include "tests/oracle/ledger.h"
#include "tests/oracle/rig_flows.h"

#define DEFAULT_PAIRS 1000000
#define FRAMES 6500 /* of one scenario, besides those cut at every byte and those at borders */
#define CUT_FRAMES 3
#define BORDERS 100	  /* prefixes of a set of which first, last and neighbour addresses send */
#define CHECK_INTERVAL 10 /* pairs: `vpcgate check` looks at each service, of up to 1,024 */
#define MIN_FRAME 14	  /* ETH_HLEN, the least that the kernel takes */
#define SENT_MIN 54	  /* Ethernet and IPv6 header */
/* With fewer pairs than this, a rare outcome may not come up. */
#define COVERING_PAIRS 200000

struct run {
	__u64 seed;
	unsigned scenario_number;
	struct vg_rig rig;
	struct vg_rig_flows flows;
	struct vg_ledger ledger;
	struct vg_memory memory;
	struct vg_scenario *scenario;
	struct vg_policy *policy;
	bool every_service; /* read all counters after each frame */
	__u64 pairs, sent, explained, checked, in_service, unread, followed;
	__u64 rows[VG_ROW_MAX];
};

static void print_frame(const struct run *run, const struct vg_frame *frame,
			const struct vg_judgement *judgement)
{
	vg_ledger_print_config(&run->ledger);
	fprintf(stderr, "seed %#" PRIx64 ", scenario %u: repeat with test_oracle %#" PRIx64 " %u\n",
		(uint64_t)run->seed, run->scenario_number, (uint64_t)run->seed,
		run->scenario_number);
	vg_ledger_print_frame(frame->bytes, frame->length);
	if (judgement)
		vg_ledger_print_judgement(&run->ledger, judgement);
}

static struct vg_address address_of(const struct vg_raw_address *raw)
{
	return vg_address_from_bytes(raw->family, raw->bytes);
}

static int check_explain(const struct run *run, const struct vg_judgement *judgement)
{
	const struct vg_seen *seen = &judgement->seen;
	const struct vg_question question = {
		.source = address_of(&seen->source),
		.has_destination = true,
		.destination = address_of(&seen->destination),
		.protocol = seen->protocol < 0 ? VG_PROTOCOL_HIDDEN : seen->protocol,
		.source_port = seen->source_port,
		.port = seen->port,
		.icmp_type = seen->icmp_type,
		.hop_limit = seen->hop_limit,
		.rule = run->ledger.targets[run->ledger.judged_as].rule,
	};
	struct vg_answer answer;
	char prefix[VG_PREFIX_TEXT_SIZE] = "", want[VG_RAW_TEXT_SIZE] = "";
	const bool decided_by_set = judgement->set >= 0 && judgement->outcome != VG_DROP_MARTIAN &&
				    judgement->outcome != VG_PASS_ESSENTIAL;

	vg_explain(run->policy, &question, &answer);
	if (decided_by_set) {
		vg_raw_format(&judgement->prefix, want);
		if (answer.has_prefix)
			vg_prefix_format(&answer.prefix, prefix);
	}
	if (answer.outcome == judgement->outcome && answer.set == judgement->set &&
	    answer.sets == judgement->sets && answer.service == judgement->service &&
	    strcmp(prefix, want) == 0)
		return 0;
	fprintf(stderr,
		"vg_explain: %s, set %s, sets %#" PRIx64 " (not %#" PRIx64
		"), service %s, prefix '%s' (not '%s')\n",
		vg_outcome_text(answer.outcome), vg_ledger_set(&run->ledger, answer.set),
		(uint64_t)answer.sets, (uint64_t)judgement->sets,
		vg_ledger_service(&run->ledger, answer.service), prefix, want);
	return -EBADMSG;
}

/*
 * `--port` for what was seen. False: what decides can't be said on a command line, such as port 0, an
 * L4 that is hidden, or a source port, an ICMPv6 type or a hop limit that makes a frame essential.
 */
static bool format_port(const struct vg_judgement *judgement, char *out, size_t size)
{
	const struct vg_seen *seen = &judgement->seen;
	const char *name = seen->protocol == 6 ? "tcp" : seen->protocol == 17 ? "udp" : "sctp";

	if (judgement->outcome == VG_PASS_ESSENTIAL || seen->protocol < 0 || seen->port == 0)
		return false;
	if (seen->port > 0)
		snprintf(out, size, "%s/%d", name, seen->port);
	else
		snprintf(out, size, "%d", seen->protocol);
	return true;
}

static bool says(const json_t *answer, const char *key, const char *want)
{
	const char *got = json_string_value(json_object_get(answer, key));

	if (want ? got && strcmp(got, want) == 0 : !got)
		return true;
	fprintf(stderr, "vpcgate check: %s is '%s', not '%s'\n", key, got ?: "null",
		want ?: "null");
	return false;
}

/* What an operator who asks about this very frame is told. */
static int check_command(struct run *run, const struct vg_judgement *judgement)
{
	const struct vg_seen *seen = &judgement->seen;
	char address[VG_PREFIX_TEXT_SIZE], to[VG_PREFIX_TEXT_SIZE], port[16], interface[16];
	const struct vg_address source = address_of(&seen->source);
	const struct vg_address destination = address_of(&seen->destination);
	const struct vg_check check = {
		.address = vg_address_format(&source, address),
		.to = vg_address_format(&destination, to),
		.port = port,
		.interface = interface,
	};
	json_auto_t *answer = NULL;
	struct vg_diag diag = {0};
	bool same;

	if (!format_port(judgement, port, sizeof(port)))
		return 0;
	snprintf(interface, sizeof(interface), "t%zu",
		 run->ledger.targets[run->ledger.judged_as].rule);
	if (vg_check_json(run->policy, &check, &answer, &diag) < 0) {
		fprintf(stderr, "vpcgate check: %s\n", diag.text);
		return -EBADMSG;
	}
	run->checked++;
	same = says(answer, "verdict", vg_oracle_verdict(judgement->verdict));
	same &= says(answer, "reason", vg_oracle_outcome(judgement->outcome));
	same &= says(answer, "source",
		     judgement->set < 0 ? NULL : vg_ledger_set(&run->ledger, judgement->set));
	same &= says(answer, "service",
		     judgement->service < 0 ? NULL
					    : vg_ledger_service(&run->ledger, judgement->service));
	return same ? 0 : -EBADMSG;
}

static int check_counters(const struct run *run, const struct vg_judgement *judgement)
{
	int r;

	if (run->every_service)
		return vg_ledger_check_all(&run->ledger);
	r = vg_ledger_check_interface(&run->ledger);
	if (r < 0 || judgement->service < 0)
		return r;
	return vg_ledger_check_service(&run->ledger, judgement->service);
}

/* What is remembered, or hidden in a fragment, is nothing that a question can say. */
static bool can_be_asked(const struct vg_judgement *judgement)
{
	return judgement->ip && !judgement->followed && judgement->outcome != VG_DROP_FRAGMENT &&
	       judgement->outcome != VG_PASS_REPLY && judgement->outcome != VG_PASS_RELATED;
}

static __u32 now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u32)now.tv_sec;
}

static int run_frame(struct run *run, const struct vg_frame *frame, unsigned ifindex)
{
	const struct vg_gate gate = vg_ledger_gate(&run->ledger, &run->memory, now_s());
	struct vg_judgement judgement;
	int action, r;

	vg_oracle_judge(&gate, frame->bytes, frame->length, &judgement);
	vg_ledger_expect(&run->ledger, &judgement, frame->length);
	action = vg_dataplane_test_run(run->rig.dataplane, frame->bytes, frame->length, ifindex, 1,
				       NULL);
	r = check_counters(run, &judgement);
	if (action != (judgement.verdict == VG_VERDICT_DROP ? XDP_DROP : XDP_PASS)) {
		fprintf(stderr, "XDP action %d\n", action);
		r = -EBADMSG;
	}
	if (r == 0 && can_be_asked(&judgement)) {
		r = check_explain(run, &judgement);
		run->explained++;
		if (r == 0 && run->pairs % CHECK_INTERVAL == 0)
			r = check_command(run, &judgement);
	}
	run->pairs++;
	run->in_service += judgement.service >= 0;
	run->unread += judgement.unread;
	run->followed += judgement.followed;
	run->rows[vg_oracle_row(&judgement)]++;
	if (r < 0)
		print_frame(run, frame, &judgement);
	return r;
}

/* What leaves is judged by its effect on what comes in: test_flows looks at the flows themselves. */
static int send_frame(struct run *run, const struct vg_frame *frame, unsigned ifindex)
{
	const struct vg_gate gate = vg_ledger_gate(&run->ledger, &run->memory, now_s());
	struct vg_tuple tuple;
	int action;

	vg_oracle_send(&gate, frame->bytes, frame->length, &tuple);
	action = vg_dataplane_test_egress(run->rig.dataplane, frame->bytes, frame->length, ifindex,
					  1, NULL);
	run->sent++;
	/* The kernel doesn't take a frame that is cut in its IP header, and nor would a host send it. */
	if (action == TC_ACT_UNSPEC || (action == -EINVAL && frame->length < SENT_MIN))
		return 0;
	fprintf(stderr, "classifier's action %d\n", action);
	print_frame(run, frame, NULL);
	return -EBADMSG;
}

/* Every length that the kernel takes, as a cut frame and as a sound one with less in it. */
static int run_cuts(struct run *run, const struct vg_frame *frame)
{
	for (size_t length = MIN_FRAME; length < frame->length; length++) {
		for (int fix = 0; fix < 2; fix++) {
			struct vg_frame cut = *frame;
			int r;

			vg_frame_cut(&cut, length, fix);
			r = run_frame(run, &cut, 0);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* A frame from that source, with nothing else to decide by. */
static int run_source(struct run *run, const struct vg_raw_address *source)
{
	const struct vg_raw_address destination =
		vg_raw_address(source->family == 4 ? "10.128.0.9" : "fd20:1:2::9");
	struct vg_frame frame;

	vg_frame_begin(&frame);
	if (source->family == 4)
		vg_frame_ipv4(&frame, source, &destination, 0, 0);
	else
		vg_frame_ipv6(&frame, source, &destination, 64);
	vg_frame_l4(&frame, 6, 1234, 443);
	vg_frame_finish(&frame);
	return run_frame(run, &frame, 0);
}

/* The first and the last address of each prefix, and the neighbours of both. */
static int run_borders(struct run *run)
{
	const struct vg_scenario *scenario = run->scenario;

	for (size_t i = 0; i < scenario->n_sets; i++) {
		const struct vg_scenario_set *set = &scenario->sets[i];

		for (size_t j = 0; j < set->n && j < BORDERS; j++) {
			const struct vg_raw_address first = set->prefixes[j].address;
			const struct vg_raw_address last = vg_raw_last(&set->prefixes[j]);
			const struct vg_raw_address sources[] = {vg_raw_before(first), first, last,
								 vg_raw_after(last)};

			for (size_t k = 0; k < VG_ARRAY_SIZE(sources); k++) {
				const int r = run_source(run, &sources[k]);

				if (r < 0)
					return r;
			}
		}
	}
	return 0;
}

static int run_frames(struct run *run, struct vg_random random)
{
	struct vg_exchange exchange = {0};
	struct vg_frame frame;

	for (unsigned i = 0; i < FRAMES; i++) {
		const bool out = vg_exchange_next(&exchange, &random, run->scenario, &frame);
		const unsigned ifindex = vg_random_below(&random, 2);
		int r;

		r = out ? send_frame(run, &frame, ifindex) : run_frame(run, &frame, ifindex);
		if (r == 0 && i < CUT_FRAMES)
			r = run_cuts(run, &frame);
		if (r < 0)
			return r;
	}
	return run_borders(run);
}

/* Nothing is known of earlier scenarios. */
static int forget(struct run *run)
{
	vg_memory_clear(&run->memory);
	return vg_rig_flows_clear(&run->flows);
}

static int publish(struct run *run, struct vg_random *random)
{
	int r;

	r = vg_ledger_publish(&run->ledger, random, run->scenario, &run->policy);
	if (r < 0)
		return r;
	vg_rig_flows_close(&run->flows);
	r = vg_rig_flows_open(&run->rig, &run->flows);
	return r < 0 ? r : forget(run);
}

/*
 * A service counted that should not be shows only at the end, when all are read: the frames are
 * repeated with all of them read each time, to name the one.
 */
static int blame(struct run *run, const struct vg_random *random)
{
	int r;

	r = vg_ledger_resync(&run->ledger);
	if (r == 0)
		r = forget(run);
	if (r < 0)
		return r;
	run->every_service = true;
	r = run_frames(run, *random);
	return r < 0 ? r : -EBADMSG;
}

static int run_scenario(struct run *run)
{
	struct vg_random random;
	int r;

	vg_random_init(&random, run->seed, run->scenario_number);
	run->scenario = vg_scenario_random(&random);
	if (!run->scenario)
		return -ENOMEM;
	r = publish(run, &random);
	if (r < 0)
		fprintf(stderr, "seed %#" PRIx64 ", scenario %u\n", (uint64_t)run->seed,
			run->scenario_number);
	if (r == 0)
		r = run_frames(run, random);
	if (r == 0 && vg_ledger_check_all(&run->ledger) < 0) {
		fprintf(stderr, "seed %#" PRIx64 ", scenario %u: counters at the end\n",
			(uint64_t)run->seed, run->scenario_number);
		r = blame(run, &random);
	}
	vg_policy_free(run->policy);
	run->policy = NULL;
	vg_scenario_free(run->scenario);
	run->scenario = NULL;
	return r;
}

static int summary(const struct run *run, time_t start)
{
	int missing = 0;

	printf("%" PRIu64 " pairs of %u scenarios in %ld s, %" PRIu64 " of them explained, %" PRIu64
	       " checked, %" PRIu64 " in a service, %" PRIu64
	       " held to one with a feed unread, %" PRIu64 " after a first fragment, %" PRIu64
	       " sent in between: all equal\n",
	       (uint64_t)run->pairs, run->scenario_number, (long)(time(NULL) - start),
	       (uint64_t)run->explained, (uint64_t)run->checked, (uint64_t)run->in_service,
	       (uint64_t)run->unread, (uint64_t)run->followed, (uint64_t)run->sent);
	for (unsigned row = 0; row < VG_ROW_MAX; row++) {
		printf("  %-10s %-12s %10" PRIu64 "\n", vg_verdict_text(vg_row_verdict(row)),
		       vg_outcome_text(vg_row_outcome(row)), (uint64_t)run->rows[row]);
		missing += run->rows[row] == 0;
	}
	if (run->pairs >= COVERING_PAIRS &&
	    (missing || !run->in_service || !run->checked || !run->unread || !run->followed)) {
		fprintf(stderr, "some outcome never came up: the test proves less than it says\n");
		return -EBADMSG;
	}
	return 0;
}

static int run_all(struct run *run, int argc, char **argv)
{
	const char *pairs_text = getenv("VG_PAIRS");
	const __u64 wanted = pairs_text ? strtoull(pairs_text, NULL, 0) : DEFAULT_PAIRS;
	const time_t start = time(NULL);
	int r;

	run->seed = vg_random_seed(argc > 1 ? argv[1] : NULL);
	printf("seed %#" PRIx64 "\n", (uint64_t)run->seed);
	fflush(stdout);
	if (argc > 2) {
		run->scenario_number = (unsigned)strtoul(argv[2], NULL, 0);
		r = run_scenario(run);
		return r < 0 ? r : summary(run, start);
	}
	for (; run->pairs < wanted; run->scenario_number++) {
		r = run_scenario(run);
		if (r < 0)
			return r;
	}
	return summary(run, start);
}

int main(int argc, char **argv)
{
	static struct run run = {.flows = VG_RIG_FLOWS_NONE,
				 .memory = {.note_place = vg_rig_note_place}};
	bool skip;
	int r;

	r = vg_rig_open(&run.rig);
	skip = r == -EPERM;
	if (r == 0)
		r = vg_ledger_init(&run.ledger, &run.rig);
	if (r == 0)
		r = run_all(&run, argc, argv);
	vg_ledger_done(&run.ledger);
	vg_memory_done(&run.memory);
	vg_rig_flows_close(&run.flows);
	vg_rig_close(&run.rig);
	if (skip) {
		printf("SKIP: needs privilege for bpf(2) and mount(2)\n");
		return VG_RIG_SKIP;
	}
	printf("%s\n", r == 0 ? "PASSED" : "FAILED");
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
