/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "share/cleanup.h"
#include "share/render.h"
#include "tools/changes.h"
#include "tools/preview.h"

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_end(struct vg_cells *cells, const json_t *connection, const char *address,
		    const char *port)
{
	char text[128];

	snprintf(text, sizeof(text), "%s port %lld", vg_cli_text(connection, address, "?"),
		 (long long)number_of(connection, port));
	vg_cells_add(cells, text);
}

static enum vg_exit print_list(const json_t *list)
{
	static const struct vg_column columns[] = {{.title = "FROM"},	   {.title = "TO"},
						   {.title = "OPENED BY"}, {.title = "INTERFACE"},
						   {.title = "SERVICE"},   {.title = "REASON"}};
	_cleanup_(vg_cells_done) struct vg_cells cells = {};
	const json_t *connection;
	size_t i;

	json_array_foreach(list, i, connection) {
		const bool inbound = json_is_true(json_object_get(connection, "inbound"));

		add_end(&cells, connection, "remote", "remote_port");
		add_end(&cells, connection, "local", "local_port");
		vg_cells_add(&cells, inbound ? "them" : "this host");
		vg_cells_add(&cells, vg_cli_text(connection, "interface", "?"));
		vg_cells_add(&cells, vg_cli_text(connection, "service", "-"));
		vg_cells_add(&cells, vg_cli_text(connection, "reason", "?"));
	}
	return vg_cells_print(&cells, columns, VG_ARRAY_SIZE(columns));
}

static enum vg_exit print_connections(const json_t *connections)
{
	const json_t *list = json_object_get(connections, "list");
	const json_int_t refused = number_of(connections, "refused");
	const json_int_t unjudged = number_of(connections, "unjudged");
	const json_int_t more = refused - (json_int_t)json_array_size(list);
	enum vg_exit result = VG_EXIT_DONE;

	if (!json_is_object(connections)) {
		puts("which connections it would refuse can't be told: the kernel doesn't list them");
		return VG_EXIT_DONE;
	}
	printf("of %lld open TCP connections it would refuse %lld%s\n",
	       (long long)number_of(connections, "open"), (long long)refused, refused ? ":" : "");
	if (refused)
		result = print_list(list);
	if (more > 0)
		printf("and %lld more\n", (long long)more);
	if (unjudged)
		printf("%lld were not looked at, for lack of time\n", (long long)unjudged);
	return result;
}

static void print_sources(const json_t *sources)
{
	char count[VG_RENDER_SIZE];
	const json_t *source;
	size_t i;

	json_array_foreach(sources, i, source)
		printf("%s has passed %s packets of %s so far, and would admit %s no more\n",
		       vg_cli_text(source, "interface", "?"),
		       vg_render_count((__u64)number_of(source, "packets"), count),
		       vg_cli_text(source, "source", "sources in no set"),
		       json_is_string(json_object_get(source, "source")) ? "it" : "them");
}

static enum vg_exit print_screen(const json_t *preview)
{
	const char *unanswered = vg_cli_text(preview, "unanswered", NULL);
	const json_t *session = json_object_get(preview, "session");
	enum vg_exit result;

	vg_changes_print(json_object_get(preview, "changes"));
	if (unanswered)
		printf("%s has not answered yet: without its ranges, which may admit more than is "
		       "said here, the config is refused\n",
		       unanswered);
	print_sources(json_object_get(preview, "sources"));
	result = print_connections(json_object_get(preview, "connections"));
	if (json_is_object(session))
		printf("%syour own session from %s would be refused%s\n",
		       vg_render_colour(stdout, "red"), vg_cli_text(session, "remote", "?"),
		       vg_render_colour(stdout, NULL));
	return result;
}

enum vg_exit vg_preview_print(const struct vg_cli *cli, const json_t *preview)
{
	if (!cli->json)
		return print_screen(preview);
	vg_cli_print_json(preview, false);
	return VG_EXIT_DONE;
}

/* ---- asking ---- */

static bool is_agreed(void)
{
	char answer[16];

	fputs("Continue? [y/N] ", stderr);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

/* Nobody is there to be asked: a script must not wait. */
static enum vg_exit decide_alone(const struct vg_cli *cli)
{
	if (cli->confirm_s) {
		fputs("Unless it is confirmed, it goes by itself.\n", stderr);
		return VG_EXIT_DONE;
	}
	fputs("`vpcgate apply --confirm 60s` goes back by itself unless it is confirmed; --yes goes "
	      "on all the same.\n",
	      stderr);
	return VG_EXIT_ERROR;
}

enum vg_exit vg_preview_agree(const struct vg_cli *cli, const json_t *preview)
{
	const json_t *own = json_object_get(preview, "session");

	if (!json_is_object(own))
		return VG_EXIT_DONE;
	vg_cli_error("this would refuse your own session from %s (%s on %s).",
		     vg_cli_text(own, "remote", "?"), vg_cli_text(own, "reason", "?"),
		     vg_cli_text(own, "interface", "?"));
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return decide_alone(cli);
	if (is_agreed())
		return VG_EXIT_DONE;
	fputs("nothing has changed\n", stderr);
	return VG_EXIT_NO;
}
