// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What it costs to let the host's own conversations live. */
#include "tests/bench/parts.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include "share/cleanup.h"
#include "tests/bench/frames.h"
#include "tests/bench/gate.h"
#include "tests/bench/verify.h"

static const struct table replies_table = {
	.name = "replies",
	.title = "Replies, 100,000 flows open: ns a frame that comes in, over XDP_DROP",
	.labels = {"frame"},
	.figures = {"XDP_DROP itself", "replies: off", "replies: track"},
	.keys = {"bare", "vpcgate", "vpcgate_track"},
};

static const struct table egress_table = {
	.name = "egress",
	.title =
		"Recorder, 100,000 flows open: ns a packet that leaves, over a classifier that does nothing",
	.labels = {"packet"},
	.figures = {"classifier itself", "vpcgate"},
	.keys = {"bare", "vpcgate_egress"},
};

static const struct effort effort = {.rounds = 15, .frames = 200000};

static const struct incoming {
	const char *name;
	struct packet packet;
	enum vg_outcome outcome; /* with replies tracked */
} incoming[] = {
	{"IPv4, denied SYN", TCP("198.51.100.9", HOST4, 443, 40000), VG_DROP_UNLISTED},
	{"IPv4, denied UDP", UDP("198.51.100.9", HOST4, 443, 40000), VG_DROP_UNLISTED},
	{"IPv4, TCP reply", TCP(OUTSIDE4, HOST4, 443, 40000, .tcp_flags = TCP_ACK), VG_PASS_REPLY},
	{"IPv4, UDP reply", UDP(OUTSIDE4, HOST4, 443, 40000), VG_PASS_REPLY},
	{"IPv6, denied SYN", TCP("2001:db8:1::9", HOST6, 443, 40000), VG_DROP_UNLISTED},
	{"IPv6, denied UDP", UDP("2001:db8:1::9", HOST6, 443, 40000), VG_DROP_UNLISTED},
	{"IPv6, TCP reply", TCP(OUTSIDE6, HOST6, 443, 40000, .tcp_flags = TCP_ACK), VG_PASS_REPLY},
	{"IPv6, UDP reply", UDP(OUTSIDE6, HOST6, 443, 40000), VG_PASS_REPLY},
};

static const struct outgoing {
	const char *name;
	struct packet packet;
} outgoing[] = {
	{"IPv4, TCP data", TCP(HOST4, OUTSIDE4, 40000, 443, .tcp_flags = TCP_ACK)},
	{"IPv4, UDP", UDP(HOST4, OUTSIDE4, 40000, 443)},
	{"IPv4, TCP data to the VPC", TCP(HOST4, INSIDE4, 40000, 443, .tcp_flags = TCP_ACK)},
	{"IPv4, UDP to the VPC", UDP(HOST4, INSIDE4, 40000, 443)},
	{"IPv6, TCP data", TCP(HOST6, OUTSIDE6, 40000, 443, .tcp_flags = TCP_ACK)},
	{"IPv6, UDP", UDP(HOST6, OUTSIDE6, 40000, 443)},
};

static void come_in(const struct bench *bench, const struct gate *off, const struct gate *track,
		    const struct incoming *in)
{
	struct row row = {.table = &replies_table, .prefixes = 20, .effort = effort};
	struct program programs[3];
	struct vg_frame frame;

	frames_make(&in->packet, &frame);
	verify_outcome(off, off->entry_fd, &frame, VG_DROP_UNLISTED, in->name);
	verify_outcome(track, track->entry_fd, &frame, in->outcome, in->name);
	programs[0] = program_of(bench->drop_fd, XDP_DROP, &frame);
	programs[1] = program_of(off->entry_fd, XDP_DROP, &frame);
	programs[2] = program_of(track->entry_fd, verify_action(in->outcome), &frame);
	measure(programs, VG_ARRAY_SIZE(programs), effort);
	snprintf(row.labels[0], sizeof(row.labels[0]), "%s", in->name);
	row.figures[0] = figure_of(&programs[0], effort);
	row.figures[1] = figure_over(&programs[1], &programs[0], effort);
	row.figures[2] = figure_over(&programs[2], &programs[0], effort);
	report_add(bench->report, &row);
}

static void leave(const struct bench *bench, const struct gate *track, const struct outgoing *out)
{
	struct row row = {.table = &egress_table, .prefixes = 20, .effort = effort};
	struct program programs[2];
	struct vg_frame frame;

	frames_make(&out->packet, &frame);
	programs[0] = program_of(bench->unspec_fd, TC_ACT_UNSPEC, &frame);
	programs[1] = program_of(track->egress_fd, TC_ACT_UNSPEC, &frame);
	measure(programs, VG_ARRAY_SIZE(programs), effort);
	snprintf(row.labels[0], sizeof(row.labels[0]), "%s", out->name);
	row.figures[0] = figure_of(&programs[0], effort);
	row.figures[1] = figure_over(&programs[1], &programs[0], effort);
	report_add(bench->report, &row);
}

void bench_replies(const struct bench *bench)
{
	_cleanup_(prefixes_done) struct prefixes prefixes;
	_cleanup_(gate_close) struct gate off;
	_cleanup_(gate_close) struct gate track;

	prefixes_standard(&prefixes);
	gate_open(&(struct gate_wish){.prefixes = &prefixes}, &off);
	gate_open(&(struct gate_wish){.prefixes = &prefixes, .track = true}, &track);
	gate_seed(&track, FLOWS);
	report_begin(&replies_table);
	for (size_t i = 0; i < VG_ARRAY_SIZE(incoming); i++)
		come_in(bench, &off, &track, &incoming[i]);
	report_begin(&egress_table);
	for (size_t i = 0; i < VG_ARRAY_SIZE(outgoing); i++)
		leave(bench, &track, &outgoing[i]);
}
