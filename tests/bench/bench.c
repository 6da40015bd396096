// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Time a frame takes in the datapath, over a program that only returns XDP_DROP, beside a reference
 * with the kernel's LPM trie. All programs take turns within one run on one CPU, so that the ratios
 * hold on a noisy machine. Prints a table and writes JSON to $VG_BUILD/bench.json.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include "share/cleanup.h"
#include "tests/bench/drop.skel.h"
#include "tests/bench/lpm.h"
#include "vpcgate/abi.h"
#include "tests/bench/lpm.skel.h"
#include "tests/oracle/rig.h"

#define ROUNDS 101
#define REPEAT 50000
#define FRAME_SIZE 78

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

struct program {
	int fd;
	double nanoseconds[ROUNDS]; /* a frame, by round */
};

struct bench {
	struct vg_rig rig;
	int entry_fd;
	struct drop_bpf *drop;
	struct lpm_bpf *lpm;
};

/* A TCP SYN to port 443, 64 bytes of it or more, in `frame`; returns its length. */
static size_t make_frame(__u8 frame[FRAME_SIZE], const char *source)
{
	const bool ip6 = strchr(source, ':');
	__u8 *ip = frame + 14, *tcp = ip + (ip6 ? 40 : 20);

	memset(frame, 0, FRAME_SIZE);
	memcpy(frame, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01", 12);
	memcpy(frame + 12, ip6 ? "\x86\xdd" : "\x08\x00", 2);
	if (ip6) {
		memcpy(ip, "\x60\x00\x00\x00\x00\x14\x06\x40", 8);
		inet_pton(AF_INET6, source, ip + 8);
		inet_pton(AF_INET6, "fd20:1:2::2", ip + 24);
	} else {
		memcpy(ip, "\x45\x00\x00\x28\x00\x01\x40\x00\x40\x06\x00\x00", 12);
		inet_pton(AF_INET, source, ip + 12);
		inet_pton(AF_INET, "10.128.0.2", ip + 16);
	}
	memcpy(tcp, "\x9c\x40\x01\xbb\x00\x00\x00\x01\x00\x00\x00\x00\x50\x02\xff\xff", 16);
	return ip6 ? 14 + 40 + 20 : 64;
}

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(2);
}

static void publish(struct bench *b)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	const struct vg_target target = {.ifindex = 1, .name = "bench0"};
	char text[4096];
	size_t n = snprintf(text, sizeof(text), "%s", config_head);

	for (size_t i = 0; i < VG_ARRAY_SIZE(prefixes); i++)
		n += snprintf(text + n, sizeof(text) - n, "    - %s\n", prefixes[i]);
	if (vg_rig_publish(&b->rig, text, n, &target, 1, &policy) < 0)
		die("can't publish");
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
	_cleanup_free_ char *entry = NULL;

	if (vg_rig_open(&b->rig) < 0)
		die("can't set up the dataplane (run it as root)");
	publish(b);
	if (asprintf(&entry, "%s/entry", b->rig.dir) < 0)
		die("no memory");
	b->entry_fd = bpf_obj_get(entry);
	b->drop = drop_bpf__open_and_load();
	b->lpm = lpm_bpf__open_and_load();
	if (b->entry_fd < 0 || !b->drop || !b->lpm)
		die("can't load the programs");
	fill_lpm(b);
}

static void bench_close(struct bench *b)
{
	vg_close_p(&b->entry_fd);
	drop_bpf__destroy(b->drop);
	lpm_bpf__destroy(b->lpm);
	vg_rig_close(&b->rig);
}

/* This thread's CPU time: what else runs on the machine is not counted. */
static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Nanoseconds a frame; checks that the program said what the case is about. */
static double time_program(int fd, const __u8 *frame, size_t length, int expected)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
		    .repeat = REPEAT);
	const double start = now_ns();

	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		die("BPF_PROG_TEST_RUN failed");
	if ((int)opts.retval != expected)
		die("a program gave the wrong verdict");
	return (now_ns() - start) / REPEAT;
}

static int double_order(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(*sorted), double_order);
	return sorted[ROUNDS / 2];
}

static double spread(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(*sorted), double_order);
	return sorted[ROUNDS * 3 / 4] - sorted[ROUNDS / 4];
}

/* One line a case: the three programs in turn, round by round. */
static json_t *run_case(const char *name, const char *source, int verdict,
			struct program programs[3])
{
	__u8 frame[FRAME_SIZE];
	const size_t length = make_frame(frame, source);
	double bare, lpm, ours;

	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < 3; i++)
			programs[i].nanoseconds[round] =
				time_program(programs[i].fd, frame, length, i ? verdict : XDP_DROP);
	bare = median(programs[0].nanoseconds);
	lpm = median(programs[1].nanoseconds) - bare;
	ours = median(programs[2].nanoseconds) - bare;
	printf("  %-16s %9.1f %12.1f %12.1f %11.1fx   (IQR %.1f / %.1f / %.1f)\n", name, bare, lpm,
	       ours, lpm / ours, spread(programs[0].nanoseconds), spread(programs[1].nanoseconds),
	       spread(programs[2].nanoseconds));
	return json_pack("{s:s, s:f, s:f, s:f}", "case", name, "bare_drop_ns", bare,
			 "lpm_over_bare_ns", lpm, "vpcgate_over_bare_ns", ours);
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

int main(void)
{
	struct bench b = {0};
	struct utsname host;
	json_t *cases = json_array();
	struct program programs[3];

	bench_open(&b);
	programs[0] = (struct program){.fd = bpf_program__fd(b.drop->progs.bench_drop)};
	programs[1] = (struct program){.fd = bpf_program__fd(b.lpm->progs.bench_lpm)};
	programs[2] = (struct program){.fd = b.entry_fd};
	uname(&host);
	printf("Linux %s, %d prefixes, %d rounds of %d frames; ns a frame, medians\n", host.release,
	       (int)VG_ARRAY_SIZE(prefixes), ROUNDS, REPEAT);
	printf("  %-16s %9s %12s %12s %12s\n", "case", "XDP_DROP", "LPM: over it", "ours: over it",
	       "LPM / ours");
	json_array_append_new(cases, run_case("IPv4 denied", "203.0.113.9", XDP_DROP, programs));
	json_array_append_new(cases, run_case("IPv4 admitted", "10.128.0.9", XDP_PASS, programs));
	json_array_append_new(cases, run_case("IPv6 denied", "2001:db8::9", XDP_DROP, programs));
	json_array_append_new(cases, run_case("IPv6 admitted", "fd20:1:2::9", XDP_PASS, programs));
	bench_close(&b);
	write_json(cases);
	return 0;
}
