/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply: the config as it is now, or a file in its place, in force; perhaps on trial. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "tools/install.h"
#include "tools/preview.h"
#include "tools/session.h"

#define FILE_NAME_MAX 255 /* bytes, as the daemon takes them */

/* A file to apply. All zeroes: the config itself. */
struct source {
	const char *path;
	char *config; /* where the config stands, whose place it takes */
	char *text;
	size_t length;
};

static void source_done(struct source *source)
{
	free(source->config);
	free(source->text);
}

static enum vg_exit ask_error(const struct vg_cli *cli, int error, const struct vg_diag *diag)
{
	return vg_cli_ask_error(cli, error, diag, "start it with `systemctl start vpcgated`");
}

static enum vg_exit find_config(const struct vg_cli *cli, struct source *source)
{
	json_auto_t *history = NULL;
	struct vg_diag diag = {};
	int r;

	r = vg_cli_ask_history(cli, 0, &history, &diag);
	if (r < 0)
		return ask_error(cli, r, &diag);
	source->config = strdup(vg_cli_text(history, "config", ""));
	return source->config ? VG_EXIT_DONE : vg_cli_error("out of memory");
}

static enum vg_exit read_source(const struct vg_cli *cli, struct source *source)
{
	int r;

	source->path = cli->operand;
	if (!source->path)
		return VG_EXIT_DONE;
	r = vg_file_read(source->path, &source->text, &source->length);
	if (r < 0)
		return vg_cli_error("cannot read %s: %s", source->path, strerror(-r));
	return find_config(cli, source);
}

/* Relative to nothing: the history outlives the working directory. */
static json_t *name_of(const char *path)
{
	char full[PATH_MAX];

	if (!realpath(path, full))
		return NULL;
	return json_string(strlen(full) <= FILE_NAME_MAX ? full : strrchr(full, '/') + 1);
}

static json_t *request_of(const struct vg_cli *cli)
{
	json_t *request = json_pack("{ss sb ss}", "command", "apply", "accept_shrink",
				    cli->accept_shrink, "login", vg_cli_login());

	if (cli->confirm_s)
		json_object_set_new(request, "confirm_s", json_integer(cli->confirm_s));
	return request;
}

/* The daemon speaks of the config, whose place the file takes. */
static enum vg_exit print_refusal(const struct source *source, const char *text)
{
	const size_t length = source->config ? strlen(source->config) : 0;

	if (length && strncmp(text, source->config, length) == 0 && text[length] == ':')
		fprintf(stderr, "%s%s\n", source->path, text + length);
	else
		fprintf(stderr, "%s\n", text);
	return VG_EXIT_NO;
}

/* The text of a file lies beside the socket for as long as the daemon is asked. Signals must be held. */
static enum vg_exit ask(const struct vg_cli *cli, const struct source *source, json_t *request,
			json_t **ret_answer)
{
	char *staged = NULL;
	enum vg_exit result;
	struct vg_diag diag = {};
	int r;

	if (source->path) {
		result = vg_stage_write(cli, source->text, source->length, &staged);
		if (result != VG_EXIT_DONE)
			return result;
		json_object_set_new(request, "staged", json_string(staged));
		json_object_set_new(request, "file", name_of(source->path));
	}
	r = vg_cli_request(cli, request, ret_answer, &diag);
	vg_stage_remove(cli, staged);
	if (r == -EREMOTEIO)
		return print_refusal(source, diag.text);
	return r < 0 ? ask_error(cli, r, &diag) : VG_EXIT_DONE;
}

static void print_accepted(const struct vg_cli *cli, const json_t *answer)
{
	const json_int_t accepted = json_integer_value(json_object_get(answer, "accepted"));

	if (cli->accept_shrink && !accepted)
		puts("no answer was held back");
	else if (accepted)
		printf("%lld answer%s that %s held back %s accepted\n", (long long)accepted,
		       accepted == 1 ? "" : "s", accepted == 1 ? "was" : "were",
		       accepted == 1 ? "is" : "are");
}

/* What it would do. VG_EXIT_NO: it would be refused, which is printed. */
static enum vg_exit ask_preview(const struct vg_cli *cli, const struct source *source,
				const char *session, json_t **ret_preview)
{
	json_auto_t *request = request_of(cli);
	enum vg_exit result;

	json_object_set_new(request, "dry_run", json_true());
	if (session)
		json_object_set_new(request, "session", json_string(session));
	vg_cli_hold_signals();
	result = ask(cli, source, request, ret_preview);
	vg_cli_release_signals();
	return result;
}

/* A policy that would cut off whoever applies it. */
static enum vg_exit check_session(const struct vg_cli *cli, const struct source *source)
{
	_cleanup_free_ char *session = cli->yes ? NULL : vg_session_find();
	json_auto_t *preview = NULL;
	enum vg_exit result;

	if (!session)
		return VG_EXIT_DONE;
	result = ask_preview(cli, source, session, &preview);
	return result == VG_EXIT_DONE ? vg_preview_agree(cli, preview) : result;
}

static enum vg_exit dry_run(const struct vg_cli *cli, const struct source *source)
{
	_cleanup_free_ char *session = vg_session_find();
	json_auto_t *preview = NULL;
	const enum vg_exit result = ask_preview(cli, source, session, &preview);

	return result == VG_EXIT_DONE ? vg_preview_print(cli, preview) : result;
}

/*
 * Asks the daemon, and makes a file the config; on trial, it is `confirm` that does so. What can fail
 * without the daemon fails before it is asked.
 */
static enum vg_exit put_in_force(const struct vg_cli *cli, const struct source *source,
				 json_t **ret_answer)
{
	_cleanup_(vg_install_done) struct vg_install install = {};
	json_auto_t *request = request_of(cli);
	enum vg_exit result;
	int r;

	if (source->path) {
		r = vg_install_prepare(source->config, source->text, source->length, &install);
		if (r < 0)
			return vg_install_error(source->config, r);
	}
	result = ask(cli, source, request, ret_answer);
	if (result == VG_EXIT_DONE && source->path && !cli->confirm_s)
		result = vg_install_commit(&install);
	return result;
}

static enum vg_exit apply(const struct vg_cli *cli, const struct source *source)
{
	json_auto_t *answer = NULL;
	enum vg_exit result;

	vg_cli_hold_signals();
	result = put_in_force(cli, source, &answer);
	vg_cli_release_signals();
	if (!answer)
		return result;
	if (cli->json) {
		vg_cli_print_json(answer, false);
		return result;
	}
	print_accepted(cli, answer);
	vg_cli_print_applied(answer);
	if (result == VG_EXIT_DONE && cli->confirm_s)
		result = vg_cli_count_down(cli, answer);
	return result;
}

enum vg_exit vg_cli_apply(const struct vg_cli *cli)
{
	struct source source = {};
	enum vg_exit result;

	if (cli->confirm_s && cli->accept_shrink)
		return vg_cli_error(
			"--accept-shrink can't be tried: what it believes no trial takes "
			"back; apply it without --confirm");
	result = read_source(cli, &source);
	if (result == VG_EXIT_DONE && cli->dry_run)
		result = dry_run(cli, &source);
	else if (result == VG_EXIT_DONE)
		result = check_session(cli, &source);
	if (result == VG_EXIT_DONE && !cli->dry_run)
		result = apply(cli, &source);
	source_done(&source);
	return result;
}
