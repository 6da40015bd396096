/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* history and rollback. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/render.h"
#include "tools/changes.h"
#include "tools/install.h"
#include "tools/preview.h"
#include "tools/session.h"

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

int vg_cli_ask_history(const struct vg_cli *cli, json_int_t generation, json_t **ret_answer,
		       struct vg_diag *diag)
{
	json_auto_t *request = json_pack("{ss}", "command", "history");

	if (!request)
		return -ENOMEM;
	if (generation)
		json_object_set_new(request, "generation", json_integer(generation));
	return vg_cli_request(cli, request, ret_answer, diag);
}

enum vg_exit vg_cli_parse_generation(const char *text, json_int_t *ret_generation)
{
	char *end;

	errno = 0;
	*ret_generation = strtoll(text, &end, 10);
	if (end == text || *end || errno || *ret_generation < 1)
		return vg_cli_error("'%s' is no generation; see `vpcgate history`", text);
	return VG_EXIT_DONE;
}

/* ---- history ---- */

/* "alice (root)", "root", "uid 1000". */
static const char *who(const json_t *entry, char *out, size_t size)
{
	const json_t *by = json_object_get(entry, "by");
	const char *login = vg_cli_text(by, "login", "");
	const struct passwd *user;
	char name[64];

	if (!json_is_object(by))
		return "-";
	user = getpwuid((uid_t)number_of(by, "uid"));
	if (user)
		snprintf(name, sizeof(name), "%s", user->pw_name);
	else
		snprintf(name, sizeof(name), "uid %lld", (long long)number_of(by, "uid"));
	if (*login && strcmp(login, name) != 0)
		snprintf(out, size, "%s (%s)", login, name);
	else
		snprintf(out, size, "%s", name);
	return out;
}

/* "apply new.yaml", "rollback to 3", "return to 3"; with what became of a trial. */
static const char *how(const json_t *entry, const json_t *waiting, char *out, size_t size)
{
	const json_t *trial = json_object_get(entry, "trial");
	const json_int_t restores = number_of(entry, "restores");
	const char *file = vg_cli_text(entry, "file", "");
	const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	const char *state = "";
	char to[32] = "";

	if (restores)
		snprintf(to, sizeof(to), " to %lld", (long long)restores);
	if (json_is_object(trial))
		state = json_is_true(json_object_get(trial, "confirmed")) ? ", confirmed"
			: number_of(waiting, "generation") == number_of(entry, "generation")
				? ", on trial"
				: ", not confirmed";
	snprintf(out, size, "%s%s%s%s%s", vg_cli_text(entry, "cause", "?"), *name ? " " : "", name,
		 to, state);
	return out;
}

static const char *when(const json_t *entry, char *out, size_t size)
{
	const time_t time_s = (time_t)number_of(entry, "time_s");
	struct tm local;

	if (!localtime_r(&time_s, &local) || !strftime(out, size, "%Y-%m-%d %H:%M:%S", &local))
		return "?";
	return out;
}

static enum vg_exit print_history(const json_t *history)
{
	static const struct vg_column columns[] = {{.title = "GENERATION", .right = true},
						   {.title = "WHEN"},
						   {.title = "WHO"},
						   {.title = "HOW"},
						   {.title = "CHANGES"}};
	const json_t *entries = json_object_get(history, "entries");
	const char *error = vg_cli_text(history, "error", NULL);
	_cleanup_(vg_cells_done) struct vg_cells cells = {};
	char text[512];

	for (size_t i = json_array_size(entries); i-- > 0;) {
		const json_t *entry = json_array_get(entries, i);

		snprintf(text, sizeof(text), "%lld", (long long)number_of(entry, "generation"));
		vg_cells_add(&cells, text);
		vg_cells_add(&cells, when(entry, text, sizeof(text)));
		vg_cells_add(&cells, who(entry, text, sizeof(text)));
		vg_cells_add(&cells,
			     how(entry, json_object_get(history, "trial"), text, sizeof(text)));
		vg_cells_add(&cells, vg_changes_summary(json_object_get(entry, "changes"), text,
							sizeof(text)));
	}
	if (error)
		vg_cli_error("%s", error);
	return vg_cells_print(&cells, columns, VG_ARRAY_SIZE(columns));
}

enum vg_exit vg_cli_history(const struct vg_cli *cli)
{
	json_auto_t *history = NULL;
	json_int_t generation = 0;
	struct vg_diag diag = {};
	int r;

