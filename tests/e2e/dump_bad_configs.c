/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * dump_bad_configs FOLDER CONFIG_FOLDER: writes each bad config below FOLDER as N.yaml, with N.name,
 * N.expected (as the message reads for a config in CONFIG_FOLDER) and, where a file belongs beside
 * the config, N.file (its name) and N.text. Prints how many there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include "share/cleanup.h"
#include "tests/oracle/bad_configs.h"

static void write_text(const char *folder, size_t number, const char *suffix, const char *before,
		       const char *text)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%zu.%s", folder, number, suffix);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%s%s", before, text) < 0 || fflush(file) != 0) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char beside[4096];

	if (argc != 3)
		return 1;
	snprintf(beside, sizeof(beside), "%s/", argv[2]);
	for (size_t i = 0; i < VG_ARRAY_SIZE(vg_bad_configs); i++) {
		const struct vg_bad_config *bad = &vg_bad_configs[i];

		write_text(argv[1], i, "name", "", bad->name);
		write_text(argv[1], i, "yaml", "", bad->yaml);
		write_text(argv[1], i, "expected", beside, bad->expected);
		if (bad->file_name) {
			write_text(argv[1], i, "file", "", bad->file_name);
			write_text(argv[1], i, "text", "", bad->file_text);
		}
	}
	printf("%zu\n", VG_ARRAY_SIZE(vg_bad_configs));
	return 0;
}
