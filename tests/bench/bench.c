// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Time a frame takes in the datapath, over a program that does nothing, beside a reference with the
 * kernel's LPM trie, and with replies tracked beside without. All programs of a case take turns
 * within one run on one CPU, so that the ratios hold on a noisy machine. Prints tables and writes
 * JSON to $VG_BUILD/bench.json.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include "share/cleanup.h"
#include "tests/bench/bench_random.h"
#include "tests/bench/choice.h"
#include "tests/bench/drop.skel.h"
#include "tests/bench/frames.h"
#include "tests/bench/measure.h"
#include "tests/bench/lpm.h"
#include "vpcgate/abi.h"
#include "tests/bench/lpm.skel.h"
#include "tests/oracle/frame.h"
#include "tests/oracle/rig.h"

#define ROUNDS 101
#define REPEAT 50000
#define FLOWS 100000

#define HOST4 "10.128.0.2"
#define HOST6 "fd20:1:2::2"
#define OUTSIDE4 "203.0.113.9"
#define OUTSIDE6 "2001:db8::9"
#define TCP_ACK 0x10

/* The VPC of the benchmark: 20 prefixes, 10 a family. */
static const char config_head[] = "interfaces: [bench0]\n"
				  "ingress: internal\n"
				  "sources:\n"
				  "  vpc:\n";

static const char *const prefixes[] = {
	"10.128.0.0/20", "10.132.0.0/20", "10.138.0.0/20",   "10.140.0.0/20",	    "10.142.0.0/20",
	"10.24.0.0/14",	 "172.16.5.0/24", "192.168.77.0/28", "100.68.128.0/18",	    "10.10.0.0/16",
	"fd20:1:2::/48", "fd20:1:3::/48", "fd20:1:4:5::/64", "fd20:2::/32",	    "fd20:8:1::/48",
	"fd20:9::/64",	 "fd20:a::/64",	  "fd20:b:1:2::/64", "2600:1900:4000::/44", "fd20:c::/40",
};

/* A policy in force, with a folder of its own. */
struct pair {
	struct vg_rig rig;
	int entry_fd, egress_fd;
};

struct bench {
	struct pair off, track; /* by `replies` */
	struct drop_bpf *drop;
	struct lpm_bpf *lpm;
};

/* ---- programs ---- */

static void publish(struct vg_rig *rig, const char *replies)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	const struct vg_target target = {.ifindex = 1, .name = "bench0"};
	char text[4096];
	size_t n = snprintf(text, sizeof(text), "%s", config_head);

	for (size_t i = 0; i < VG_ARRAY_SIZE(prefixes); i++)
		n += snprintf(text + n, sizeof(text) - n, "    - %s\n", prefixes[i]);
	n += snprintf(text + n, sizeof(text) - n, "replies: %s\n", replies);
	if (vg_rig_publish(rig, text, n, &target, 1, &policy) < 0)
		die("can't publish");
}

static int open_pin(const struct vg_rig *rig, const char *name)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s", rig->dir, name) < 0)
		die("no memory");
	fd = bpf_obj_get(path);
	if (fd < 0)
		die("a program is not pinned");
	return fd;
}

static void pair_open(struct pair *gate, const char *replies)
{
	if (vg_rig_open(&gate->rig) < 0)
		die("can't set up the dataplane (run it as root)");
	publish(&gate->rig, replies);
	gate->entry_fd = open_pin(&gate->rig, "entry");
	gate->egress_fd = open_pin(&gate->rig, "egress");
}

static void pair_close(struct pair *gate)
{
	vg_close_p(&gate->entry_fd);
	vg_close_p(&gate->egress_fd);
	vg_rig_close(&gate->rig);
}

/* Half of them of each family, to hosts that no case is about but the first. */
static void seed(struct vg_rig *rig)
{
	_cleanup_free_ struct vg_flow_info *flows = calloc(FLOWS, sizeof(*flows));
	struct vg_diag diag = {0};
	size_t added = 0;

	for (size_t i = 0; flows && i < FLOWS; i++) {
		struct vg_flow_info *flow = &flows[i];
		const bool ip6 = i & 1;

		flow->protocol = i & 2 ? IPPROTO_UDP : IPPROTO_TCP;
		vg_address_parse(ip6 ? HOST6 : HOST4, &flow->local);
		vg_address_parse(ip6 ? OUTSIDE6 : OUTSIDE4, &flow->remote);
		if (ip6)
			flow->remote.lo += i / 4;
		else
			flow->remote.hi += (__u64)(i / 4) << 32;
		flow->remote_port = 443;
		flow->local_port = 40000;
		flow->flow.state = VG_FLOW_OPEN;
	}
	if (!flows || vg_dataplane_seed(rig->dataplane, flows, FLOWS, &added, &diag) < 0)
		die("can't fill the table of flows");
}

