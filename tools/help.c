/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include "core/nearest.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/wire.h"
#include "tools/vpcgate.h"

const struct vg_option vg_cli_options[] = {
	{'i', "interface", "IF",
	 "only this one; check: which the packet enters; discover --from: its name"},
	{'w', "watch", "[SEC]", "repeat every SEC seconds (default 2, at least 0.1), with rates"},
	{'t', "to", "ADDRESS", "the destination address of the packet"},
	{'p', "port", "PROTO/PORT", "what it is for: tcp/443, udp/53, sctp/1, or a protocol: icmp"},
	{'s', "set", "NAME", "only this source set"},
	{'c', "config", "FILE", "ask this config instead of the policy in force; needs no daemon"},
	{'f', "from", "FILE",
	 "read this instead of asking, JSON of gcloud's or the APIs'; repeatable"},
	{'n', "network", "NAME", "which of the networks in the files"},
	{'m', "metadata", "URL", "another metadata server (default " VG_METADATA_URL ")"},
	{'C', "compute", "URL", "another Compute API (default " VG_COMPUTE_URL ")"},
	{'v', "vpcaccess", "URL",
	 "another Serverless VPC Access API (default " VG_VPCACCESS_URL ")"},
	{'a', "ca", "FILE", "certificates to trust instead of the system's"},
	{'k', "confirm", "DURATION",
	 "go back by itself unless `vpcgate confirm` comes within 10s to 1h"},
	{'d', "dry-run", NULL,
	 "only show what it would change, and which connections it would refuse"},
	{'y', "yes", NULL, "even if it would refuse the SSH session that this is run over"},
	{'A', "accept-shrink", NULL, "believe answers of feeds that are held back"},
	{'j', "json", NULL, "print JSON"},
	{'B', "bpffs", "DIR", "the folder of the pinned filter (default " VG_BPFFS_DEFAULT ")"},
	{'S', "socket", "PATH", "the daemon's control socket (default " VG_SOCKET_DEFAULT ")"},
	{'h', "help", NULL, "print this help"},
	{'V', "version", NULL, "print the version"},
	{},
};

const struct vg_command vg_cli_commands[] = {
	{"status", "j", NULL, "the policy in force, each interface, and what to look at",
	 "Exit: 0 a filter is in force, 2 neither a filter nor a daemon.", vg_cli_status},
	{"drops", "iwj", NULL, "what was dropped, by interface, reason and source set",
	 "In `monitor` these are frames that would have been dropped. Needs no daemon.",
	 vg_cli_drops},
	{"counters", "iwj", NULL, "the same, what passed too, and services",
	 "Counts since the filter was first attached; a reload keeps them. Needs no daemon.",
	 vg_cli_counters},
	{"flows", "j", NULL, "what this host has opened itself, and may still be answered",
	 "Under `replies: track`. The most recently seen first. Needs no daemon.", vg_cli_flows},
	{"check", "tpicj", "ADDRESS", "would a packet from ADDRESS pass, and why",
	 "Exit: 0 it passes, 1 it is dropped, 2 error.", vg_cli_check},
	{"ranges", "scj", NULL, "what each source set holds, and where it came from", "",
	 vg_cli_ranges},
	{"validate", "", "FILE", "would the daemon accept this config",
	 "Needs no privilege and no daemon. Exit: 0 accepted, 1 refused, 2 cannot be read.",
	 vg_cli_validate},
	{"discover", "finmCva", NULL, "print a starting config for this machine",
	 "Asks the kernel, the metadata server and the Compute API, and changes nothing. With --from it\n"
	 "works from files, anywhere. Exit: 0 a config is printed, what is missing in it is on standard\n"
	 "error; 2 none could be made.",
	 vg_cli_discover},
	{"apply", "kdyAj", "[FILE]", "put the config in force as it is now, or FILE in its place",
	 "Says what came of it. FILE becomes the config; with --confirm, once it is confirmed. New feeds\n"
	 "are asked first, for up to 5 s. What would refuse your own SSH session asks before. Exit: 0 it\n"
	 "is in force, 1 it is refused, or not confirmed in time, 2 error, or your own session.",
	 vg_cli_apply},
	{"confirm", "", "[GENERATION]", "keep what `apply --confirm` has put in force",
	 "With GENERATION only that one, should another be on trial by now. Exit: 0 it stays, 1 nothing waits to be confirmed, 2 error.",
	 vg_cli_confirm},
	{"rollback", "dyj", "[GENERATION]", "go back to what was in force before, or at GENERATION",
	 "Ends a trial at once. Twice goes back two configs. What would refuse your own SSH session asks\n"
	 "before. Exit: 0 it is in force, 1 it is refused, or there is none, 2 error, or your own session.",
	 vg_cli_rollback},
	{"history", "j", "[GENERATION]", "the last configs: when, by whom, and what they changed",
	 "With GENERATION its config, as it was written.", vg_cli_history},
	{"detach", "", "[IF]", "take the filter off an interface, or off all",
	 "The only way to take it off: it outlives the daemon.", vg_cli_detach},
	{"help", "", "[COMMAND]", "how to use a command", "", vg_cli_help_command},
	{},
};

