/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the benchmark, each of which adds a table or two to the report. */
#ifndef VPCGATE_BENCH_PARTS_H
#define VPCGATE_BENCH_PARTS_H

#include "tests/bench/options.h"
#include "tests/bench/report.h"

struct bench {
	const struct options *options;
	struct report *report;
	int drop_fd, unspec_fd; /* programs that do nothing, for XDP and for tc */
};

/* Figures of the tables `fixed` and `random`, over the first of them. */
enum { FIGURE_BARE, FIGURE_LPM, FIGURE_OURS };

/* Figures of the table `publish`. */
enum { PUBLISH_PARSE, PUBLISH_COMPILE, PUBLISH_LOAD, PUBLISH_CLOCK, PUBLISH_BYTES };

/* Labels that the bounds look for. */
#define SERVICES "1,024"
#define UNIFORM4 "IPv4, uniform"
#define LISTED4 "IPv4, half listed"
#define LISTED6 "IPv6, half listed"

void bench_fixed(const struct bench *bench);   /* one source, 20 prefixes */
void bench_headers(const struct bench *bench); /* VLAN tags, options, extensions, fragments */
void bench_replies(const struct bench *bench); /* replies, and what leaves */
void bench_random(const struct bench *bench);  /* random sources, any number of prefixes */
void bench_publish(const struct bench *bench); /* time and memory of a publish */

#endif