static void fill_lpm(const struct bench *b)
{
	const struct vg_class class = {.sets = 1, .source = 1};

	for (size_t i = 0; i < VG_ARRAY_SIZE(prefixes); i++) {
		struct vg_prefix p;
		int r = vg_prefix_parse(prefixes[i], &p, NULL, 0);
		struct bench_key4 key4 = {p.length, htonl(p.address.hi >> 32)};
		const __be64 words_be[2] = {htobe64(p.address.hi), htobe64(p.address.lo)};
		struct bench_key6 key6 = {.prefixlen = p.length};
		const bool ip4 = p.address.family == 4;

		memcpy(&key6.addr, words_be, sizeof(key6.addr));
		if (r >= 0)
			r = bpf_map_update_elem(bpf_map__fd(ip4 ? b->lpm->maps.lpm4
								: b->lpm->maps.lpm6),
						ip4 ? (void *)&key4 : (void *)&key6, &class,
						BPF_ANY);
		if (r < 0)
			die("can't fill the LPM trie");
	}
}

static void bench_open(struct bench *b)
{
	pair_open(&b->off, "off");
	pair_open(&b->track, "track");
	seed(&b->track.rig);
	b->drop = drop_bpf__open_and_load();
	b->lpm = lpm_bpf__open_and_load();
	if (!b->drop || !b->lpm)
		die("can't load the programs");
	fill_lpm(b);
}

static void bench_close(struct bench *b)
{
	drop_bpf__destroy(b->drop);
	lpm_bpf__destroy(b->lpm);
	pair_close(&b->off);
	pair_close(&b->track);
}

/* ---- time ---- */

static double median(const struct program *program)
{
	return figure_of(program, ROUNDS).median;
}

static double spread(const struct program *program)
{
	const struct figure f = figure_of(program, ROUNDS);

	return f.high - f.low;
}

/* All programs in turn, round by round. */
static void run_rounds(const struct packet *packet, struct program *programs, size_t n)
{
	struct vg_frame frame;

	make_frame(packet, &frame);
	measure(&frame, programs, n, (struct effort){ROUNDS, REPEAT});
}

/* ---- tables ---- */

static void bench_sources(const struct bench *b, json_t *cases)
{
	static const struct {
		const char *name;
		struct packet packet;
		int verdict;
	} all[] = {
		{"IPv4 denied", {OUTSIDE4, HOST4, IPPROTO_TCP, 40000, 443, 0}, XDP_DROP},
		{"IPv4 admitted", {"10.128.0.9", HOST4, IPPROTO_TCP, 40000, 443, 0}, XDP_PASS},
		{"IPv6 denied", {OUTSIDE6, HOST6, IPPROTO_TCP, 40000, 443, 0}, XDP_DROP},
		{"IPv6 admitted", {"fd20:1:2::9", HOST6, IPPROTO_TCP, 40000, 443, 0}, XDP_PASS},
	};

	printf("  %-22s %8s %14s %14s %11s\n", "source", "XDP_DROP", "LPM: over it",
	       "ours: over it", "LPM / ours");
	for (size_t i = 0; i < VG_ARRAY_SIZE(all); i++) {
		struct program programs[] = {
			{.fd = bpf_program__fd(b->drop->progs.bench_drop), .expected = XDP_DROP},
			{.fd = bpf_program__fd(b->lpm->progs.bench_lpm),
			 .expected = all[i].verdict},
			{.fd = b->off.entry_fd, .expected = all[i].verdict},
		};
		double bare, lpm, ours;

		run_rounds(&all[i].packet, programs, VG_ARRAY_SIZE(programs));
		bare = median(&programs[0]);
		lpm = median(&programs[1]) - bare;
		ours = median(&programs[2]) - bare;
		printf("  %-22s %8.1f %14.1f %14.1f %10.1fx   (IQR %.1f / %.1f / %.1f)\n",
		       all[i].name, bare, lpm, ours, lpm / ours, spread(&programs[0]),
		       spread(&programs[1]), spread(&programs[2]));
		json_array_append_new(cases, json_pack("{s:s, s:f, s:f, s:f}", "case", all[i].name,
						       "bare_drop_ns", bare, "lpm_over_bare_ns",
						       lpm, "vpcgate_over_bare_ns", ours));
	}
}

