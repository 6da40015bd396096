/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* detach: takes the filter off, through the daemon or without it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/tune.h"
#include "tools/vpcgate.h"

static enum vg_exit print_detached(const json_t *names, const char *when)
{
	const json_t *name;
	size_t i;

	if (!json_array_size(names)) {
		puts("nothing to detach: no interface is filtered");
		return VG_EXIT_DONE;
	}
	printf("detached ");
	json_array_foreach(names, i, name)
		printf("%s%s", i ? ", " : "", json_string_value(name));
	printf("; %s attaches again what the config names\n", when);
	return VG_EXIT_DONE;
}

/* The names of the links in the folder, of which none is left. */
static int detach_links(const char *dir, json_t *names, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	size_t n = 0;
	int r;

	r = vg_dataplane_links(dir, &links, &n, diag);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = vg_dataplane_detach_link(dir, &links[i], diag);
		if (r == 0)
			json_array_append_new(names, json_string(links[i].name));
	}
	return r;
}

/* What could not be put back is told, and no reason to keep the filter. */
static void print_setting(void *context, bool failed, const char *text)
{
	(void)context;
	fprintf(failed ? stderr : stdout, "%s\n", text);
}

static void print_settings(const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach(texts, i, text)
		puts(json_string_value(text));
}

/* What was changed on a NIC (NULL: on all) for native mode; returns whether there was any. */
static bool put_back(const char *dir, const char *name)
{
	static const struct vg_tune_report report = {print_setting, NULL};
	const unsigned ifindex = name ? if_nametoindex(name) : 0;
	_cleanup_free_ struct vg_tuned *list = NULL;
	struct vg_diag diag = {};
	bool any = false;
	size_t n = 0;

	if (vg_tuned_list(dir, &list, &n, &diag) < 0)
		print_setting(NULL, true, diag.text);
	for (size_t i = 0; i < n; i++) {
		if (name && list[i].ifindex != ifindex)
			continue;
		vg_tune_back(dir, &list[i], &report);
		any = true;
	}
	return any;
}

static enum vg_exit detach_alone(const struct vg_cli *cli)
{
	json_auto_t *names = json_array();
	_cleanup_close_ int lock_fd = -1;
	struct vg_diag diag = {};
	bool tuned;
	int r;

	r = vg_dataplane_lock(cli->bpffs, &lock_fd, &diag);
	if (r == -EEXIST)
		return vg_cli_error("%s, but not %s: name its socket with --socket", diag.text,
				    cli->socket);
	if (cli->operand) {
		r = vg_dataplane_detach(cli->bpffs, cli->operand, &diag);
		json_array_append_new(names, json_string(cli->operand));
	} else {
		r = detach_links(cli->bpffs, names, &diag);
	}
	/* One that was killed halfway has changed settings, and attached nothing. */
	tuned = (r == 0 || r == -ENOENT) && put_back(cli->bpffs, cli->operand);
	if (r == 0 && !cli->operand)
		r = vg_dataplane_remove(cli->bpffs, &diag);
	if (r == -ENOENT && cli->operand && !tuned)
		return vg_cli_error("no filter is attached to '%s'; see `vpcgate status`",
				    cli->operand);
	if (r < 0 && r != -ENOENT)
		return vg_cli_pin_error(cli, r, &diag);
	return print_detached(names, "`systemctl start vpcgated`");
}

enum vg_exit vg_cli_detach(const struct vg_cli *cli)
{
	const char *const pairs[] = {"interface", cli->operand, NULL};
	json_auto_t *answer = NULL;
	struct vg_diag diag = {};
	const int r = vg_cli_ask(cli, "detach", pairs, &answer, &diag);

	if (vg_cli_no_daemon(r))
		return detach_alone(cli);
	if (r < 0)
		return vg_cli_ask_error(cli, r, &diag, "");
	print_settings(json_object_get(answer, "settings"));
	return print_detached(json_object_get(answer, "detached"), "`systemctl reload vpcgated`");
}
