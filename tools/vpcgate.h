/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the vpcgate command: options, sub-commands and what they share. */
#ifndef VPCGATE_CLI_H
#define VPCGATE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>
#include "core/policy.h"

enum vg_exit {
	VG_EXIT_DONE = 0,
	VG_EXIT_NO = 1,	   /* the answer is no */
	VG_EXIT_ERROR = 2, /* usage, input or run-time error */
};

#define VG_CLI_MAX_FROM 16

/* What the command line asked for. Strings are those of argv. */
struct vg_cli {
	const char *bpffs;
	const char *socket;
	bool json;
	bool help;
	bool version;
	const char *interface; /* this and those below: NULL where not given */
	const char *to;
	const char *port;
	const char *config;
	const char *set;
	const char *from[VG_CLI_MAX_FROM];
	size_t n_from;
	const char *network;
	const char *metadata, *compute, *vpcaccess; /* URLs of other servers than Google's */
	const char *ca;
	const char *operand;
	double watch_s; /* 0: once */
	bool accept_shrink;
	bool dry_run;
	bool yes;
	unsigned confirm_s; /* 0: not given */
};

struct vg_option {
	int letter; /* stands for it in vg_command.options; h and V are options too */
	const char *name;
	const char *argument; /* NULL: none; "[SEC]": may be missing */
	const char *text;
};

struct vg_command {
	const char *name;
	const char *options; /* letters, beside the global ones */
	const char *operand; /* NULL: none; "[IF]": may be missing */
	const char *summary;
	const char *text;
	enum vg_exit (*run)(const struct vg_cli *cli);
};

/* Both end with an element without a name. */
extern const struct vg_option vg_cli_options[];
extern const struct vg_command vg_cli_commands[];
#define VG_CLI_GLOBAL_OPTIONS "BShV"

/* NULL: there is no such command. */
const struct vg_command *vg_cli_command(const char *name);

/* Prints that there is none, and the nearest that there is. */
enum vg_exit vg_cli_no_command(const char *name);

/*
 * Fills in `cli` from argv[1] on and returns the index of the first word that is no option, or -1
 * once an error is printed. Without `command` it stops at that word: the options before a command.
 */
int vg_cli_parse(int argc, char **argv, const struct vg_command *command, struct vg_cli *cli);

/* Help on one command, or on all with NULL. */
void vg_cli_help(const struct vg_command *command);

/* Which of the `n` names, at least one, is most like `word`. */
const char *vg_cli_nearest(const char *word, const char *const *names, size_t n);

/* Prints "vpcgate: text" to standard error. */
enum vg_exit vg_cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a failed read or write of what is pinned: says what to do about `error`. */
enum vg_exit vg_cli_pin_error(const struct vg_cli *cli, int error, const struct vg_diag *diag);

/* A member of `object` that is text, or `missing` where it is absent or null. */
const char *vg_cli_text(const json_t *object, const char *key, const char *missing);

/* Prints `json` and a newline: on one line, or indented for people. */
void vg_cli_print_json(const json_t *json, bool one_line);

/*
 * Asks the daemon: `command`, and each of the NULL-terminated pairs (key, value) whose value is not
 * NULL. As vg_wire_call(), but for the members "version" and "ok", which are taken out.
 */
int vg_cli_ask(const struct vg_cli *cli, const char *command, const char *const *pairs,
	       json_t **ret_answer, struct vg_diag *diag);

/* The same with a request that is made already, of which the caller keeps its reference. */
int vg_cli_request(const struct vg_cli *cli, json_t *request, json_t **ret_answer,
		   struct vg_diag *diag);

/* vg_cli_ask() of the history, of `generation` alone with its config unless that is 0. */
int vg_cli_ask_history(const struct vg_cli *cli, json_int_t generation, json_t **ret_answer,
		       struct vg_diag *diag);

/* A generation that the operator writes; prints what is wrong with it. */
enum vg_exit vg_cli_parse_generation(const char *text, json_int_t *ret_generation);

/* "generation 42 is in force", and, on trial, for how long and what then. */
void vg_cli_print_applied(const json_t *answer);

/* On a terminal: counts down until a trial is over, or it is confirmed, or Ctrl-C. */
enum vg_exit vg_cli_count_down(const struct vg_cli *cli, const json_t *answer);

/* Who logged in, for the history, as far as this process knows; "" if it doesn't. */
const char *vg_cli_login(void);

/* Between what comes into force and what a restart reads, no signal must end this process. */
void vg_cli_hold_signals(void);
void vg_cli_release_signals(void);

/* True where `error` of vg_cli_ask() means that nobody listens. */
bool vg_cli_no_daemon(int error);

/* Prints why vg_cli_ask() failed; `instead` says what can be done without a daemon. */
enum vg_exit vg_cli_ask_error(const struct vg_cli *cli, int error, const struct vg_diag *diag,
			      const char *instead);

/* Prints that `command` is for root, where not it but what it asks for before is refused. */
enum vg_exit vg_cli_denied(const char *command);

/* Prints why a config is refused, for editors that jump to FILE:LINE:COLUMN. Returns VG_EXIT_NO. */
enum vg_exit vg_cli_refused(const struct vg_diag *diag);

/*
 * Reads the policy of a config file. VG_EXIT_NO: it is refused; VG_EXIT_ERROR: it can't be read.
 * Both are printed.
 */
enum vg_exit vg_cli_read_policy(const char *path, struct vg_policy **ret_policy);

/* Cells of a table, row by row; owns its texts. All zeroes is an empty one. */
struct vg_cells {
	char **items;
	size_t n, allocated;
	bool failed; /* out of memory: vg_cells_print() says so */
};

void vg_cells_add(struct vg_cells *cells, const char *text);
void vg_cells_add_count(struct vg_cells *cells, json_int_t value);
void vg_cells_done(struct vg_cells *cells);

struct vg_column;

/* Prints the table to standard output. */
enum vg_exit vg_cells_print(const struct vg_cells *cells, const struct vg_column *columns,
			    size_t n_columns);

enum vg_exit vg_cli_status(const struct vg_cli *cli);
enum vg_exit vg_cli_drops(const struct vg_cli *cli);
enum vg_exit vg_cli_counters(const struct vg_cli *cli);
enum vg_exit vg_cli_flows(const struct vg_cli *cli);
enum vg_exit vg_cli_check(const struct vg_cli *cli);
enum vg_exit vg_cli_ranges(const struct vg_cli *cli);
enum vg_exit vg_cli_validate(const struct vg_cli *cli);
enum vg_exit vg_cli_discover(const struct vg_cli *cli);
enum vg_exit vg_cli_apply(const struct vg_cli *cli);
enum vg_exit vg_cli_confirm(const struct vg_cli *cli);
enum vg_exit vg_cli_rollback(const struct vg_cli *cli);
enum vg_exit vg_cli_history(const struct vg_cli *cli);
enum vg_exit vg_cli_detach(const struct vg_cli *cli);
enum vg_exit vg_cli_help_command(const struct vg_cli *cli);

/* Prints `status`, the daemon's answer or what was found without it, on one screen. */
enum vg_exit vg_status_print(const json_t *status);

#endif
