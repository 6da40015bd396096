/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/trial.h"
#include "dataplane/dataplane.h"
#include "share/cleanup.h"
#include "share/wire.h"
#include "tools/vpcgate.h"

#define NAMES_MAX 16 /* of options or commands */
#define WATCH_DEFAULT_S 2.0
#define WATCH_MIN_S 0.1
#define WATCH_MAX_S 86400.0

static int argument_kind(const struct vg_option *option)
{
	if (!option->argument)
		return no_argument;
	return option->argument[0] == '[' ? optional_argument : required_argument;
}

/* The options that are understood here, for getopt_long(); returns how many. */
static size_t list_options(const struct vg_command *command, struct option *ret_list)
{
	size_t n = 0;

	for (const struct vg_option *option = vg_cli_options; option->name; option++) {
		const bool global = strchr(VG_CLI_GLOBAL_OPTIONS, option->letter);

		if (!global && !(command && strchr(command->options, option->letter)))
			continue;
		ret_list[n++] = (struct option){
			.name = option->name,
			.has_arg = argument_kind(option),
			.val = option->letter,
		};
	}
	ret_list[n] = (struct option){};
	return n;
}

static bool is_option(const char *name)
{
	for (const struct vg_option *option = vg_cli_options; option->name; option++) {
		if (strcmp(option->name, name) == 0)
			return true;
	}
	return false;
}

/* Says what is wrong with `word`, and what was meant. */
static void refuse_option(const char *word, const struct vg_command *command,
			  const struct option *list, size_t n)
{
	const char *names[NAMES_MAX];
	char bare[64];

	snprintf(bare, sizeof(bare), "%s", word + strspn(word, "-"));
	bare[strcspn(bare, "=")] = '\0';
	for (size_t i = 0; i < n; i++) {
		names[i] = list[i].name;
		if (strcmp(bare, list[i].name) == 0) {
			vg_cli_error("option '--%s' takes no value", bare);
			return;
		}
	}
	if (!command && is_option(bare))
		vg_cli_error("option '--%s' belongs behind its command; see `vpcgate help`", bare);
	else if (word[1] != '-')
		vg_cli_error("there is no option '%s'; see `vpcgate help`", word);
	else
		vg_cli_error("%s has no option '%s': did you mean '--%s'?",
			     command ? command->name : "vpcgate", word,
			     vg_cli_nearest(bare, names, n));
}

static int parse_seconds(const char *text, double *ret_seconds)
{
	char *end;
	const double seconds = strtod(text, &end);

	/* Written so that NaN is refused, too. */
	if (end == text || *end || !(seconds >= WATCH_MIN_S && seconds <= WATCH_MAX_S)) {
		vg_cli_error("'%s' is no interval; --watch takes %g to %g seconds", text,
			     WATCH_MIN_S, WATCH_MAX_S);
		return -1;
	}
	*ret_seconds = seconds;
	return 0;
}

static int parse_duration(const char *text, unsigned *ret_s)
{
	unsigned seconds;

	if (vg_duration_parse(text, &seconds) < 0 || seconds < VG_TRIAL_MIN_S ||
	    seconds > VG_TRIAL_MAX_S) {
		vg_cli_error("--confirm can't be '%s': write %ds to %ds, or a whole number of "
			     "minutes as in 5m, up to 1h",
			     text, VG_TRIAL_MIN_S, VG_TRIAL_MAX_S);
		return -1;
	}
	*ret_s = seconds;
	return 0;
}

static int add_file(struct vg_cli *cli, const char *path)
{
	if (cli->n_from == VG_CLI_MAX_FROM) {
		vg_cli_error("more than %d files: --from takes no more", VG_CLI_MAX_FROM);
		return -1;
	}
	cli->from[cli->n_from++] = path;
	return 0;
}

/* The member of `cli` that holds the value of an option that has one; NULL: it has none, or more. */
static const char **text_of(struct vg_cli *cli, int letter)
{
	const struct {
		int letter;
		const char **text;
	} texts[] = {
		{'B', &cli->bpffs},   {'S', &cli->socket},    {'i', &cli->interface},
		{'t', &cli->to},      {'p', &cli->port},      {'c', &cli->config},
		{'s', &cli->set},     {'n', &cli->network},   {'m', &cli->metadata},
		{'C', &cli->compute}, {'v', &cli->vpcaccess}, {'a', &cli->ca},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(texts); i++) {
		if (texts[i].letter == letter)
			return texts[i].text;
	}
	return NULL;
}

