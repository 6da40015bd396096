/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random policies and frames through the real program (BPF_PROG_TEST_RUN), each judged by the
 * oracle as well: XDP action, counter cell and service counter must be equal after every frame, and
 * vg_explain() must give the same answer. Of each tenth frame that its options can describe,
 * `vpcgate check` must say the same.
 *
 * test_oracle [SEED [SCENARIO]]; VG_SEED sets the seed, VG_PAIRS the least number of frames.
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/explain.h"
#include "core/prefix.h"
#include "share/check.h"
#include "share/cleanup.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/rig.h"
#include "tests/oracle/traffic.h"

#define DEFAULT_PAIRS 1000000
#define FRAMES 2000 /* of one scenario, besides those cut at every byte and those at borders */
#define CUT_FRAMES 3
#define BORDERS 100	  /* prefixes of a set of which first, last and neighbour addresses send */
#define CHECK_INTERVAL 10 /* pairs: `vpcgate check` looks at each service, of up to 1,024 */
#define MIN_FRAME 14	  /* ETH_HLEN, the least that the kernel takes */
/* With fewer pairs than this, a rare outcome may not come up. */
#define COVERING_PAIRS 200000

struct nic {
	bool known; /* published once, so that it has a slot */
	unsigned slot;
	struct vg_interface_counters counters; /* as they must be */
	struct vg_service_counters *services;  /* VG_MAX_SERVICES of them, as they must be */
};

struct run {
	__u64 seed;
	unsigned scenario_number;
	struct vg_rig rig;
	struct vg_scenario *scenario;
	struct vg_policy *policy;
	struct vg_target targets[VG_SCENARIO_RULES];
	struct nic nics[VG_SCENARIO_RULES];
	size_t judged_as; /* the target that frames of ifindex 1 belong to */
	unsigned set_slots[VG_SCENARIO_SETS];
	unsigned *service_slots; /* VG_MAX_SERVICES of them */
	bool every_service;	 /* read all service counters after each frame */
	__u64 pairs, explained, checked, in_service;
	__u64 rows[VG_ROW_MAX];
};

static const char *set_name(const struct run *run, int set)
{
	return set < 0 ? "none" : run->scenario->sets[set].name;
}

static const char *service_name(const struct run *run, int service)
{
	return service < 0 ? "none" : run->scenario->services[service].name;
}

static void print_frame(const struct run *run, const struct vg_frame *frame,
			const struct vg_judgement *judgement)
{
	char *yaml;
	size_t length;

	yaml = vg_scenario_render(run->scenario, &length);
	fprintf(stderr,
		"%s\nseed %#" PRIx64 ", scenario %u: repeat with test_oracle %#" PRIx64 " %u\n",
		yaml ? yaml : "", (uint64_t)run->seed, run->scenario_number, (uint64_t)run->seed,
		run->scenario_number);
	free(yaml);
	fprintf(stderr, "judged as NIC %s, rule t%zu\nframe of %zu bytes: ",
		run->targets[run->judged_as].name, run->targets[run->judged_as].rule,
		frame->length);
	for (size_t i = 0; i < frame->length; i++)
		fprintf(stderr, "%02x", frame->bytes[i]);
	fprintf(stderr, "\nexpected %s %s, source %s, service %s",
		vg_oracle_verdict(judgement->verdict), vg_oracle_outcome(judgement->outcome),
		set_name(run, judgement->set), service_name(run, judgement->service));
	if (judgement->ip)
		fprintf(stderr, " (protocol %d, ports %d to %d, ICMPv6 type %d, hop limit %d)",
			judgement->seen.protocol, judgement->seen.source_port, judgement->seen.port,
			judgement->seen.icmp_type, judgement->seen.hop_limit);
	fprintf(stderr, "\n");
}

