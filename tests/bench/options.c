// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/die.h"

static const char usage[] =
	"usage: bench [--only PART,...] [--sizes N,...] [--check]\n"
	"  --only PART,...  of fixed, headers, replies, random4, listed4, random6, sets4,\n"
	"                   sets6, publish\n"
	"  --sizes N,...    numbers of prefixes, such as 20,10k,1M, for all from random4 on\n"
	"  --check          exit 1 where a bound is missed\n"
	"Needs root. Writes $VG_BUILD/bench.json.\n";

static const char *const parts[] = {"fixed",   "headers", "replies", "random4", "listed4",
				    "random6", "sets4",	  "sets6",   "publish"};

/* The next item of a comma-separated list, and its length; NULL at the end. */
static const char *next_item(const char **list, size_t *ret_length)
{
	const char *item = *list;

	if (!item || !*item)
		return NULL;
	*ret_length = strcspn(item, ",");
	*list = item + *ret_length + (item[*ret_length] == ',');
	return item;
}

static bool is_item(const char *list, const char *name)
{
	const char *item;
	size_t length;

	while ((item = next_item(&list, &length)))
		if (strlen(name) == length && memcmp(item, name, length) == 0)
			return true;
	return false;
}

static bool is_part(const char *item, size_t length)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(parts); i++)
		if (strlen(parts[i]) == length && memcmp(parts[i], item, length) == 0)
			return true;
	return false;
}

static void check_parts(const char *list)
{
	const char *item;
	size_t length;

	while ((item = next_item(&list, &length)))
		if (!is_part(item, length))
			die("no part '%.*s'\n%s", (int)length, item, usage);
}

static void parse_sizes(const char *list, struct options *options)
{
	const char *item;
	size_t length;

	while ((item = next_item(&list, &length))) {
		char *unit;
		size_t size = strtoul(item, &unit, 10);

		if (*unit == 'k')
			size *= 1000;
		else if (*unit == 'M')
			size *= 1000000;
		if (!size || options->n_sizes == MAX_SIZES)
			die("no such size: '%.*s'\n%s", (int)length, item, usage);
		options->sizes[options->n_sizes++] = size;
	}
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option known[] = {
		{"only", required_argument, NULL, 'o'},
		{"sizes", required_argument, NULL, 's'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	*ret_options = (struct options){0};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'o':
			check_parts(optarg);
			ret_options->only = optarg;
			break;
		case 's':
			parse_sizes(optarg, ret_options);
			break;
		case 'c':
			ret_options->check = true;
			break;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			exit(option == 'h' ? 0 : 2);
		}
	}
	if (optind < argc)
		die("'%s' is no option\n%s", argv[optind], usage);
}

bool options_have_part(const struct options *options, const char *name)
{
	return !options->only || is_item(options->only, name);
}

bool options_have_size(const struct options *options, size_t size)
{
	for (size_t i = 0; i < options->n_sizes; i++)
		if (options->sizes[i] == size)
			return true;
	return !options->n_sizes;
}
