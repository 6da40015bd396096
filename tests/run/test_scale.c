/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The worst that a config may hold, at its limits: each is published within bounds of CPU time and
 * memory, or refused with the reason. Of those in force, some thousand addresses, most of them at the
 * borders of prefixes, are judged by the real program and by the oracle after a linear scan over all
 * prefixes: XDP action and counter cell must be equal.
 *
 * test_scale [SEED]; VG_SEED sets the seed, VG_PROBES the number of addresses, VG_CASE chooses the cases
 * that have that text in their names, VG_CPU_MAX_S the bound of CPU time.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/tables.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "tests/oracle/frame.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/rig.h"
#include "tests/run/worst_cases.h"

#define DEFAULT_PROBES 1000
/* Of parse, compile and load together: about twice what the largest case takes at most. */
#define DEFAULT_CPU_MAX_S 4.0
#define IFINDEX 1 /* loopback, where BPF_PROG_TEST_RUN puts frames */

/* ---- the cases ---- */

struct worst {
	const char *name;
	void (*fill)(struct entries *entries, struct vg_random *random);
	unsigned mib;	     /* bound of the tables; 0: the policy is refused */
	const char *limits;  /* of the config; NULL: the default */
	const char *refused; /* what the refusal says */
};

static const struct worst worsts[] = {
	{"1,000,000 /32", fill_single4, 72, NULL, NULL},
	{"250,000 /128", fill_single6, 36, NULL, NULL},
	{"1,000,000 /32 and 250,000 /128", fill_single46, 104, NULL, NULL},
	{"250,000 IPv6 prefixes of random length", fill_lengths6, 16, NULL, NULL},
	{"chains of /17 to /32", fill_chains4, 20, NULL, NULL},
	{"chains of /1 to /128", fill_chains6, 20, NULL, NULL},
	{"pairs of /128 in random /64", fill_pairs6, 20, NULL, NULL},
	{"combs of /128", fill_combs6, 36, NULL, NULL},
	{"a list of 1,500 prefixes of each family", fill_short_list, 3, NULL, NULL},
	{"a list of 20,000 prefixes of each family", fill_long_list, 6, NULL, NULL},
	{"57,344 classes", fill_many_classes, 4, NULL, NULL},
	{"65,536 classes and those of everything else", fill_too_many_classes, 0, NULL,
	 "vpcgate.yaml: the source sets overlap in more than 65536 different ways: use fewer sets, "
	 "or sets that overlap less"},
	{"1,000,000 /32 in little memory", fill_single4, 0, "limits: {table-memory: 1MiB}\n",
	 "and `table-memory` allows 1MiB: write `limits: {table-memory: "},
};

struct run {
	struct vg_rig rig;
	struct vg_random random;
	struct entries entries;
	struct vg_scenario *scenario; /* the sets, with the prefixes that hold one address */
	struct vg_interface_counters expected;
	unsigned slot; /* of the NIC */
	__u64 probes;
};

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the oracle's side ---- */

static struct vg_raw_address raw_address(unsigned family, __u64 hi, __u64 lo)
{
	__u8 bytes[16];

	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = (__u8)(hi >> (56 - 8 * i));
		bytes[8 + i] = (__u8)(lo >> (56 - 8 * i));
	}
	return vg_raw_from_bytes(family, bytes);
}

static struct vg_raw_prefix raw_prefix(const struct entry *entry)
{
	return (struct vg_raw_prefix){raw_address(entry->family, entry->hi, entry->lo),
				      entry->length};
}

static struct vg_scenario *make_scenario(void)
{
	static const char *const names[] = {"vpc", "office", "shared-vpc"};
	struct vg_scenario *scenario = calloc(1, sizeof(*scenario));
	char name[VG_SCENARIO_NAME];

