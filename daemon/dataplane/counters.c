// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters out of the pinned maps, with the names of their slots, summed over the CPUs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/explain.h"
#include "dataplane/internal.h"
#include "share/cleanup.h"

struct reader {
	int labels_fd, counters_fd, services_fd;
	int cpus;
	struct vg_interface_counters *copies; /* one a CPU */
	struct vg_service_counters *service_copies;
	struct vg_label labels[VG_LABEL_MAX];
	struct vg_counters *out;
};

static void reader_done(struct reader *reader)
{
	vg_close_p(&reader->labels_fd);
	vg_close_p(&reader->counters_fd);
	vg_close_p(&reader->services_fd);
	free(reader->copies);
	free(reader->service_copies);
	vg_counters_free(reader->out);
}

static int open_pin(const char *dir, enum vg_pin pin)
{
	char path[PATH_MAX];

	vg_pin_path(dir, vg_pin_names[pin], path);
	return bpf_obj_get(path);
}

/* All with one call, since every scrape and every `vpcgate status` does it. */
static int read_labels(struct reader *reader)
{
	__u32 keys[VG_LABEL_MAX], n = VG_LABEL_MAX, last;
	int r = bpf_map_lookup_batch(reader->labels_fd, NULL, &last, keys, reader->labels, &n,
				     NULL);

	/* -ENOENT: there are no more. */
	if (r < 0 && r != -ENOENT)
		return r;
	return n == VG_LABEL_MAX ? 0 : -EINVAL;
}

static int reader_open(struct reader *reader, const char *dir)
{
	reader->labels_fd = open_pin(dir, VG_PIN_LABELS);
	reader->counters_fd = open_pin(dir, VG_PIN_COUNTERS);
	reader->services_fd = open_pin(dir, VG_PIN_SERVICE_COUNTERS);
	if (reader->labels_fd < 0 || reader->counters_fd < 0 || reader->services_fd < 0)
		return -ENOENT;
	reader->cpus = libbpf_num_possible_cpus();
	if (reader->cpus < 0)
		return reader->cpus;
	reader->copies = calloc(reader->cpus, sizeof(*reader->copies));
	reader->service_copies = calloc(reader->cpus, sizeof(*reader->service_copies));
	reader->out = calloc(1, sizeof(*reader->out));
	if (!reader->copies || !reader->service_copies || !reader->out)
		return -ENOMEM;
	return read_labels(reader);
}

static const char *label(const struct reader *reader, unsigned index)
{
	return reader->labels[index].name;
}

static int add_counter(struct reader *reader, unsigned interface, unsigned row, unsigned source,
		       const struct vg_count *count)
{
	struct vg_counters *out = reader->out;
	struct vg_counter *items = reallocarray(out->items, out->n + 1, sizeof(*items));
	struct vg_counter *counter;

	if (!items)
		return -ENOMEM;
	out->items = items;
	counter = &items[out->n++];
	*counter = (struct vg_counter){
		.outcome = vg_row_outcome(row), .verdict = vg_row_verdict(row), .count = *count};
	memcpy(counter->interface, label(reader, VG_LABEL_INTERFACE + interface), VG_NAME_SIZE);
	memcpy(counter->source, label(reader, VG_LABEL_SOURCE + source), VG_NAME_SIZE);
	return 0;
}

static int read_interface(struct reader *reader, __u32 interface)
{
	int r = bpf_map_lookup_elem(reader->counters_fd, &interface, reader->copies);

	if (r < 0)
		return r;
	for (unsigned row = 0; row < VG_ROW_MAX; row++) {
		for (unsigned source = 0; source < VG_MAX_SOURCES; source++) {
			struct vg_count sum = {0};

			for (int cpu = 0; cpu < reader->cpus; cpu++) {
				sum.packets += reader->copies[cpu].count[row][source].packets;
				sum.bytes += reader->copies[cpu].count[row][source].bytes;
			}
			r = sum.packets ? add_counter(reader, interface, row, source, &sum) : 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int add_service(struct reader *reader, unsigned interface, unsigned service,
		       unsigned verdict, const struct vg_count *count)
{
	struct vg_counters *out = reader->out;
	struct vg_service_counter *items, *counter;

	items = reallocarray(out->services, out->n_services + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	out->services = items;
	counter = &items[out->n_services++];
	*counter = (struct vg_service_counter){.verdict = verdict, .count = *count};
	memcpy(counter->interface, label(reader, VG_LABEL_INTERFACE + interface), VG_NAME_SIZE);
	memcpy(counter->service, label(reader, VG_LABEL_SERVICE + service), VG_NAME_SIZE);
	return 0;
}

static int read_service(struct reader *reader, unsigned interface, unsigned service)
{
	const __u32 key = interface * VG_MAX_SERVICES + service;
	int r = bpf_map_lookup_elem(reader->services_fd, &key, reader->service_copies);

	for (unsigned verdict = 0; r >= 0 && verdict < VG_VERDICT_MAX; verdict++) {
		struct vg_count sum = {0};

		for (int cpu = 0; cpu < reader->cpus; cpu++) {
			sum.packets += reader->service_copies[cpu].count[verdict].packets;
			sum.bytes += reader->service_copies[cpu].count[verdict].bytes;
		}
		if (sum.packets)
			r = add_service(reader, interface, service, verdict, &sum);
	}
	return r;
}

static int read_all(struct reader *reader)
{
	for (unsigned i = 0; i < VG_MAX_INTERFACES; i++) {
		int r = *label(reader, VG_LABEL_INTERFACE + i) ? read_interface(reader, i) : 0;

		for (unsigned s = 0; r >= 0 && s < VG_MAX_SERVICES; s++)
			if (*label(reader, VG_LABEL_INTERFACE + i) &&
			    *label(reader, VG_LABEL_SERVICE + s))
				r = read_service(reader, i, s);
		if (r < 0)
			return r;
	}
	return 0;
}

int vg_counters_read(const char *dir, struct vg_counters **ret_counters, struct vg_diag *diag)
{
	_cleanup_(reader_done) struct reader reader = {
		.labels_fd = -1, .counters_fd = -1, .services_fd = -1};
	struct vg_state state;
	int r = vg_dataplane_state(dir, &state, diag);

	if (r < 0)
		return r;
	r = reader_open(&reader, dir);
	if (r >= 0)
		r = read_all(&reader);
	if (r < 0)
		return vg_dataplane_fail(diag, -r, "can't read the counters in %s: %s", dir,
					 strerror(-r));
	*ret_counters = VG_TAKE_PTR(reader.out);
	return 0;
}

void vg_counters_free(struct vg_counters *counters)
{
	if (!counters)
		return;
	free(counters->items);
	free(counters->services);
	free(counters);
}

void vg_counters_free_p(struct vg_counters **counters)
{
	vg_counters_free(*counters);
}
