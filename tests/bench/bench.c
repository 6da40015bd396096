// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Time a frame takes in the datapath, over a program that does nothing and beside the same policy
 * with the kernel's LPM tries: docs/performance.md says how, and how to read the tables.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include "tests/bench/bounds.h"
#include "tests/bench/die.h"
#include "tests/bench/drop.skel.h"
#include "tests/bench/parts.h"
#include "tests/oracle/rig.h"

/* With multi-buffer support where the kernel has it, as vpcgate's own programs. */
static struct drop_bpf *load_bare(void)
{
	static const __u32 flags[] = {BPF_F_XDP_HAS_FRAGS, 0};

	for (int i = 0; i < 2; i++) {
		struct drop_bpf *bare = drop_bpf__open();

		if (!bare)
			break;
		bpf_program__set_flags(bare->progs.bench_drop, flags[i]);
		if (drop_bpf__load(bare) == 0)
			return bare;
		drop_bpf__destroy(bare);
	}
	die("can't load the bare program: %s", strerror(errno));
}

static void run_parts(const struct bench *bench)
{
	if (options_have_part(bench->options, "fixed"))
		bench_fixed(bench);
	if (options_have_part(bench->options, "headers"))
		bench_headers(bench);
	if (options_have_part(bench->options, "replies"))
		bench_replies(bench);
	bench_random(bench);
	if (options_have_part(bench->options, "publish"))
		bench_publish(bench);
}

int main(int argc, char **argv)
{
	struct report report = {0};
	struct bound bounds[MAX_BOUNDS];
	struct options options;
	struct drop_bpf *bare;
	struct vg_rig rig;
	size_t n;
	bool met;

	options_parse(argc, argv, &options);
	if (vg_rig_open(&rig) < 0)
		die("can't set up the dataplane (run it as root)");
	bare = load_bare();
	report_print_machine();
	run_parts(&(struct bench){
		.options = &options,
		.report = &report,
		.drop_fd = bpf_program__fd(bare->progs.bench_drop),
		.unspec_fd = bpf_program__fd(bare->progs.bench_unspec),
	});
	n = bounds_take(&report, bounds);
	met = bounds_print(bounds, n);
	report_write(&report, bounds, n);
	report_done(&report);
	drop_bpf__destroy(bare);
	vg_rig_close(&rig);
	return options.check && !met;
}
