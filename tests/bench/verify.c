// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/verify.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "core/explain.h"
#include "share/cleanup.h"
#include "tests/bench/die.h"

#define SOURCES 256

/* ---- one frame, one outcome ---- */

static __u64 count(const struct gate *gate, enum vg_outcome outcome)
{
	_cleanup_(vg_counters_free_p) struct vg_counters *counters = NULL;
	struct vg_diag diag = {0};
	__u64 packets = 0;

	if (vg_counters_read(gate->dir, &counters, &diag) < 0)
		die("%s", diag.text);
	for (size_t i = 0; i < counters->n; i++)
		if (counters->items[i].outcome == outcome)
			packets += counters->items[i].count.packets;
	return packets;
}

static int run_once(int fd, const struct vg_frame *frame, struct vg_frame *ret_after)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->length,
		    .data_out = ret_after->bytes, .data_size_out = sizeof(ret_after->bytes),
		    .repeat = 1);

	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		die("BPF_PROG_TEST_RUN: %s", strerror(errno));
	return (int)opts.retval;
}

int verify_action(enum vg_outcome outcome)
{
	return vg_outcome_verdict(outcome) == VG_VERDICT_PASS ? XDP_PASS : XDP_DROP;
}

void verify_outcome(const struct gate *gate, int entry_fd, const struct vg_frame *frame,
		    enum vg_outcome outcome, const char *what)
{
	const __u64 before = count(gate, outcome);
	struct vg_frame after;
	const int action = run_once(entry_fd, frame, &after);

	if (action != verify_action(outcome))
		die("%s: the answer is %d, and %d is right", what, action, verify_action(outcome));
	if (count(gate, outcome) != before + 1)
		die("%s: not counted as '%s'", what, vg_outcome_text(outcome));
}

/* ---- many sources ---- */

static struct vg_address source_of(const struct vg_frame *frame)
{
	return frame->bytes[frame->ip] >> 4 == 4
		       ? vg_address_from_bytes(4, frame->bytes + frame->ip + 12)
		       : vg_address_from_bytes(6, frame->bytes + frame->ip + 8);
}

static int expected_action(const struct gate *gate, const struct vg_address *source)
{
	const struct vg_question question = {
		.source = *source,
		.protocol = IPPROTO_TCP,
		.source_port = -1,
		.port = -1,
		.icmp_type = -1,
		.hop_limit = -1,
	};
	struct vg_answer answer;

	vg_explain(gate->policy, &question, &answer);
	return verify_action(answer.outcome);
}

static int address_order(const void *a, const void *b)
{
	const struct vg_address *x = a, *y = b;

	return x->hi != y->hi ? (x->hi > y->hi) - (x->hi < y->hi)
			      : (x->lo > y->lo) - (x->lo < y->lo);
}

static void check_distinct(struct vg_address *sources, const char *what)
{
	size_t same = 0;

	qsort(sources, SOURCES, sizeof(*sources), address_order);
	for (size_t i = 1; i < SOURCES; i++)
		same += address_order(&sources[i - 1], &sources[i]) == 0;
	if (same > SOURCES / 64)
		die("%s: %zu of %d sources are not new", what, same, SOURCES);
}

static void check_action(int action, int expected, const struct vg_address *source,
			 const char *what)
{
	char text[VG_PREFIX_TEXT_SIZE];

	if (action != expected)
		die("%s: the answer to %s is %d, and %d is right", what,
		    vg_address_format(source, text), action, expected);
}

void verify_random(const struct gate *gate, const int *fds, size_t n, const struct vg_frame *frame,
		   const char *what)
{
	struct vg_address sources[SOURCES];

	for (size_t i = 0; i < SOURCES; i++) {
		int expected = XDP_DROP;

		for (size_t program = 0; program < n; program++) {
			struct vg_frame after = *frame;
			const int action = run_once(fds[program], frame, &after);
			const struct vg_address source = source_of(&after);

			if (program == 0)
				sources[i] = source;
			if (address_order(&sources[i], &source) != 0)
				die("%s: the programs get different sources", what);
			check_action(action, expected, &source, what);
			if (program == 0)
				expected = expected_action(gate, &source);
		}
	}
	check_distinct(sources, what);
}
