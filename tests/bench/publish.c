// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a config in memory to a policy in force: time and memory against number of prefixes. */
#include "tests/bench/parts.h"

#include <stdio.h>
#include "share/cleanup.h"
#include "tests/bench/gate.h"
#include "tests/bench/sizes.h"

static const struct table table = {
	.name = "publish",
	.title =
		"Publishing: ms of CPU time a step, all steps by the clock, and the tables' memory",
	.labels = {"family", "prefixes"},
	.figures = {"parse, ms", "compile, ms", "load, ms", "by the clock, ms", "tables, MB"},
	.keys = {"parse_cpu_ms", "compile_cpu_ms", "load_cpu_ms", "clock_ms", "tables_mb"},
};

#define TIMES 3

static void run(const struct bench *bench, int family, const struct size *size)
{
	_cleanup_(prefixes_done) struct prefixes prefixes;
	double parse[TIMES], compile[TIMES], load[TIMES], clock[TIMES], bytes[TIMES];
	struct row row = {.table = &table, .prefixes = size->n, .effort = {.rounds = TIMES}};

	const struct gate_wish wish = {
		.prefixes = &prefixes,
		.sets = size->n < GATE_SETS * GATE_LEAST ? 1 : GATE_SETS,
	};

	prefixes_make(family, size->n, &prefixes);
	for (int i = 0; i < TIMES; i++) {
		_cleanup_(gate_close) struct gate gate;

		gate_open(&wish, &gate);
		parse[i] = gate.parse.cpu_ms;
		compile[i] = gate.compile.cpu_ms;
		load[i] = gate.load.cpu_ms;
		clock[i] = gate.parse.clock_ms + gate.compile.clock_ms + gate.load.clock_ms;
		bytes[i] = gate.table_bytes / 1e6;
	}
	snprintf(row.labels[0], sizeof(row.labels[0]), "IPv%d", family);
	snprintf(row.labels[1], sizeof(row.labels[1]), "%s", size->name);
	row.figures[PUBLISH_PARSE] = figure_make(parse, TIMES);
	row.figures[PUBLISH_COMPILE] = figure_make(compile, TIMES);
	row.figures[PUBLISH_LOAD] = figure_make(load, TIMES);
	row.figures[PUBLISH_CLOCK] = figure_make(clock, TIMES);
	row.figures[PUBLISH_BYTES] = figure_make(bytes, TIMES);
	report_add(bench->report, &row);
}

void bench_publish(const struct bench *bench)
{
	report_begin(&table);
	for (int family = 4; family <= 6; family += 2)
		for (size_t i = 0; i < VG_ARRAY_SIZE(sizes); i++)
			if (size_is_for(&sizes[i], family) &&
			    options_have_size(bench->options, sizes[i].n))
				run(bench, family, &sizes[i]);
}
