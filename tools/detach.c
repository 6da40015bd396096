/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* detach: takes the filter off, through the daemon or without it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
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

/* The names of the links in the folder. */
static int list_links(const char *dir, json_t **ret_names, struct vg_diag *diag)
{
	_cleanup_free_ struct vg_link_info *links = NULL;
	json_t *names;
	size_t n = 0;
	int r;

	r = vg_dataplane_links(dir, &links, &n, diag);
	if (r < 0)
		return r;
	names = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(names, json_string(links[i].name));
	*ret_names = names;
	return 0;
}

static enum vg_exit detach_alone(const struct vg_cli *cli)
{
	_cleanup_close_ int lock_fd = -1;
	json_auto_t *names = NULL;
	struct vg_diag diag = {};
	int r;

	r = vg_dataplane_lock(cli->bpffs, &lock_fd, &diag);
	if (r == -EEXIST)
		return vg_cli_error("%s, but not %s: name its socket with --socket", diag.text,
				    cli->socket);
	if (cli->operand) {
		r = vg_dataplane_detach(cli->bpffs, cli->operand, &diag);
		names = json_pack("[s]", cli->operand);
	} else {
		r = list_links(cli->bpffs, &names, &diag);
		if (r == 0)
			r = vg_dataplane_remove(cli->bpffs, &diag);
	}
	if (r == -ENOENT && cli->operand)
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
	return print_detached(json_object_get(answer, "detached"), "`systemctl reload vpcgated`");
}
