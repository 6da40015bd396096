// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/bench_random.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/gate.h"
#include "tests/bench/lpm_table.h"
#include "tests/bench/lpm.h"
#include "vpcgate/abi.h"
#include "tests/bench/lpm.skel.h"
#include "tests/bench/drop.skel.h"
#include "tests/bench/measure.h"
#include "tests/bench/random.h"
#include "tests/bench/random.skel.h"

#define BUILT_IN 10 /* room for the prefixes that vpcgate adds itself */

static const struct kind {
	const char *name, *title;
	int family;
	bool listed; /* half of the sources are in some prefix */
	size_t max;
} kinds[] = {
	{"random4", "IPv4, uniform", 4, false, VG_MAX_PREFIXES4},
	{"listed4", "IPv4, half listed", 4, true, VG_MAX_PREFIXES4},
	{"random6", "IPv6, half listed", 6, true, VG_MAX_PREFIXES6},
};

static void fill_sources(const struct prefixes *prefixes, struct bench_source *sources)
{
	struct vg_random random;

	vg_random_init(&random, 1, prefixes->family);
	for (size_t i = 0; i < BENCH_SOURCES; i++) {
		const struct vg_address address =
			vg_random_chance(&random, 50) ? prefixes_inside(prefixes, &random)
						      : prefixes_anywhere(prefixes->family, &random);

		sources[i] = (struct bench_source){htobe64(address.hi), htobe64(address.lo)};
	}
}

static struct random_bpf *randomizer(const struct kind *kind, const struct bench_source *sources,
				     int target_fd, bool frags, int *ret_fd)
{
	struct random_bpf *s = random_bpf__open();
	struct bpf_program *program;
	__u32 key = 0;

	if (!s)
		die("can't open the random program");
	bpf_object__for_each_program(program, s->obj)
		bpf_program__set_flags(program, frags ? BPF_F_XDP_HAS_FRAGS : 0);
	memcpy(s->bss->sources, sources, sizeof(s->bss->sources));
	program = kind->family == 6 ? s->progs.bench_listed6
		  : kind->listed    ? s->progs.bench_listed4
				    : s->progs.bench_uniform4;
	if (random_bpf__load(s) < 0)
		die("can't load the random program");
	if (bpf_map_update_elem(bpf_map__fd(s->maps.target), &key, &target_fd, BPF_ANY) < 0)
		die("can't set the target of the random program");
	*ret_fd = bpf_program__fd(program);
	return s;
}

static void run(const struct kind *kind, size_t n)
{
	_cleanup_(prefixes_done) struct prefixes prefixes;
	_cleanup_(gate_close) struct gate gate;
	_cleanup_free_ struct bench_source *sources = calloc(BENCH_SOURCES, sizeof(*sources));
	const struct effort effort = {21, 200000};
	struct lpm_bpf *lpm = lpm_bpf__open();
	struct drop_bpf *drop = drop_bpf__open();
	struct random_bpf *randoms[3];
	struct program programs[3];
	struct figure f[3];
	struct vg_frame frame;

	if (!sources || !lpm || !drop)
		die("no memory");
	prefixes_make(kind->family, n > kind->max - BUILT_IN ? kind->max - BUILT_IN : n, &prefixes);
	fill_sources(&prefixes, sources);
	gate_open(&(struct gate_wish){.prefixes = &prefixes}, &gate);
	bpf_program__set_flags(lpm->progs.bench_lpm, gate.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	bpf_program__set_flags(drop->progs.bench_drop, gate.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	if (lpm_bpf__load(lpm) < 0 || drop_bpf__load(drop) < 0)
		die("can't load");
	lpm_fill(bpf_map__fd(kind->family == 4 ? lpm->maps.lpm4 : lpm->maps.lpm6), &prefixes);
	const int targets[3] = {bpf_program__fd(drop->progs.bench_drop),
				bpf_program__fd(lpm->progs.bench_lpm), gate.entry_fd};
	for (int i = 0; i < 3; i++) {
		randoms[i] = randomizer(kind, sources, targets[i], gate.frags, &programs[i].fd);
		programs[i].expected = ANY_VERDICT;
	}
	make_frame(&(struct packet){kind->family == 4 ? "203.0.113.9" : "2001:db8::9",
				    kind->family == 4 ? "10.128.0.2" : "fd20:1:2::2", 6, 40000, 443, 0},
		   &frame);
	measure(&frame, programs, 3, effort);
	f[0] = figure_of(&programs[0], effort.rounds);
	for (int i = 1; i < 3; i++)
		f[i] = figure_over(&programs[i], &programs[0], effort.rounds);
	printf("  %-18s %8zu %8.1f %8.1f (%.1f-%.1f) %8.1f (%.1f-%.1f) %7.1fx  %6.1f MB  compile %.0f ms, load %.0f ms\n",
	       kind->title, n, f[0].median, f[1].median, f[1].low, f[1].high, f[2].median, f[2].low,
	       f[2].high, f[1].median / f[2].median, gate.table_bytes / 1e6, gate.compile.cpu_ms,
	       gate.load.cpu_ms);
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		random_bpf__destroy(randoms[i]);
	lpm_bpf__destroy(lpm);
	drop_bpf__destroy(drop);
}

void bench_random(const struct choice *choice)
{
	static const size_t sizes[] = {20, 1000, 10000, 100000, 250000, 1000000};

	printf("  %-18s %8s %8s %8s %8s %8s\n", "random sources", "prefixes", "bare", "LPM", "ours",
	       "LPM/ours");
	for (size_t k = 0; k < VG_ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; i < VG_ARRAY_SIZE(sizes); i++) {
			const bool family_has = kinds[k].family == 4 ? sizes[i] != 250000
								     : sizes[i] <= 250000 &&
									       sizes[i] != 1000000;

			if (family_has && choice_has(choice->only, kinds[k].name) &&
			    (!choice->n_sizes || choice_size(choice, sizes[i])))
				run(&kinds[k], sizes[i]);
		}
	}
}
