/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* drops and counters: what the pinned maps have counted, once or again and again. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/explain.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/render.h"
#include "tools/vpcgate.h"

/* Counters as they were at one time, and at the time before with --watch. */
struct view {
	const struct vg_cli *cli;
	bool drops_only;
	struct vg_counters *now, *before; /* `before` may be NULL */
	double now_s, before_s;		  /* of the monotonic clock */
};

static double clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_shown(const struct view *view, const char *interface, enum vg_verdict verdict)
{
	if (view->drops_only && verdict == VG_VERDICT_PASS)
		return false;
	return !view->cli->interface || strcmp(interface, view->cli->interface) == 0;
}

static json_t *counters_to_json(const struct view *view)
{
	json_t *counters = json_array(), *services = json_array();

	for (size_t i = 0; i < view->now->n; i++) {
		const struct vg_counter *c = &view->now->items[i];

		if (!is_shown(view, c->interface, c->verdict))
			continue;
		json_array_append_new(counters,
				      json_pack("{ss ss ss ss? sI sI}", "interface", c->interface,
						"verdict", vg_verdict_text(c->verdict), "reason",
						vg_outcome_text(c->outcome), "source",
						*c->source ? c->source : NULL, "packets",
						(json_int_t)c->count.packets, "bytes",
						(json_int_t)c->count.bytes));
	}
	for (size_t i = 0; i < view->now->n_services; i++) {
		const struct vg_service_counter *c = &view->now->services[i];

		if (!is_shown(view, c->interface, c->verdict))
			continue;
		json_array_append_new(services, json_pack("{ss ss ss sI sI}", "interface",
							  c->interface, "service", c->service,
							  "verdict", vg_verdict_text(c->verdict),
							  "packets", (json_int_t)c->count.packets,
							  "bytes", (json_int_t)c->count.bytes));
	}
	return json_pack("{so so}", "counters", counters, "services", services);
}

static bool is_same_counter(const struct vg_counter *a, const struct vg_counter *b)
{
	return a->outcome == b->outcome && a->verdict == b->verdict &&
	       strcmp(a->interface, b->interface) == 0 && strcmp(a->source, b->source) == 0;
}

static bool is_same_service(const struct vg_service_counter *a, const struct vg_service_counter *b)
{
	return a->verdict == b->verdict && strcmp(a->interface, b->interface) == 0 &&
	       strcmp(a->service, b->service) == 0;
}

/* What the counter was before; 0 where it was not there, since only zeroes are left out. */
static __u64 packets_before(const struct view *view, const struct vg_counter *counter)
{
	for (size_t i = 0; i < view->before->n; i++) {
		if (is_same_counter(&view->before->items[i], counter))
			return view->before->items[i].count.packets;
	}
	return 0;
}

static __u64 service_packets_before(const struct view *view,
				    const struct vg_service_counter *counter)
{
	for (size_t i = 0; i < view->before->n_services; i++) {
		if (is_same_service(&view->before->services[i], counter))
			return view->before->services[i].count.packets;
	}
	return 0;
}

/* The last three cells of a row: packets, bytes and, with --watch, packets a second. */
static void add_numbers(struct vg_cells *cells, const struct view *view,
			const struct vg_count *count, __u64 before)
{
	char text[VG_RENDER_SIZE];

	vg_cells_add(cells, vg_render_count(count->packets, text));
	vg_cells_add(cells, vg_render_count(count->bytes, text));
	if (!view->cli->watch_s)
		return;
	if (!view->before)
		vg_cells_add(cells, "-");
	else
		vg_cells_add(cells, vg_render_rate(((double)count->packets - (double)before) /
							   (view->now_s - view->before_s),
						   text));
}

static enum vg_exit print_counters(const struct view *view)
{
	static const struct vg_column columns[] = {
		{.title = "INTERFACE"},
		{.title = "VERDICT", .colour = vg_render_verdict_colour},
		{.title = "REASON"},
		{.title = "SOURCE"},
		{.title = "PACKETS", .right = true},
		{.title = "BYTES", .right = true},
		{.title = "PACKETS/S", .right = true},
	};
	_cleanup_(vg_cells_done) struct vg_cells cells = {};

	for (size_t i = 0; i < view->now->n; i++) {
		const struct vg_counter *c = &view->now->items[i];

		if (!is_shown(view, c->interface, c->verdict))
			continue;
		vg_cells_add(&cells, c->interface);
		vg_cells_add(&cells, vg_verdict_text(c->verdict));
		vg_cells_add(&cells, vg_outcome_text(c->outcome));
		vg_cells_add(&cells, *c->source ? c->source : "-");
		add_numbers(&cells, view, &c->count, view->before ? packets_before(view, c) : 0);
	}
	if (!cells.n && !cells.failed) {
		printf("nothing %s%s%s yet\n", view->drops_only ? "dropped" : "counted",
		       view->cli->interface ? " on " : "",
		       view->cli->interface ? view->cli->interface : "");
		return VG_EXIT_DONE;
	}
	return vg_cells_print(&cells, columns,
			      VG_ARRAY_SIZE(columns) - (view->cli->watch_s ? 0 : 1));
}

