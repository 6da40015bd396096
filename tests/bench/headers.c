// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What more headers cost: VLAN tags, IPv4 options, IPv6 extension headers, fragments. */
#include "tests/bench/parts.h"

#include <linux/bpf.h>
#include <stdio.h>
#include "share/cleanup.h"
#include "tests/bench/frames.h"
#include "tests/bench/gate.h"
#include "tests/bench/verify.h"

static const struct table table = {
	.name = "headers",
	.title = "Headers of denied frames, 20 prefixes: ns a frame, over XDP_DROP",
	.labels = {"frame"},
	.figures = {"XDP_DROP itself", "vpcgate", "replies: track", SERVICES " services"},
	.keys = {"bare", "vpcgate", "vpcgate_track", "vpcgate_services"},
};

static const struct effort effort = {.rounds = 15, .frames = 200000};

#define OTHER4 "203.0.113.10"
#define OTHER6 "2001:db8::10"

/* A later fragment whose first one has been seen comes behind the case of the first one. */
static const struct kind {
	const char *name;
	struct packet packet;
} kinds[] = {
	{"IPv4", TCP(OUTSIDE4, HOST4, 40000, 443)},
	{"IPv4, 1 VLAN tag", TCP(OUTSIDE4, HOST4, 40000, 443, .tags = 1)},
	{"IPv4, 2 VLAN tags", TCP(OUTSIDE4, HOST4, 40000, 443, .tags = 2)},
	{"IPv4, 4 bytes of options", TCP(OUTSIDE4, HOST4, 40000, 443, .options = 1)},
	{"IPv4, 40 bytes of options", TCP(OUTSIDE4, HOST4, 40000, 443, .options = 10)},
	{"IPv4, later fragment alone", TCP(OTHER4, HOST4, 40000, 443, .piece = PIECE_LATER)},
	{"IPv4, first fragment", TCP(OUTSIDE4, HOST4, 40000, 443, .piece = PIECE_FIRST)},
	{"IPv4, later fragment", TCP(OUTSIDE4, HOST4, 40000, 443, .piece = PIECE_LATER)},
	{"IPv6", TCP(OUTSIDE6, HOST6, 40000, 443)},
	{"IPv6, 1 VLAN tag", TCP(OUTSIDE6, HOST6, 40000, 443, .tags = 1)},
	{"IPv6, 2 VLAN tags", TCP(OUTSIDE6, HOST6, 40000, 443, .tags = 2)},
	{"IPv6, 1 extension header", TCP(OUTSIDE6, HOST6, 40000, 443, .extensions = 1)},
	{"IPv6, 4 extension headers", TCP(OUTSIDE6, HOST6, 40000, 443, .extensions = 4)},
	{"IPv6, 8 extension headers", TCP(OUTSIDE6, HOST6, 40000, 443, .extensions = 8)},
	{"IPv6, 9 extension headers", TCP(OUTSIDE6, HOST6, 40000, 443, .extensions = 9)},
	{"IPv6, later fragment alone", TCP(OTHER6, HOST6, 40000, 443, .piece = PIECE_LATER)},
	{"IPv6, first fragment", TCP(OUTSIDE6, HOST6, 40000, 443, .piece = PIECE_FIRST)},
	{"IPv6, later fragment", TCP(OUTSIDE6, HOST6, 40000, 443, .piece = PIECE_LATER)},
};

/* Beside the bare program. */
#define N_GATES 3

static void run(const struct bench *bench, const struct gate gates[N_GATES],
		const struct kind *kind)
{
	struct row row = {.table = &table, .prefixes = 20, .effort = effort};
	struct program programs[1 + N_GATES];
	struct vg_frame frame;

	frames_make(&kind->packet, &frame);
	programs[0] = program_of(bench->drop_fd, XDP_DROP, &frame);
	for (size_t i = 0; i < N_GATES; i++) {
		verify_outcome(&gates[i], gates[i].entry_fd, &frame, VG_DROP_UNLISTED, kind->name);
		programs[1 + i] = program_of(gates[i].entry_fd, XDP_DROP, &frame);
	}
	measure(programs, VG_ARRAY_SIZE(programs), effort);
	snprintf(row.labels[0], sizeof(row.labels[0]), "%s", kind->name);
	row.figures[0] = figure_of(&programs[0], effort);
	for (size_t i = 1; i <= N_GATES; i++)
		row.figures[i] = figure_over(&programs[i], &programs[0], effort);
	report_add(bench->report, &row);
}

void bench_headers(const struct bench *bench)
{
	_cleanup_(prefixes_done) struct prefixes prefixes;
	struct gate gates[N_GATES];

	prefixes_standard(&prefixes);
	gate_open(&(struct gate_wish){.prefixes = &prefixes}, &gates[0]);
	gate_open(&(struct gate_wish){.prefixes = &prefixes, .track = true}, &gates[1]);
	gate_open(&(struct gate_wish){.prefixes = &prefixes, .services = VG_MAX_SERVICES},
		  &gates[2]);
	report_begin(&table);
	for (size_t i = 0; i < VG_ARRAY_SIZE(kinds); i++)
		run(bench, gates, &kinds[i]);
	for (size_t i = 0; i < N_GATES; i++)
		gate_close(&gates[i]);
}
