// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flood/round.h"

#include <bpf/libbpf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/die.h"
#include "tests/bench/flood/device.h"
#include "tests/bench/flood/polls.h"
#include "tests/bench/flood/polls.skel.h"
#include "tests/bench/flood/sender.h"

#define FRAME_NS 2000 /* of the sender's time in bursts: more than any candidate takes */
#define INTERVAL_NS ((__u64)FRAME_NS * FLOOD_BURST)
#define WARM_UP 20   /* bursts */
#define BURSTS 400   /* timed, with pauses */
#define FLAT_OUT 100 /* at once, without; a multiple of it is timed */
#define FLAT_OUT_S 0.15
#define DRAIN_US 3000 /* until the receiver has taken what is in its ring, and sleeps */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int number_order(const void *a, const void *b)
{
	const __u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

static struct polls_bpf *polls_open(pid_t thread)
{
	struct polls_bpf *polls = polls_bpf__open_and_load();

	if (!polls || polls_bpf__attach(polls) < 0)
		die("can't trace NAPI polls");
	polls->bss->thread = thread;
	return polls;
}

/* Of the polls since the last call, in ns a frame. */
static double median_poll(struct polls_bpf *polls, unsigned *ret_n)
{
	const __u32 n = polls->bss->n_polls, middle = n / 2;

	polls->bss->n_polls = 0;
	*ret_n = n;
	qsort(polls->bss->poll_ns, n, sizeof(__u32), number_order);
	return n ? (double)polls->bss->poll_ns[middle] / FLOOD_POLL_FRAMES : NAN;
}

static void send_flat_out(struct sender *sender, pid_t thread, const char *device,
			  struct round_figures *figures)
{
	const double start_s = now_s();
	double end_s, frames, cpu_ns;

	cpu_ns = -(double)thread_cpu_ns(thread);
	frames = -(double)device_received(device);
	do {
		sender_send(sender, FLAT_OUT, 0);
		end_s = now_s();
	} while (end_s < start_s + FLAT_OUT_S);
	usleep(DRAIN_US);
	frames += device_received(device);
	cpu_ns += thread_cpu_ns(thread);
	figures->thread_ns = cpu_ns / frames;
	figures->mpps = frames / (end_s - start_s) / 1e6;
}

void round_run(const char *device, pid_t thread, const __be32 *sources_be, size_t n,
	       struct round_figures *ret_figures)
{
	struct polls_bpf *polls = polls_open(thread);
	struct round_figures figures;
	struct sender sender;

	sender_open(device, &sender);
	sender_set_sources(&sender, sources_be, n);
	sender_send(&sender, WARM_UP, INTERVAL_NS);
	median_poll(polls, &figures.paced_polls);
	sender_send(&sender, BURSTS, INTERVAL_NS);
	usleep(DRAIN_US);
	figures.paced_ns = median_poll(polls, &figures.paced_polls);
	send_flat_out(&sender, thread, device, &figures);
	figures.flat_out_ns = median_poll(polls, &figures.flat_out_polls);
	sender_close(&sender);
	polls_bpf__destroy(polls);
	*ret_figures = figures;
}
