// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/gate.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "tests/bench/die.h"
#include "tests/bench/frames.h"

#define BPFFS "/sys/fs/bpf"

/* ---- time ---- */

static double now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void step_begin(struct gate_step *step)
{
	step->cpu_ms = -now_ms(CLOCK_PROCESS_CPUTIME_ID);
	step->clock_ms = -now_ms(CLOCK_MONOTONIC);
}

static void step_end(struct gate_step *step)
{
	step->cpu_ms += now_ms(CLOCK_PROCESS_CPUTIME_ID);
	step->clock_ms += now_ms(CLOCK_MONOTONIC);
}

/* ---- from config to policy ---- */

/* A file that this process alone sees, through a path that the config's reader can open. */
struct memory_file {
	FILE *stream;
	char path[32];
};

static void memory_file_open(struct memory_file *ret_file)
{
	const int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0)
		die("memfd_create: %s", strerror(errno));
	snprintf(ret_file->path, sizeof(ret_file->path), "/proc/self/fd/%d", fd);
	ret_file->stream = fdopen(fd, "w");
	if (!ret_file->stream)
		die("no memory");
}

static void memory_file_close(struct memory_file *file)
{
	fclose(file->stream);
}

/* A set's name: the first is admitted by the ingress setting. */
static const char *set_name(unsigned set, char out[16])
{
	if (!set)
		return "vpc";
	snprintf(out, 16, "set%u", set);
	return out;
}

static void write_sources(const struct gate_wish *wish, unsigned sets, struct memory_file *files,
			  FILE *to)
{
	char name[16];

	fputs("sources:\n", to);
	for (unsigned i = 0; i < sets; i++) {
		prefixes_write(wish->prefixes, i, sets, files[i].stream);
		if (fflush(files[i].stream) != 0)
			die("no memory");
		fprintf(to, "  %s: [\"file:%s\"]\n", set_name(i, name), files[i].path);
	}
}

static void write_config(const struct gate_wish *wish, unsigned sets, struct memory_file *files,
			 FILE *to)
{
	char name[16];

	fprintf(to, "interfaces: [bench0]\ningress: internal\nreplies: %s\n",
		wish->track ? "track" : "off");
	for (unsigned i = 2; i < sets; i += 2)
		fprintf(to, "%s%s", i == 2 ? "also-admit: [" : ", ", set_name(i, name));
	if (sets > 2)
		fputs("]\n", to);
	write_sources(wish, sets, files, to);
	if (wish->services)
		fputs("services:\n", to);
	for (unsigned i = 0; i < wish->services; i++)
		fprintf(to, "  - {name: s%u, protocol: tcp, port: %u}\n", i, SERVICE_PORT + i);
	if (fflush(to) != 0)
		die("no memory");
}

static void read_policy(const struct gate_wish *wish, struct gate *gate, struct vg_diag *diag)
{
	_cleanup_(memory_file_close) struct memory_file config = {0};
	const unsigned sets = wish->sets ? wish->sets : 1;
	struct memory_file files[GATE_SETS];
	int r;

	memory_file_open(&config);
	for (unsigned i = 0; i < sets; i++)
		memory_file_open(&files[i]);
	write_config(wish, sets, files, config.stream);
	step_begin(&gate->parse);
	r = vg_policy_read(config.path, &vg_file_reader, &gate->policy, diag);
	step_end(&gate->parse);
	if (r < 0)
		die("%s", diag->text);
	for (unsigned i = 0; i < sets; i++)
		memory_file_close(&files[i]);
}

/* ---- from policy to programs ---- */

static void publish(struct gate *gate, struct vg_diag *diag)
{
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	const struct vg_target target = {.ifindex = 1, .name = "bench0"};
	int r;

	step_begin(&gate->compile);
	r = vg_tables_build(gate->policy, &tables, diag);
	step_end(&gate->compile);
	if (r < 0)
		die("%s", diag->text);
	gate->table_bytes = vg_tables_bytes(tables);
	step_begin(&gate->load);
	r = vg_dataplane_publish(gate->dataplane, gate->policy, tables, &target, 1, diag);
	step_end(&gate->load);
	if (r < 0)
		die("%s", diag->text);
}

int gate_pin(const struct gate *gate, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", gate->dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die("%s: %s", path, strerror(-fd));
	return fd;
}

void gate_open(const struct gate_wish *wish, struct gate *ret_gate)
{
	static unsigned number;
	struct vg_diag diag = {0};
	struct vg_state state;

	*ret_gate = (struct gate){.entry_fd = -1, .egress_fd = -1};
	snprintf(ret_gate->dir, sizeof(ret_gate->dir), BPFFS "/gate-%u", number++);
	if (vg_dataplane_open(ret_gate->dir, &ret_gate->dataplane, &diag) < 0)
		die("%s", diag.text);
	read_policy(wish, ret_gate, &diag);
	publish(ret_gate, &diag);
	ret_gate->entry_fd = gate_pin(ret_gate, "entry");
	ret_gate->egress_fd = gate_pin(ret_gate, "egress");
	if (vg_dataplane_state(ret_gate->dir, &state, &diag) < 0)
		die("%s", diag.text);
	ret_gate->frags = state.frags;
}

void gate_close(struct gate *gate)
{
	struct vg_diag diag = {0};

	vg_close_p(&gate->entry_fd);
	vg_close_p(&gate->egress_fd);
	vg_dataplane_close(gate->dataplane);
	vg_policy_free(gate->policy);
	if (vg_dataplane_remove(gate->dir, &diag) < 0)
		die("%s", diag.text);
}

/* ---- what is in it ---- */

static void make_flow(size_t i, struct vg_flow_info *flow)
{
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

void gate_seed(struct gate *gate, size_t n)
{
	_cleanup_free_ struct vg_flow_info *flows = calloc(n, sizeof(*flows));
	struct vg_diag diag = {0};
	size_t added = 0;

	if (!flows)
		die("no memory");
	for (size_t i = 0; i < n; i++)
		make_flow(i, &flows[i]);
	if (vg_dataplane_seed(gate->dataplane, flows, n, &added, &diag) < 0)
		die("%s", diag.text);
	if (added != n)
		die("%zu flows were added of %zu", added, n);
}

void gate_source_slots(const struct gate *gate, __u8 slots[VG_MAX_POLICY_SETS])
{
	_cleanup_close_ int fd = gate_pin(gate, "labels");

	for (__u32 slot = 0; slot < VG_MAX_SOURCES; slot++) {
		const __u32 key = VG_LABEL_SOURCE + slot;
		struct vg_label label;
		int set;

		if (bpf_map_lookup_elem(fd, &key, &label) < 0)
			die("can't read the labels");
		set = label.name[0] ? vg_policy_set(gate->policy, label.name) : -ENOENT;
		if (set >= 0)
			slots[set] = slot;
	}
}
