/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* confirm, and how long a trial may still wait for it. */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "tools/install.h"

#define LOGIN_UID "/proc/self/loginuid"
#define DAEMON_MISSING_S 10
#define NO_LOGIN 4294967295UL /* of a process that nobody's login began */

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* ---- who and when ---- */

const char *vg_cli_login(void)
{
	const char *before_sudo = getenv("SUDO_USER");
	_cleanup_free_ char *text = NULL;
	const struct passwd *user;
	unsigned long uid;
	size_t length;

	if (vg_file_read(LOGIN_UID, &text, &length) == 0) {
		uid = strtoul(text, NULL, 10);
		user = uid == NO_LOGIN ? NULL : getpwuid((uid_t)uid);
		if (user)
			return user->pw_name;
	}
	return before_sudo ? before_sudo : "";
}

static const int held[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};

void vg_cli_hold_signals(void)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(held); i++)
		signal(held[i], SIG_IGN);
}

void vg_cli_release_signals(void)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(held); i++)
		signal(held[i], SIG_DFL);
}

/* ---- a trial ---- */

void vg_cli_print_applied(const json_t *answer)
{
	const json_t *trial = json_object_get(answer, "trial");

	printf("generation %lld is in force", (long long)number_of(answer, "generation"));
	if (json_is_object(trial))
		printf(" on trial: in %lld s generation %lld comes back, unless `vpcgate confirm`",
		       (long long)number_of(trial, "left_s"), (long long)number_of(trial, "back"));
	puts("");
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

/* How it ended: its entry is the newest if it was confirmed. */
static enum vg_exit print_end(const json_t *history, json_int_t generation)
{
	const json_t *entries = json_object_get(history, "entries");
	const json_t *newest = json_array_get(entries, json_array_size(entries) - 1);

	if (number_of(newest, "generation") == generation) {
		printf("generation %lld is confirmed\n", (long long)generation);
		return VG_EXIT_DONE;
	}
	printf("generation %lld was not confirmed: generation %lld is in force\n",
	       (long long)generation, (long long)number_of(newest, "generation"));
	return VG_EXIT_NO;
}

static void wait_a_second(void)
{
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

static json_int_t boot_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/* Only a daemon goes back; one that is started anew gets some seconds. */
static enum vg_exit look_for_daemon(json_int_t generation, json_int_t deadline_s, bool *ret_over)
{
	*ret_over = boot_s() > deadline_s + DAEMON_MISSING_S;
	if (!*ret_over) {
		printf("\rvpcgated does not answer; the deadline holds all the same ");
		return VG_EXIT_DONE;
	}
	putchar('\n');
	fflush(stdout);
	vg_cli_error("no vpcgated is there to go back: generation %lld stays in force until it is "
		     "started with `systemctl start vpcgated`",
		     (long long)generation);
	return VG_EXIT_NO;
}

/* Prints how long there is left, or how it ended; `ret_over`: that. */
static enum vg_exit look(const struct vg_cli *cli, json_int_t generation, json_int_t deadline_s,
			 bool *ret_over)
{
	json_auto_t *history = NULL;
	struct vg_diag diag = {};
	const json_t *trial;
	const char *error;

	if (vg_cli_ask_history(cli, 0, &history, &diag) < 0)
		return look_for_daemon(generation, deadline_s, ret_over);
	trial = json_object_get(history, "trial");
	error = vg_cli_text(trial, "error", NULL);
	*ret_over = error || number_of(trial, "generation") != generation;
	if (!*ret_over) {
		printf("\r%4lld s left to `vpcgate confirm` ",
		       (long long)number_of(trial, "left_s"));
		return VG_EXIT_DONE;
	}
	putchar('\n');
	if (!error)
		return print_end(history, generation);
	fflush(stdout);
	vg_cli_error("%s", error);
	return VG_EXIT_NO;
}

enum vg_exit vg_cli_count_down(const struct vg_cli *cli, const json_t *answer)
{
	const json_int_t generation = number_of(answer, "generation");
	const json_int_t deadline_s =
		boot_s() + number_of(json_object_get(answer, "trial"), "left_s");
	const struct sigaction action = {.sa_handler = on_interrupt};
	enum vg_exit result = VG_EXIT_DONE;
	bool over = false;

	if (!isatty(STDOUT_FILENO))
		return VG_EXIT_DONE;
	sigaction(SIGINT, &action, NULL);
	while (!over && !interrupted) {
		result = look(cli, generation, deadline_s, &over);
		fflush(stdout);
		if (!over)
			wait_a_second();
	}
	if (!over)
		puts("\nthe timer runs on without this terminal; `vpcgate confirm` keeps the policy");
	return result;
}

/* ---- confirm ---- */

/*
 * What was applied from a file is to be the config from now on. `ret_generation` is what is on trial, or
 * what the operator has named, or 0.
 */
static enum vg_exit prepare_install(const struct vg_cli *cli, json_int_t *ret_generation,
				    struct vg_install *install)
{
	json_auto_t *history = NULL, *tried = NULL;
	const json_t *text;
	struct vg_diag diag = {};
	json_int_t generation;
	const char *config;
	int r;

	if (cli->operand && vg_cli_parse_generation(cli->operand, ret_generation) != VG_EXIT_DONE)
		return VG_EXIT_ERROR;
	r = vg_cli_ask_history(cli, 0, &history, &diag);
	generation = number_of(json_object_get(history, "trial"), "generation");
	if (!*ret_generation)
		*ret_generation = generation;
	/* Where it is another one, the daemon says so. */
	if (r == 0 && generation && generation == *ret_generation)
		r = vg_cli_ask_history(cli, generation, &tried, &diag);
	if (r == -EPERM)
		return vg_cli_denied("confirm");
	if (r < 0)
		return vg_cli_ask_error(cli, r, &diag, "start it with `systemctl start vpcgated`");
	if (!vg_cli_text(json_array_get(json_object_get(tried, "entries"), 0), "file", NULL))
		return VG_EXIT_DONE;
	config = vg_cli_text(tried, "config", "");
	text = json_object_get(tried, "text");
	r = vg_install_prepare(config, json_string_value(text), json_string_length(text), install);
	return r < 0 ? vg_install_error(config, r) : VG_EXIT_DONE;
}

enum vg_exit vg_cli_confirm(const struct vg_cli *cli)
{
	_cleanup_(vg_install_done) struct vg_install install = {};
	json_auto_t *request = json_pack("{ss}", "command", "confirm"), *answer = NULL;
	json_int_t generation = 0;
	enum vg_exit result;
	struct vg_diag diag = {};
	int r;

	vg_cli_hold_signals();
	result = prepare_install(cli, &generation, &install);
	if (result != VG_EXIT_DONE)
		return result;
	if (generation)
		json_object_set_new(request, "generation", json_integer(generation));
	r = vg_cli_request(cli, request, &answer, &diag);
	if (r == -EREMOTEIO) {
		fprintf(stderr, "%s\n", diag.text);
		return VG_EXIT_NO;
	}
	if (r < 0)
		return vg_cli_ask_error(cli, r, &diag, "start it with `systemctl start vpcgated`");
	if (install.aside)
		result = vg_install_commit(&install);
	printf("generation %lld is in force for good\n",
	       (long long)number_of(answer, "generation"));
	return result;
}