	if (!scenario)
		abort();
	scenario->n_rules = 1;
	scenario->ingress = VG_SCENARIO_INTERNAL;
	for (size_t i = 0; i < SETS; i++) {
		snprintf(name, sizeof(name), "set-%zu", i);
		vg_scenario_add_set(scenario, i < VG_ARRAY_SIZE(names) ? names[i] : name);
	}
	vg_scenario_add_implicit(scenario);
	return scenario;
}

/* Gives the scenario's sets those of the prefixes that contain an address. */
static void scan(struct run *run, unsigned family, __u64 hi, __u64 lo)
{
	for (size_t i = 0; i < SETS; i++)
		run->scenario->sets[i].n = 0;
	for (size_t i = 0; i < run->entries.n; i++) {
		const struct entry *e = &run->entries.items[i];
		const __u64 upper = (e->hi ^ hi) & word_mask(e->length < 64 ? e->length : 64);
		const __u64 lower = (e->lo ^ lo) & word_mask(e->length > 64 ? e->length - 64 : 0);
		struct vg_raw_prefix prefix;

		if (e->family != family || upper || lower)
			continue;
		prefix = raw_prefix(e);
		vg_scenario_add_prefix(&run->scenario->sets[e->set], &prefix);
	}
}

static int refuse_probe(const struct run *run, const struct vg_frame *frame,
			const struct vg_judgement *judgement, int action)
{
	fprintf(stderr, "XDP action %d where the oracle says %s, counted under %s\n", action,
		vg_oracle_outcome(judgement->outcome),
		judgement->set < 0 ? "none" : run->scenario->sets[judgement->set].name);
	for (size_t i = 0; i < frame->length; i++)
		fprintf(stderr, "%02x", frame->bytes[i]);
	fputc('\n', stderr);
	return -EBADMSG;
}

static int probe(struct run *run, unsigned family, __u64 hi, __u64 lo)
{
	const struct vg_raw_address source = raw_address(family, hi, lo);
	const struct vg_raw_address to = vg_raw_address(family == 4 ? "10.128.0.2" : "fd20:1:2::2");
	struct vg_memory memory = {};
	const struct vg_gate gate = {
		.scenario = run->scenario, .nic = IFINDEX, .from = -1, .memory = &memory};
	struct vg_interface_counters counters;
	struct vg_judgement judgement;
	struct vg_count *count;
	struct vg_frame frame;
	int action, slot = VG_SOURCE_NONE;

	vg_frame_begin(&frame);
	if (family == 4)
		vg_frame_ipv4(&frame, &source, &to, 0, 0);
	else
		vg_frame_ipv6(&frame, &source, &to, 64);
	vg_frame_l4(&frame, 17, 40000, 9000);
	vg_frame_finish(&frame);
	scan(run, family, hi, lo);
	vg_oracle_judge(&gate, frame.bytes, frame.length, &judgement);
	if (judgement.set >= 0)
		slot = vg_rig_slot(&run->rig, VG_LABEL_SOURCE, VG_MAX_SOURCES,
				   run->scenario->sets[judgement.set].name);
	action = vg_dataplane_test_run(run->rig.dataplane, frame.bytes, frame.length, IFINDEX, 1,
				       NULL);
	if (slot < 0 || action != (judgement.outcome < VG_DROP_FIRST ? XDP_PASS : XDP_DROP))
		return refuse_probe(run, &frame, &judgement, action);
	count = &run->expected.count[vg_oracle_row(&judgement)][slot];
	count->packets++;
	count->bytes += frame.length;
	if (vg_rig_interface(&run->rig, run->slot, &counters) < 0 ||
	    memcmp(&counters, &run->expected, sizeof(counters)) != 0)
		return refuse_probe(run, &frame, &judgement, action);
	run->probes++;
	return 0;
}

/* One step up or down in the address, host bits and all. */
static void step(unsigned family, int by, __u64 *hi, __u64 *lo)
{
	if (family == 4)
		*hi += (__u64)by << 32;
	else if ((by > 0 && ++*lo == 0) || (by < 0 && (*lo)-- == 0))
		*hi += (__u64)by;
}

