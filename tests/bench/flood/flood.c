// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The parts of the flood benchmark that a shell can't do; tests/bench/veth_flood.sh calls them.
 *   flood prefixes N                            N IPv4 prefixes, to standard output
 *   flood outside PREFIXES N                    N addresses outside of them
 *   flood attach drop|read|lpm DEVICE PREFIXES  puts a reference on a device
 *   flood refused DEVICE SOURCES                are all of them dropped?
 *   flood admitted DEVICE SOURCES               does the first one pass?
 *   flood round DEVICE THREAD SOURCES           times the device, prints a line of JSON
 * PREFIXES and SOURCES are files, one a line; THREAD is that of the device's NAPI.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"
#include "tests/bench/flood/addresses.h"
#include "tests/bench/flood/attach.h"
#include "tests/bench/flood/check.h"
#include "tests/bench/flood/round.h"

static void print_prefixes(char **args)
{
	struct prefixes prefixes;

	prefixes_make(4, strtoul(args[0], NULL, 10), &prefixes);
	prefixes_write(&prefixes, 0, 1, stdout);
	prefixes_done(&prefixes);
}

static void print_outside(char **args)
{
	struct prefixes prefixes;

	addresses_read_prefixes(args[0], &prefixes);
	addresses_print_outside(&prefixes, strtoul(args[1], NULL, 10));
	prefixes_done(&prefixes);
}

static void attach(char **args)
{
	struct prefixes prefixes;

	addresses_read_prefixes(args[2], &prefixes);
	if (strcmp(args[0], "drop") == 0)
		attach_drop(args[1]);
	else if (strcmp(args[0], "read") == 0)
		attach_read(args[1]);
	else if (strcmp(args[0], "lpm") == 0)
		attach_lpm(args[1], &prefixes);
	else
		die("no such reference: %s", args[0]);
	prefixes_done(&prefixes);
}

static void refused(char **args)
{
	size_t n;
	_cleanup_free_ __be32 *sources_be = addresses_read(args[1], &n);

	check_refused(args[0], sources_be, n);
}

static void admitted(char **args)
{
	size_t n;
	_cleanup_free_ __be32 *sources_be = addresses_read(args[1], &n);

	check_admitted(args[0], sources_be[0]);
}

static void print_figure(const char *name, double value)
{
	if (isnan(value))
		printf("\"%s\": null, ", name);
	else
		printf("\"%s\": %.3f, ", name, value);
}

static void time_round(char **args)
{
	size_t n;
	_cleanup_free_ __be32 *sources_be = addresses_read(args[2], &n);
	struct round_figures figures;

	round_run(args[0], atoi(args[1]), sources_be, n, &figures);
	putchar('{');
	print_figure("paced_ns", figures.paced_ns);
	print_figure("flat_out_ns", figures.flat_out_ns);
	print_figure("thread_ns", figures.thread_ns);
	print_figure("mpps", figures.mpps);
	printf("\"paced_polls\": %u, \"flat_out_polls\": %u}\n", figures.paced_polls,
	       figures.flat_out_polls);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		void (*run)(char **args);
	} commands[] = {
		{"prefixes", 1, print_prefixes}, {"outside", 2, print_outside},
		{"attach", 3, attach},		 {"refused", 2, refused},
		{"admitted", 2, admitted},	 {"round", 3, time_round},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(commands); i++)
		if (argc == commands[i].args + 2 && strcmp(argv[1], commands[i].name) == 0) {
			commands[i].run(argv + 2);
			return 0;
		}
	die("%s: see the head of tests/bench/flood/flood.c for how it is called", argv[0]);
}
