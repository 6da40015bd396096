// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A new source in each frame: what a table costs once the cache no longer knows the answer. */
#include "tests/bench/parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"
#include "tests/bench/frames.h"
#include "tests/bench/gate.h"
#include "tests/bench/random.h"
#include "tests/bench/random.skel.h"
#include "tests/bench/reference.h"
#include "tests/bench/sizes.h"
#include "tests/bench/verify.h"

static const struct table table = {
	.name = "random",
	.title = "Random sources: ns a frame, over XDP_DROP behind the same change of source",
	.labels = {"sources", "prefixes"},
	.figures = {"XDP_DROP itself", "LPM trie", "vpcgate", "replies: track", "track, UDP"},
	.keys = {"bare", "lpm", "vpcgate", "vpcgate_track", "vpcgate_track_udp"},
	.ratio = true,
};

static const struct effort effort = {.rounds = 11, .warmup = 100000, .frames = 200000};

static const struct kind {
	const char *part, *name;
	int family;
	bool listed;   /* half of the sources are in some prefix */
	unsigned sets; /* that long lists are dealt out to */
} kinds[] = {
	{"random4", UNIFORM4, 4, false, 1},
	{"listed4", LISTED4, 4, true, 1},
	{"random6", LISTED6, 6, true, 1},
	{"sets4", UNIFORM4 ", 16 sets", 4, false, GATE_SETS},
	{"sets6", LISTED6 ", 16 sets", 6, true, GATE_SETS},
};

/* The programs that take turns: what is in front of each is a program that changes the source. */
enum { BARE, LPM, OURS, TRACK, TRACK_UDP, N_PROGRAMS };

struct contest {
	struct gate off, track;
	struct reference reference;
	struct random_bpf *front[N_PROGRAMS];
	int fds[N_PROGRAMS];
};

/* ---- the programs in front ---- */

static void fill_sources(const struct prefixes *prefixes, union bench_sources *sources)
{
	struct vg_random random;

	vg_random_init(&random, 1, prefixes->family);
	for (size_t i = 0; i < BENCH_SOURCES; i++) {
		const struct vg_address address =
			vg_random_chance(&random, 50)
				? prefixes_inside(prefixes, &random)
				: prefixes_anywhere(prefixes->family, &random);

		if (prefixes->family == 4)
			sources->four[i] = htobe32(address.hi >> 32);
		else
			sources->six[i] = htobe64(address.hi);
	}
}

static const struct bpf_program *choose(const struct random_bpf *front, const struct kind *kind)
{
	if (kind->family == 6)
		return front->progs.bench_listed6;
	return kind->listed ? front->progs.bench_listed4 : front->progs.bench_uniform4;
}

static void front_open(struct contest *contest, int i, const struct kind *kind,
		       const struct prefixes *prefixes, int target_fd)
{
	struct random_bpf *front = random_bpf__open();
	struct bpf_program *program;
	__u32 key = 0;

	if (!front)
		die("can't open the program that changes sources");
	bpf_object__for_each_program(program, front->obj)
		bpf_program__set_flags(program, contest->off.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	if (kind->listed)
		fill_sources(prefixes, &front->bss->sources);
	if (random_bpf__load(front) < 0 ||
	    bpf_map_update_elem(bpf_map__fd(front->maps.target), &key, &target_fd, BPF_ANY) < 0)
		die("can't load the program that changes sources");
	contest->front[i] = front;
	contest->fds[i] = bpf_program__fd(choose(front, kind));
}

static void contest_open(const struct bench *bench, const struct kind *kind,
			 const struct prefixes *prefixes, struct contest *contest)
{
	struct gate_wish wish = {.prefixes = prefixes, .sets = kind->sets};

	gate_open(&wish, &contest->off);
	wish.track = true;
	gate_open(&wish, &contest->track);
	gate_seed(&contest->track, FLOWS);
	reference_open(&contest->off, &contest->reference);

	const int targets[N_PROGRAMS] = {
		[BARE] = bench->drop_fd,
		[LPM] = contest->reference.entry_fd,
		[OURS] = contest->off.entry_fd,
		[TRACK] = contest->track.entry_fd,
		[TRACK_UDP] = contest->track.entry_fd,
	};
	for (int i = 0; i < N_PROGRAMS; i++)
		front_open(contest, i, kind, prefixes, targets[i]);
}

static void contest_close(struct contest *contest)
{
	for (int i = 0; i < N_PROGRAMS; i++)
		random_bpf__destroy(contest->front[i]);
	reference_close(&contest->reference);
	gate_close(&contest->track);
	gate_close(&contest->off);
}

/* ---- a case ---- */

static void make_frames(int family, struct vg_frame *syn, struct vg_frame *udp)
{
	struct packet packet = {
		.source = family == 4 ? OUTSIDE4 : OUTSIDE6,
		.destination = family == 4 ? HOST4 : HOST6,
		.protocol = IPPROTO_TCP,
		.source_port = 40000,
		.port = 443,
	};

	frames_make(&packet, syn);
	packet.protocol = IPPROTO_UDP;
	frames_make(&packet, udp);
}

static void run(const struct bench *bench, const struct kind *kind, const struct size *size)
{
	_cleanup_(prefixes_done) struct prefixes prefixes;
	struct row row = {.table = &table, .prefixes = size->n, .effort = effort};
	struct program programs[N_PROGRAMS];
	struct vg_frame syn, udp;
	struct contest contest;

	prefixes_make(kind->family, size->n, &prefixes);
	contest_open(bench, kind, &prefixes, &contest);
	make_frames(kind->family, &syn, &udp);
	verify_random(&contest.off, contest.fds, N_PROGRAMS, &syn, kind->name);
	for (int i = 0; i < N_PROGRAMS; i++)
		programs[i] = program_of(contest.fds[i], ANY_VERDICT, i == TRACK_UDP ? &udp : &syn);
	measure(programs, N_PROGRAMS, effort);
	snprintf(row.labels[0], sizeof(row.labels[0]), "%s", kind->name);
	snprintf(row.labels[1], sizeof(row.labels[1]), "%s", size->name);
	row.figures[BARE] = figure_of(&programs[BARE], effort);
	for (int i = LPM; i < N_PROGRAMS; i++)
		row.figures[i] = figure_over(&programs[i], &programs[BARE], effort);
	report_add(bench->report, &row);
	contest_close(&contest);
}

void bench_random(const struct bench *bench)
{
	bool begun = false;

	for (size_t k = 0; k < VG_ARRAY_SIZE(kinds); k++) {
		if (!options_have_part(bench->options, kinds[k].part))
			continue;
		for (size_t i = 0; i < VG_ARRAY_SIZE(sizes); i++) {
			if (!size_is_for(&sizes[i], kinds[k].family) ||
			    sizes[i].n < kinds[k].sets * GATE_LEAST ||
			    !options_have_size(bench->options, sizes[i].n))
				continue;
			if (!begun)
				report_begin(&table);
			begun = true;
			run(bench, &kinds[k], &sizes[i]);
		}
	}
}
