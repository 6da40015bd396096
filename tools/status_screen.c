/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The status of daemon, policy and interfaces on one screen (members: share/wire.h). */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/render.h"
#include "tools/vpcgate.h"

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* "3 h 12 min" since a time; clocks that were set back make it "0 s". */
static const char *age_of(const json_t *object, const char *key, char *out)
{
	const json_int_t age = (json_int_t)time(NULL) - number_of(object, key);

	return vg_render_duration(age > 0 ? (__u64)age : 0, out);
}

static void print_daemon(const json_t *status)
{
	const json_t *daemon = json_object_get(status, "daemon");
	char age[VG_RENDER_SIZE];

	if (!json_is_object(daemon)) {
		puts("daemon     not running");
		return;
	}
	printf("daemon     vpcgated %s, pid %lld, up %s\n", vg_cli_text(daemon, "version", "?"),
	       (long long)number_of(daemon, "pid"), age_of(daemon, "started_s", age));
}

static void print_exporter(const json_t *status)
{
	const json_t *exporter = json_object_get(status, "exporter");

	if (json_is_string(exporter))
		printf("exporter   http://%s/metrics\n", json_string_value(exporter));
	else if (exporter)
		puts("exporter   off");
}

/* Only the daemon knows them all. */
static void print_flows(const json_t *status)
{
	const json_t *flows = json_object_get(status, "flows");
	char open[VG_RENDER_SIZE], max[VG_RENDER_SIZE], lost[VG_RENDER_SIZE];
	const json_int_t evicted = number_of(flows, "evicted") + number_of(flows, "full");

	if (json_is_null(flows))
		puts("flows      not tracked (`replies: off`)");
	if (!json_is_object(flows))
		return;
	printf("flows      %s open, room for %s of each IP version",
	       vg_render_count((__u64)number_of(flows, "open"), open),
	       vg_render_count((__u64)number_of(flows, "max"), max));
	if (evicted)
		printf(", %s%s lost for want of room%s", vg_render_colour(stdout, "brown"),
		       vg_render_count((__u64)evicted, lost), vg_render_colour(stdout, NULL));
	putchar('\n');
}

static void print_policy(const json_t *status)
{
	const json_t *policy = json_object_get(status, "policy");
	const char *enforcement = vg_cli_text(policy, "enforcement", "?");
	const bool monitor = strcmp(enforcement, "monitor") == 0;
	char age[VG_RENDER_SIZE];

	printf("policy     generation %lld, published %s ago, %s%s%s%s\n",
	       (long long)number_of(policy, "generation"), age_of(policy, "published_s", age),
	       vg_render_colour(stdout, monitor ? "brown" : "green"), enforcement,
	       vg_render_colour(stdout, NULL), monitor ? " (drops nothing)" : "");
}

/* "1 service", "2 services". */
static void print_number(json_int_t n, const char *one, const char *many)
{
	char count[VG_RENDER_SIZE];

	printf("%s %s", vg_render_count((__u64)n, count), n == 1 ? one : many);
}

static void print_contents(const json_t *status)
{
	const json_t *policy = json_object_get(status, "policy");
	const char *config = vg_cli_text(json_object_get(status, "daemon"), "config",
					 vg_cli_text(policy, "config", "?"));

	printf("config     %s\n", config);
	if (!json_object_get(policy, "table_bytes"))
		return;
	printf("           ");
	print_number(number_of(policy, "sets"), "source set", "source sets");
	printf(", ");
	print_number(number_of(policy, "prefixes4"), "IPv4 prefix", "IPv4 prefixes");
	printf(", ");
	print_number(number_of(policy, "prefixes6"), "IPv6 prefix", "IPv6 prefixes");
	printf(", ");
	print_number(number_of(policy, "services"), "service", "services");
	putchar('\n');
}

