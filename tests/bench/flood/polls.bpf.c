// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Time that a NAPI thread spends on a full poll, when the one before it was full too: from the end of
 * one to the end of the other, so that all of the thread's loop is in it, and no sleep.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "tests/bench/flood/polls.h"

__u32 thread, n_polls;
__u32 poll_ns[FLOOD_MAX_POLLS];
__u64 last_ns; /* end of the poll before, if that was full; else 0 */

/* Arguments: the NAPI, the frames it took, the most it might have taken. */
SEC("raw_tp/napi_poll")
int flood_poll(struct bpf_raw_tracepoint_args *ctx)
{
	const bool full = (__u32)ctx->args[1] == FLOOD_POLL_FRAMES;
	__u64 now_ns;

	if ((__u32)bpf_get_current_pid_tgid() != thread)
		return 0;
	now_ns = bpf_ktime_get_ns();
	if (full && last_ns && n_polls < FLOOD_MAX_POLLS)
		poll_ns[n_polls++ & (FLOOD_MAX_POLLS - 1)] = now_ns - last_ns;
	last_ns = full ? now_ns : 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