/* What changed on one NIC, in the counters' own words. */
static void print_counters(const struct run *run, const struct nic *nic,
			   const struct vg_interface_counters *now)
{
	for (unsigned row = 0; row < VG_ROW_MAX; row++) {
		for (unsigned slot = 0; slot < VG_MAX_SOURCES; slot++) {
			const struct vg_count *want = &nic->counters.count[row][slot];
			const struct vg_count *got = &now->count[row][slot];
			const char *name = slot == VG_SOURCE_NONE ? "none" : "?";

			for (size_t i = 0; i < run->scenario->n_sets; i++)
				if (run->set_slots[i] == slot)
					name = run->scenario->sets[i].name;
			if (want->packets == got->packets && want->bytes == got->bytes)
				continue;
			fprintf(stderr,
				"NIC slot %u, %s %s, source slot %u (%s): %+" PRId64
				" packets, %+" PRId64 " bytes off\n",
				nic->slot, vg_verdict_text(vg_row_verdict(row)),
				vg_outcome_text(vg_row_outcome(row)), slot, name,
				(int64_t)(got->packets - want->packets),
				(int64_t)(got->bytes - want->bytes));
		}
	}
}

static int check_interface(const struct run *run, const struct nic *nic)
{
	static struct vg_interface_counters now;
	const int r = vg_rig_interface(&run->rig, nic->slot, &now);

	if (r < 0)
		return r;
	if (memcmp(&now, &nic->counters, sizeof(now)) == 0)
		return 0;
	print_counters(run, nic, &now);
	return -EBADMSG;
}

static int check_service(const struct run *run, const struct nic *nic, unsigned slot)
{
	struct vg_service_counters now;
	const int r = vg_rig_service(&run->rig, nic->slot, slot, &now);

	if (r < 0)
		return r;
	if (memcmp(&now, &nic->services[slot], sizeof(now)) == 0)
		return 0;
	for (unsigned verdict = 0; verdict < VG_VERDICT_MAX; verdict++)
		fprintf(stderr, "NIC slot %u, service slot %u, %s: %+" PRId64 " packets off\n",
			nic->slot, slot, vg_oracle_verdict(verdict),
			(int64_t)(now.count[verdict].packets -
				  nic->services[slot].count[verdict].packets));
	return -EBADMSG;
}

static int check_services(const struct run *run, const struct nic *nic)
{
	for (unsigned slot = 0; slot < VG_MAX_SERVICES; slot++) {
		const int r = check_service(run, nic, slot);

		if (r < 0)
			return r;
	}
	return 0;
}

