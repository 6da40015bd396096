// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/measure.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/bench/die.h"

/* This thread's CPU time: what else runs on the machine is not counted. */
static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void run(const struct program *program, unsigned frames)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = program->frame->bytes,
		    .data_size_in = program->frame->length, .repeat = frames);

	if (bpf_prog_test_run_opts(program->fd, &opts) < 0)
		die("BPF_PROG_TEST_RUN: %s", strerror(errno));
	if (program->verdict != ANY_VERDICT && (int)opts.retval != program->verdict)
		die("a program answered %u while it was timed, where %d is right", opts.retval,
		    program->verdict);
}

static double time_program(const struct program *program, struct effort effort)
{
	double start;

	if (effort.warmup)
		run(program, effort.warmup);
	start = now_ns();
	run(program, effort.frames);
	return (now_ns() - start) / effort.frames;
}

void measure(struct program *programs, size_t n, struct effort effort)
{
	for (unsigned round = 0; round < effort.rounds; round++)
		for (size_t i = 0; i < n; i++)
			programs[i].ns[round] = time_program(&programs[i], effort);
}

static int double_order(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct figure figure_make(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), double_order);
	return (struct figure){values[n / 4], values[n / 2], values[n * 3 / 4]};
}

struct figure figure_of(const struct program *program, struct effort effort)
{
	double values[MAX_ROUNDS];

	memcpy(values, program->ns, effort.rounds * sizeof(*values));
	return figure_make(values, effort.rounds);
}

struct figure figure_over(const struct program *program, const struct program *bare,
			  struct effort effort)
{
	double values[MAX_ROUNDS];

	for (unsigned i = 0; i < effort.rounds; i++)
		values[i] = program->ns[i] - bare->ns[i];
	return figure_make(values, effort.rounds);
}
