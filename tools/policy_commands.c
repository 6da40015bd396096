/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check, ranges and validate: questions about a policy, the daemon's or that of a file. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "core/tables.h"
#include "share/check.h"
#include "share/cleanup.h"
#include "share/render.h"
#include "share/set_ranges.h"
#include "tools/vpcgate.h"

static void print_list(const char *label, const json_t *names, const char *none)
{
	const json_t *name;
	size_t i;

	printf("  %-8s ", label);
	json_array_foreach(names, i, name)
		printf("%s%s", i ? ", " : "", json_string_value(name));
	puts(json_array_size(names) ? "" : none);
}

/* "203.0.113.9 -> 198.51.100.7 tcp/443 on ens4: DROP  not-admitted" */
static void print_verdict(const json_t *answer)
{
	const char *to = vg_cli_text(answer, "to", ""), *port = vg_cli_text(answer, "port", "");
	const char *verdict = vg_cli_text(answer, "verdict", "?");

	printf("%s%s%s%s%s on %s: %s", vg_cli_text(answer, "address", "?"),
	       *to || *port ? " -> " : "", to, *to && *port ? " " : "", port,
	       vg_cli_text(answer, "interface", "?"),
	       vg_render_colour(stdout, vg_render_verdict_colour(verdict)));
	for (const char *c = verdict; *c; c++)
		putchar(toupper((unsigned char)*c));
	printf("%s  %s\n", vg_render_colour(stdout, NULL), vg_cli_text(answer, "reason", "?"));
}

static void print_check(const json_t *answer)
{
	const char *prefix = vg_cli_text(answer, "prefix", NULL);
	const char *origin = vg_cli_text(answer, "origin", NULL);
	const char *service = vg_cli_text(answer, "service", NULL);
	const char *ingress = vg_cli_text(answer, "ingress", "?");
	const json_t *sets = json_object_get(answer, "sets"), *note;
	size_t i;

	print_verdict(answer);
	if (origin)
		printf("  prefix   %s (%s)\n", prefix, origin);
	else
		printf("  prefix   %s\n", prefix ? prefix : "none");
	print_list("sets", sets, "none");
	if (json_array_size(sets) > 1)
		printf("  counted  %s\n", vg_cli_text(answer, "source", "none"));
	if (service)
		printf("  service  %s (ingress: %s)\n", service, ingress);
	else
		printf("  ingress  %s (of the interface)\n", ingress);
	if (strcmp(ingress, "all") == 0)
		puts("  admits   everyone");
	else
		print_list("admits", json_object_get(answer, "admits"), "no one");
	json_array_foreach(json_object_get(answer, "notes"), i, note)
		printf("  note     %s\n", json_string_value(note));
}

/* Asks `path`, whose errors are all input errors here. */
static enum vg_exit check_file(const struct vg_check *check, const char *path, json_t **ret_answer)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_diag diag = {};

	if (vg_cli_read_policy(path, &policy) != VG_EXIT_DONE)
		return VG_EXIT_ERROR;
	if (vg_check_json(policy, check, ret_answer, &diag) < 0)
		return vg_cli_error("%s", diag.text);
	return VG_EXIT_DONE;
}

enum vg_exit vg_cli_check(const struct vg_cli *cli)
{
	const struct vg_check check = {cli->operand, cli->to, cli->port, cli->interface};
	const char *const pairs[] = {"address",	  check.address,   "to",
				     check.to,	  "port",	   check.port,
				     "interface", check.interface, NULL};
	json_auto_t *answer = NULL;
	struct vg_diag diag = {};
	int r;

	if (cli->config) {
		if (check_file(&check, cli->config, &answer) != VG_EXIT_DONE)
			return VG_EXIT_ERROR;
	} else {
		r = vg_cli_ask(cli, "check", pairs, &answer, &diag);
		if (r < 0)
			return vg_cli_ask_error(cli, r, &diag,
						"name a config to ask instead: "
						"--config /etc/vpcgate/vpcgate.yaml");
	}
	if (cli->json)
		vg_cli_print_json(answer, false);
	else
		print_check(answer);
	return strcmp(vg_cli_text(answer, "verdict", ""), "drop") == 0 ? VG_EXIT_NO : VG_EXIT_DONE;
}

/* When a server gave what it holds: "3 min 2 s" ago, or "never read"; nothing of the config's own. */
static void add_age(struct vg_cells *cells, const json_t *origin, time_t now)
{
	const json_int_t read_s = json_integer_value(json_object_get(origin, "read_s"));
	char age[VG_RENDER_SIZE];

	if (json_is_true(json_object_get(origin, "unread")))
		vg_cells_add(cells, "never read");
	else if (read_s)
		vg_cells_add(cells, vg_render_duration(now > read_s ? now - read_s : 0, age));
	else
		vg_cells_add(cells, "");
}

