// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/choice.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"
#include "tests/bench/measure.h"

bool choice_has(const char *list, const char *name)
{
	const size_t length = strlen(name);

	if (!list)
		return true;
	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, name, length) == 0 && (!list[length] || list[length] == ','))
			return true;
	}
	return false;
}

bool choice_size(const struct choice *choice, size_t size)
{
	for (size_t i = 0; i < choice->n_sizes; i++)
		if (choice->sizes[i] == size)
			return true;
	return choice->n_sizes == 0;
}

static void parse_sizes(const char *text, struct choice *choice)
{
	while (*text && choice->n_sizes < VG_ARRAY_SIZE(choice->sizes)) {
		char *end;
		size_t n = strtoul(text, &end, 10);

		if (*end == 'k')
			n *= 1000;
		if (*end == 'M')
			n *= 1000000;
		choice->sizes[choice->n_sizes++] = n;
		text = end + strcspn(end, ",");
		text += *text == ',';
	}
}

void choice_parse(int argc, char **argv, struct choice *ret_choice)
{
	static const struct option options[] = {
		{"sizes", required_argument, NULL, 's'},
		{"only", required_argument, NULL, 'o'},
		{0},
	};
	int option;

	*ret_choice = (struct choice){0};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			parse_sizes(optarg, ret_choice);
		else if (option == 'o')
			ret_choice->only = optarg;
		else
			die("usage: bench [--sizes 20,1k,10k,...] [--only NAME,...]");
	}
}