/* A frame that comes in, with replies off and tracked. */
static void bench_replies(const struct bench *b, json_t *cases)
{
	static const struct {
		const char *name;
		struct packet packet;
		int verdict; /* with replies tracked */
	} all[] = {
		{"IPv4 denied SYN", {"198.51.100.9", HOST4, IPPROTO_TCP, 443, 40000, 0}, XDP_DROP},
		{"IPv4 denied UDP", {"198.51.100.9", HOST4, IPPROTO_UDP, 443, 40000, 0}, XDP_DROP},
		{"IPv4 TCP reply", {OUTSIDE4, HOST4, IPPROTO_TCP, 443, 40000, TCP_ACK}, XDP_PASS},
		{"IPv4 UDP reply", {OUTSIDE4, HOST4, IPPROTO_UDP, 443, 40000, 0}, XDP_PASS},
		{"IPv6 denied SYN", {"2001:db8:1::9", HOST6, IPPROTO_TCP, 443, 40000, 0}, XDP_DROP},
		{"IPv6 denied UDP", {"2001:db8:1::9", HOST6, IPPROTO_UDP, 443, 40000, 0}, XDP_DROP},
		{"IPv6 TCP reply", {OUTSIDE6, HOST6, IPPROTO_TCP, 443, 40000, TCP_ACK}, XDP_PASS},
		{"IPv6 UDP reply", {OUTSIDE6, HOST6, IPPROTO_UDP, 443, 40000, 0}, XDP_PASS},
	};

	printf("  %-22s %8s %14s %14s %11s\n", "replies, 100k flows", "XDP_DROP", "off: over it",
	       "track: over it", "difference");
	for (size_t i = 0; i < VG_ARRAY_SIZE(all); i++) {
		struct program programs[] = {
			{.fd = bpf_program__fd(b->drop->progs.bench_drop), .expected = XDP_DROP},
			{.fd = b->off.entry_fd, .expected = XDP_DROP},
			{.fd = b->track.entry_fd, .expected = all[i].verdict},
		};
		double bare, off, track;

		run_rounds(&all[i].packet, programs, VG_ARRAY_SIZE(programs));
		bare = median(&programs[0]);
		off = median(&programs[1]) - bare;
		track = median(&programs[2]) - bare;
		printf("  %-22s %8.1f %14.1f %14.1f %+11.1f   (IQR %.1f / %.1f / %.1f)\n",
		       all[i].name, bare, off, track, track - off, spread(&programs[0]),
		       spread(&programs[1]), spread(&programs[2]));
		json_array_append_new(cases,
				      json_pack("{s:s, s:f, s:f, s:f}", "case", all[i].name,
						"bare_drop_ns", bare, "replies_off_over_bare_ns",
						off, "replies_track_over_bare_ns", track));
	}
}

/* A packet that leaves, over a classifier that does nothing. */
static void bench_egress(const struct bench *b, json_t *cases)
{
	static const struct {
		const char *name;
		struct packet packet;
	} all[] = {
		{"IPv4 TCP data", {HOST4, OUTSIDE4, IPPROTO_TCP, 40000, 443, TCP_ACK}},
		{"IPv4 UDP", {HOST4, OUTSIDE4, IPPROTO_UDP, 40000, 443, 0}},
		{"IPv4 TCP to the VPC", {HOST4, "10.128.0.9", IPPROTO_TCP, 40000, 443, TCP_ACK}},
		{"IPv4 UDP to the VPC", {HOST4, "10.128.0.9", IPPROTO_UDP, 40000, 443, 0}},
		{"IPv6 TCP data", {HOST6, OUTSIDE6, IPPROTO_TCP, 40000, 443, TCP_ACK}},
		{"IPv6 UDP", {HOST6, OUTSIDE6, IPPROTO_UDP, 40000, 443, 0}},
	};

	printf("  %-22s %8s %14s\n", "egress, 100k flows", "bare tc", "ours: over it");
	for (size_t i = 0; i < VG_ARRAY_SIZE(all); i++) {
		struct program programs[] = {
			{.fd = bpf_program__fd(b->drop->progs.bench_unspec),
			 .expected = TC_ACT_UNSPEC},
			{.fd = b->track.egress_fd, .expected = TC_ACT_UNSPEC},
		};
		double bare, ours;

		run_rounds(&all[i].packet, programs, VG_ARRAY_SIZE(programs));
		bare = median(&programs[0]);
		ours = median(&programs[1]) - bare;
		printf("  %-22s %8.1f %14.1f   (IQR %.1f / %.1f)\n", all[i].name, bare, ours,
		       spread(&programs[0]), spread(&programs[1]));
		json_array_append_new(cases,
				      json_pack("{s:s, s:f, s:f}", "case", all[i].name,
						"bare_tc_ns", bare, "egress_over_bare_ns", ours));
	}
}

static void write_json(json_t *cases)
{
	const char *build = getenv("VG_BUILD");
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/bench.json", build ? build : "build") < 0 ||
	    json_dump_file(cases, path, JSON_INDENT(2)) < 0)
		die("can't write bench.json");
	printf("written: %s\n", path);
	json_decref(cases);
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	struct vg_rig rig;
	struct choice choice;
	struct utsname host;
	json_t *cases = json_array();

	choice_parse(argc, argv, &choice);
	if (choice.only || choice.n_sizes) {
		if (vg_rig_open(&rig) < 0)
			die("can't set up the dataplane (run it as root)");
		bench_random(&choice);
		vg_rig_close(&rig);
		return 0;
	}
	bench_open(&b);
	uname(&host);
	printf("Linux %s, %zu prefixes, %d rounds of %d frames; ns a frame, medians\n",
	       host.release, VG_ARRAY_SIZE(prefixes), ROUNDS, REPEAT);
	bench_sources(&b, cases);
	bench_replies(&b, cases);
	bench_egress(&b, cases);
	bench_close(&b);
	write_json(cases);
	return 0;
}
