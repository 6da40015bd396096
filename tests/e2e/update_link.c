// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* update_link LINK PROGRAM: puts the program that is pinned there into the link that is pinned there. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	int link, program, r;

	if (argc != 3)
		return 2;
	link = bpf_obj_get(argv[1]);
	program = bpf_obj_get(argv[2]);
	r = link < 0 ? link : program < 0 ? program : bpf_link_update(link, program, NULL);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[0], strerror(-r));
	return r < 0;
}