/* Of each set, how many ranges came from where, and how old they are. */
static enum vg_exit print_origins(const json_t *answer)
{
	static const struct vg_column columns[] = {{.title = "SET"},
						   {.title = "ORIGIN"},
						   {.title = "PREFIXES", .right = true},
						   {.title = "AGE"}};
	_cleanup_(vg_cells_done) struct vg_cells cells = {};
	const time_t now = time(NULL);
	const json_t *set, *origin;
	size_t i, j;

	json_array_foreach(json_object_get(answer, "sets"), i, set) {
		json_array_foreach(json_object_get(set, "origins"), j, origin) {
			vg_cells_add(&cells, vg_cli_text(set, "name", ""));
			vg_cells_add(&cells, vg_cli_text(origin, "origin", ""));
			vg_cells_add_count(&cells,
					   json_integer_value(json_object_get(origin, "count")));
			add_age(&cells, origin, now);
		}
	}
	if (cells.n)
		puts("");
	return vg_cells_print(&cells, columns, VG_ARRAY_SIZE(columns));
}

static enum vg_exit print_ranges(const json_t *answer)
{
	static const struct vg_column columns[] = {
		{.title = "SET"}, {.title = "PREFIX"}, {.title = "ORIGIN"}, {.title = "STATED BY"}};
	_cleanup_(vg_cells_done) struct vg_cells cells = {};
	const json_t *set, *range;
	size_t i, j;

	json_array_foreach(json_object_get(answer, "sets"), i, set) {
		json_array_foreach(json_object_get(set, "ranges"), j, range) {
			vg_cells_add(&cells, vg_cli_text(set, "name", ""));
			vg_cells_add(&cells, vg_cli_text(range, "prefix", ""));
			vg_cells_add(&cells, vg_cli_text(range, "origin", ""));
			vg_cells_add(&cells, vg_cli_text(range, "page", ""));
		}
		if (json_array_size(json_object_get(set, "ranges")) > 0)
			continue;
		vg_cells_add(&cells, vg_cli_text(set, "name", ""));
		vg_cells_add(&cells, "(empty)");
		vg_cells_add(&cells, "");
		vg_cells_add(&cells, "");
	}
	return vg_cells_print(&cells, columns, VG_ARRAY_SIZE(columns));
}

static enum vg_exit ranges_file(const char *path, const char *set, json_t **ret_answer)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_diag diag = {};

	if (vg_cli_read_policy(path, &policy) != VG_EXIT_DONE)
		return VG_EXIT_ERROR;
	if (vg_ranges_json(policy, set, ret_answer, &diag) < 0)
		return vg_cli_error("%s", diag.text);
	return VG_EXIT_DONE;
}

enum vg_exit vg_cli_ranges(const struct vg_cli *cli)
{
	const char *const pairs[] = {"set", cli->set, NULL};
	json_auto_t *answer = NULL;
	struct vg_diag diag = {};
	int r;

	if (cli->config) {
		if (ranges_file(cli->config, cli->set, &answer) != VG_EXIT_DONE)
			return VG_EXIT_ERROR;
	} else {
		r = vg_cli_ask(cli, "ranges", pairs, &answer, &diag);
		if (r < 0)
			return vg_cli_ask_error(cli, r, &diag,
						"name a config to ask instead: "
						"--config /etc/vpcgate/vpcgate.yaml");
	}
	if (cli->json) {
		vg_cli_print_json(answer, false);
		return VG_EXIT_DONE;
	}
	if (print_ranges(answer) != VG_EXIT_DONE)
		return VG_EXIT_ERROR;
	return print_origins(answer);
}

/* What the daemon alone can add: nobody was asked here. */
static void print_unasked(const struct vg_policy *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_feeds; i++)
		n += vg_feed_is_remote(&policy->feeds[i]);
	if (n)
		printf(", without what %zu feed%s of servers hold%s", n, n == 1 ? "" : "s",
		       n == 1 ? "s" : "");
}

enum vg_exit vg_cli_validate(const struct vg_cli *cli)
{
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	_cleanup_(vg_tables_free_p) struct vg_tables *tables = NULL;
	struct vg_diag diag = {};
	char size[VG_RENDER_SIZE];
	enum vg_exit result;
	int r;

	result = vg_cli_read_policy(cli->operand, &policy);
	if (result != VG_EXIT_DONE)
		return result;
	r = vg_tables_build(policy, &tables, &diag);
	if (r == -E2BIG)
		return vg_cli_refused(&diag);
	if (r < 0)
		return vg_cli_error("cannot compile %s: %s", cli->operand, strerror(-r));
	printf("%s: accepted: %zu source set%s, %zu IPv4 and %zu IPv6 prefixes, %zu service%s; "
	       "tables take %s",
	       cli->operand, policy->n_sets, policy->n_sets == 1 ? "" : "s", policy->n_prefixes4,
	       policy->n_prefixes6, policy->n_services, policy->n_services == 1 ? "" : "s",
	       vg_render_bytes(vg_tables_bytes(tables), size));
	print_unasked(policy);
	puts("");
	return VG_EXIT_DONE;
}