/* `next` is the word behind the option: with --watch it is the interval unless it is an option. */
static int set_option(struct vg_cli *cli, int letter, const char *value, const char *next)
{
	const char **text = text_of(cli, letter);

	if (text) {
		*text = value;
		return 0;
	}
	switch (letter) {
	case 'h':
		cli->help = true;
		return 0;
	case 'V':
		cli->version = true;
		return 0;
	case 'j':
		cli->json = true;
		return 0;
	case 'd':
		cli->dry_run = true;
		return 0;
	case 'y':
		cli->yes = true;
		return 0;
	case 'k':
		return parse_duration(value, &cli->confirm_s);
	case 'A':
		cli->accept_shrink = true;
		return 0;
	case 'f':
		return add_file(cli, value);
	case 'w':
		cli->watch_s = WATCH_DEFAULT_S;
		if (value)
			return parse_seconds(value, &cli->watch_s);
		if (!next || next[0] == '-')
			return 0;
		optind++;
		return parse_seconds(next, &cli->watch_s);
	}
	return -1;
}

int vg_cli_parse(int argc, char **argv, const struct vg_command *command, struct vg_cli *cli)
{
	struct option list[NAMES_MAX];
	const size_t n = list_options(command, list);
	int c;

	opterr = 0;
	optind = 0; /* glibc: start anew */
	while ((c = getopt_long(argc, argv, command ? ":hV" : "+:hV", list, NULL)) != -1) {
		const char letter[] = {'-', (char)optopt, '\0'};

		if (c == ':') {
			vg_cli_error("option '%s' needs a value", argv[optind - 1]);
			return -1;
		}
		if (c == '?') {
			/* A short option may stand among others in its word. */
			refuse_option(optopt && !strstr(argv[optind - 1], "--") ? letter
										: argv[optind - 1],
				      command, list, n);
			return -1;
		}
		if (set_option(cli, c, optarg, argv[optind]) < 0)
			return -1;
	}
	return optind;
}

const struct vg_command *vg_cli_command(const char *name)
{
	for (const struct vg_command *command = vg_cli_commands; command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

/* Takes the one word that a command may have besides its options. */
static int take_operand(int argc, char **argv, int at, const struct vg_command *command,
			struct vg_cli *cli)
{
	const char *operand = command->operand;

	if (at < argc && operand)
		cli->operand = argv[at++];
	if (at < argc) {
		vg_cli_error("%s: '%s' is one word too many; see `vpcgate help %s`", command->name,
			     argv[at], command->name);
		return -1;
	}
	if (operand && operand[0] != '[' && !cli->operand) {
		vg_cli_error("%s needs %s; see `vpcgate help %s`", command->name, operand,
			     command->name);
		return -1;
	}
	return 0;
}

static enum vg_exit print_version(void)
{
	puts("vpcgate " VG_VERSION);
	return VG_EXIT_DONE;
}

static enum vg_exit run(int argc, char **argv, const struct vg_command *command, struct vg_cli *cli)
{
	const int at = vg_cli_parse(argc, argv, command, cli);

	if (at < 0)
		return VG_EXIT_ERROR;
	if (cli->version)
		return print_version();
	if (cli->help) {
		vg_cli_help(command);
		return VG_EXIT_DONE;
	}
	if (take_operand(argc, argv, at, command, cli) < 0)
		return VG_EXIT_ERROR;
	return command->run(cli);
}

static enum vg_exit dispatch(int argc, char **argv, struct vg_cli *cli)
{
	const int at = vg_cli_parse(argc, argv, NULL, cli);
	const struct vg_command *command;

	if (at < 0)
		return VG_EXIT_ERROR;
	if (cli->version)
		return print_version();
	if (cli->help) {
		vg_cli_help(NULL);
		return VG_EXIT_DONE;
	}
	if (at == argc)
		return vg_cli_error("which command? See `vpcgate help`");
	command = vg_cli_command(argv[at]);
	if (!command)
		return vg_cli_no_command(argv[at]);
	return run(argc - at, argv + at, command, cli);
}

int main(int argc, char **argv)
{
	struct vg_cli cli = {.bpffs = VG_BPFFS_DEFAULT, .socket = VG_SOCKET_DEFAULT};
	enum vg_exit result;

	/* Not LC_NUMERIC: numbers read and written here always have a point. */
	setlocale(LC_CTYPE, "");
	result = dispatch(argc, argv, &cli);
	if (fflush(stdout) != 0 || ferror(stdout))
		return vg_cli_error("cannot write the output");
	return result;
}
