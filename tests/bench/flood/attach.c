// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flood/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "tests/bench/die.h"
#include "tests/bench/drop.skel.h"
#include "tests/bench/flood/read.skel.h"
#include "tests/bench/reference.h"
#include "tests/bench/lpm.skel.h"

#define BPFFS "/sys/fs/bpf"

static void attach(const char *device, const struct bpf_program *program)
{
	const int r = bpf_xdp_attach(if_nametoindex(device), bpf_program__fd(program),
				     XDP_FLAGS_DRV_MODE, NULL);

	if (r < 0)
		die("can't attach to %s: %s", device, strerror(-r));
}

void attach_drop(const char *device)
{
	struct drop_bpf *drop = drop_bpf__open_and_load();

	if (!drop)
		die("can't load the program that drops");
	attach(device, drop->progs.bench_drop);
	drop_bpf__destroy(drop);
}

void attach_read(const char *device)
{
	struct read_bpf *read = read_bpf__open_and_load();

	if (!read)
		die("can't load the program that reads");
	attach(device, read->progs.bench_read);
	read_bpf__destroy(read);
}

/*
 * Its programs refer to each other by a PROG_ARRAY, which the kernel empties once nobody holds it: the
 * pin stays.
 */
void attach_lpm(const char *device, const struct prefixes *prefixes)
{
	const struct gate_wish wish = {.prefixes = prefixes};
	struct reference reference;
	struct gate gate;
	char path[64];

	gate_open(&wish, &gate);
	reference_open(&gate, &reference);
	snprintf(path, sizeof(path), BPFFS "/lpm-%s", device);
	if (bpf_map__pin(reference.skeleton->maps.lpm_programs, path) < 0)
		die("can't pin %s", path);
	attach(device, reference.skeleton->progs.lpm_entry);
	reference_close(&reference);
	gate_close(&gate);
}