/* First and last address of a prefix, their neighbours outside, and one inside. */
static int probe_borders(struct run *run, const struct entry *entry)
{
	const unsigned upper = entry->length < 64 ? entry->length : 64;
	const unsigned lower = entry->length > 64 ? entry->length - 64 : 0;
	const __u64 upper_host = ~word_mask(upper) & (entry->family == 4 ? ~0ULL << 32 : ~0ULL);
	const __u64 lower_host = entry->family == 4 ? 0 : ~word_mask(lower);
	__u64 hi = entry->hi, lo = entry->lo;
	int r;

	r = probe(run, entry->family, hi, lo);
	step(entry->family, -1, &hi, &lo);
	if (r == 0)
		r = probe(run, entry->family, hi, lo);
	hi = entry->hi | upper_host;
	lo = entry->lo | lower_host;
	if (r == 0)
		r = probe(run, entry->family, hi, lo);
	step(entry->family, 1, &hi, &lo);
	if (r == 0)
		r = probe(run, entry->family, hi, lo);
	if (r == 0)
		r = probe(run, entry->family,
			  entry->hi | (vg_random_next(&run->random) & upper_host),
			  entry->lo | (vg_random_next(&run->random) & lower_host));
	return r;
}

static int probe_all(struct run *run, __u64 n)
{
	int r = 0;

	memset(&run->expected, 0, sizeof(run->expected));
	if (vg_rig_interface(&run->rig, run->slot, &run->expected) < 0)
		return -EBADMSG;
	for (run->probes = 0; r == 0 && run->probes < n;) {
		const unsigned family = vg_random_chance(&run->random, 50) ? 4 : 6;
		const __u64 hi = vg_random_next(&run->random);

		r = probe_borders(run, &run->entries.items[vg_random_below(&run->random,
									   (__u32)run->entries.n)]);
		if (r == 0)
			r = probe(run, family, family == 4 ? hi & ~0U : hi,
				  family == 4 ? 0 : vg_random_next(&run->random));
	}
	return r;
}

/* ---- the pipeline's side ---- */

/* A file that needs no folder: the prefixes of one set. */
static int write_set(const struct entries *entries, unsigned set)
{
	const int fd = memfd_create("prefixes", MFD_CLOEXEC);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "we");
	char text[VG_RAW_TEXT_SIZE];

	if (!file)
		abort();
	for (size_t i = 0; i < entries->n; i++) {
		if (entries->items[i].set != set)
			continue;
		const struct vg_raw_prefix prefix = raw_prefix(&entries->items[i]);

		fprintf(file, "%s\n", vg_raw_format(&prefix, text));
	}
	if (fflush(file) != 0)
		abort();
	return fd;
}

static char *write_config(const struct run *run, const char *limits, int fds[SETS])
{
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	if (!out)
		abort();
	fprintf(out, "interfaces: [t0]\ningress: internal\nreplies: off\n%ssources:\n", limits);
	for (unsigned i = 0; i < SETS; i++) {
		fds[i] = write_set(&run->entries, i);
		fprintf(out, "  %s: [\"file:/proc/self/fd/%d\"]\n", run->scenario->sets[i].name,
			fds[i]);
	}
	if (fclose(out) != 0)
		abort();
	return yaml;
}

/* What each step took. */
struct took {
	double parse_s, compile_s, load_s;
	size_t bytes;
};