/* What the policy takes, and what it took to put it in force. */
static void print_cost(const json_t *status)
{
	const json_t *policy = json_object_get(status, "policy");
	const json_t *publish = json_object_get(policy, "publish");
	const double parse = number_of(publish, "parse_us") / 1e6;
	const double compile = number_of(publish, "compile_us") / 1e6;
	const double load = number_of(publish, "load_us") / 1e6;
	char size[VG_RENDER_SIZE], max[VG_RENDER_SIZE];

	if (!publish)
		return;
	printf("tables     %s (limit %s)\n",
	       vg_render_bytes((__u64)number_of(policy, "table_bytes"), size),
	       vg_render_bytes((__u64)number_of(policy, "table_bytes_max"), max));
	printf("publish    %.2f s of CPU time: parse %.2f s, compile %.2f s, load %.2f s\n",
	       parse + compile + load, parse, compile, load);
}

/* What a failed reload said is among the hints. */
static void print_reloads(const json_t *status)
{
	const json_t *reloads = json_object_get(status, "reloads");
	char age[VG_RENDER_SIZE];

	if (!reloads)
		return;
	printf("reloads    %lld succeeded, %lld failed", (long long)number_of(reloads, "succeeded"),
	       (long long)number_of(reloads, "failed"));
	if (vg_cli_text(reloads, "last_error", NULL))
		printf(", %sthe last one %s ago%s", vg_render_colour(stdout, "red"),
		       age_of(reloads, "last_error_s", age), vg_render_colour(stdout, NULL));
	putchar('\n');
}

static void print_trial(const json_t *status)
{
	const json_t *trial = json_object_get(status, "trial");
	char left[VG_RENDER_SIZE];

	if (!json_is_object(trial))
		return;
	printf("trial      %s%s left to `vpcgate confirm` generation %lld; then generation %lld "
	       "comes back%s\n",
	       vg_render_colour(stdout, "brown"),
	       vg_render_duration((__u64)number_of(trial, "left_s"), left),
	       (long long)number_of(trial, "generation"), (long long)number_of(trial, "back"),
	       vg_render_colour(stdout, NULL));
}

static const char *state_colour(const char *state)
{
	return strcmp(state, "attached") == 0 ? "green" : "red";
}

static void add_rate(struct vg_cells *cells, const json_t *interface, const char *verdict)
{
	const json_t *rate =
		json_object_get(json_object_get(interface, verdict), "packets_per_second");
	char text[VG_RENDER_SIZE];

	vg_cells_add(cells,
		     json_is_number(rate) ? vg_render_rate(json_number_value(rate), text) : "-");
}

static bool is_monitored(const json_t *status)
{
	const json_t *interface;
	size_t i;

	json_array_foreach(json_object_get(status, "interfaces"), i, interface) {
		if (number_of(json_object_get(interface, "would_drop"), "packets"))
			return true;
	}
	return strcmp(vg_cli_text(json_object_get(status, "policy"), "enforcement", ""),
		      "monitor") == 0;
}

/* The columns for `monitor` come last, so that they can be left out. */
static enum vg_exit print_interfaces(const json_t *status)
{
	static const struct vg_column columns[] = {
		{.title = "INTERFACE"},
		{.title = "STATE", .colour = state_colour},
		{.title = "MODE"},
		{.title = "INGRESS"},
		{.title = "PASSED", .right = true},
		{.title = "PASSED/S", .right = true},
		{.title = "DROPPED", .right = true},
		{.title = "DROPPED/S", .right = true},
		{.title = "WOULD-DROP", .right = true},
		{.title = "WOULD-DROP/S", .right = true},
	};
	static const char *const verdicts[] = {"pass", "drop", "would_drop"};
	const json_t *interfaces = json_object_get(status, "interfaces"), *interface;
	const size_t n_verdicts = is_monitored(status) ? 3 : 2;
	_cleanup_(vg_cells_done) struct vg_cells cells = {};
	size_t i;