	if (cli->operand && vg_cli_parse_generation(cli->operand, &generation) != VG_EXIT_DONE)
		return VG_EXIT_ERROR;
	r = vg_cli_ask_history(cli, generation, &history, &diag);
	if (r < 0)
		return vg_cli_ask_error(cli, r, &diag, "start it with `systemctl start vpcgated`");
	if (cli->json) {
		vg_cli_print_json(history, false);
		return VG_EXIT_DONE;
	}
	if (!generation)
		return print_history(history);
	fputs(vg_cli_text(history, "text", ""), stdout);
	return VG_EXIT_DONE;
}

/* ---- rollback ---- */

/* While a policy is on trial, to end that is what is meant. */
static enum vg_exit choose(const struct vg_cli *cli, json_int_t *ret_generation)
{
	json_auto_t *history = NULL;
	struct vg_diag diag = {};
	int r;

	if (cli->operand)
		return vg_cli_parse_generation(cli->operand, ret_generation);
	r = vg_cli_ask_history(cli, 0, &history, &diag);
	if (r < 0)
		return vg_cli_ask_error(cli, r, &diag, "start it with `systemctl start vpcgated`");
	*ret_generation = number_of(json_object_get(history, "trial"), "back");
	if (!*ret_generation)
		*ret_generation = number_of(history, "rollback");
	if (*ret_generation)
		return VG_EXIT_DONE;
	vg_cli_error("there is no other config to go back to; see `vpcgate history`");
	return VG_EXIT_NO;
}

static enum vg_exit refuse(const struct vg_cli *cli, int error, const struct vg_diag *diag)
{
	if (error != -EREMOTEIO)
		return vg_cli_ask_error(cli, error, diag,
					"start it with `systemctl start vpcgated`");
	fprintf(stderr, "%s\n", diag->text);
	return VG_EXIT_NO;
}

static json_t *request_of(json_int_t generation)
{
	return json_pack("{ss sI ss}", "command", "rollback", "generation", generation, "login",
			 vg_cli_login());
}

/* What would change, or whether it may: not where it would cut off whoever asks for it. */
static enum vg_exit look_ahead(const struct vg_cli *cli, json_int_t generation)
{
	_cleanup_free_ char *session = vg_session_find();
	json_auto_t *request = request_of(generation), *preview = NULL;
	struct vg_diag diag = {};
	int r;

	if (!cli->dry_run && (cli->yes || !session))
		return VG_EXIT_DONE;
	json_object_set_new(request, "dry_run", json_true());
	if (session)
		json_object_set_new(request, "session", json_string(session));
	r = vg_cli_request(cli, request, &preview, &diag);
	if (r < 0)
		return refuse(cli, r, &diag);
	return cli->dry_run ? vg_preview_print(cli, preview) : vg_preview_agree(cli, preview);
}

/* Where that can't be, the filter goes back all the same: it is urgent. */
static enum vg_exit install(const json_t *former, struct vg_install *prepared, int error)
{
	const char *config = vg_cli_text(former, "config", "");

	if (error < 0) {
		vg_install_error(config, error);
		return vg_cli_error("a restart or a reload puts in force what %s holds", config);
	}
	return vg_install_commit(prepared);
}

static enum vg_exit roll_back(const struct vg_cli *cli, json_int_t generation)
{
	_cleanup_(vg_install_done) struct vg_install prepared = {};
	json_auto_t *former = NULL, *request = request_of(generation), *answer = NULL;
	struct vg_diag diag = {};
	const json_t *text;
	enum vg_exit result;
	int r, error;

	r = vg_cli_ask_history(cli, generation, &former, &diag);
	if (r == -EPERM)
		return vg_cli_denied("rollback");
	if (r < 0)
		return refuse(cli, r, &diag);
	vg_cli_hold_signals();
	text = json_object_get(former, "text");
	error = vg_install_prepare(vg_cli_text(former, "config", ""), json_string_value(text),
				   json_string_length(text), &prepared);
	r = vg_cli_request(cli, request, &answer, &diag);
	if (r < 0)
		return refuse(cli, r, &diag);
	result = install(former, &prepared, error);
	if (cli->json)
		vg_cli_print_json(answer, false);
	else
		printf("generation %lld is in force, with the config of generation %lld\n",
		       (long long)number_of(answer, "generation"), (long long)generation);
	return result;
}

enum vg_exit vg_cli_rollback(const struct vg_cli *cli)
{
	json_int_t generation = 0;
	enum vg_exit result;

	result = choose(cli, &generation);
	if (result == VG_EXIT_DONE)
		result = look_ahead(cli, generation);
	if (result == VG_EXIT_DONE && !cli->dry_run)
		result = roll_back(cli, generation);
	return result;
}