static int put_in_force(struct run *run, const char *yaml, struct took *took, struct vg_diag *diag)
{
	const struct vg_target target = {.ifindex = IFINDEX, .name = "t0"};
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	double since_s = cpu_s();
	int r;

	r = vg_config_parse("vpcgate.yaml", yaml, strlen(yaml), &config, diag);
	if (r == 0)
		r = vg_policy_build(config, &vg_file_reader, &policy, diag);
	took->parse_s = cpu_s() - since_s;
	since_s += took->parse_s;
	if (r == 0)
		r = vg_tables_build(policy, &tables, diag);
	took->compile_s = cpu_s() - since_s;
	since_s += took->compile_s;
	if (r < 0)
		return r;
	took->bytes = vg_tables_bytes(tables);
	r = vg_rig_publish_tables(&run->rig, policy, tables, &target, 1, diag);
	took->load_s = cpu_s() - since_s;
	if (r < 0)
		return r;
	r = vg_rig_slot(&run->rig, VG_LABEL_INTERFACE, VG_MAX_INTERFACES, "t0");
	run->slot = (unsigned)r;
	return r < 0 ? r : 0;
}

static int check_bounds(const struct worst *worst, int result, const struct took *took,
			const struct vg_diag *diag)
{
	const double cpu = took->parse_s + took->compile_s + took->load_s;
	const char *bound = getenv("VG_CPU_MAX_S");
	const double cpu_max = bound ? strtod(bound, NULL) : DEFAULT_CPU_MAX_S;
	char text[VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE] = "";

	vg_diag_format(diag, text, sizeof(text));
	printf("     parse %.3f s, compile %.3f s, load %.3f s of CPU time, tables %.1f MiB%s%s\n",
	       took->parse_s, took->compile_s, took->load_s, (double)took->bytes / (1 << 20),
	       *text ? ": " : "", text);
	if (!worst->mib && (result != -E2BIG || !strstr(text, worst->refused)))
		return fprintf(stderr, "expected a refusal: %s\n", worst->refused), -EBADMSG;
	if (worst->mib && result < 0)
		return result;
	if (cpu > cpu_max || (worst->mib && took->bytes > (size_t)worst->mib << 20))
		return fprintf(stderr, "more than %.1f s or %u MiB\n", cpu_max, worst->mib),
		       -ERANGE;
	return 0;
}

static int try(struct run *run, const struct worst *worst, __u64 probes)
{
	_cleanup_free_ char *yaml = NULL;
	struct vg_diag diag = {};
	struct took took = {};
	int fds[SETS], r;

	run->entries.n = 0;
	worst->fill(&run->entries, &run->random);
	yaml = write_config(run, worst->limits ?: "", fds);
	r = put_in_force(run, yaml, &took, &diag);
	for (unsigned i = 0; i < SETS; i++)
		close(fds[i]);
	r = check_bounds(worst, r, &took, &diag);
	if (r == 0 && worst->mib)
		r = probe_all(run, probes);
	printf("%s %s: %zu prefixes, %" PRIu64 " addresses\n", r ? "FAIL" : "ok  ", worst->name,
	       run->entries.n, worst->mib ? (uint64_t)run->probes : 0);
	return r;
}

int main(int argc, char **argv)
{
	const __u64 seed = vg_random_seed(argc > 1 ? argv[1] : NULL);
	const char *text = getenv("VG_PROBES"), *chosen = getenv("VG_CASE");
	const __u64 probes = text ? strtoull(text, NULL, 10) : DEFAULT_PROBES;
	struct run run = {.scenario = make_scenario()};
	int r, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %#" PRIx64 "\n", (uint64_t)seed);
	run.entries.items = calloc(VG_MAX_PREFIXES4 + VG_MAX_PREFIXES6, sizeof(struct entry));
	r = run.entries.items ? vg_rig_open(&run.rig) : -ENOMEM;
	if (r == -EPERM)
		puts("needs root");
	for (size_t i = 0; r == 0 && i < VG_ARRAY_SIZE(worsts); i++) {
		if (chosen && !strstr(worsts[i].name, chosen))
			continue;
		vg_random_init(&run.random, seed, i);
		failed += try(&run, &worsts[i], probes) < 0;
	}
	vg_rig_close(&run.rig);
	vg_scenario_free(run.scenario);
	free(run.entries.items);
	if (r < 0)
		return r == -EPERM ? VG_RIG_SKIP : 1;
	return failed ? 1 : 0;
}