	if (!json_array_size(interfaces)) {
		puts("\nno interface is filtered");
		return VG_EXIT_DONE;
	}
	json_array_foreach(interfaces, i, interface) {
		vg_cells_add(&cells, vg_cli_text(interface, "name", "?"));
		vg_cells_add(&cells, vg_cli_text(interface, "state", "?"));
		vg_cells_add(&cells, vg_cli_text(interface, "mode", "-"));
		vg_cells_add(&cells, vg_cli_text(interface, "ingress", "-"));
		for (size_t v = 0; v < n_verdicts; v++) {
			vg_cells_add_count(&cells,
					   number_of(json_object_get(interface, verdicts[v]),
						     "packets"));
			add_rate(&cells, interface, verdicts[v]);
		}
	}
	putchar('\n');
	return vg_cells_print(&cells, columns, 4 + 2 * n_verdicts);
}

/* A command stands on a line of its own, whole, so that it can be copied. */
static void print_obstacles(const json_t *interface)
{
	const json_t *obstacles = json_object_get(interface, "obstacles"), *obstacle;
	size_t i;

	if (json_array_size(obstacles))
		printf("\nin the way of native mode on %s:\n", vg_cli_text(interface, "name", "?"));
	json_array_foreach(obstacles, i, obstacle) {
		const char *command = vg_cli_text(obstacle, "command", NULL);

		vg_render_paragraph(stdout, "* ", vg_cli_text(obstacle, "text", "?"),
				    vg_render_width(stdout));
		if (command)
			printf("      %s\n", command);
	}
}

static void print_tuned(const json_t *interface)
{
	const json_t *tuned = json_object_get(interface, "tuned"), *setting;
	size_t i;

	if (json_array_size(tuned))
		printf("\nset for native mode on %s, until it is detached:\n",
		       vg_cli_text(interface, "name", "?"));
	json_array_foreach(tuned, i, setting)
		printf("* %s: %s (before: %s)\n", vg_cli_text(setting, "setting", "?"),
		       vg_cli_text(setting, "now", "?"), vg_cli_text(setting, "before", "?"));
}

static const char *feed_colour(const char *state)
{
	return strcmp(state, "fresh") == 0 ? "green" : "brown";
}

static enum vg_exit print_feeds(const json_t *status)
{
	static const struct vg_column columns[] = {{.title = "FEED"},
						   {.title = "STATE", .colour = feed_colour},
						   {.title = "RANGES", .right = true},
						   {.title = "AGE", .right = true}};
	const json_t *feeds = json_object_get(status, "feeds"), *feed;
	_cleanup_(vg_cells_done) struct vg_cells cells = {};
	char age[VG_RENDER_SIZE];
	size_t i;

	json_array_foreach(feeds, i, feed) {
		const bool answered = json_is_integer(json_object_get(feed, "age_s"));

		vg_cells_add(&cells, vg_cli_text(feed, "feed", "?"));
		vg_cells_add(&cells, vg_cli_text(feed, "state", "?"));
		if (answered)
			vg_cells_add_count(&cells, number_of(feed, "ranges"));
		else
			vg_cells_add(&cells, "-");
		vg_cells_add(&cells,
			     answered ? vg_render_duration((__u64)number_of(feed, "age_s"), age)
				      : "-");
	}
	if (cells.n)
		putchar('\n');
	return vg_cells_print(&cells, columns, VG_ARRAY_SIZE(columns));
}

static void print_hints(const json_t *status)
{
	const json_t *hints = json_object_get(status, "hints"), *hint;
	size_t i;

	if (json_array_size(hints))
		putchar('\n');
	json_array_foreach(hints, i, hint)
		vg_render_paragraph(stdout, "* ", json_string_value(hint), vg_render_width(stdout));
}

enum vg_exit vg_status_print(const json_t *status)
{
	const json_t *interface;
	enum vg_exit result;
	size_t i;

	print_daemon(status);
	print_policy(status);
	print_contents(status);
	print_cost(status);
	print_reloads(status);
	print_trial(status);
	print_exporter(status);
	print_flows(status);
	result = print_interfaces(status);
	json_array_foreach(json_object_get(status, "interfaces"), i, interface) {
		print_obstacles(interface);
		print_tuned(interface);
	}
	if (result == VG_EXIT_DONE)
		result = print_feeds(status);
	print_hints(status);
	return result;
}