static int check_everything(const struct run *run)
{
	for (size_t i = 0; i < VG_SCENARIO_RULES; i++) {
		int r;

		if (!run->nics[i].known)
			continue;
		r = check_interface(run, &run->nics[i]);
		if (r < 0)
			return r;
		r = check_services(run, &run->nics[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void expect(struct run *run, const struct vg_judgement *judgement, size_t length)
{
	struct nic *nic = &run->nics[run->judged_as];
	const unsigned source =
		judgement->set < 0 ? VG_SOURCE_NONE : run->set_slots[judgement->set];
	struct vg_count *count = &nic->counters.count[vg_oracle_row(judgement)][source];

	count->packets++;
	count->bytes += length;
	if (judgement->service < 0)
		return;
	count = &nic->services[run->service_slots[judgement->service]].count[judgement->verdict];
	count->packets++;
	count->bytes += length;
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
		.protocol = seen->protocol < 0 ? VG_PROTOCOL_ANY : seen->protocol,
		.source_port = seen->source_port,
		.port = seen->port,
		.icmp_type = seen->icmp_type,
		.hop_limit = seen->hop_limit,
		.rule = run->targets[run->judged_as].rule,
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
		vg_outcome_text(answer.outcome), set_name(run, answer.set), (uint64_t)answer.sets,
		(uint64_t)judgement->sets, service_name(run, answer.service), prefix, want);
	return -EBADMSG;
}

/*
 * `--port` for what was seen. False: what decides can't be said on a command line, such as port 0,
 * or a source port, an ICMPv6 type or a hop limit that makes a frame essential.
 */
static bool format_port(const struct vg_judgement *judgement, char *out, size_t size)
{
	const struct vg_seen *seen = &judgement->seen;
	const char *name = seen->protocol == 6 ? "tcp" : seen->protocol == 17 ? "udp" : "sctp";

	if (judgement->outcome == VG_PASS_ESSENTIAL || seen->port == 0)
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
		.port = seen->protocol < 0 ? NULL : port,
		.interface = interface,
	};
	json_auto_t *answer = NULL;
	struct vg_diag diag = {0};
	bool same;

	if (!format_port(judgement, port, sizeof(port)))
		return 0;
	snprintf(interface, sizeof(interface), "t%zu", run->targets[run->judged_as].rule);
	if (vg_check_json(run->policy, &check, &answer, &diag) < 0) {
		fprintf(stderr, "vpcgate check: %s\n", diag.text);
		return -EBADMSG;
	}
	run->checked++;
	same = says(answer, "verdict", vg_oracle_verdict(judgement->verdict));
	same &= says(answer, "reason", vg_oracle_outcome(judgement->outcome));
	same &= says(answer, "source", judgement->set < 0 ? NULL : set_name(run, judgement->set));
	same &= says(answer, "service",
		     judgement->service < 0 ? NULL : service_name(run, judgement->service));
	return same ? 0 : -EBADMSG;
}

static int check_counters(const struct run *run, const struct vg_judgement *judgement)
{
	const struct nic *nic = &run->nics[run->judged_as];
	int r;

	r = check_interface(run, nic);
	if (r < 0)
		return r;
	if (run->every_service)
		return check_services(run, nic);
	if (judgement->service < 0)
		return 0;
	return check_service(run, nic, run->service_slots[judgement->service]);
}

static int run_frame(struct run *run, const struct vg_frame *frame, unsigned ifindex)
{
	struct vg_judgement judgement;
	int action, r;

	vg_oracle_judge(run->scenario, run->targets[run->judged_as].rule, frame->bytes,
			frame->length, &judgement);
	expect(run, &judgement, frame->length);
	action = vg_dataplane_test_run(run->rig.dataplane, frame->bytes, frame->length, ifindex, 1,
				       NULL);
	r = check_counters(run, &judgement);
	if (action != (judgement.verdict == VG_VERDICT_DROP ? XDP_DROP : XDP_PASS)) {
		fprintf(stderr, "XDP action %d\n", action);
		r = -EBADMSG;
	}
	if (r == 0 && judgement.ip) {
		r = check_explain(run, &judgement);
		run->explained++;
		if (r == 0 && run->pairs % CHECK_INTERVAL == 0)
			r = check_command(run, &judgement);
	}
	run->pairs++;
	run->in_service += judgement.service >= 0;
	run->rows[vg_oracle_row(&judgement)]++;
	if (r < 0)
		print_frame(run, frame, &judgement);
	return r;
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
	struct vg_frame frame;

	for (unsigned i = 0; i < FRAMES; i++) {
		int r;

		vg_traffic_random(&random, run->scenario, &frame);
		r = run_frame(run, &frame, vg_random_below(&random, 2));
		if (r == 0 && i < CUT_FRAMES)
			r = run_cuts(run, &frame);
		if (r < 0)
			return r;
	}
	return run_borders(run);
}

/*
 * Frames come in with ifindex 1 (loopback, where BPF_PROG_TEST_RUN puts them): that is one of the
 * targets, or none and so the first.
 */
static void random_targets(struct vg_random *random, struct run *run)
{
	const size_t n = run->scenario->n_rules;
	const size_t own = vg_random_below(random, (__u32)n + 1);

	for (size_t i = 0; i < n; i++) {
		struct vg_target *target = &run->targets[i];

		*target = (struct vg_target){.ifindex = i == own ? 1 : 4242 + (unsigned)i};
		snprintf(target->name, sizeof(target->name), "t%u", (unsigned)i);
		target->rule = vg_random_chance(random, 70) ? i : vg_random_below(random, (__u32)n);
	}
	run->judged_as = own < n ? own : 0;
}

/* The slots that the scenario's names were given. */
static int find_slots(struct run *run)
{
	const struct vg_scenario *scenario = run->scenario;

	for (size_t i = 0; i < scenario->n_rules; i++) {
		const int slot = vg_rig_slot(&run->rig, VG_LABEL_INTERFACE, VG_MAX_INTERFACES,
					     run->targets[i].name);

		if (slot < 0)
			return slot;
		run->nics[i].slot = (unsigned)slot;
		run->nics[i].known = true;
	}
	for (size_t i = 0; i < scenario->n_sets; i++) {
		const int slot = vg_rig_slot(&run->rig, VG_LABEL_SOURCE, VG_MAX_SOURCES,
					     scenario->sets[i].name);

		if (slot < 0)
			return slot;
		run->set_slots[i] = (unsigned)slot;
	}
	for (size_t i = 0; i < scenario->n_services; i++) {
		const int slot = vg_rig_slot(&run->rig, VG_LABEL_SERVICE, VG_MAX_SERVICES,
					     scenario->services[i].name);

		if (slot < 0)
			return slot;
		run->service_slots[i] = (unsigned)slot;
	}
	return 0;
}

static int publish(struct run *run)
{
	_cleanup_free_ char *yaml = NULL;
	size_t length;
	int r;

	yaml = vg_scenario_render(run->scenario, &length);
	if (!yaml)
		return -ENOMEM;
	r = vg_rig_publish(&run->rig, yaml, length, run->targets, run->scenario->n_rules,
			   &run->policy);
	if (r < 0) {
		fprintf(stderr, "%s\nseed %#" PRIx64 ", scenario %u: refused\n", yaml,
			(uint64_t)run->seed, run->scenario_number);
		return r;
	}
	r = find_slots(run);
	if (r < 0)
		fprintf(stderr, "seed %#" PRIx64 ", scenario %u: a name has no counter slot\n",
			(uint64_t)run->seed, run->scenario_number);
	return r;
}

/*
 * A service counted that should not be shows only at the end, when all are read: the frames are
 * repeated with all of them read each time, to name the one.
 */
static int blame(struct run *run, const struct vg_random *random)
{
	int r = 0;

	for (size_t i = 0; i < VG_SCENARIO_RULES; i++) {
		struct nic *nic = &run->nics[i];

		for (unsigned slot = 0; nic->known && slot < VG_MAX_SERVICES && r == 0; slot++)
			r = vg_rig_service(&run->rig, nic->slot, slot, &nic->services[slot]);
	}
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
	random_targets(&random, run);
	r = publish(run);
	if (r == 0)
		r = run_frames(run, random);
	if (r == 0 && check_everything(run) < 0) {
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
	       " checked, %" PRIu64 " in a service: all equal\n",
	       (uint64_t)run->pairs, run->scenario_number, (long)(time(NULL) - start),
	       (uint64_t)run->explained, (uint64_t)run->checked, (uint64_t)run->in_service);
	for (unsigned row = 0; row < VG_ROW_MAX; row++) {
		printf("  %-10s %-12s %10" PRIu64 "\n", vg_verdict_text(vg_row_verdict(row)),
		       vg_outcome_text(vg_row_outcome(row)), (uint64_t)run->rows[row]);
		missing += run->rows[row] == 0;
	}
	if (run->pairs >= COVERING_PAIRS && (missing || !run->in_service || !run->checked)) {
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
	static struct run run;
	bool skip;
	int r;

	run.service_slots = calloc(VG_MAX_SERVICES, sizeof(run.service_slots[0]));
	for (size_t i = 0; i < VG_SCENARIO_RULES; i++) {
		run.nics[i].services = calloc(VG_MAX_SERVICES, sizeof(run.nics[i].services[0]));
		if (!run.nics[i].services || !run.service_slots)
			return EXIT_FAILURE;
	}
	r = vg_rig_open(&run.rig);
	skip = r == -EPERM;
	if (r == 0)
		r = run_all(&run, argc, argv);
	vg_rig_close(&run.rig);
	for (size_t i = 0; i < VG_SCENARIO_RULES; i++)
		free(run.nics[i].services);
	free(run.service_slots);
	if (skip) {
		printf("SKIP: needs privilege for bpf(2) and mount(2)\n");
		return VG_RIG_SKIP;
	}
	printf("%s\n", r == 0 ? "PASSED" : "FAILED");
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
