/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the sub-commands ask, print and fail. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "share/wire.h"
#include "tools/vpcgate.h"

#define ASK_TIMEOUT_MS 30000 /* a policy of a million prefixes takes the daemon seconds */

enum vg_exit vg_cli_error(const char *format, ...)
{
	va_list args;

	fputs("vpcgate: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return VG_EXIT_ERROR;
}

enum vg_exit vg_cli_pin_error(const struct vg_cli *cli, int error, const struct vg_diag *diag)
{
	switch (error) {
	case -ENOENT:
		return vg_cli_error("no filter is in force below %s; start it with "
				    "`systemctl start vpcgated`",
				    cli->bpffs);
	case -EPERM:
	case -EACCES:
		return vg_cli_error("not allowed to open the filter in %s; run vpcgate as root",
				    cli->bpffs);
	default:
		return vg_cli_error("%s", diag->text);
	}
}

const char *vg_cli_text(const json_t *object, const char *key, const char *missing)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : missing;
}

void vg_cli_print_json(const json_t *json, bool one_line)
{
	json_dumpf(json, stdout, one_line ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
}

int vg_cli_request(const struct vg_cli *cli, json_t *request, json_t **ret_answer,
		   struct vg_diag *diag)
{
	const int r = vg_wire_call(cli->socket, request, ASK_TIMEOUT_MS, ret_answer, diag);

	if (r < 0)
		return r;
	json_object_del(*ret_answer, "version");
	json_object_del(*ret_answer, "ok");
	return 0;
}

int vg_cli_ask(const struct vg_cli *cli, const char *command, const char *const *pairs,
	       json_t **ret_answer, struct vg_diag *diag)
{
	json_auto_t *request = json_pack("{s:s}", "command", command);

	if (!request)
		return -ENOMEM;
	for (; pairs && pairs[0]; pairs += 2) {
		/* -1 also where argv is not UTF-8, which no name or address is. */
		if (pairs[1] && json_object_set_new(request, pairs[0], json_string(pairs[1])) < 0)
			return vg_diag_set(diag, EILSEQ, "", (struct vg_position){},
					   "'%s' is not UTF-8 text", pairs[1]);
	}
	return vg_cli_request(cli, request, ret_answer, diag);
}

bool vg_cli_no_daemon(int error)
{
	return error == -ECONNREFUSED || error == -ENOENT;
}

enum vg_exit vg_cli_ask_error(const struct vg_cli *cli, int error, const struct vg_diag *diag,
			      const char *instead)
{
	if (vg_cli_no_daemon(error))
		return vg_cli_error("vpcgated is not running (nobody answers at %s); %s",
				    cli->socket, instead);
	if (error == -EACCES)
		return vg_cli_error("not allowed to ask vpcgated at %s; run vpcgate as root, or as "
				    "a member of the group vpcgate to look",
				    cli->socket);
	if (error == -ETIMEDOUT)
		return vg_cli_error("vpcgated did not answer at %s within %d s; see "
				    "`journalctl -u vpcgated`",
				    cli->socket, ASK_TIMEOUT_MS / 1000);
	return vg_cli_error("%s", *diag->text ? diag->text : strerror(-error));
}

enum vg_exit vg_cli_denied(const char *command)
{
	return vg_cli_error("%s changes the filter, which is for root: run `sudo vpcgate %s`",
			    command, command);
}

enum vg_exit vg_cli_refused(const struct vg_diag *diag)
{
	char line[VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE];

	vg_diag_format(diag, line, sizeof(line));
	fprintf(stderr, "%s\n", line);
	return VG_EXIT_NO;
}

enum vg_exit vg_cli_read_policy(const char *path, struct vg_policy **ret_policy)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct vg_diag diag = {};
	size_t length;
	int r;

	/* In steps, since only a failure of the first is not the config's fault. */
	r = vg_file_read(path, &text, &length);
	if (r < 0)
		return vg_cli_error("cannot read %s: %s", path, strerror(-r));
	r = vg_config_parse(path, text, length, &config, &diag);
	if (r == 0)
		r = vg_policy_build(config, &vg_file_reader, ret_policy, &diag);
	if (r == 0)
		return VG_EXIT_DONE;
	if (r == -ENOMEM)
		return vg_cli_error("out of memory while reading %s", path);
	return vg_cli_refused(&diag);
}