static void print_options(const char *letters)
{
	for (const struct vg_option *option = vg_cli_options; option->name; option++) {
		char left[32];

		if (!strchr(letters, option->letter))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument ? " " : "",
			 option->argument ? option->argument : "");
		printf("  %-18s  %s\n", left, option->text);
	}
}

static void print_overview(void)
{
	puts("vpcgate: Cloud Run's ingress settings for the network interfaces of this host\n\n"
	     "Usage: vpcgate [--bpffs DIR] [--socket PATH] COMMAND [OPTION...]\n\nCommands:");
	for (const struct vg_command *command = vg_cli_commands; command->name; command++)
		printf("  %-9s %-9s  %s\n", command->name, command->operand ? command->operand : "",
		       command->summary);
	puts("\nOptions of every command:");
	print_options(VG_CLI_GLOBAL_OPTIONS);
	puts("\nExit: 0 done, 1 the answer is no, 2 a usage, input or run-time error.\n"
	     "`vpcgate help COMMAND` tells more; vpcgate(8) tells all.");
}

void vg_cli_help(const struct vg_command *command)
{
	if (!command) {
		print_overview();
		return;
	}
	printf("vpcgate %s: %s\n\nUsage: vpcgate %s", command->name, command->summary,
	       command->name);
	for (const struct vg_option *option = vg_cli_options; option->name; option++) {
		if (strchr(command->options, option->letter))
			printf(" [--%s%s%s]", option->name, option->argument ? " " : "",
			       option->argument ? option->argument : "");
	}
	if (command->operand)
		printf(" %s", command->operand);
	puts("\n");
	if (*command->text)
		printf("%s\n\n", command->text);
	puts("Options:");
	print_options(command->options);
	print_options(VG_CLI_GLOBAL_OPTIONS);
}

const char *vg_cli_nearest(const char *word, const char *const *names, size_t n)
{
	const char *nearest = names[0];

	for (size_t i = 1; i < n; i++) {
		if (vg_edit_distance(word, names[i]) < vg_edit_distance(word, nearest))
			nearest = names[i];
	}
	return nearest;
}

enum vg_exit vg_cli_no_command(const char *name)
{
	const char *names[VG_ARRAY_SIZE(vg_cli_commands) - 1] = {};
	const size_t n = VG_ARRAY_SIZE(names);

	for (size_t i = 0; i < n; i++)
		names[i] = vg_cli_commands[i].name;
	return vg_cli_error("no command '%s': did you mean '%s'? See `vpcgate help`", name,
			    vg_cli_nearest(name, names, n));
}

enum vg_exit vg_cli_help_command(const struct vg_cli *cli)
{
	const struct vg_command *command = NULL;

	if (cli->operand) {
		command = vg_cli_command(cli->operand);
		if (!command)
			return vg_cli_no_command(cli->operand);
	}
	vg_cli_help(command);
	return VG_EXIT_DONE;
}
