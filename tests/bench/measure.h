/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CPU time of programs under BPF_PROG_TEST_RUN. Those that are compared take turns, round by round,
 * so that their ratios hold on a noisy machine.
 */
#ifndef VPCGATE_BENCH_MEASURE_H
#define VPCGATE_BENCH_MEASURE_H

#include "tests/oracle/frame.h"

#define MAX_ROUNDS 101
#define ANY_VERDICT (-1)

struct program {
	int fd, expected; /* what it must answer, or ANY_VERDICT */
	double ns[MAX_ROUNDS];
};

struct effort {
	unsigned rounds; /* at most MAX_ROUNDS */
	unsigned frames; /* a program and round */
};

/* Median and quartiles, in ns a frame. */
struct figure {
	double low, median, high;
};

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

void measure(const struct vg_frame *frame, struct program *programs, size_t n, struct effort effort);

/* A program by itself, and over another one, taken round by round. */
struct figure figure_of(const struct program *program, unsigned rounds);
struct figure figure_over(const struct program *program, const struct program *bare,
			  unsigned rounds);

#endif