/* Nothing where the policy has no services. */
static enum vg_exit print_services(const struct view *view)
{
	static const struct vg_column columns[] = {
		{.title = "INTERFACE"},
		{.title = "SERVICE"},
		{.title = "VERDICT", .colour = vg_render_verdict_colour},
		{.title = "PACKETS", .right = true},
		{.title = "BYTES", .right = true},
		{.title = "PACKETS/S", .right = true},
	};
	_cleanup_(vg_cells_done) struct vg_cells cells = {};

	for (size_t i = 0; i < view->now->n_services; i++) {
		const struct vg_service_counter *c = &view->now->services[i];

		if (!is_shown(view, c->interface, c->verdict))
			continue;
		vg_cells_add(&cells, c->interface);
		vg_cells_add(&cells, c->service);
		vg_cells_add(&cells, vg_verdict_text(c->verdict));
		add_numbers(&cells, view, &c->count,
			    view->before ? service_packets_before(view, c) : 0);
	}
	if (!cells.n && !cells.failed)
		return VG_EXIT_DONE;
	putchar('\n');
	return vg_cells_print(&cells, columns,
			      VG_ARRAY_SIZE(columns) - (view->cli->watch_s ? 0 : 1));
}

/* An interface that was never filtered is more likely a typing error than a quiet one. */
static enum vg_exit check_interface(const struct vg_cli *cli, const struct vg_counters *counters)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	char names[VG_MAX_INTERFACES * (IF_NAMESIZE + 2)] = "";
	struct vg_diag diag = {};
	size_t n = 0;

	for (size_t i = 0; i < counters->n; i++) {
		if (strcmp(counters->items[i].interface, cli->interface) == 0)
			return VG_EXIT_DONE;
	}
	if (vg_dataplane_links(cli->bpffs, &links, &n, &diag) < 0)
		return vg_cli_error("%s", diag.text);
	for (size_t i = 0; i < n; i++) {
		const size_t length = strlen(names);

		if (strcmp(links[i].name, cli->interface) == 0)
			return VG_EXIT_DONE;
		snprintf(names + length, sizeof(names) - length, "%s%s", length ? ", " : "",
			 links[i].name);
	}
	return vg_cli_error("no filter is attached to '%s'; there is one on: %s", cli->interface,
			    *names ? names : "none");
}

static void print_heading(const struct vg_cli *cli)
{
	const time_t now = time(NULL);
	struct tm local;
	char text[32];

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
	/* Home, then clear to the end: no flicker between two screens. */
	printf("%s%s, every %g s\n\n", isatty(STDOUT_FILENO) ? "\033[H\033[J" : "", text,
	       cli->watch_s);
}

static enum vg_exit print_view(const struct view *view)
{
	enum vg_exit result;

	if (view->cli->json) {
		json_auto_t *json = counters_to_json(view);

		vg_cli_print_json(json, view->cli->watch_s);
		return VG_EXIT_DONE;
	}
	if (view->cli->watch_s)
		print_heading(view->cli);
	result = print_counters(view);
	if (result == VG_EXIT_DONE && !view->drops_only)
		result = print_services(view);
	return result;
}

static enum vg_exit take_view(struct view *view)
{
	struct vg_diag diag = {};
	const int r = vg_counters_read(view->cli->bpffs, &view->now, &diag);

	if (r < 0)
		return vg_cli_pin_error(view->cli, r, &diag);
	view->now_s = clock_s();
	return VG_EXIT_DONE;
}

/* Being interrupted is how --watch ends; what was printed is flushed by then. */
static void stop_watching(int number)
{
	(void)number;
	_exit(VG_EXIT_DONE);
}

/* Until interrupted, or until standard output can't be written. */
static enum vg_exit watch(struct view *view)
{
	const double interval_s = view->cli->watch_s;
	enum vg_exit result = VG_EXIT_DONE;

	while (result == VG_EXIT_DONE && fflush(stdout) == 0) {
		struct timespec pause = {.tv_sec = (time_t)interval_s};

		pause.tv_nsec = (long)((interval_s - (double)pause.tv_sec) * 1e9);
		nanosleep(&pause, NULL);
		vg_counters_free(view->before);
		view->before = VG_TAKE_PTR(view->now);
		view->before_s = view->now_s;
		result = take_view(view);
		if (result != VG_EXIT_DONE)
			break;
		if (!view->cli->json && !isatty(STDOUT_FILENO))
			putchar('\n');
		result = print_view(view);
	}
	return result;
}

static enum vg_exit show(const struct vg_cli *cli, bool drops_only)
{
	struct view view = {.cli = cli, .drops_only = drops_only};
	enum vg_exit result = take_view(&view);

	if (result == VG_EXIT_DONE && cli->interface)
		result = check_interface(cli, view.now);
	if (cli->watch_s) {
		signal(SIGINT, stop_watching);
		signal(SIGTERM, stop_watching);
	}
	if (result == VG_EXIT_DONE)
		result = print_view(&view);
	if (result == VG_EXIT_DONE && cli->watch_s)
		result = watch(&view);
	vg_counters_free(view.now);
	vg_counters_free(view.before);
	return result;
}

enum vg_exit vg_cli_drops(const struct vg_cli *cli)
{
	return show(cli, true);
}

enum vg_exit vg_cli_counters(const struct vg_cli *cli)
{
	return show(cli, false);
}
