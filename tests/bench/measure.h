/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CPU time of programs under BPF_PROG_TEST_RUN. Those that are compared take turns, round by round,
 * so that their ratios hold on a noisy machine.
 */
#ifndef VPCGATE_BENCH_MEASURE_H
#define VPCGATE_BENCH_MEASURE_H

#include "tests/oracle/frame.h"

#define MAX_ROUNDS 101

struct program {
	int fd;
	int verdict; /* what it must answer, or ANY_VERDICT */
	const struct vg_frame *frame;
	double ns[MAX_ROUNDS]; /* a frame, by round */
};
#define ANY_VERDICT (-1)

/*
 * With each call the kernel makes its XDP dispatcher anew, which takes it up to a millisecond: many
 * frames a round, or that is what is measured.
 */
struct effort {
	unsigned rounds; /* at most MAX_ROUNDS */
	unsigned warmup; /* frames before those that are timed: caches hold what the others left */
	unsigned frames; /* a program and round */
};

/* Median and quartiles. */
struct figure {
	double low, median, high;
};

static inline struct program program_of(int fd, int verdict, const struct vg_frame *frame)
{
	return (struct program){.fd = fd, .verdict = verdict, .frame = frame};
}

void measure(struct program *programs, size_t n, struct effort effort);

/* Of the rounds' ns by themselves, or over those of another program in the same rounds. */
struct figure figure_of(const struct program *program, struct effort effort);
struct figure figure_over(const struct program *program, const struct program *bare,
			  struct effort effort);

/* Of any values, which it sorts. */
struct figure figure_make(double *values, size_t n);

#endif
