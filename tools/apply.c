/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply: the config as it is now, in force. */
#include <errno.h>
#include <stdio.h>
#include "share/cleanup.h"
#include "tools/vpcgate.h"

static json_int_t number_of(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

enum vg_exit vg_cli_apply(const struct vg_cli *cli)
{
	json_auto_t *request = NULL, *answer = NULL;
	struct vg_diag diag = {};
	json_int_t accepted;
	int r;

	request = json_pack("{ss sb}", "command", "apply", "accept_shrink", cli->accept_shrink);
	if (!request)
		return vg_cli_error("out of memory");
	r = vg_cli_request(cli, request, &answer, &diag);
	if (r == -EREMOTEIO) {
		fprintf(stderr, "%s\n", diag.text);
		return VG_EXIT_NO;
	}
	if (r < 0)
		return vg_cli_ask_error(cli, r, &diag, "start it with `systemctl start vpcgated`");
	accepted = number_of(answer, "accepted");
	if (cli->accept_shrink && !accepted)
		puts("no answer was held back");
	else if (accepted)
		printf("%lld answer%s that %s held back %s accepted\n", (long long)accepted,
		       accepted == 1 ? "" : "s", accepted == 1 ? "was" : "were",
		       accepted == 1 ? "is" : "are");
	printf("generation %lld is in force\n", (long long)number_of(answer, "generation"));
	return VG_EXIT_DONE;
}
