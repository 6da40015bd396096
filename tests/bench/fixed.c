// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One source and 20 prefixes: what each kind of policy adds to each kind of frame. */
#include "tests/bench/parts.h"

#include <linux/bpf.h>
#include <stdio.h>
#include "share/cleanup.h"
#include "tests/bench/frames.h"
#include "tests/bench/gate.h"
#include "tests/bench/reference.h"
#include "tests/bench/verify.h"

static const struct table table = {
	.name = "fixed",
	.title = "One source, 20 prefixes: ns a frame, over XDP_DROP",
	.labels = {"frame", "services", "replies"},
	.figures = {"XDP_DROP itself", "LPM trie", "vpcgate"},
	.keys = {"bare", "lpm", "vpcgate"},
	.ratio = true,
};

static const struct effort effort = {.rounds = 21, .frames = 200000};

#define PORT (SERVICE_PORT + 500)

static const struct kind {
	const char *name;
	struct packet packet;
	enum vg_outcome outcome;
} kinds[] = {
	{"IPv4 denied", TCP(OUTSIDE4, HOST4, 40000, PORT), VG_DROP_UNLISTED},
	{"IPv4 admitted", TCP(INSIDE4, HOST4, 40000, PORT), VG_PASS_ADMITTED},
	{"IPv4 essential", UDP("169.254.169.254", HOST4, 53, 40000), VG_PASS_ESSENTIAL},
	{"IPv6 denied", TCP(OUTSIDE6, HOST6, 40000, PORT), VG_DROP_UNLISTED},
	{"IPv6 admitted", TCP(INSIDE6, HOST6, 40000, PORT), VG_PASS_ADMITTED},
	{"IPv6 essential", PACKET(IPPROTO_ICMPV6, "fe80::1", HOST6, 0, 0), VG_PASS_ESSENTIAL},
};

static const struct variant {
	const char *services, *replies;
	unsigned n_services;
	bool track;
} variants[] = {
	{"0", "off", 0, false},
	{SERVICES, "off", VG_MAX_SERVICES, false},
	{"0", "track", 0, true},
	{SERVICES, "track", VG_MAX_SERVICES, true},
};
#define N_VARIANTS VG_ARRAY_SIZE(variants)

struct contest {
	struct gate gates[N_VARIANTS];
	struct reference references[N_VARIANTS];
};

static void contest_open(struct contest *contest)
{
	_cleanup_(prefixes_done) struct prefixes prefixes;

	prefixes_standard(&prefixes);
	for (size_t i = 0; i < N_VARIANTS; i++) {
		const struct gate_wish wish = {
			.prefixes = &prefixes,
			.services = variants[i].n_services,
			.track = variants[i].track,
		};

		gate_open(&wish, &contest->gates[i]);
		reference_open(&contest->gates[i], &contest->references[i]);
		if (variants[i].track)
			gate_seed(&contest->gates[i], FLOWS);
	}
}

static void contest_close(struct contest *contest)
{
	for (size_t i = 0; i < N_VARIANTS; i++) {
		reference_close(&contest->references[i]);
		gate_close(&contest->gates[i]);
	}
}

/* All programs of a kind take turns: the bare one, then reference and vpcgate of each variant. */
static void run(const struct bench *bench, const struct contest *contest, const struct kind *kind)
{
	const int action = verify_action(kind->outcome);
	struct program programs[1 + 2 * N_VARIANTS];
	struct vg_frame frame;

	frames_make(&kind->packet, &frame);
	programs[0] = program_of(bench->drop_fd, XDP_DROP, &frame);
	for (size_t i = 0; i < N_VARIANTS; i++) {
		const int lpm_fd = contest->references[i].entry_fd;
		const int ours_fd = contest->gates[i].entry_fd;

		verify_outcome(&contest->gates[i], lpm_fd, &frame, kind->outcome, kind->name);
		verify_outcome(&contest->gates[i], ours_fd, &frame, kind->outcome, kind->name);
		programs[1 + 2 * i] = program_of(lpm_fd, action, &frame);
		programs[2 + 2 * i] = program_of(ours_fd, action, &frame);
	}
	measure(programs, VG_ARRAY_SIZE(programs), effort);
	for (size_t i = 0; i < N_VARIANTS; i++) {
		struct row row = {.table = &table, .prefixes = 20, .effort = effort};

		snprintf(row.labels[0], sizeof(row.labels[0]), "%s", kind->name);
		snprintf(row.labels[1], sizeof(row.labels[1]), "%s", variants[i].services);
		snprintf(row.labels[2], sizeof(row.labels[2]), "%s", variants[i].replies);
		row.figures[FIGURE_BARE] = figure_of(&programs[0], effort);
		row.figures[FIGURE_LPM] = figure_over(&programs[1 + 2 * i], &programs[0], effort);
		row.figures[FIGURE_OURS] = figure_over(&programs[2 + 2 * i], &programs[0], effort);
		report_add(bench->report, &row);
	}
}

void bench_fixed(const struct bench *bench)
{
	struct contest contest;

	contest_open(&contest);
	report_begin(&table);
	for (size_t i = 0; i < VG_ARRAY_SIZE(kinds); i++)
		run(bench, &contest, &kinds[i]);
	contest_close(&contest);
}
